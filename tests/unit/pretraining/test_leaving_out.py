"""Updates that are left out after a spike: as a plain loop would, and the same after a resume."""

from __future__ import annotations

import copy
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional

from scripts.lib.errors import UserError
from scripts.lib.optimiser import parameter_groups
from scripts.lib.schedule import learning_rate
from scripts.pretraining.architecture import build_model
from scripts.pretraining.data import TrainingData
from scripts.pretraining.job import Job
from scripts.pretraining.spikes import SpikeWatch
from tests.unit.pretraining import tiny
from tests.unit.pretraining.parallel import Done
from tests.unit.pretraining.rank import Rows, Weights, largest_difference, losses, make_job, run

STEPS, PERIOD = 18, 5
SLOW = {"learning_rate": 0.0001, "weight_decay": 0.1}  # so slow that losses rise as often as they fall
# ZeRO 3 comes last: it replaces torch's linear layer in all of its process.
TWO: dict[str, tuple[str, dict[str, Any]]] = {
    "rollback, ZeRO 1": ("rollback", {"data": 2, "zero_stage": 1}),
    "skip, pipeline": ("skip", {"pipeline": 2, "zero_stage": 1}),
    "rollback, tensor, ZeRO 2": ("rollback", {"tensor": 2, "zero_stage": 2}),
    "rollback, ZeRO 3": ("rollback", {"data": 2, "zero_stage": 3}),
}


def chosen(action: str, **changes: Any) -> dict[str, Any]:
    """Settings under which some steps of a tiny training count as spikes."""
    spikes = {"action": action, "window": 4, "threshold": 0.6, "most": 12, **changes}
    return {"steps": STEPS, "spikes": spikes, "optimizer": SLOW}


def plain_loop(job: Job) -> tuple[list[float], list[int], Weights]:
    """Train on whole batches with nothing but torch; return losses, steps whose update was left out, and weights."""
    recipe, training = job.recipe, job.recipe.training
    model = build_model(recipe.architecture, job.vocabulary, recipe.seed)
    rates = training.optimizer
    optimizer = torch.optim.AdamW(parameter_groups(model, rates.weight_decay), betas=(rates.beta1, rates.beta2))
    data, watch = TrainingData(recipe, job.weights, job.sources), SpikeWatch(training.spikes)
    found, out, rows = [], [], []
    for step in range(training.steps):
        if step % training.checkpoint_every == 0:
            kept = copy.deepcopy((model.state_dict(), optimizer.state_dict(), rows))
        tokens = torch.from_numpy(data.batch(step).copy())
        logits = model(input_ids=tokens[:, :-1]).logits
        loss = functional.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        found.append(loss.item())
        if watch.score(found[-1]) is not None:
            out.append(step)
            if training.spikes.action == "rollback":
                model.load_state_dict(kept[0])
                optimizer.load_state_dict(copy.deepcopy(kept[1]))
                watch.restore(kept[2])
            continue
        rows.append({"loss": found[-1]})
        torch.nn.utils.clip_grad_norm_(model.parameters(), training.gradient_clipping)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(training.schedule, rates.learning_rate, training.steps, step)
        optimizer.step()
    return found, out, dict(model.state_dict())


def require_plain(job: Job, weights: Weights, rows: Rows) -> None:
    """Require losses, spikes and weights of a plain loop."""
    expected, out, last = plain_loop(job)
    spikes = {row["step"]: row["spike"] for row in rows if "spike" in row}
    assert sorted(spikes) == [step + 1 for step in out] and len(out) >= 2
    by_step = {row["step"]: row["loss"] for row in rows if "loss" in row}
    assert all(abs(loss - expected[step - 1]) <= 1e-5 for step, loss in by_step.items())
    mean = sum(float((weights[name] - last[name]).abs().mean()) for name in weights) / len(weights)
    assert mean <= 2e-6, "an update more or less moves weights by 1e-4"
    if job.recipe.training.spikes.action == "rollback":
        assert {step: spike["to"] for step, spike in spikes.items()} == {
            step: (step - 1) // PERIOD * PERIOD for step in spikes
        }
        assert len(by_step) < STEPS, "the rows of updates that were taken back are gone"
    else:
        assert len(by_step) == STEPS


@pytest.mark.parametrize(("action", "zero_stage"), [("skip", 0), ("skip", 3), ("rollback", 0), ("rollback", 2)])
def test_it_equals_a_plain_loop_and_resumes_to_the_same_bits(
    inputs: tiny.Inputs, device: torch.device, tmp_path: Path, action: str, zero_stage: int
) -> None:
    job = make_job(inputs, zero_stage=zero_stage, **chosen(action))
    weights, rows = run(job, tmp_path, device)
    require_plain(job, weights, rows)
    shutil.rmtree(tmp_path / f"step-{STEPS:08d}")
    again, repeated = run(job, tmp_path, device)
    assert repeated == rows
    assert largest_difference(weights, again) == 0.0


@pytest.fixture(scope="module")
def two(inputs: tiny.Inputs, tmp_path_factory: pytest.TempPathFactory) -> Done:
    jobs = {way: make_job(inputs, **chosen(action), **layout) for way, (action, layout) in TWO.items()}
    return Done(tmp_path_factory.mktemp("two"), jobs)


@pytest.mark.parametrize("way", TWO)
def test_two_ranks_leave_out_what_a_plain_loop_does_and_resume_to_the_same_bits(two: Done, way: str) -> None:
    require_plain(two.jobs[way], *two.published(way))
    two.require_same_bits(way, way, "result")


def test_more_spikes_than_allowed_stop(inputs: tiny.Inputs, device: torch.device, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"stopped at step \d+: its loss lies [\d.]+ robust .*spikes\.most \(1\)"):
        run(make_job(inputs, **chosen("skip", most=1)), tmp_path, device)


def test_without_spikes_nothing_is_marked(inputs: tiny.Inputs, device: torch.device, tmp_path: Path) -> None:
    weights, rows = run(make_job(inputs, **chosen("skip", threshold=1e6)), tmp_path / "off", device)
    same, others = run(make_job(inputs, steps=STEPS, optimizer=SLOW), tmp_path / "none", device)
    assert losses(rows) == losses(others) and not any("spike" in row for row in rows)
    assert largest_difference(weights, same) == 0.0
