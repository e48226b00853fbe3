"""Two ranks with what other tests try alone: batches that warm up, Muon, roundings and offload beside each way to share."""

from __future__ import annotations

from typing import Any

import pytest

from scripts.pretraining.recipe import AUTOCAST, BF16
from tests.unit.pretraining import tiny
from tests.unit.pretraining.parallel import Done
from tests.unit.pretraining.rank import make_job

pytestmark = pytest.mark.long  # each of the two is tested by itself
WARMUP = {"batch_warmup": {"from": 2, "over": 4}, "micro_batch": 1}
MUON = {"name": "muon", "learning_rate": 0.01, "weight_decay": 0.1}  # makes matrices orthogonal in bf16
EXACT: dict[str, dict[str, Any]] = {
    "a batch that warms up, tensor": {"tensor": 2, **WARMUP},
    "a batch that warms up, pipeline": {"pipeline": 2, "zero_stage": 1, **WARMUP},
    "offload, tensor": {"tensor": 2, "zero_stage": 1, "offload": True},
    "offload, sequence": {"sequence": 2, "zero_stage": 2, "offload": True},
}
ROUNDED: dict[str, dict[str, Any]] = {
    "Muon, data": {"data": 2, "optimizer": MUON},
    "Muon, sequence": {"sequence": 2, "optimizer": MUON},
    "autocast, tensor": {"tensor": 2, "precision": AUTOCAST},
    "autocast, sequence": {"sequence": 2, "precision": AUTOCAST},
    "autocast, pipeline": {"pipeline": 2, "zero_stage": 1, "precision": AUTOCAST},
    "bf16, tensor": {"tensor": 2, "zero_stage": 1, "precision": BF16},
    "bf16, sequence": {"sequence": 2, "zero_stage": 1, "precision": BF16},
    "bf16, pipeline": {"pipeline": 2, "zero_stage": 1, "precision": BF16},
}


@pytest.fixture(scope="module")
def done(inputs: tiny.Inputs, tmp_path_factory: pytest.TempPathFactory) -> Done:
    jobs = {way: make_job(inputs, **chosen) for way, chosen in {**EXACT, **ROUNDED}.items()}
    return Done(tmp_path_factory.mktemp("done"), jobs)


@pytest.mark.parametrize("way", EXACT)
def test_it_equals_a_plain_loop_and_goes_on_bit_for_bit(done: Done, way: str) -> None:
    done.require_plain(way)
    done.require_same_bits(way, way, "result")


@pytest.mark.parametrize("way", ROUNDED)
def test_rounded_it_follows_a_plain_loop_and_goes_on_bit_for_bit(done: Done, way: str) -> None:
    done.require_plain(way, within=1e-2)
    done.require_same_bits(way, way, "result")
