"""Averages of the weights over training, exported in place of the last ones.

Rank 0 keeps the average, in fp32 on its device; it goes into every checkpoint. With ZeRO 3 the weights are gathered for
each update of it, which for an exponential average means every step.
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from scripts.lib.checkpoints import Write
from scripts.pretraining.engine import Engine
from scripts.pretraining.recipe import Training

FILE = "average.safetensors"


class Averager:
    """The average so far; every rank has to call every method but `snapshot`."""

    def __init__(self, training: Training, engine: Engine) -> None:
        self.settings, self.engine = training.average, engine
        self._taken = {done: number for number, done in enumerate(training.averaged_steps())}
        self._average: dict[str, Tensor] = {}

    def after(self, done: int) -> None:
        """Take the weights after `done` updates into the average, where they belong to it."""
        if self.settings.kind == "ema":
            self._mix(1.0 - self.settings.decay)
        elif done in self._taken:
            self._mix(1.0 / (1 + self._taken[done]))

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def _mix(self, share: float) -> None:
        """Move the average towards the weights by a share of the way; the first time it becomes them."""
        for name, weight in self.engine.each_whole():
            if name in self._average:
                self._average[name].lerp_(weight.float(), share)
            elif self.engine.rank == 0:
                self._average[name] = weight.float().clone()

    def apply(self) -> None:
        """Put the average in the place of the weights; no update may follow."""
        self.engine.replace_weights(self._average)

    def snapshot(self) -> Write:
        """Copy the average into the memory of the host; return what writes the copy into a checkpoint."""
        if not self._average:  # there is none yet
            return lambda folder: None
        copied = {name: value.to("cpu", copy=True) for name, value in self._average.items()}
        return lambda folder: save_file(copied, folder / FILE)

    def load(self, folder: Path) -> None:
        """Go to the average of a checkpoint."""
        path = folder / FILE
        held = self.engine.rank == 0 and path.is_file()
        self._average = load_file(path, device=str(self.engine.device)) if held else {}
