"""How weights are updated over time, for pretraining and fine-tuning: AdamW and its learning rate.

The learning rate is a pure function of how far training is, so that a resumed run needs no scheduler state.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from scripts.lib.errors import UserError

DECAYS = ("cosine", "exponential", "linear", "constant", "inverse_sqrt", "wsd")
UNITS = ("steps", "tokens")
OPTIMIZERS = ("adamw", "muon")
PARTS = ("matrices", "embeddings", "head", "vectors")


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
    """AdamW (Loshchilov & Hutter 2019), or Muon for the matrices of the layers (Jordan 2024) and AdamW for the rest.

    `learning_rate` is the peak; decay spares norms, biases, embeddings. `rates` are factors of the learning rate by part
    of the model (PARTS), or empty.
    """

    name: str
    learning_rate: float
    beta1: float
    beta2: float
    epsilon: float
    weight_decay: float
    rates: Mapping[str, float] = field(default_factory=dict)

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
            rates=part_rates(optional(settings, "rates", {})),
        )
        known = " or ".join(OPTIMIZERS)
        require(optimizer.name in OPTIMIZERS, f"training.optimizer.name: {optimizer.name!r} is not known; use {known}")
        require(optimizer.learning_rate > 0, "training.optimizer.learning_rate: must be above 0")
        require(optimizer.weight_decay >= 0, "training.optimizer.weight_decay: must not be negative")
        return optimizer


def part_rates(settings: Mapping[str, Any]) -> dict[str, float]:
    """Return the factor of the learning rate of every part of a model, or nothing where none is given."""
    if not settings:
        return {}
    rates = {part: float(optional(settings, part, 1.0)) for part in PARTS}
    for part, rate in rates.items():
        require(rate > 0, f"training.optimizer.rates.{part}: must be above 0")
    return rates


@dataclass(frozen=True)
class Schedule:
    """Learning rate over training: linear warmup, then `decay` down to `final` times the peak.

    `warmup` is in steps, or in tokens where training counts these. `cooldown` is the share of training at whose end wsd
    (warmup, stable, decay) decays.
    """

    decay: str
    warmup: int
    final: float
    cooldown: float = 0.2

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any], total: int, unit: str = "steps") -> Self:
        """Read the settings of training over `total` steps, or whatever the unit is. Raises UserError."""
        schedule = cls(
            decay=str(optional(settings, "decay", "cosine")),
            warmup=int(optional(settings, "warmup", 0)),
            final=float(optional(settings, "final", 0.1)),
            cooldown=float(optional(settings, "cooldown", 0.2)),
        )
        known = ", ".join(DECAYS)
        require(schedule.decay in DECAYS, f"training.schedule.decay: {schedule.decay!r} is none of {known}")
        require(
            0 <= schedule.warmup < total,
            f"training.schedule.warmup: {schedule.warmup} {unit} do not fit into {total} {unit} of training",
        )
        require(0 <= schedule.final <= 1, "training.schedule.final: must be a share of the peak in [0, 1]")
        require(
            schedule.decay != "exponential" or schedule.final > 0,
            "training.schedule.final: exponential decay never reaches 0; give a share above 0",
        )
        require(0 < schedule.cooldown <= 1, "training.schedule.cooldown: must be a share of training in (0, 1]")
        return schedule


def learning_rate(schedule: Schedule, peak: float, steps: int, step: int) -> float:
    """Learning rate used by update `step` (0-based) of `steps`; see `rate_at`."""
    return rate_at(schedule, peak, step + 1, steps, 1)


def rate_at(schedule: Schedule, peak: float, done: int, total: int, first: int) -> float:
    """Learning rate of the update after which `done` of `total` steps or tokens are done, `first` after the first one.

    Warmup rises linearly and reaches `peak` when `warmup` is done; it never starts at 0, so that every update moves the
    weights. The decay starts there, or for wsd later, and reaches `final * peak` at the last update. Inverse_sqrt falls
    with the root of what is done (Vaswani et al. 2017), but not below `final * peak`.
    """
    if done <= schedule.warmup:
        return peak * done / schedule.warmup
    start = max(schedule.warmup, first)
    if schedule.decay == "inverse_sqrt":
        return peak * max(math.sqrt(start / max(done, start)), schedule.final)
    if schedule.decay == "wsd":
        start = max(start, total - round(schedule.cooldown * total))
    progress = (done - start) / max(total - start, 1)
    return peak * decay_factor(schedule.decay, schedule.final, min(max(progress, 0.0), 1.0))


def decay_factor(decay: str, final: float, progress: float) -> float:
    """Share of the peak at `progress` in [0, 1] of the decay phase: 1 at its start, `final` at its end.

    Cosine is that of Loshchilov & Hutter 2017 without restarts; exponential is `final ** progress`; wsd falls with
    1 - sqrt(progress) (Hägele et al. 2024).
    """
    if decay == "constant":
        return 1.0
    if decay == "linear":
        return 1.0 + (final - 1.0) * progress
    if decay == "exponential":
        return math.exp(progress * math.log(final))
    if decay == "wsd":
        return final + (1.0 - final) * (1.0 - math.sqrt(progress))
    return final + (1.0 - final) * 0.5 * (1.0 + math.cos(math.pi * progress))
