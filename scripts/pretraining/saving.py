"""Checkpoints of a training run: what is saved, which one a run goes on from, and going back to one."""

from __future__ import annotations

import logging
from copy import deepcopy
from dataclasses import asdict
from functools import partial
from pathlib import Path

import torch.distributed as dist
from safetensors import SafetensorError

from scripts.lib import checkpoints
from scripts.lib.errors import UserError
from scripts.lib.seen import Seen
from scripts.pretraining.averaging import Averager
from scripts.pretraining.background import Background
from scripts.pretraining.engine import Engine
from scripts.pretraining.job import Job
from scripts.pretraining.layouts import note_layout
from scripts.pretraining.metrics import Metrics, Row
from scripts.pretraining.shares import Joined, Shares, Source, restore, snapshot

log = logging.getLogger(__name__)


class Saver:
    """Saves and restores engine, average, metrics and what was fed; every rank has to call every method."""

    def __init__(self, job: Job, folder: Path, engine: Engine, metrics: Metrics, averager: Averager) -> None:
        self.job, self.folder, self.engine, self.metrics, self.averager = job, folder, engine, metrics, averager
        self.seen = Seen()
        training, upkeep = job.recipe.training, job.upkeep
        goes_back = training.spikes.action == "rollback"
        self._keep = checkpoints.Keep(
            upkeep.keep_last, upkeep.keep_every, training.checkpoint_every if goes_back else 0, upkeep.keep_steps
        )
        self._background = Background()

    def resume(self) -> tuple[int, list[Row]]:
        """Go to the newest whole checkpoint; return the updates that are done and the rows of metrics up to there."""
        found = self._newest(1)
        if self.engine.rank == 0:
            note_layout(self.folder, self.job.layout, found)
        if found is None:
            return 0, []
        rows = self._restore(found)
        self.seen = Seen.load(found.path)
        log.info("resuming after step %d", found.step)
        return found.step, rows

    def go_back(self) -> tuple[int, list[Row]]:
        """Take the weights of the newest regular checkpoint; return its step and the rows of metrics up to there.

        What was fed since stays on record: the run does not see it again.
        """
        self.wait()
        found = self._newest(self.job.recipe.training.checkpoint_every)
        if found is None:
            raise UserError(
                f"Training of {self.job.recipe.model} cannot go back: there is no whole checkpoint in {self.folder}; "
                "run again from the start, or set training.spikes.action to skip."
            )
        return found.step, self._restore(found)

    def save(self, done: int) -> None:
        """Copy the state after `done` updates, and let the copy be written while the training goes on.

        Waits for the checkpoint before this one; `wait` waits for this one. Raises UserError where ranks were fed other batches.
        """
        self.wait()
        self._require_one_record(done)
        writes = [snapshot(self.engine)]
        if self.engine.rank == 0:
            writes += [self.averager.snapshot(), deepcopy(self.seen).save, self.metrics.snapshot()]
        path = checkpoints.pending_path(self.folder, done)
        commit = partial(checkpoints.commit, path, done, self.job.digest, asdict(self.job.layout), self._keep)
        self._background.start(path, writes, commit)

    def wait(self) -> None:
        """Return when the last checkpoint is whole. Raises UserError when it could not be written."""
        try:
            self._background.wait()
        except (OSError, SafetensorError) as error:
            raise UserError(
                f"A checkpoint of {self.job.recipe.model} could not be written to {self.folder}: {error}; make room or mend the "
                "file system and run again, which goes on from the checkpoint before."
            ) from error

    def settle(self) -> None:
        """After an error: let a checkpoint that is being written become whole, if that takes no longer than a minute."""
        self._background.settle()

    def shares(self, found: checkpoints.Checkpoint) -> Source:
        """Return the weights and the optimiser's memory in a checkpoint, whole parameters, whatever layout wrote it."""
        shares, tensor = Shares(found.path, range(found.layout["processes"])), found.layout.get("tensor", 1)
        return shares if tensor == 1 else Joined(shares, self.engine.cuts, self.engine.shapes(), tensor)

    def newest(self) -> checkpoints.Checkpoint:
        """Return the newest whole checkpoint of a run that has saved."""
        found = self._newest(1)
        assert found is not None
        return found

    def _require_one_record(self, done: int) -> None:
        """Raise UserError unless all ranks drew the same batches: each reads the shards for itself, and one record is saved."""
        digests = [""] * self.job.layout.processes
        dist.all_gather_object(digests, self.seen.digest)
        others = [rank for rank, digest in enumerate(digests) if digest != digests[0]]
        if others:
            raise UserError(
                f"Training of {self.job.recipe.model} stopped after step {done - 1}: rank {others[0]} read other batches than "
                "rank 0; give all machines the same shards and run again, which goes on from the last checkpoint."
            )

    def _newest(self, multiple: int) -> checkpoints.Checkpoint | None:
        """Return the newest whole checkpoint that rank 0 chooses for all, in this run's folder or in the earlier one."""
        chosen: list[checkpoints.Checkpoint | None] = [None]
        if self.engine.rank == 0:
            folders = [self.folder, *([Path(self.job.earlier)] if self.job.earlier else [])]
            found = [checkpoints.newest(folder, self.job.digest, multiple, self.job.until) for folder in folders]
            chosen = [max((one for one in found if one), key=lambda one: one.step, default=None)]
        dist.broadcast_object_list(chosen)
        return chosen[0]

    def _restore(self, found: checkpoints.Checkpoint) -> list[Row]:
        restore(self.engine, self.shares(found))
        self.averager.load(found.path)
        return self.metrics.restore(found.path)
