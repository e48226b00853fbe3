"""Two stages of a pipeline train as a plain loop on the same global batches does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from scripts.lib.errors import UserError
from scripts.pretraining.job import Job
from scripts.pretraining.layout import Sizes, check_parallel
from scripts.pretraining.presence import read_note
from scripts.pretraining.recipe import Recipe
from tests.unit.pretraining import tiny
from tests.unit.pretraining.parallel import Done
from tests.unit.pretraining.rank import make_job

WAYS: dict[str, dict[str, Any]] = {
    "llama tied, accumulation 4": {"average": {"kind": "ema", "decay": 0.8}},
    "llama untied with z-loss, accumulation 2": {"tied": False, "micro_batch": 4, "z_loss": 0.01},
    "gpt2 tied, accumulation 2, computed again": {"family": "gpt2", "micro_batch": 4, "checkpointing": True},
    "llama, packed": {"packing": "best_fit"},
    "gpt2 untied, accumulation 1": {"family": "gpt2", "tied": False, "micro_batch": 8},
}


def staged(inputs: tiny.Inputs, tied: bool = True, **chosen: Any) -> Job:
    return make_job(inputs, pipeline=2, zero_stage=1, shape={"tied_embeddings": tied}, **chosen)


@pytest.fixture(scope="module")
def done(inputs: tiny.Inputs, tmp_path_factory: pytest.TempPathFactory) -> Done:
    inputs.pack(24)
    jobs = {
        "whole": staged(inputs, family="gpt2", dropout=0.1),
        "killed": staged(inputs, family="gpt2", dropout=0.1),
        **{way: staged(inputs, **chosen) for way, chosen in WAYS.items()},
        "bf16": staged(inputs, precision="bf16"),
        "bf16-autocast": staged(inputs, precision="bf16-autocast"),
    }
    return Done(tmp_path_factory.mktemp("done"), jobs, "killed")


@pytest.mark.parametrize("way", WAYS)
def test_it_equals_a_plain_loop_and_goes_on_bit_for_bit(done: Done, way: str) -> None:
    done.require_plain(way)
    done.require_same_bits(way, way, "result")


@pytest.mark.parametrize("way", ["bf16", "bf16-autocast"])
def test_in_bf16_it_follows_a_plain_loop_in_the_same_formats(done: Done, way: str) -> None:
    """Gradients are added up in another order, and each sum is rounded to eight bits."""
    done.require_plain(way, within=1e-2)
    done.require_same_bits(way, way, "result")


def test_the_stages_make_equally_many_notes(done: Done) -> None:
    """By them the launcher tells which rank is behind where none gets on."""
    first, last = (read_note(done.folder / "meeting", rank) for rank in range(2))
    assert first.number == last.number > 20


def test_killed_and_gone_on_with_it_ends_with_the_same_bits(done: Done) -> None:
    done.require_resumed()


def test_one_process_goes_on_from_it(done: Done, device: torch.device, tmp_path: Path) -> None:
    done.require_goes_on_alone("llama tied, accumulation 4", 0, tmp_path, device)


@pytest.mark.parametrize(
    ("pipeline", "zero_stage", "family", "sentence"),
    [
        (3, 1, "llama", r"--pipeline: 3 does not divide architecture\.layers of tiny, 2; choose a divisor"),
        (2, 0, "llama", r"--zero-stage: 0 lets DeepSpeed clip the gradient of each stage by itself, .*; use 1 with"),
        (2, 2, "gpt2", r"--zero-stage: 2 shares gradients, which a pipeline adds up .*; use 1 with --pipeline 2"),
        (2, 1, "bert", r"--pipeline: tiny is a masked model, .*; use --pipeline 1"),
    ],
)
def test_pipelines_that_would_be_wrong_are_refused(pipeline: int, zero_stage: int, family: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        check_parallel(Recipe.from_settings(tiny.settings(family)), Sizes(pipeline=pipeline), zero_stage)
