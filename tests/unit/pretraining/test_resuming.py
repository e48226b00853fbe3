"""Going on at another layout: the same batches, and the losses of the run that was left alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from scripts.pretraining.job import Job
from scripts.pretraining.launch import launch
from scripts.pretraining.layout import lay_out
from scripts.pretraining.layouts import read_layouts
from scripts.pretraining.shares import VALUES, Shares, restore, snapshot
from scripts.pretraining.state import Plain, write_plain
from scripts.pretraining.trainer import Trainer
from tests.unit.pretraining import tiny
from tests.unit.pretraining.rank import largest_difference, losses, make_job, run

# (processes, ZeRO stage, the step that it stops after): two ranks are processes of their own, one is this process
LEGS = [
    (2, 1, 4),
    (1, 1, 7),
    (1, 0, 9),
    (2, 3, 12),
    (1, 3, 15),
    (1, 0, 17),
    (1, 2, 19),
    (1, 3, 21),
    (1, 1, 23),
    (1, 0, 24),
]
FEW = [(2, 1, 8), (1, 3, 14), (1, 1, 20), (1, 0, 24)]
STRONG = {
    "learning_rate": 0.01,
    "weight_decay": 8.0,
    "rates": {"embeddings": 0.5, "vectors": 2.0},
}  # groups decay apart


def at(job: Job, processes: int, zero_stage: int) -> Job:
    """The same job at another layout."""
    training = job.recipe.training
    layout = lay_out(training.global_batch, training.sequence_length, processes, 2, zero_stage)
    return replace(job, layout=layout)


@pytest.mark.parametrize("legs", [FEW, pytest.param(LEGS, marks=pytest.mark.long)], ids=["few", "many"])
def test_from_layout_to_layout_the_losses_are_those_of_one(
    legs: list[tuple[int, int, int]],
    inputs: tiny.Inputs,
    device: torch.device,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """With decay that tells groups apart, clipping and an average of the weights."""
    job = make_job(inputs, steps=24, optimizer=STRONG, average={"kind": "ema", "decay": 0.8}, evaluate_every=24)
    whole, rows = run(job, tmp_path / "whole", device)
    (folder := tmp_path / "changed").mkdir()
    for processes, zero_stage, until in legs[:-1]:
        leg = replace(at(job, processes, zero_stage), until=until)
        if processes == 1:
            assert Trainer(leg, folder, device).run()
        else:
            launch(leg, folder)
    caplog.set_level("INFO")
    weights, own = run(at(job, *legs[-1][:2]), folder, device)
    assert [row["step"] for row in own if "loss" in row] == list(range(1, 25))
    assert max(abs(a - b) for a, b in zip(losses(own), losses(rows), strict=True)) <= 1e-5
    assert largest_difference(whole, weights) <= 1e-4
    assert losses(rows)[-1] < losses(rows)[0] and max(row["grad_norm"] for row in rows if "loss" in row) > 0.5
    assert (folder / "result" / "seen.json").read_bytes() == (tmp_path / "whole" / "result" / "seen.json").read_bytes()
    begun = [0, *(until for _, _, until in legs)]
    noted = [(entry["after"], entry["processes"], entry["zero_stage"]) for entry in read_layouts(folder)]
    assert noted == [(begun[n], processes, zero_stage) for n, (processes, zero_stage, _) in enumerate(legs)]
    last = f"the layout changed after step {legs[-2][2]} (zero_stage 1 to 0): batches stay"
    assert last in caplog.text


@pytest.mark.parametrize("zero_stage", [0, 1, 3])
def test_a_snapshot_is_of_its_moment_and_goes_through_the_plain_form_bit_for_bit(
    inputs: tiny.Inputs, device: torch.device, tmp_path: Path, zero_stage: int
) -> None:
    trainer = Trainer(make_job(inputs, zero_stage=zero_stage, steps=5), tmp_path, device)
    write, empty = snapshot(trainer.engine), Trainer(make_job(inputs, zero_stage=zero_stage, steps=5), tmp_path, device)
    assert trainer.run()
    before, last = Shares(tmp_path / "step-00000005", [0]), tmp_path / "last"
    (first := tmp_path / "first").mkdir()
    write(first)
    shapes, initial = trainer.engine.shapes(), empty.engine.weights()
    for name, shape in shapes.items():
        assert torch.equal(Shares(first, [0]).read(VALUES, name, 0, shape.numel()).view(shape), initial[name])
        assert Shares(first, [0]).keys(name) == [] and "exp_avg" in before.keys(name)
    write_plain(before, shapes, last)
    restore(empty.engine, Plain(last))
    (again := tmp_path / "again").mkdir()
    snapshot(empty.engine)(again)
    for name, shape in shapes.items():
        for key in (VALUES, "exp_avg", "exp_avg_sq"):
            one, other = (source.read(key, name, 0, shape.numel()) for source in (before, Shares(again, [0])))
            assert torch.equal(one, other)
        assert int(Shares(again, [0]).updates(name)) == 5
    restore(empty.engine, Shares(first, [0]))
    assert all(torch.equal(value, initial[name]) for name, value in empty.engine.weights().items())
