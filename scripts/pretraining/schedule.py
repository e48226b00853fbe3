"""The learning rate as a pure function of the step, so that a resumed run needs no scheduler state."""

from __future__ import annotations

import math

from scripts.pretraining.recipe import Schedule


def learning_rate(schedule: Schedule, peak: float, steps: int, step: int) -> float:
    """Learning rate used by update `step` (0-based) of `steps`.

    Warmup rises linearly and reaches `peak` at update `warmup - 1`; it never starts at 0, so that every update
    moves the weights. The decay starts there and reaches `final * peak` at the last update.
    """
    if step < schedule.warmup:
        return peak * (step + 1) / schedule.warmup
    start = max(schedule.warmup - 1, 0)
    span = max(steps - 1 - start, 1)
    return peak * decay_factor(schedule.decay, schedule.final, min((step - start) / span, 1.0))


def decay_factor(decay: str, final: float, progress: float) -> float:
    """Share of the peak at `progress` in [0, 1] of the decay phase: 1 at its start, `final` at its end.

    Cosine is that of Loshchilov & Hutter 2017 without restarts; exponential is `final ** progress`.
    """
    if decay == "constant":
        return 1.0
    if decay == "linear":
        return 1.0 + (final - 1.0) * progress
    if decay == "exponential":
        return math.exp(progress * math.log(final))
    return final + (1.0 - final) * 0.5 * (1.0 + math.cos(math.pi * progress))
