"""A gradient that is not finite on one rank of several ends them all, with the step, that rank and its documents."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from scripts.pretraining.data import TrainingData
from scripts.pretraining.job import Job
from tests.unit.pretraining import tiny
from tests.unit.pretraining.parallel import Group
from tests.unit.pretraining.rank import make_job

# ZeRO 3 comes last: it replaces torch's linear layer in all of its process.
TWO: dict[str, dict[str, Any]] = {
    "data, ZeRO 0": {"data": 2},
    "data, ZeRO 2 in bf16": {"data": 2, "zero_stage": 2, "precision": "bf16"},
    "tensor, ZeRO 0": {"tensor": 2},
    "sequence, ZeRO 2": {"sequence": 2, "zero_stage": 2},
    "pipeline": {"pipeline": 2, "zero_stage": 1},
    "data, ZeRO 3": {"data": 2, "zero_stage": 3},
}
STEEP = """
import sys
from pathlib import Path
import torch.distributed as dist
from deepspeed.utils import groups
from scripts.lib.errors import UserError
from scripts.pretraining import trainer
from scripts.pretraining.engine import start_processes, stop_processes
from scripts.pretraining.job import Job

device, original, asked = start_processes(), trainer.training_losses, []

def steep(*given):
    asked.append(given)
    minimised, nats = original(*given)
    return minimised * (float("inf") if dist.get_rank() and len(asked) == passes + 2 else 1.0), nats

trainer.training_losses = steep
for path in map(Path, sys.argv[1:]):
    job, groups.mpu = Job.load(path), None
    asked.clear()
    passes = len(list(job.layout.micro_batches(dist.get_rank(), 8)))
    try:
        trainer.Trainer(job, path.parent, device).run()
    except UserError as error:
        (path.parent / f"said-{dist.get_rank()}").write_text(str(error))
stop_processes()
"""


@pytest.fixture(scope="module")
def stopped(inputs: tiny.Inputs, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Job]]:
    """Train in all ways; in the second step rank 1 minimises something infinite in its second micro-batch."""
    folder = tmp_path_factory.mktemp("stopped")
    jobs = {way: make_job(inputs, steps=5, **layout) for way, layout in TWO.items()}
    for way in jobs:
        (folder / way).mkdir()
    ranks = Group(
        2, [job.write(folder / way) for way, job in jobs.items()], folder / "meeting", folder / "log", code=STEEP
    )
    ranks.finish()
    return folder, jobs


@pytest.mark.parametrize("way", TWO)
def test_it_is_named(stopped: tuple[Path, dict[str, Job]], way: str) -> None:
    folder, jobs = stopped
    job = jobs[way]
    said = [(folder / way / f"said-{rank}").read_text("utf-8") for rank in range(2)]
    assert said[0] == said[1]
    assert re.search(r"stopped at step 1: the gradient norm is (nan|inf) on rank 1; ", said[0])
    (_, _), (_, rows), *_ = job.layout.micro_batches(1, 8)
    data = TrainingData(job.recipe, job.weights, job.sources)
    assert said[0].endswith(f"are {', '.join(data.documents(1, range(8)[rows]))}.")
