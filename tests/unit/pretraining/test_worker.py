"""The loop of one rank in this process: what does not need two of them."""

from __future__ import annotations

import json
import os
import shutil
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from scripts.lib.errors import UserError
from scripts.pretraining.engine import start_processes, stop_processes
from scripts.pretraining.inputs import sources_of
from scripts.pretraining.job import Job
from scripts.pretraining.layout import lay_out
from scripts.pretraining.recipe import Recipe
from scripts.pretraining.worker import Trainer
from tests.unit.pretraining import tiny


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> tiny.Inputs:
    return tiny.Inputs(tmp_path_factory.mktemp("inputs") / "in")


@pytest.fixture(scope="module")
def device() -> Iterator[torch.device]:
    """A process group of one."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    group = {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    before = {name: os.environ.get(name) for name in group}
    os.environ.update(group)
    yield start_processes()
    stop_processes()
    for name, value in before.items():
        if value is None:
            del os.environ[name]
        else:
            os.environ[name] = value


def make_job(inputs: tiny.Inputs, micro_batch: int = 2, zero_stage: int = 0, **chosen: Any) -> Job:
    recipe = Recipe.from_settings(tiny.settings(**chosen))
    training = recipe.training
    layout = lay_out(training.global_batch, training.sequence_length, 1, micro_batch, zero_stage)
    return Job(
        recipe=recipe,
        weights={},
        layout=layout,
        digest="recipe",
        vocabulary=tiny.VOCABULARY,
        tokenizer=str(inputs.tokenizer.with_suffix("")),
        sources=sources_of(inputs.shards, inputs.orders),
    )


def run(job: Job, folder: Path, device: torch.device) -> tuple[dict[str, torch.Tensor], list[dict[str, Any]]]:
    """Train, and return the weights and the rows of metrics."""
    folder.mkdir(exist_ok=True)
    Trainer(job, folder, device).run()
    lines = (folder / "result" / "metrics.jsonl").read_text("utf-8").splitlines()
    return load_file(folder / "result" / "export" / "model.safetensors"), [json.loads(line) for line in lines]


@pytest.mark.parametrize(
    ("family", "zero_stage"),
    [("gpt2", 0), ("bert", 0), ("modernbert", 0), ("llama", 1), ("llama", 3)],
    ids=lambda value: str(value),
)
def test_resumed_with_dropout_or_masks_the_weights_are_the_same_bits(
    inputs: tiny.Inputs, device: torch.device, tmp_path: Path, family: str, zero_stage: int
) -> None:
    job = make_job(inputs, zero_stage=zero_stage, family=family, steps=10, dropout=0.1)
    weights, rows = run(job, tmp_path, device)
    shutil.rmtree(tmp_path / "step-00000010")
    torch.manual_seed(99)
    again, repeated = run(job, tmp_path, device)
    assert repeated == rows
    assert all(torch.equal(weights[name], again[name]) for name in weights)
    assert ("bits_per_byte" in rows[-1]["validation"]["web"]) == ("bert" not in family)


def losses(rows: list[dict[str, Any]]) -> list[float]:
    return [row["loss"] for row in rows if "loss" in row]


@pytest.mark.parametrize("family", ["llama", "bert"])
def test_the_split_into_micro_batches_does_not_change_the_losses(
    inputs: tiny.Inputs, device: torch.device, tmp_path: Path, family: str
) -> None:
    found = [
        losses(run(make_job(inputs, micro, family=family, steps=10), tmp_path / str(micro), device)[1])
        for micro in (1, 4, 8)
    ]
    for other in found[1:]:
        assert max(abs(a - b) for a, b in zip(found[0], other, strict=True)) <= 1e-5


def test_dropout_changes_the_losses(inputs: tiny.Inputs, device: torch.device, tmp_path: Path) -> None:
    without, with_dropout = (
        losses(run(make_job(inputs, family="gpt2", steps=5, dropout=value), tmp_path / str(value), device)[1])
        for value in (0.0, 0.3)
    )
    assert abs(without[1] - with_dropout[1]) > 1e-4


def test_a_loss_that_is_not_finite_stops_with_the_step(
    inputs: tiny.Inputs, device: torch.device, tmp_path: Path
) -> None:
    wild = {"optimizer": {"learning_rate": 1e30, "weight_decay": 0.0}, "gradient_clipping": 0.0}
    with pytest.raises(
        UserError, match=r"stopped at step \d+: the (loss|gradient norm) is (nan|inf).*learning_rate.*books/0:"
    ):
        run(make_job(inputs, steps=10, **wild), tmp_path, device)


def test_an_update_without_effect_stops(inputs: tiny.Inputs, device: torch.device, tmp_path: Path) -> None:
    still = {"optimizer": {"learning_rate": 1e-30, "weight_decay": 0.0}}
    with pytest.raises(UserError, match=r"stopped at step 0: the update left the weights unchanged"):
        run(make_job(inputs, steps=10, **still), tmp_path, device)


def test_a_checkpoint_of_another_zero_stage_is_refused_with_the_remedy(
    inputs: tiny.Inputs, device: torch.device, tmp_path: Path
) -> None:
    job = make_job(inputs, steps=5)
    run(job, tmp_path, device)
    with pytest.raises(UserError, match=r"step-00000005 of tiny was written by 1 processes with ZeRO stage 0; go on"):
        run(replace(job, layout=replace(job.layout, zero_stage=2)), tmp_path, device)
