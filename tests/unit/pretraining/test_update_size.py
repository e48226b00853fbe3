"""The size of an update beside the weights is that of a plain loop, of every kind of matrix and in every layout."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from scripts.pretraining import update_size
from scripts.pretraining.job import Job
from scripts.pretraining.metrics import Metrics
from scripts.pretraining.recipe import BF16
from tests.unit.pretraining import tiny
from tests.unit.pretraining.event_reader import noted
from tests.unit.pretraining.parallel import Done
from tests.unit.pretraining.plain import plain_steps
from tests.unit.pretraining.rank import make_job, run

SHORT: dict[str, Any] = {"steps": 6, "evaluate_every": 3, "checkpoint_every": 3}
GPT2_KINDS = ["wte", "wpe", "h.attn.c_attn", "h.attn.c_proj", "h.mlp.c_fc", "h.mlp.c_proj"]
# ZeRO 3 comes last: it replaces torch's linear layer in all of its process.
ALONE: dict[str, dict[str, Any]] = {
    "gpt2, ZeRO 0": {"family": "gpt2"},
    "llama, ZeRO 2": {"zero_stage": 2},
    "llama in bf16, ZeRO 1": {"zero_stage": 1, "precision": BF16},
    "bert, ZeRO 3": {"family": "bert", "zero_stage": 3},
}
TWO: dict[str, dict[str, Any]] = {
    "data, llama, ZeRO 0": {"data": 2},
    "data, gpt2, ZeRO 1": {"data": 2, "family": "gpt2", "zero_stage": 1},
    "data, llama, ZeRO 2, offloaded": {"data": 2, "zero_stage": 2, "offload": True},
    # The first rank has queries, keys and values alone, whose gradients are 0 at the first update.
    "data, llama in bf16 from zero, ZeRO 1": {
        "data": 2,
        "zero_stage": 1,
        "precision": BF16,
        "optimizer": {"learning_rate": 0.01, "weight_decay": 0.0},
        "shape": {"output_projections": "zero", "layers": 1, "feed_forward": 8},
    },
    "sequence, gpt2, ZeRO 0": {"sequence": 2, "family": "gpt2"},
    "tensor, gpt2, ZeRO 0": {"tensor": 2, "family": "gpt2"},
    "tensor, llama, ZeRO 2": {"tensor": 2, "zero_stage": 2},
    "pipeline, llama tied": {"pipeline": 2, "zero_stage": 1},
    "data, llama, ZeRO 3": {"data": 2, "zero_stage": 3},
}


def expected(job: Job) -> dict[int, dict[str, float]]:
    """Return the ratios of all updates of a plain loop by their definition."""
    found, before = {}, None
    for done, (_, _, weights) in enumerate(plain_steps(job), start=1):
        matrices = {name: value for name, value in weights.items() if value.ndim > 1}
        if before is not None:
            groups = {"": list(matrices)}
            for name in matrices:
                kind = ".".join(part for part in name.split(".") if not part.isdigit())
                groups.setdefault(f"/{kind}", []).append(name)
            found[done] = {
                f"update_to_weight{kind}": float(
                    torch.cat([(matrices[name] - before[name]).flatten() for name in names]).norm()
                    / torch.cat([before[name].flatten() for name in names]).norm()
                )
                for kind, names in groups.items()
            }
        before = matrices
    return found


def require_plain(job: Job, told: Mapping[int, Mapping[str, float]]) -> None:
    """Require the ratios of a plain loop after a start (which has none before it here) and at validations."""
    ratios = {
        step: {tag: value for tag, value in values.items() if "update_to" in tag} for step, values in told.items()
    }
    assert [step for step, values in ratios.items() if values] == [1, 3, 6]
    wanted = expected(job)
    for step in (3, 6):
        assert ratios[step] == pytest.approx(wanted[step], rel=2e-2 if job.recipe.training.precision == BF16 else 1e-3)


@pytest.mark.parametrize("way", ALONE)
def test_alone_it_is_that_of_a_plain_loop(
    inputs: tiny.Inputs, device: torch.device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setattr(update_size, "CHUNK", 100)
    told: dict[int, dict[str, float]] = {}
    monkeypatch.setattr(Metrics, "observe", lambda self, step, values: told.setdefault(step, {}).update(values))
    job = make_job(inputs, **SHORT, **ALONE[way])
    run(job, tmp_path, device)
    require_plain(job, told)
    if job.recipe.architecture.family == "gpt2":
        tags = [f"update_to_weight/transformer.{kind}.weight" for kind in GPT2_KINDS]
        assert sorted(tag for tag in told[6] if "update_to" in tag) == ["update_to_weight", *sorted(tags)]


def test_matrices_that_begin_at_zero_have_no_ratio_of_their_first_update(
    inputs: tiny.Inputs, device: torch.device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: dict[int, dict[str, float]] = {}
    monkeypatch.setattr(Metrics, "observe", lambda self, step, values: told.setdefault(step, {}).update(values))
    run(make_job(inputs, family="gpt2", shape={"output_projections": "zero"}, **SHORT), tmp_path, device)
    missing = {tag for tag in told[3] if "update_to" in tag} - set(told[1])
    assert missing == {f"update_to_weight/transformer.{kind}.weight" for kind in GPT2_KINDS if "c_proj" in kind}
    assert all(math.isfinite(value) for values in told.values() for value in values.values())


@pytest.fixture(scope="module")
def two(inputs: tiny.Inputs, tmp_path_factory: pytest.TempPathFactory) -> Done:
    jobs = {way: make_job(inputs, **SHORT, **chosen) for way, chosen in TWO.items()}
    return Done(tmp_path_factory.mktemp("two"), jobs)


@pytest.mark.parametrize("way", TWO)
def test_two_ranks_count_every_element_once(two: Done, way: str) -> None:
    first, *_ = sorted((two.folder / way / "events").iterdir())
    require_plain(two.jobs[way], noted(first))
