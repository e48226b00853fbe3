"""Writes checkpoints beside the training: the steps go on while a copy of the state goes to the disk.

A thread of each rank writes the rank's own part, waits for those of the other ranks, and on rank 0 commits. The threads meet in
a process group of their own, whose messages cannot mix with those of the training. One checkpoint is written at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import torch.distributed as dist

from scripts.lib import checkpoints
from scripts.lib.checkpoints import Write

# Nobody waits for it: a rank that dies closes its connections, and the launcher sees one that hangs.
LONG = timedelta(days=7)
PATIENCE = 60.0  # seconds


class Background:
    """The thread of this rank; every rank has to make one, and to call `start` equally often."""

    def __init__(self) -> None:
        self._group = dist.new_group(backend="gloo", timeout=LONG)
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None

    def start(self, path: Path, writes: Sequence[Write], commit: Callable[[], None]) -> None:
        """Let every rank write into the pending folder `path`, and rank 0 commit it when all have; wait for nothing."""
        self.wait()
        self._thread = threading.Thread(target=self._run, args=(path, writes, commit), daemon=True, name="checkpoint")
        self._thread.start()

    def wait(self) -> None:
        """Return when nothing is being written any more. Raises what went wrong on this rank since the last call."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        error, self._error = self._error, None
        if error is not None:
            raise error

    def settle(self) -> None:
        """Wait for at most PATIENCE, whatever comes of it."""
        if self._thread is not None:
            self._thread.join(PATIENCE)

    def _run(self, path: Path, writes: Sequence[Write], commit: Callable[[], None]) -> None:
        first = dist.get_rank() == 0
        try:
            if first:
                checkpoints.prepare(path)
            dist.barrier(self._group)
            for write in writes:
                write(path)
            dist.barrier(self._group)
            if first:
                commit()
        except BaseException as error:  # for the thread that waits
            self._error = error
