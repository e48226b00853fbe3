"""Two ranks that share the matrices of a model train as a plain loop on the same global batches does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from scripts.lib.errors import UserError
from scripts.pretraining.job import MEMORY, STATE, WEIGHTS, Job
from scripts.pretraining.layout import Sizes, check_parallel
from scripts.pretraining.recipe import Origin, Recipe
from scripts.pretraining.tensor_parallel import COLUMN, ROW, Cut
from scripts.pretraining.trainer import Trainer
from tests.unit.pretraining import tiny
from tests.unit.pretraining.parallel import Done
from tests.unit.pretraining.rank import largest_difference, losses, make_job, run

RATES = {"learning_rate": 0.01, "weight_decay": 0.1, "rates": {"embeddings": 0.5, "vectors": 2.0}}
MUON = {"learning_rate": 0.01, "weight_decay": 0.1, "name": "muon"}
# ZeRO 3 comes last: it replaces torch's linear layer in all of its process.
WAYS: dict[str, dict[str, Any]] = {
    "llama with an exponential average": {"micro_batch": 4, "average": {"kind": "ema", "decay": 0.8}},
    "gpt2 with rates by part and z-loss, ZeRO 1": {
        "family": "gpt2",
        "zero_stage": 1,
        "micro_batch": 8,
        "optimizer": RATES,
        "z_loss": 0.01,
        "checkpointing": True,
    },
    "bert, accumulation 4": {"family": "bert"},
    "modernbert with smoothing, ZeRO 2": {"family": "modernbert", "zero_stage": 2, "label_smoothing": 0.1},
    "llama, ZeRO 3, computed again": {"zero_stage": 3, "micro_batch": 8, "checkpointing": True},
}
START, AFTER = 5, 10  # the step of a state, and how many a branch goes on from it
DROPPED = {"family": "gpt2", "dropout": 0.1}


def from_start(inputs: tiny.Inputs, start: Path, **chosen: Any) -> Job:
    job = make_job(inputs, steps=AFTER, family="gpt2", schedule={"decay": "constant"}, **chosen)
    return replace(job, recipe=replace(job.recipe, origin=Origin("tiny", START, START)), start=str(start))


def trunk(inputs: tiny.Inputs, **chosen: Any) -> Job:
    return make_job(inputs, steps=START + AFTER, family="gpt2", schedule={"decay": "constant", "warmup": 4}, **chosen)


@pytest.fixture(scope="module")
def done(inputs: tiny.Inputs, tmp_path_factory: pytest.TempPathFactory) -> Done:
    folder = tmp_path_factory.mktemp("done")
    jobs = {
        "state": replace(trunk(inputs, tensor=2), until=START),
        "branch": from_start(inputs, folder / "state" / STATE, tensor=2, zero_stage=1),
        "whole": make_job(inputs, tensor=2, **DROPPED),
        "killed": make_job(inputs, tensor=2, **DROPPED),
        **{way: make_job(inputs, tensor=2, **chosen) for way, chosen in WAYS.items()},
    }
    return Done(folder, jobs, "killed")


@pytest.mark.parametrize("way", WAYS)
def test_it_equals_a_plain_loop_and_goes_on_bit_for_bit(done: Done, way: str) -> None:
    done.require_plain(way)
    done.require_same_bits(way, way, "result")


def test_killed_and_gone_on_with_it_ends_with_the_same_bits(done: Done) -> None:
    done.require_resumed()


def test_one_process_goes_on_from_it(done: Done, device: torch.device, tmp_path: Path) -> None:
    done.require_goes_on_alone("gpt2 with rates by part and z-loss, ZeRO 1", 0, tmp_path, device)


def test_a_state_is_that_of_one_process_and_starts_a_branch(
    done: Done, inputs: tiny.Inputs, device: torch.device, tmp_path: Path
) -> None:
    (tmp_path / "state").mkdir()
    alone = replace(trunk(inputs), until=START)
    assert Trainer(alone, tmp_path / "state", device).run()
    for file in (WEIGHTS, MEMORY):
        one, other = (load_file(folder / "state" / STATE / file) for folder in (tmp_path, done.folder))
        assert one.keys() == other.keys() and largest_difference(one, other) <= 1e-4
    branch = from_start(inputs, tmp_path / "state" / STATE)
    _, expected = run(branch, tmp_path / "branch", device)
    _, rows = done.published("branch")
    assert max(abs(a - b) for a, b in zip(losses(rows), losses(expected), strict=True)) <= 1e-5


@pytest.mark.parametrize(
    ("tensor", "chosen", "sentence"),
    [
        (4, {}, r"--tensor: 4 does not divide architecture\.key_value_heads of tiny, 2; choose a divisor"),
        (2, {"optimizer": MUON}, r"training\.optimizer\.name of tiny is muon, which needs whole matrices"),
    ],
)
def test_models_that_cannot_be_cut_are_refused(tensor: int, chosen: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        check_parallel(Recipe.from_settings(tiny.settings(**chosen)), Sizes(tensor=tensor), 0)


@pytest.mark.parametrize(
    "cut", [Cut(COLUMN), Cut(ROW), Cut(COLUMN, fused=3), Cut(COLUMN, fused=3, turned=True), Cut(ROW, turned=True)]
)
def test_shares_join_to_the_whole_and_keep_heads_together(cut: Cut) -> None:
    whole = torch.arange(12 * 12).view(12, 12)
    shares = [cut.share(whole, 2, rank) for rank in range(2)]
    assert torch.equal(cut.joined(shares), whole)
    if cut.fused == 3 and not cut.turned:  # queries, keys and values of the same heads
        assert shares[1][:, 0].tolist() == [12 * row for row in (2, 3, 6, 7, 10, 11)]
