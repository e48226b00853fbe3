"""Losses that jump: found by a robust z-score before the update, so that the batch behind them can be left out.

The losses that a step is compared with, and the number of spikes so far, follow from the rows of `metrics.jsonl` alone:
a resumed run decides what the uninterrupted one decided.
"""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from scripts.lib.schedule import optional, require

ACTIONS = ("none", "skip", "rollback")
DEVIATION = 1.4826  # of a normal distribution, in median absolute deviations (Rousseeuw & Croux 1993)
LEAST = 1e-3  # of the median: losses that barely vary must not make a spike of any


@dataclass(frozen=True)
class Spikes:
    """What is done about a loss more than `threshold` robust deviations above the median of the last `window` ones.

    `skip` leaves the update of that step out. `rollback` takes the weights of the newest regular checkpoint and leaves
    out all updates since (PaLM, Chowdhery et al. 2022, section 5.1). More than `most` spikes end the run.
    """

    action: str = "none"
    window: int = 100
    threshold: float = 6.0
    most: int = 20

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Self:
        spikes = cls(
            action=str(optional(settings, "action", cls.action)),
            window=int(optional(settings, "window", cls.window)),
            threshold=float(optional(settings, "threshold", cls.threshold)),
            most=int(optional(settings, "most", cls.most)),
        )
        known = ", ".join(ACTIONS)
        require(spikes.action in ACTIONS, f"training.spikes.action: {spikes.action!r} is none of {known}")
        require(spikes.window >= 4, "training.spikes.window: must be at least 4 losses")
        require(spikes.threshold > 0, "training.spikes.threshold: must be above 0")
        require(spikes.most > 0, "training.spikes.most: must be at least 1")
        return spikes


class SpikeWatch:
    """The last losses of steps that were no spikes, and how many were."""

    def __init__(self, settings: Spikes) -> None:
        self._settings = settings
        self._losses: deque[float] = deque(maxlen=settings.window)
        self.count = 0

    def restore(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Go to where the rows of metrics end; spikes that were counted before stay counted."""
        steps = [row for row in rows if "loss" in row]
        self._losses.clear()
        self._losses.extend(row["loss"] for row in steps if row["loss"] and "spike" not in row)
        self.count = max(self.count, sum("spike" in row for row in steps))

    def score(self, loss: float) -> float | None:
        """Return the z-score of a loss that is a spike and count it, or None and remember the loss.

        Nothing is a spike until the window is full. A batch that asks for no token, as one of few masks may, has none: it is 0.
        """
        if self._settings.action == "none" or not loss:
            return None
        if len(self._losses) == self._settings.window:
            middle = statistics.median(self._losses)
            spread = DEVIATION * statistics.median(abs(value - middle) for value in self._losses)
            score = (loss - middle) / max(spread, LEAST * abs(middle))
            if score > self._settings.threshold:
                self.count += 1
                return score
        self._losses.append(loss)
        return None

    @property
    def exhausted(self) -> bool:
        """Whether there were more spikes than are allowed."""
        return self.count > self._settings.most
