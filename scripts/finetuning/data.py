"""Which items a fine-tuning sees at which step: a pure function of seed, weights and items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

import numpy as np

from scripts.lib.mixture import Mixture
from scripts.lib.permutation import Permutation

T = TypeVar("T")


class ItemOrder(Generic[T]):
    """The batches of a run: the mixture says which task gives the n-th example, a permutation per epoch which item."""

    def __init__(self, items: Mapping[str, Sequence[T]], weights: Mapping[str, float], batch: int, seed: int) -> None:
        self._items, self._batch, self._seed = items, batch, seed
        self._mixture = Mixture(weights, seed)

    def batch(self, step: int) -> list[tuple[str, T]]:
        """Return task and item of each example of a step."""
        return [self._example(number) for number in range(step * self._batch, (step + 1) * self._batch)]

    def epochs(self, steps: int) -> dict[str, float]:
        """Return how often a number of steps goes through the items of each task."""
        names = self._mixture.names
        return {
            name: self._mixture.given(steps * self._batch, index) / len(self._items[name])
            for index, name in enumerate(names)
        }

    def _example(self, number: int) -> tuple[str, T]:
        index = self._mixture.source(number)
        name = self._mixture.names[index]
        items = self._items[name]
        epoch, place = divmod(self._mixture.given(number, index), len(items))
        shuffled = Permutation(len(items), self._seed, "items", name, str(epoch))
        return name, items[int(shuffled.forward(np.array([place]))[0])]
