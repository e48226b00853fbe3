"""Four ranks that share two things at once train as a plain loop on the same global batches does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.unit.pretraining import tiny
from tests.unit.pretraining.parallel import Done, done_in

BOTH = {"tensor": 2, "pipeline": 2, "zero_stage": 1}
# ZeRO 3 comes last: it replaces torch's linear layer in all of its process.
WAYS: dict[str, dict[str, Any]] = {
    "tensor x pipeline, llama tied, computed again": {
        **BOTH,
        "average": {"kind": "ema", "decay": 0.8},
        "checkpointing": True,
    },
    "tensor x pipeline, llama untied": {**BOTH, "shape": {"tied_embeddings": False}, "z_loss": 0.01},
    "tensor x pipeline, gpt2 tied": {**BOTH, "family": "gpt2", "micro_batch": 4},
    "tensor x pipeline, gpt2 untied": {**BOTH, "family": "gpt2", "shape": {"tied_embeddings": False}, "micro_batch": 8},
    "data x pipeline, llama": {"data": 2, "pipeline": 2, "zero_stage": 1},
    "sequence x pipeline, llama": {"sequence": 2, "pipeline": 2, "zero_stage": 1},
    "data x tensor, gpt2": {"data": 2, "tensor": 2, "family": "gpt2"},
    "data x tensor, bert, ZeRO 2": {"data": 2, "tensor": 2, "family": "bert", "zero_stage": 2},
    "sequence x tensor, llama, ZeRO 1": {
        "sequence": 2,
        "tensor": 2,
        "shape": {"key_value_heads": 4},
        "zero_stage": 1,
    },
    "data x sequence, gpt2, ZeRO 2": {"data": 2, "sequence": 2, "family": "gpt2", "zero_stage": 2},
    "data x tensor, llama, ZeRO 3": {"data": 2, "tensor": 2, "zero_stage": 3},
    "data x sequence, llama, ZeRO 3": {"data": 2, "sequence": 2, "zero_stage": 3},
}
DROPPED: dict[str, Any] = {**BOTH, "family": "gpt2", "dropout": 0.1}


@pytest.fixture(scope="module")
def done(inputs: tiny.Inputs, tmp_path_factory: pytest.TempPathFactory) -> Done:
    return done_in(tmp_path_factory.mktemp("done"), inputs, WAYS, DROPPED)


@pytest.mark.long
@pytest.mark.parametrize("way", WAYS)
def test_it_equals_a_plain_loop_and_goes_on_bit_for_bit(done: Done, way: str) -> None:
    done.require_plain(way)
    done.require_same_bits(way, way, "result")


@pytest.mark.long
def test_killed_and_gone_on_with_it_ends_with_the_same_bits(done: Done) -> None:
    done.require_resumed()


@pytest.mark.long
@pytest.mark.parametrize(
    "way", ["tensor x pipeline, llama untied", "tensor x pipeline, gpt2 tied", "sequence x tensor, llama, ZeRO 1"]
)
def test_one_process_goes_on_from_it(done: Done, device: torch.device, tmp_path: Path, way: str) -> None:
    done.require_goes_on_alone(way, 0, tmp_path, device)
