"""One rank of a training run. Started by `scripts.pretraining.launch`; by hand:

    python -m torch.distributed.run --standalone --nproc-per-node 2 -m scripts.pretraining.worker FOLDER/job.json

The folder of the job file holds the checkpoints and receives `result/`.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scripts.lib.errors import UserError
from scripts.lib.publish import one_writer
from scripts.pretraining import failures
from scripts.pretraining.engine import start_processes, stop_processes
from scripts.pretraining.job import Job
from scripts.pretraining.machines import take_rank_from_slurm
from scripts.pretraining.presence import FOLDER, SAVED, Presence
from scripts.pretraining.trainer import Trainer

MORE = 600.0  # seconds that a wait for other ranks may last longer than the launcher watches, so that it speaks first


def end_with_launcher() -> None:
    """End this process as soon as the launcher is gone, however it died: it holds the other end of standard input."""

    def watch() -> None:
        while os.read(0, 1):
            pass
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def work(job_path: Path, rank: int) -> int:
    """Train as one of the ranks and return the exit code; the launcher finds the sentence for the user."""
    presence = Presence(rank)
    presence.listen()
    job = Job.load(job_path)
    try:
        device = start_processes(job.upkeep.timeout + MORE)
        presence.note("building the model")
        finished = Trainer(job, job_path.parent, device, presence).run()
    except Exception as error:
        if failures.is_out_of_memory(error):
            error = failures.out_of_memory(job, rank, presence.words)
        if isinstance(error, UserError):
            presence.fail(str(error))
        raise error
    stop_processes()
    return 0 if finished else SAVED


def main(argv: Sequence[str] | None = None) -> int:
    """Run one rank; returns 1 after an error that the user can mend, and SAVED after it saved because it was asked to."""
    arguments: list[Any] = list(sys.argv[1:] if argv is None else argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr, force=True)
    if FOLDER in os.environ:  # the launcher started us
        end_with_launcher()
    take_rank_from_slurm(os.environ)
    path, rank = Path(arguments[0]), int(os.environ.get("RANK", "0"))
    try:
        if rank:
            return work(path, rank)
        with one_writer(path.parent / "training"):
            return work(path, rank)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    raise SystemExit(main())
