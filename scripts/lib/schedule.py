"""How weights are updated over time, for pretraining and fine-tuning: AdamW and its learning rate.

The learning rate is a pure function of the step, so that a resumed run needs no scheduler state.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from scripts.lib.errors import UserError

DECAYS = ("cosine", "exponential", "linear", "constant")


def optional(settings: Mapping[str, Any], key: str, default: Any) -> Any:
    """Return an optional leaf: the default where it is absent or null."""
    value = settings[key] if key in set(settings) else None
    return default if value is None else value


def require(condition: bool, message: str) -> None:
    """Raise UserError with the message unless the condition holds."""
    if not condition:
        raise UserError(message)


@dataclass(frozen=True)
class Optimizer:
    """AdamW (Loshchilov & Hutter 2019). `learning_rate` is the peak; decay spares norms, biases, embeddings."""

    name: str
    learning_rate: float
    beta1: float
    beta2: float
    epsilon: float
    weight_decay: float

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Self:
        beta1, beta2 = optional(settings, "betas", (0.9, 0.95))
        optimizer = cls(
            name=str(optional(settings, "name", "adamw")),
            learning_rate=float(settings["learning_rate"]),
            beta1=float(beta1),
            beta2=float(beta2),
            epsilon=float(optional(settings, "epsilon", 1e-8)),
            weight_decay=float(optional(settings, "weight_decay", 0.1)),
        )
        require(optimizer.name == "adamw", f"training.optimizer.name: {optimizer.name!r} is not known; use adamw")
        require(optimizer.learning_rate > 0, "training.optimizer.learning_rate: must be above 0")
        require(optimizer.weight_decay >= 0, "training.optimizer.weight_decay: must not be negative")
        return optimizer


@dataclass(frozen=True)
class Schedule:
    """Learning rate over steps: linear warmup, then `decay` down to `final` times the peak."""

    decay: str
    warmup: int
    final: float

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any], steps: int) -> Self:
        schedule = cls(
            decay=str(optional(settings, "decay", "cosine")),
            warmup=int(optional(settings, "warmup", 0)),
            final=float(optional(settings, "final", 0.1)),
        )
        known = ", ".join(DECAYS)
        require(schedule.decay in DECAYS, f"training.schedule.decay: {schedule.decay!r} is none of {known}")
        require(
            0 <= schedule.warmup < steps,
            f"training.schedule.warmup: {schedule.warmup} steps do not fit into {steps} steps of training",
        )
        require(0 <= schedule.final <= 1, "training.schedule.final: must be a share of the peak in [0, 1]")
        require(
            schedule.decay != "exponential" or schedule.final > 0,
            "training.schedule.final: exponential decay never reaches 0; give a share above 0",
        )
        return schedule


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
