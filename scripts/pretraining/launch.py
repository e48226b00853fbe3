"""Start the ranks of a training run and stay with them: their log is ours, and they end when we do."""

from __future__ import annotations

import itertools
import logging
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.lib.code import ROOT
from scripts.lib.progress import progress
from scripts.pretraining.failures import memory_advice
from scripts.pretraining.job import Job
from scripts.pretraining.machines import SlurmRanks
from scripts.pretraining.metrics import METRICS
from scripts.pretraining.ranks import Ranks, stopping_on_signals

if TYPE_CHECKING:  # it runs in processes of its own; named here, it counts in the code digest of those who launch it
    from scripts.pretraining import worker as worker

log = logging.getLogger(__name__)
MARGIN = 300.0  # seconds before the end of the job at which it saves; a tenth of it where that is less


def launch(job: Job, folder: Path, walltime: float = 0.0, machines: int = 1) -> None:
    """Train in `job.layout.processes` processes, at most `walltime` seconds (0: as Slurm says).

    They run on this machine, or on several of a Slurm job, which then all have to see the folder.

    Raises UserError when they fail, and Saved when they were asked to stop (by SIGTERM, SIGUSR1 or the walltime) and
    left a checkpoint. The ranks hold a pipe whose other end we hold: they end when it closes, also after a SIGKILL of
    this process.
    """
    with tempfile.TemporaryDirectory(prefix=".ranks-", dir=folder if machines > 1 else None) as shared:
        named = (job.recipe.model, job.layout.processes, Path(shared), job.upkeep.timeout, memory_advice(job))
        ranks = SlurmRanks(*named, machines) if machines > 1 else Ranks(*named)
        try:
            with stopping_on_signals(ranks):
                command = (sys.executable, "-m", "scripts.pretraining.worker", str(job.write(folder)))
                ranks.start(command, _environment(job))
                done = updates(ranks.watch(deadline(walltime, os.environ)), folder / METRICS)
                for _ in progress(done, job.steps, f"pretraining {job.recipe.model}"):
                    pass
        finally:
            ranks.end()


def deadline(walltime: float, environment: Mapping[str, str]) -> float | None:
    """Return when to save and stop, in seconds of `time.time`: before the walltime or the end of the Slurm job."""
    now = time.time()
    ends = [now + walltime] if walltime else []
    if environment.get("SLURM_JOB_END_TIME", "").isdigit():
        ends.append(float(environment["SLURM_JOB_END_TIME"]))
    if not ends:
        return None
    left = max(min(ends) - now, 0.0)
    return now + left - min(MARGIN, left / 10)


def updates(looks: Iterable[None], metrics: Path) -> Iterator[None]:
    """Yield once for each update that the ranks have noted, until they end; they have no terminal to show it on."""
    known = 0
    for _ in looks:
        noted = metrics.read_bytes().count(b'"grad_norm"') if metrics.is_file() else known
        yield from itertools.repeat(None, max(noted - known, 0))
        known = max(known, noted)  # going on from a checkpoint, or back to one, takes rows away


def _environment(job: Job) -> dict[str, str]:
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    return {
        **os.environ,
        "PYTHONPATH": path,
        "OMP_NUM_THREADS": str(job.layout.threads),
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_OFFLINE": "1",
    }
