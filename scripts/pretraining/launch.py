"""Start the ranks of a training run and stay with them: their log is ours, and they end when we do."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.lib.code import ROOT
from scripts.lib.errors import UserError
from scripts.lib.progress import progress
from scripts.pretraining.job import FAILURE, Job
from scripts.pretraining.metrics import METRICS

if TYPE_CHECKING:  # it runs in processes of its own; named here, it counts in the code digest of those who launch it
    from scripts.pretraining import worker as worker

SECONDS = 1.0  # between two looks at what the ranks have done


def launch(job: Job, folder: Path) -> None:
    """Train in `job.layout.processes` processes on this machine. Raises UserError when they fail.

    The ranks inherit a pipe whose other end we hold: they end when it closes, also after a SIGKILL of this process.
    """
    (folder / FAILURE).unlink(missing_ok=True)
    command = [
        *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
        *("--nproc-per-node", str(job.layout.processes)),
        *("-m", "scripts.pretraining.worker", str(job.write(folder))),
    ]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=sys.stderr, env=_environment(job), start_new_session=True
    )
    try:
        steps = job.recipe.training.steps
        for _ in progress(updates(process, folder / METRICS), steps, f"pretraining {job.recipe.model}"):
            pass
        code = process.wait()
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()
    if code:
        failure = folder / FAILURE
        if failure.is_file():
            raise UserError(failure.read_text("utf-8"))
        raise UserError(
            f"Training of {job.recipe.model} ended with exit code {code}; the lines above tell why: "
            "mend it and run again, which goes on from the last checkpoint."
        )


def updates(process: subprocess.Popen[bytes], metrics: Path) -> Iterator[None]:
    """Yield once for each update that the ranks have noted, until they end; they have no terminal to show it on."""
    known = 0
    while process.poll() is None:
        time.sleep(SECONDS)
        noted = metrics.read_bytes().count(b'"grad_norm"') if metrics.is_file() else known
        yield from itertools.repeat(None, max(noted - known, 0))
        known = noted


def _environment(job: Job) -> dict[str, str]:
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    return {
        **os.environ,
        "PYTHONPATH": path,
        "OMP_NUM_THREADS": str(job.layout.threads),
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_OFFLINE": "1",
    }
