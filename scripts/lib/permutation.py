"""A shuffle without memory: a keyed bijection on 0 … n-1, computed for any position, forwards and backwards.

A Feistel network over the smallest power of two that holds the domain, with cycle walking back into it (Black and
Rogaway, "Ciphers with Arbitrary Finite Domains", 2002). It shuffles; it is no encryption. All arithmetic is on unsigned
64-bit numbers, so the same key gives the same order on every machine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import numpy as np
from numpy.typing import NDArray

from scripts.lib.compiled import compiled, compiled_inner
from scripts.lib.seeds import seed_for

U64 = NDArray[np.uint64]
I64 = NDArray[np.int64]
ROUNDS = 8  # even, so that the two halves end with the widths they began with
MAXIMUM_SIZE = 1 << 62


def mix64(values: U64) -> U64:
    """Return the splitmix64 finaliser of each value (Steele, Lea and Flood, 2014): a bijection that scatters bits."""
    mixed = values ^ (values >> np.uint64(30))
    mixed = mixed * np.uint64(0xBF58476D1CE4E5B9)
    mixed = mixed ^ (mixed >> np.uint64(27))
    mixed = mixed * np.uint64(0x94D049BB133111EB)
    scattered: U64 = mixed ^ (mixed >> np.uint64(31))
    return scattered


class Permutation:
    """A bijection on 0 … size-1 chosen by `seed` and `names`; O(1) memory, arrays in, arrays of the same shape out."""

    def __init__(self, size: int, seed: int, *names: str) -> None:
        """Raise ValueError for a size below 1 or above 2**62."""
        if not 1 <= size <= MAXIMUM_SIZE:
            raise ValueError(f"a permutation needs a size from 1 to 2**62, not {size}")
        self.size = size
        bits = max(2, (size - 1).bit_length())
        self._left, self._right = np.uint64(bits - bits // 2), np.uint64(bits // 2)
        keys = [seed_for(seed, "permutation", *names, str(number)) for number in range(ROUNDS)]
        self._keys = np.array(keys, np.uint64)

    def forward(self, positions: I64) -> I64:
        """Return what stands at each position (int64, every value in 0 … size-1)."""
        return self._walk(positions, inverse=False)

    def backward(self, values: I64) -> I64:
        """Return the position of each value: the inverse of `forward`."""
        return self._walk(values, inverse=True)

    def _walk(self, given: I64, inverse: bool) -> I64:
        found = np.array(given, np.int64).ravel()
        _permute(found.view(np.uint64), self._keys, self._left, self._right, np.uint64(self.size), inverse)
        return found.reshape(np.shape(given))


_mixed = cast(Callable[[np.uint64], np.uint64], compiled_inner(mix64))  # one number at a time


@compiled_inner
def _round(half: np.uint64, key: np.uint64, mask: np.uint64) -> np.uint64:
    return _mixed(_mixed(half ^ key) + np.uint64(0x9E3779B97F4A7C15)) & mask


@compiled
def _permute(
    values: U64, keys: U64, left_bits: np.uint64, right_bits: np.uint64, size: np.uint64, inverse: bool
) -> None:
    """Replace every value by what the network, or its inverse, makes of it; what falls outside goes through it again.

    Raises IndexError for a value that is outside before, as a negative number is.
    """
    one = np.uint64(1)
    left_mask, right_mask = (one << left_bits) - one, (one << right_bits) - one
    for place in range(len(values)):
        value = values[place]
        if value >= size:
            raise IndexError("a position lies outside the permutation")
        while True:
            left, right = value >> right_bits, value & right_mask
            for number in range(
                0, ROUNDS, 2
            ):  # the halves have swapped their widths after one round, and again after two
                if inverse:
                    right ^= _round(left, keys[ROUNDS - 1 - number], right_mask)
                    left ^= _round(right, keys[ROUNDS - 2 - number], left_mask)
                else:
                    left ^= _round(right, keys[number], left_mask)
                    right ^= _round(left, keys[number + 1], right_mask)
            value = (left << right_bits) | right
            if value < size:
                break
        values[place] = value
