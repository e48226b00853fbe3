"""The recipe of one fine-tuning: typed and validated in one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from scripts.lib.schedule import Optimizer, Schedule


@dataclass(frozen=True)
class Recipe:
    """What decides the weights, next to the pretrained model and the items. `batch` counts items, of all tasks together.

    `tasks` gives each task's weight in the mixture. `validation_items` of each task's dev split are measured every
    `evaluate_every` steps. `minimum_improvement` is the share by which each dev loss has to fall (null: none has to).
    """

    model: str
    finetuning: str
    seed: int
    objective: str
    tasks: dict[str, float]
    steps: int
    batch: int
    optimizer: Optimizer
    schedule: Schedule
    gradient_clipping: float
    evaluate_every: int
    validation_items: int
    checkpoint_every: int
    minimum_improvement: float | None

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Self:
        """Read the settings of the step. Raises UserError for values that contradict one another."""
        training, tasks = settings["training"], settings["tasks"]
        steps = int(training["steps"])
        least = settings["minimum_improvement"]
        return cls(
            model=str(settings["model"]),
            finetuning=str(settings["finetuning"]),
            seed=int(settings["seed"]),
            objective=str(settings["objective"]),
            tasks={name: float(tasks[name]) for name in sorted(tasks)},
            steps=steps,
            batch=int(training["batch"]),
            optimizer=Optimizer.from_settings(training["optimizer"]),
            schedule=Schedule.from_settings(training["schedule"], steps),
            gradient_clipping=float(training["gradient_clipping"]),
            evaluate_every=int(training["evaluate_every"]),
            validation_items=int(training["validation_items"]),
            checkpoint_every=int(training["checkpoint_every"]),
            minimum_improvement=None if least is None else float(least),
        )
