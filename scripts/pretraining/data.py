"""What is trained and validated on: the batch of every step, and the first validation windows of every source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from scripts.lib.errors import UserError
from scripts.lib.order import DataOrder, Taken, open_packings, validation_windows
from scripts.lib.permutation import I64
from scripts.lib.seen import Seen
from scripts.lib.streams import SourceStream
from scripts.pretraining.recipe import BEST_FIT, Recipe


def open_streams(sources: Mapping[str, Mapping[str, Any]], split: str) -> dict[str, SourceStream]:
    """Open the streams of sources, by name; each is given by the `folder` of its shards and its `parts`."""
    return {
        name: SourceStream.open(name, Path(entry["folder"]), entry["parts"], split) for name, entry in sources.items()
    }


def data_order(recipe: Recipe, weights: Mapping[str, float], streams: Mapping[str, SourceStream]) -> DataOrder:
    """Return the order in which a recipe sees the training streams."""
    length, batch = recipe.training.sequence_length, recipe.training.global_batch
    opened = list(streams.values())
    packings = open_packings(opened, length) if recipe.training.packing == BEST_FIT else {}
    causal = recipe.objective == "causal"
    return DataOrder(opened, weights, length, batch, recipe.seed, recipe.temperature, packings, causal)


def taken_from(order: DataOrder, first: int, samples: int) -> dict[str, Taken]:
    """Return exactly what `samples` samples from sample `first` on take from each source."""
    before = order.taken(first)
    return {
        name: Taken(
            total.samples - before[name].samples,
            total.tokens - before[name].tokens,
            total.epochs - before[name].epochs,
        )
        for name, total in order.taken(first + samples).items()
    }


class TrainingData:
    """Sequences of `sequence_length + 1` token ids, int64 [n, sequence_length + 1], by the steps of the run."""

    def __init__(self, recipe: Recipe, weights: Mapping[str, float], sources: Mapping[str, Mapping[str, Any]]) -> None:
        self._recipe, self._length = recipe, recipe.training.sequence_length
        self._order = data_order(recipe, weights, open_streams(sources, "train"))
        self._validation = open_streams(sources, "validation")

    @property
    def sources(self) -> list[str]:
        """The sources, by name."""
        return sorted(self._validation)

    def batch(self, step: int) -> I64:
        """Return the batch of a step; its rows are the samples of the step in order."""
        return self.draw(step)[0]

    def draw(self, step: int) -> tuple[I64, list[str]]:
        """Return the batch of a step and the source of each of its rows."""
        tokens, sources = self._order.draw(*self._recipe.place(step))
        return tokens.astype(np.int64), sources

    def require_seen(self, seen: Seen, steps: int) -> None:
        """Raise UserError unless a record says exactly what the order gives in a number of steps."""
        planned = {
            source: {"samples": taken.samples, "tokens": taken.tokens}
            for source, taken in taken_from(self._order, *self._recipe.samples(steps)).items()
            if taken.samples
        }
        record = seen.record()
        if (record["steps"], record["sources"]) != (steps, planned):
            raise UserError(
                f"Training saw {record['sources']} in {seen.steps} steps where the plan says {planned} in {steps}; "
                "remove its checkpoints and train again."
            )

    def documents(self, step: int, rows: Iterable[int]) -> list[str]:
        """Return in words which documents stand in rows of the batch of a step, for messages."""
        samples = self._order.locate(*self._recipe.place(step))
        spans = [(samples[row].source, span) for row in rows for span in samples[row].spans]
        return sorted({f"{source}/{span.part}:{span.document}" for source, span in spans})

    def validation(self, source: str, limit: int) -> I64:
        """Return at most `limit` validation sequences of a source, always the same ones."""
        return validation_windows(self._validation[source], self._length, limit)
