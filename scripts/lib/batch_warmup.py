"""How many sequences each update takes: the global batch, or fewer while training warms up.

Then the batch doubles until it is whole (runs of large models have begun with small batches since Brown et al. 2020, table 2.1
and appendix B; McCandlish et al. 2018 say why). Each size is kept for a whole number of batches of the data order. So every step
takes rows of one batch of the order, and order, masks and dropout are those that a sample has without a warmup.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from scripts.lib.schedule import optional, require


@dataclass(frozen=True)
class BatchWarmup:
    """The batch grows from `start` sequences, by doubling, over about `over` steps, or tokens where training counts these."""

    start: int
    over: int

    @classmethod
    def from_settings(cls, training: Mapping[str, Any]) -> Self | None:
        """Return what the settings of a training say, or None where they say nothing."""
        settings = optional(training, "batch_warmup", None)
        return None if settings is None else cls(int(settings["from"]), int(settings["over"]))


@dataclass(frozen=True)
class Stage:
    """Updates of `sequences` each, from step `first` on; `before` sequences come before them."""

    first: int
    before: int
    sequences: int


class Batches:
    """The sizes of all updates, by their step; sequences are counted from the first step on.

    `tokens` of a sequence are given where `warmup.over` is in tokens. Raises UserError for a size that does not double to the
    global batch.
    """

    def __init__(self, global_batch: int, warmup: BatchWarmup | None = None, tokens: int | None = None) -> None:
        self.global_batch = global_batch
        self.stages = [Stage(0, 0, global_batch)]
        if warmup is not None:
            self.stages = _stages(global_batch, warmup, tokens)

    @classmethod
    def from_settings(cls, training: Mapping[str, Any]) -> Self:
        """Return those of the settings of a training."""
        counted = int(training["sequence_length"]) if optional(training, "schedule_unit", "steps") == "tokens" else None
        return cls(int(training["global_batch"]), BatchWarmup.from_settings(training), counted)

    @property
    def smallest(self) -> int:
        """The sequences of the first update."""
        return self.stages[0].sequences

    @property
    def warm(self) -> int:
        """The number of updates before the first whole one."""
        return self.stages[-1].first

    def size(self, step: int) -> int:
        """Return how many sequences a step takes."""
        return self._stage_of(step).sequences

    def before(self, step: int) -> int:
        """Return how many sequences the steps before one take."""
        stage = self._stage_of(step)
        return stage.before + (step - stage.first) * stage.sequences

    def step_of(self, sequence: int) -> int:
        """Return the step that takes a sequence: as many whole steps fit into the sequences before it."""
        stage = self.stages[bisect_right(self.stages, sequence, key=lambda stage: stage.before) - 1]
        return stage.first + (sequence - stage.before) // stage.sequences

    def place(self, step: int) -> tuple[int, slice]:
        """Return the batch of the order that a step reads from, counted from the first step's, and its rows there."""
        batch, row = divmod(self.before(step), self.global_batch)
        return batch, slice(row, row + self.size(step))

    def runs(self, steps: int) -> list[tuple[int, int]]:
        """Return the sizes of the first `steps` updates as runs of equal ones: how many updates, sequences of each."""
        ends = [*(stage.first for stage in self.stages[1:]), steps]
        found = [(min(end, steps) - stage.first, stage.sequences) for stage, end in zip(self.stages, ends, strict=True)]
        return [(count, sequences) for count, sequences in found if count > 0]

    def _stage_of(self, step: int) -> Stage:
        return self.stages[bisect_right(self.stages, step, key=lambda stage: stage.first) - 1]


def _stages(global_batch: int, warmup: BatchWarmup, tokens: int | None) -> list[Stage]:
    """Return the stages: each takes an equal share of the warmup, rounded to whole batches of the order, but at least one."""
    doublings = max(global_batch // max(warmup.start, 1), 1).bit_length() - 1
    require(
        doublings > 0 and warmup.start << doublings == global_batch,
        f"training.batch_warmup.from: {warmup.start} sequences never double to training.global_batch, {global_batch}; give "
        "its half, its quarter and so on",
    )
    stages, first, before = [], 0, 0
    for doubling in range(doublings):
        sequences = warmup.start << doubling
        stages.append(Stage(first, before, sequences))
        steps = global_batch // sequences  # that read one batch of the order
        each = doublings * (steps if tokens is None else global_batch * tokens)
        whole = max((2 * warmup.over + each) // (2 * each), 1)
        first, before = first + whole * steps, before + whole * global_batch
    return [*stages, Stage(first, before, global_batch)]
