"""Which source gives which sample of a mixture, found at once for any sample.

The n-th sample is given by the source into whose interval, as wide as its weight, n times the golden ratio modulo 1 falls (a
low-discrepancy sequence). How many of the first n samples a source has given is a sum of floors, computed in O(log n).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from scripts.lib.seeds import seed_for

I64 = NDArray[np.int64]
MODULUS = 1 << 62
STRIDE = int(MODULUS * 0.6180339887498949) | 1  # odd, so that every residue is visited once


def floor_sum(count: int, modulus: int, factor: int, start: int) -> int:
    """Return the sum over i < count of floor((factor * i + start) / modulus), exactly; start may be negative.

    The Euclid-like recursion of Graham, Knuth and Patashnik, Concrete Mathematics, section 3.5.
    """
    total = 0
    if start < 0:
        shift = -(start // modulus)
        total -= shift * count
        start += shift * modulus
    while True:
        total += (count - 1) * count // 2 * (factor // modulus) + count * (start // modulus)
        factor, start = factor % modulus, start % modulus
        reach = factor * count + start
        if reach < modulus:
            return total
        count, start = divmod(reach, modulus)
        modulus, factor = factor, modulus


class Mixture:
    """Which source gives which sample, for weights that sum up to anything above 0."""

    def __init__(self, weights: Mapping[str, float], seed: int) -> None:
        total = sum(weights.values())
        self.names = sorted(weights)
        self._phase = seed_for(seed, "mixture") % MODULUS
        bounds = np.cumsum([0.0, *[weights[name] / total for name in self.names]])
        self._bounds = [round(float(bound) * (1 << 52)) * (MODULUS >> 52) for bound in bounds]
        self._bounds[-1] = MODULUS
        self._tops = np.array(self._bounds[1:], np.int64)

    def source(self, sample: int) -> int:
        """Return the index into `names` of the source of a sample."""
        return int(self.source_of(sample, 1)[0])

    def source_of(self, first: int, count: int) -> I64:
        """Return the indices into `names` of the sources of `count` samples from `first` on."""
        if len(self.names) == 1:
            return np.zeros(count, np.int64)
        steps = np.arange(count, dtype=np.uint64) * np.uint64(
            STRIDE
        )  # the modulus divides 2**64: overflow does no harm
        start = np.uint64((first * STRIDE + self._phase) % MODULUS)
        places = ((steps + start) & np.uint64(MODULUS - 1)).astype(np.int64)
        return np.searchsorted(self._tops, places, side="right")

    def given(self, samples: int, index: int) -> int:
        """Return how many of the first `samples` samples come from a source."""
        whole = self._whole(samples)
        return self._below(samples, self._bounds[index + 1], whole) - self._below(samples, self._bounds[index], whole)

    def given_each(self, samples: int) -> list[int]:
        """Return how many of the first `samples` samples come from each source."""
        whole = self._whole(samples)
        below = [self._below(samples, bound, whole) for bound in self._bounds]
        return [high - low for low, high in itertools.pairwise(below)]

    def _whole(self, samples: int) -> int:
        """Return how often the first samples have passed the modulus; not needed where one source gives all of them."""
        return floor_sum(samples, MODULUS, STRIDE, self._phase) if len(self.names) > 1 and samples else 0

    def _below(self, samples: int, bound: int, whole: int) -> int:
        """Return how many of the first samples fall below a bound."""
        if samples == 0 or bound == 0:
            return 0
        if bound == MODULUS:
            return samples
        return whole - floor_sum(samples, MODULUS, STRIDE, self._phase - bound)

    def nth(self, index: int, number: int) -> int:
        """Return the sample that is number `number` (from 0) of a source."""
        low, high = 0, 1
        while self.given(high, index) <= number:
            low, high = high, high * 2
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.given(middle, index) <= number else (low, middle)
        return low
