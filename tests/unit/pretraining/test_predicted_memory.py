"""Predicted bytes of tensors beside those of built models and engines."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from scripts.lib.masking import IGNORED
from scripts.lib.optimiser import build_optimizer, holders
from scripts.pretraining import cross_entropy
from scripts.pretraining.architecture import build_model
from scripts.pretraining.grid import Grid
from scripts.pretraining.memory import held_parameters, layer_bytes, memory, stage_memory, stages
from scripts.pretraining.objective import training_losses
from scripts.pretraining.recipe import AUTOCAST, BF16, FP32, PRECISIONS, Recipe
from scripts.pretraining.size import parameters
from tests.unit.pretraining.tensors import (
    CPU,
    DROPOUTS,
    FAMILIES,
    PACKINGS,
    SEQUENCES,
    VOCABULARY,
    long_recipe,
    peak_bytes,
    recipe,
    storages,
)

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


def counted(grids: Sequence[Grid], precision: str, shape: Mapping[str, Any], out: Path) -> dict[Grid, dict[str, int]]:
    """Return the bytes that the first rank of engines holds, which are as many ranks as devices."""
    (count,) = {grid.devices for grid in grids}
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(count)]
    stated = {grid: json.dumps({**asdict(grid), "precision": precision, "shape": shape}) for grid in grids}
    command = [*launcher, "-m", "tests.unit.pretraining.tensors", str(out), *stated.values()]
    subprocess.run(command, env=environment, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    measured = json.loads(out.read_text("utf-8"))
    return {grid: measured[text] for grid, text in stated.items()}


# ZeRO 3 comes last: it replaces torch's linear layer in all of its process.
TWO = [
    Grid(data=2, zero_stage=1),
    Grid(data=2, zero_stage=2),
    Grid(tensor=2),
    Grid(tensor=2, zero_stage=1),
    Grid(tensor=2, zero_stage=2, micro_batch=8, checkpointing=True),
    Grid(pipeline=2, zero_stage=1),
    Grid(pipeline=2, zero_stage=1, micro_batch=4, checkpointing=True),
    Grid(sequence=2),
    Grid(sequence=2, zero_stage=2, micro_batch=4),
    Grid(data=2),
    Grid(data=2, zero_stage=3),
    Grid(tensor=2, zero_stage=3),
]
FOUR = [
    Grid(data=2, pipeline=2, zero_stage=1),
    Grid(tensor=2, pipeline=2, zero_stage=1),
    Grid(data=2, tensor=2, zero_stage=1),
    Grid(data=2, tensor=2, zero_stage=3),
]

ROUNDED = [
    Grid(data=2, zero_stage=1),
    Grid(data=2, zero_stage=2),
    Grid(pipeline=2, zero_stage=1),
    Grid(data=2, zero_stage=3),
]
UNTIED = [Grid(data=2, zero_stage=1), Grid(data=2, zero_stage=2)]
LARGE_HEAD = {"layers": 1, "tied_embeddings": False}  # it is more than the share of a rank


@pytest.mark.parametrize(
    ("grids", "precision", "shape"),
    [
        pytest.param(TWO, FP32, {}, id="two ranks"),
        pytest.param(UNTIED, FP32, LARGE_HEAD, id="two ranks, untied"),
        pytest.param(FOUR, FP32, {}, id="four ranks", marks=pytest.mark.long),
        pytest.param(ROUNDED, BF16, {}, id="bf16", marks=pytest.mark.long),
    ],
)
def test_the_tensors_of_engines(grids: list[Grid], precision: str, shape: dict[str, Any], tmp_path: Path) -> None:
    """Of the first stage, which has as many micro-batches in flight as there are stages; one was counted."""
    made = recipe(precision=precision, **shape)
    for grid, measured in counted(grids, precision, shape, tmp_path / "out.json").items():
        assert set(measured) >= {"weights", "gradients", "optimizer"}
        first = stages(made, grid)[0]
        predicted = stage_memory(made, VOCABULARY, grid, first, fused_dropout=False)
        tokens = grid.micro_batch * made.training.sequence_length // grid.sequence
        # Log probabilities are counted with the logits, which a layer that is computed again does not exceed where there are any.
        if grid.zero_stage < 3:
            measured["activations"] -= 4 * tokens * VOCABULARY if first.last else 0
            measured["activations"] *= first.flying
            again = grid.checkpointing and not first.last
            measured["activations"] += tokens * layer_bytes(made, grid, False) if again else 0
        buffers = measured.pop("buffers")  # counted with what else comes and goes in a backward pass
        beside = predicted.activations + predicted.logits + predicted.gradients
        assert predicted.buffers * (1 - TOLERANCE) <= buffers <= (predicted.buffers + beside) * (1 + TOLERANCE), grid
        for part, size in measured.items():
            assert getattr(predicted, part) == pytest.approx(size, rel=TOLERANCE), (grid, part)


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
    held = held_parameters(made, 32000, Grid(pipeline=4))
    assert total / 4 < held < total / 4 + 32000 * 4096


def test_the_first_rank_keeps_an_average_whole() -> None:
    made, grid = recipe(), Grid(pipeline=2, zero_stage=1)
    averaged = replace(made, training=replace(made.training, average=replace(made.training.average, kind="ema")))
    first, last = (stage_memory(averaged, VOCABULARY, grid, stage).average for stage in stages(averaged, grid))
    assert (first, last) == (4 * sum(parameters(made.architecture, VOCABULARY).values()), 0)
    assert memory(made, VOCABULARY, Grid()).average == 0


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("precision", [FP32, AUTOCAST])
@pytest.mark.parametrize("family", FAMILIES)
def test_who_attends_to_whom_is_kept_by_each_layer(
    kept: dict[str, int], family: str, precision: str, packing: str
) -> None:
    """Where documents are kept apart; where windows are, by ModernBERT's local layers."""
    made = long_recipe(family, packing, precision)
    asked = 512 if made.objective == "causal" else 128
    measured = kept[f"long {family} {precision} {packing}"] - 4 * asked * VOCABULARY
    predicted = memory(made, VOCABULARY, Grid(), fused_dropout=False).activations
    assert predicted == pytest.approx(measured, rel=0.02)


def test_kernels_of_a_gpu_are_given_it_with_dropout_too() -> None:
    counted = [memory(long_recipe("gpt2", packing, FP32, 0.1), VOCABULARY, Grid()) for packing in PACKINGS]
    assert counted[1].activations - counted[0].activations == 4 * 4 * 512 * 512


@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_muon_has_one_moment_of_matrices(family: str) -> None:
    made = recipe(family)
    training = replace(made.training, optimizer=replace(made.training.optimizer, name="muon"))
    model = build_model(made.architecture, VOCABULARY, 1)
    optimizer = build_optimizer(model, training.optimizer)
    model(input_ids=torch.arange(20, 52)[None]).logits.sum().backward()
    optimizer.step()
    moments = (value for holder in holders(optimizer) for state in holder.state.values() for value in state.values())
    measured = sum(storages(value for value in moments if value.ndim).values())
    predicted = memory(replace(made, training=training), VOCABULARY, Grid()).optimizer
    assert predicted == pytest.approx(measured, rel=0.01)


@pytest.mark.parametrize("vocabulary", [100, 2000])
@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_the_fullest_moment_of_layers_that_are_computed_again(family: str, vocabulary: int) -> None:
    """Of the loss with few tokens to choose from it is that of a layer, of many that of the logits; never of both."""
    sequences = 64
    made = recipe(family, layers=12)
    model = build_model(made.architecture, vocabulary, 1, sparse=True)
    model.gradient_checkpointing_enable({"use_reentrant": False})
    rows = np.random.default_rng(0).integers(20, vocabulary, (sequences, made.training.sequence_length))
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)

    def work() -> None:
        training_losses(made, model, rows, rows, CPU)[0].backward()

    predicted = memory(made, vocabulary, Grid(micro_batch=sequences, checkpointing=True), fused_dropout=False)
    assert predicted.logits + predicted.activations == pytest.approx(peak_bytes(work), rel=TOLERANCE)


@pytest.mark.parametrize("label_smoothing", [0.0, 0.1])
@pytest.mark.parametrize("z_loss", [0.0, 0.1])
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("family", ["llama", "bert"])
def test_the_logits_of_a_loss_at_its_fullest_moment(
    monkeypatch: pytest.MonkeyPatch, family: str, precision: str, z_loss: float, label_smoothing: float
) -> None:
    """Of a model that has little beside its head, from the start of the forward pass to the end of the backward pass."""
    monkeypatch.setattr(cross_entropy, "CHUNK", 1)  # a row at once on a CPU
    vocabulary, sequences = 10_000, 8
    made = recipe(family, precision, width=8, layers=1, heads=1, key_value_heads=None)
    made = replace(made, training=replace(made.training, z_loss=z_loss, label_smoothing=label_smoothing))
    model = build_model(made.architecture, vocabulary, 1, sparse=True)
    model.to(torch.bfloat16 if precision == BF16 else torch.float32)
    rows = np.random.default_rng(0).integers(20, vocabulary, (sequences, made.training.sequence_length))
    labels = np.where(np.arange(rows.shape[1]) % 4 > 0, IGNORED, rows) if family == "bert" else rows

    def work() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == AUTOCAST):
            minimised, _ = training_losses(made, model, rows, labels, CPU)
        minimised.backward()

    predicted = memory(made, vocabulary, Grid(micro_batch=sequences), fused_dropout=False)
    assert predicted.logits + predicted.activations == pytest.approx(peak_bytes(work), rel=0.03)
