"""Layers that are computed again in the backward pass: the same bits, and less that is kept."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.unit.pretraining import tiny
from tests.unit.pretraining.rank import largest_difference, make_job, run


@pytest.mark.parametrize(("family", "zero_stage"), [("llama", 0), ("gpt2", 1), ("bert", 2), ("modernbert", 0)])
def test_the_bits_are_those_of_layers_that_are_kept_also_with_dropout(
    inputs: tiny.Inputs, device: torch.device, tmp_path: Path, family: str, zero_stage: int
) -> None:
    made = {
        again: make_job(inputs, family=family, steps=10, dropout=0.1, zero_stage=zero_stage, checkpointing=again)
        for again in (False, True)
    }
    (kept, rows), (computed, others) = (run(job, tmp_path / str(again), device) for again, job in made.items())
    assert others == rows and largest_difference(kept, computed) == 0.0
