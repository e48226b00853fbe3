"""Two ranks that work on different micro-batches train as a plain loop does: what ZeRO shares, offload, bf16 under autocast."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from deepspeed.runtime import torch_autocast

from scripts.lib.errors import UserError
from scripts.pretraining.architecture import build_model
from scripts.pretraining.engine import keep_lookups_exact
from scripts.pretraining.layout import Sizes, check_parallel
from scripts.pretraining.recipe import AUTOCAST, BF16, Recipe
from tests.unit.pretraining import tiny
from tests.unit.pretraining.parallel import KILLED, WHOLE, Done
from tests.unit.pretraining.rank import make_job

# ZeRO 3 comes last: it replaces torch's linear layer in all of its process.
WAYS: dict[str, dict[str, Any]] = {
    "gpt2, ZeRO 1, accumulation 4": {"family": "gpt2", "zero_stage": 1, "micro_batch": 1},
    "llama, ZeRO 2, accumulation 1": {"zero_stage": 2, "micro_batch": 4},
    "bert, ZeRO 1, computed again": {"family": "bert", "zero_stage": 1, "checkpointing": True},
    "modernbert, ZeRO 2": {"family": "modernbert", "zero_stage": 2},
    "llama, ZeRO 1, offloaded": {"zero_stage": 1, "offload": True},
    "gpt2, ZeRO 2, offloaded, computed again": {
        "family": "gpt2",
        "zero_stage": 2,
        "offload": True,
        "checkpointing": True,
    },
    "bert, ZeRO 3, computed again": {"family": "bert", "zero_stage": 3, "checkpointing": True},
    "llama, ZeRO 3, offloaded": {"zero_stage": 3, "offload": True},
}
ALWAYS: dict[str, dict[str, Any]] = {  # each rank adds up two micro-batches
    "bert, ZeRO 1": {"family": "bert", "zero_stage": 1},
    "llama, ZeRO 2": {"zero_stage": 2},
}
STAGES = (1, 2, 3)  # ZeRO 3 comes last here, too
DROPPED: dict[str, Any] = {"family": "gpt2", "dropout": 0.1}
ROUNDED: dict[str, dict[str, Any]] = {
    f"llama in {precision}, ZeRO {stage}": {"zero_stage": stage, "precision": precision}
    for precision, stages in {BF16: (1, 2, 3), AUTOCAST: (0, 1, 2, 3)}.items()
    for stage in stages
}


@pytest.fixture(scope="module")
def done(inputs: tiny.Inputs, tmp_path_factory: pytest.TempPathFactory) -> Done:
    ways = sorted({**WAYS, **ROUNDED}.items(), key=lambda item: item[1]["zero_stage"])
    jobs = {way: make_job(inputs, data=2, **chosen) for way, chosen in ways}
    return Done(tmp_path_factory.mktemp("done"), jobs)


@pytest.fixture(scope="module")
def dropped(inputs: tiny.Inputs, tmp_path_factory: pytest.TempPathFactory) -> Done:
    """With dropout, twice at each stage that shares something, once of them killed; before these what is always proved."""
    ways = {f"{what} {stage}": {**DROPPED, "zero_stage": stage} for stage in STAGES for what in (WHOLE, KILLED)}
    jobs = {way: make_job(inputs, data=2, **chosen) for way, chosen in {**ALWAYS, **ways}.items()}
    return Done(tmp_path_factory.mktemp("dropped"), jobs, *(f"{KILLED} {stage}" for stage in STAGES))


@pytest.mark.long
@pytest.mark.parametrize("way", WAYS)
def test_it_equals_a_plain_loop_and_goes_on_bit_for_bit(done: Done, way: str) -> None:
    done.require_plain(way)
    done.require_same_bits(way, way, "result")


@pytest.mark.long
@pytest.mark.parametrize("way", ROUNDED)
def test_in_bf16_it_follows_a_plain_loop_in_the_same_formats(done: Done, way: str) -> None:
    """Gradients are added up in another order, and each sum is rounded to eight bits."""
    done.require_plain(way, within=1e-2)
    done.require_same_bits(way, way, "result")


@pytest.mark.parametrize("way", ALWAYS)
def test_two_ranks_that_accumulate_equal_a_plain_loop(dropped: Done, way: str) -> None:
    dropped.require_plain(way)
    dropped.require_same_bits(way, way, "result")


@pytest.mark.parametrize("stage", STAGES)
def test_killed_and_gone_on_with_it_ends_with_the_same_bits(dropped: Done, stage: int) -> None:
    assert len(re.findall(r"resuming after step (?:5|10)\n", dropped.log)) >= len(STAGES)
    dropped.require_same_bits(f"{WHOLE} {stage}", f"{KILLED} {stage}")


@pytest.mark.long
def test_one_process_goes_on_from_what_was_offloaded(done: Done, device: torch.device, tmp_path: Path) -> None:
    done.require_goes_on_alone("gpt2, ZeRO 2, offloaded, computed again", 0, tmp_path, device)


@pytest.mark.parametrize("family", ["llama", "gpt2", "bert"])
def test_under_autocast_tied_embeddings_are_not_sent_in_bf16(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """They would be looked up rounded or not by what was gathered before."""
    for name in ("TORCH_AUTOCAST_INITIALIZED", "TORCH_AUTOCAST_DTYPE"):
        monkeypatch.setattr(torch_autocast, name, getattr(torch_autocast, name))  # it sets them for all of the process
    model = build_model(Recipe.from_settings(tiny.settings(family=family)).architecture, 300, 1)
    keep_lookups_exact(model)
    engine = SimpleNamespace(module=model, zero_quantized_weights=lambda: False)
    torch_autocast.init_autocast_params(engine, torch.bfloat16, None)
    rounded = {name for name, one in model.named_parameters() if torch_autocast.has_comm_dtype(one)}
    assert not any("embed" in name or "wte" in name for name in rounded)
    assert bool(rounded) == (family != "gpt2")  # whose layers are of a class of their own


def test_bf16_without_weights_in_fp32_is_refused() -> None:
    with pytest.raises(
        UserError, match=r"precision of tiny is bf16, for which --zero-stage 0 keeps no weights in fp32"
    ):
        check_parallel(Recipe.from_settings(tiny.settings(precision=BF16)), Sizes(), 0)


@pytest.mark.parametrize(
    ("sizes", "zero_stage", "sentence"),
    [
        (Sizes(), 0, r"--offload: what DeepSpeed moves to the host is ZeRO's share .*; use 1 to 3"),
        (Sizes(pipeline=2), 1, r"--offload: DeepSpeed's pipeline adds up gradients outside .*; use --pipeline 1"),
    ],
)
def test_what_cannot_be_offloaded_is_refused(sizes: Sizes, zero_stage: int, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        check_parallel(Recipe.from_settings(tiny.settings()), sizes, zero_stage, offload=True)
