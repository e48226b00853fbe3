"""Predicted bytes of tensors beside those of built models and engines."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scripts.pretraining.grid import Grid
from scripts.pretraining.memory import held_parameters, memory
from scripts.pretraining.recipe import PRECISIONS, Recipe
from scripts.pretraining.size import parameters
from tests.unit.pretraining.tensors import DROPOUTS, FAMILIES, SEQUENCES, VOCABULARY, recipe

ROOT = Path(__file__).resolve().parents[3]
TOLERANCE = 0.1
LLAMA_7B = {"family": "llama", "layers": 32, "width": 4096, "heads": 32, "feed_forward": 11008, "context": 2048}


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """What backward passes keep, counted in a process of its own."""
    out = tmp_path_factory.mktemp("kept") / "out.json"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tests.unit.pretraining.tensors", str(out), "kept"]
    subprocess.run(command, env=environment, cwd=ROOT, check=True)
    found: dict[str, int] = json.loads(out.read_text("utf-8"))
    return found


@pytest.mark.parametrize("dropout", DROPOUTS)
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("family", FAMILIES)
def test_activations_are_those_of_the_built_model(
    kept: dict[str, int], family: str, precision: str, dropout: float
) -> None:
    made = recipe(family, precision, dropout)
    for sequences in SEQUENCES:
        predicted = memory(made, VOCABULARY, Grid(micro_batch=sequences), fused_dropout=False)
        tokens = sequences * made.training.sequence_length
        asked = tokens if made.objective == "causal" else tokens // 4
        measured = (
            kept[f"{family} {precision} {dropout} {sequences}"] - 4 * asked * VOCABULARY
        )  # log probabilities: logits
        assert predicted.activations == pytest.approx(measured, rel=TOLERANCE)


def test_the_states_of_an_engine_of_two_processes(tmp_path: Path) -> None:
    stages = ["0", "1", "2", "3"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = [*launcher, "-m", "tests.unit.pretraining.tensors", str(tmp_path / "out.json"), *stages]
    subprocess.run(command, env=environment, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    measured = json.loads((tmp_path / "out.json").read_text("utf-8"))
    for stage in stages:
        predicted = memory(recipe(), VOCABULARY, Grid(data=2, zero_stage=int(stage)))
        for part, size in measured[stage].items():
            assert getattr(predicted, part) == pytest.approx(size, rel=TOLERANCE), (stage, part)
        assert set(measured[stage]) == {"weights", "gradients", "optimizer"}


def large(**changes: Any) -> Recipe:
    made = recipe()
    shape = recipe(**{**LLAMA_7B, **changes}).architecture
    training = replace(made.training, sequence_length=2048, global_batch=512, precision="bf16-autocast")
    return replace(made, architecture=shape, training=training)


def test_each_way_to_share_takes_its_part_from_a_device() -> None:
    made = large()
    whole = memory(made, 32000, Grid())
    for stage, shared in ((1, "optimizer"), (2, "gradients"), (3, "weights")):
        part = memory(made, 32000, Grid(data=8, zero_stage=stage))
        assert getattr(part, shared) < getattr(whole, shared) / 4
    tensor = memory(made, 32000, Grid(tensor=4))
    pipeline = memory(made, 32000, Grid(pipeline=4))
    plain, again = (memory(made, 32000, Grid(micro_batch=8, checkpointing=one)) for one in (False, True))
    sequence = memory(made, 32000, Grid(sequence=4))
    assert whole.weights / 4 < tensor.weights < whole.weights / 3
    assert whole.weights / 4 < pipeline.weights < whole.weights / 3
    assert pipeline.activations > whole.activations / 2  # as many micro-batches in flight as stages
    assert again.activations < plain.activations / 4
    assert sequence.logits == whole.logits // 4


def test_the_stages_of_a_pipeline_hold_the_model() -> None:
    made = large(tied_embeddings=False)
    total = sum(parameters(made.architecture, 32000).values())
    held = held_parameters(made.architecture, 32000, Grid(pipeline=4))
    assert total / 4 < held < total / 4 + 32000 * 4096
