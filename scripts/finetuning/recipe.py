"""The recipe of one fine-tuning: typed and validated in one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from scripts.lib.schedule import Optimizer, Schedule, optional, require


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
        require(steps > 0, "training.steps: must be at least 1")
        require(len(tasks) > 0, "tasks: name at least one task")
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
            gradient_clipping=float(optional(training, "gradient_clipping", 1.0)),
            evaluate_every=int(optional(training, "evaluate_every", 100)),
            validation_items=int(optional(training, "validation_items", 256)),
            checkpoint_every=int(optional(training, "checkpoint_every", 100)),
            minimum_improvement=None if least is None else float(least),
        )
