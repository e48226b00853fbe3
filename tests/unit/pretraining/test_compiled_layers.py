"""Compiled layers train as a plain loop does, are compiled once, and go on with the same bits."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch._dynamo.utils import counters

from scripts.lib.errors import UserError
from scripts.pretraining import compiling
from scripts.pretraining.layout import Sizes, check_parallel
from scripts.pretraining.recipe import AUTOCAST, FP32, Recipe
from scripts.pretraining.train import build_parser, layout_of
from tests.unit.pretraining import tiny
from tests.unit.pretraining.plain import plain_steps
from tests.unit.pretraining.rank import largest_difference, losses, make_job, run

needs_compiler = pytest.mark.skipif(
    not any(map(shutil.which, compiling.CPU_COMPILERS)), reason="PyTorch needs a C++ compiler to compile for a CPU"
)


@pytest.fixture(autouse=True)
def nothing_compiled_yet() -> Iterator[None]:
    torch._dynamo.reset()
    counters.clear()
    yield
    torch._dynamo.reset()


@pytest.fixture
def no_machine_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """Layers are taken to pieces as for machine code, which takes a compiler a minute, and the pieces run one by one."""
    whole = nn.Module.compile

    def traced(module: nn.Module, *, options: dict[str, Any], **given: Any) -> None:
        whole(module, backend="aot_eager", **given)

    monkeypatch.setattr(nn.Module, "compile", traced)
    monkeypatch.setattr(compiling, "require_compiler", lambda device: None)


@pytest.mark.parametrize(
    ("family", "checkpointing", "precision"), [("llama", False, FP32), ("gpt2", True, AUTOCAST), ("bert", False, FP32)]
)
@pytest.mark.usefixtures("no_machine_code")
def test_one_layer_is_compiled_for_all_of_its_kind_and_shape(
    inputs: tiny.Inputs, device: torch.device, tmp_path: Path, family: str, checkpointing: bool, precision: str
) -> None:
    """Validation, samples and the logits beside which the export is held have other shapes, and are not compiled."""
    chosen = {"family": family, "steps": 10, "separate_documents": True, "precision": precision}
    made = [make_job(inputs, checkpointing=checkpointing, compiled=one, **chosen) for one in (False, True)]
    plain, compiled = (run(job, tmp_path / str(number), device)[1] for number, job in enumerate(made))
    assert counters["stats"]["unique_graphs"] == 1
    within = 1e-5 if precision == FP32 else 1e-2
    assert max(abs(one - other) for one, other in zip(losses(plain), losses(compiled), strict=True)) <= within


@needs_compiler
@pytest.mark.long
@pytest.mark.parametrize(("family", "zero_stage"), [("llama", 1), ("gpt2", 0), ("bert", 2)])
def test_it_equals_a_plain_loop_and_goes_on_bit_for_bit(
    inputs: tiny.Inputs, device: torch.device, tmp_path: Path, family: str, zero_stage: int
) -> None:
    job = make_job(inputs, family=family, zero_stage=zero_stage, compiled=True)
    weights, rows = run(job, tmp_path, device)
    assert counters["stats"]["unique_graphs"] == 1, "a layer was compiled again for another layer or shape"
    expected = [loss for loss, _, _ in plain_steps(job)]
    assert len(expected) == 20
    assert max(abs(one - other) for one, other in zip(losses(rows), expected, strict=True)) <= 1e-5
    shutil.rmtree(tmp_path / "result")
    shutil.rmtree(max(tmp_path.glob("step-*")))
    torch._dynamo.reset()
    again, others = run(job, tmp_path, device)
    assert others == rows and largest_difference(weights, again) == 0.0


@pytest.mark.parametrize(
    ("sizes", "zero_stage"), [(Sizes(), 3), (Sizes(tensor=2), 1), (Sizes(pipeline=2), 1), (Sizes(sequence=2), 0)]
)
def test_layers_that_a_rank_does_not_hold_whole_are_refused(sizes: Sizes, zero_stage: int) -> None:
    with pytest.raises(UserError, match=r"--compile: only layers that a rank holds whole, .*, or --compile 0"):
        check_parallel(Recipe.from_settings(tiny.settings()), sizes, zero_stage, compiled=True)


def test_a_command_line_asks_for_it(inputs: tiny.Inputs, tmp_path: Path) -> None:
    recipe = Recipe.from_settings(tiny.settings())
    for asked in (0, 1):
        line = tiny.command(inputs, tmp_path, tiny.settings(), "--compile", str(asked))
        assert layout_of(recipe, build_parser().parse_args(line)).compiled is bool(asked)
    with pytest.raises(UserError, match="--compile: "):
        layout_of(recipe, build_parser().parse_args([*line, "--zero-stage", "3"]))


@pytest.mark.parametrize(("kind", "sentence"), [("cpu", "has no C.. compiler"), ("cuda", "has no Triton")])
def test_a_machine_without_a_compiler_is_refused(monkeypatch: pytest.MonkeyPatch, kind: str, sentence: str) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(compiling, "has_triton", lambda: False)
    with pytest.raises(UserError, match=sentence):
        compiling.require_compiler(torch.device(kind))
