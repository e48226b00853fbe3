"""Every way of updating equals a plain loop on the same global batches, and goes on bit for bit."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from scripts.lib.errors import UserError
from tests.unit.pretraining import tiny
from tests.unit.pretraining.plain import plain_steps
from tests.unit.pretraining.rank import Weights, largest_difference, make_job, run

RATES = {"learning_rate": 0.01, "weight_decay": 0.1, "rates": {"embeddings": 0.5, "vectors": 2.0}}
ROUNDED = 2e-3  # largest difference of a loss with Muon, which makes matrices orthogonal in bf16
MUON = {"learning_rate": 0.01, "weight_decay": 0.1, "name": "muon"}
WAYS: dict[str, dict[str, Any]] = {
    "llama with z-loss, smoothing, rates by part and wsd in tokens, ZeRO 1": {
        "zero_stage": 1,
        "family": "llama",
        "z_loss": 0.01,
        "label_smoothing": 0.1,
        "optimizer": RATES,
        "schedule": {"decay": "wsd", "warmup": 4 * 8 * 24, "final": 0.1},
        "schedule_unit": "tokens",
    },
    "bert with smoothing, whose micro-batches predict varying numbers of tokens, ZeRO 2": {
        "zero_stage": 2,
        "micro_batch": 1,
        "family": "bert",
        "label_smoothing": 0.1,
        "schedule": {"decay": "inverse_sqrt", "warmup": 4},
    },
    "gpt2 with muon and an exponential average, ZeRO 0": {
        "family": "gpt2",
        "optimizer": MUON,
        "average": {"kind": "ema", "decay": 0.8},
    },
    "llama with the average of the last checkpoints, ZeRO 3": {
        "zero_stage": 3,
        "family": "llama",
        "optimizer": RATES,
        "average": {"kind": "checkpoints", "last": 3},
    },
}


def averaged(history: list[Weights], average: dict[str, Any] | None) -> Weights:
    """Return the average of the weights after every update, by its definition."""
    if average is None:
        return history[-1]
    if average["kind"] == "checkpoints":
        taken = [history[done - 1] for done in (10, 15, 20)]
        return {name: torch.stack([weights[name] for weights in taken]).mean(0) for name in history[0]}
    decay, steps = average["decay"], len(history)
    shares = [decay ** (steps - 1), *((1 - decay) * decay ** (steps - 1 - step) for step in range(1, steps))]
    assert sum(shares) == pytest.approx(1.0)
    return {
        name: sum(share * weights[name] for share, weights in zip(shares, history, strict=True)) for name in history[0]
    }


@pytest.mark.parametrize("way", WAYS)
def test_it_equals_a_plain_loop_and_goes_on_bit_for_bit(
    inputs: tiny.Inputs, device: torch.device, tmp_path: Path, way: str
) -> None:
    job = make_job(inputs, **WAYS[way])
    weights, rows = run(job, tmp_path, device)
    expected = list(plain_steps(job))
    steps = [row for row in rows if "loss" in row]
    coarse = job.recipe.training.optimizer.name == "muon"
    differences = [abs(row["loss"] - loss) for row, (loss, _, _) in zip(steps, expected, strict=True)]
    assert max(differences) <= (ROUNDED if coarse else 1e-5) and differences[0] <= 1e-5
    norms = [abs(row["grad_norm"] - norm) for row, (_, norm, _) in zip(steps, expected, strict=True)]
    assert max(norms) <= (10 * ROUNDED if coarse else 1e-4)
    average = WAYS[way].get("average")
    last = averaged([weights for _, _, weights in expected], average)
    assert largest_difference({name: weights[name] for name in last if name in weights}, last) <= (
        0.05 if coarse else 1e-3
    )
    mean = sum(float((weights[name] - last[name]).abs().mean()) for name in last if name in weights) / len(last)
    assert mean <= (ROUNDED if coarse else 1e-5)
    assert [row.get("averaged") for row in rows if "validation" in row] == [
        None,
        None,
        *([average["kind"]] if average else []),
    ]
    shutil.rmtree(tmp_path / "step-00000020")
    again, repeated = run(job, tmp_path, device)
    assert repeated == rows and largest_difference(weights, again) == 0.0


def test_muon_is_refused_where_matrices_are_cut_up(inputs: tiny.Inputs) -> None:
    with pytest.raises(
        UserError, match=r"muon, which needs whole matrices, and --zero-stage 1 cuts them up; .*--zero-stage 0"
    ):
        make_job(inputs, zero_stage=1, optimizer=MUON)
