"""Checkpoints of a training run: what is saved, which one a run goes on from, and going back to one."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import torch.distributed as dist

from scripts.lib import checkpoints
from scripts.lib.errors import UserError
from scripts.lib.seen import Seen
from scripts.pretraining.averaging import Averager
from scripts.pretraining.engine import Engine
from scripts.pretraining.job import Job
from scripts.pretraining.metrics import Metrics, Row

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

    def resume(self) -> tuple[int, list[Row]]:
        """Go to the newest whole checkpoint; return the updates that are done and the rows of metrics up to there."""
        found = self._newest(1)
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
        found = self._newest(self.job.recipe.training.checkpoint_every)
        if found is None:
            raise UserError(
                f"Training of {self.job.recipe.model} cannot go back: there is no whole checkpoint in {self.folder}; "
                "run again from the start, or set training.spikes.action to skip."
            )
        return found.step, self._restore(found)

    def save(self, done: int) -> None:
        """Save after `done` updates."""
        path = checkpoints.pending_path(self.folder, done)
        if self.engine.rank == 0:
            checkpoints.prepare(path)
        dist.barrier()
        self.engine.save(path)
        if self.engine.rank == 0:
            self.averager.save(path)
            self.seen.save(path)
            self.metrics.save(path)
            checkpoints.commit(path, done, self.job.digest, self._layout(), self._keep)
        dist.barrier()

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
        layout = self._layout()
        same_share = not layout["zero_stage"] or layout == found.layout
        if found.layout["zero_stage"] != layout["zero_stage"] or not same_share:
            raise UserError(
                f"The checkpoint {found.path.name} of {self.job.recipe.model} was written by {found.layout['processes']} "
                f"processes with ZeRO stage {found.layout['zero_stage']}; go on with these, or remove {self.folder}."
            )
        self.engine.load(found.path)
        self.averager.load(found.path)
        return self.metrics.restore(found.path)

    def _layout(self) -> dict[str, Any]:
        return {"zero_stage": self.job.layout.zero_stage, "processes": self.job.layout.processes}
