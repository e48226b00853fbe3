"""Hashes of runs of characters, for compiled loops.

A run c₀ c₁ … of characters has the hash Σ v(cₖ)·Bᵏ mod 2⁶⁴ with an odd B, so that the hash of a concatenation follows from those
of its parts: h(xy) = h(x) + B^|x|·h(y). Two runs are held to be equal when their 64 bits are.
"""

from __future__ import annotations

import numpy as np

from scripts.lib.compiled import compiled_inner

BASE = np.uint64(0x9E3779B97F4A7C15 | 1)
INVERSE = np.uint64(pow(int(BASE), -1, 2**64))
SPREAD = np.uint64(0xD6E8FEB86659FD93)
SHIFT = np.uint64(32)
VALUE = np.uint64(0xFF51AFD7ED558CCD)
OFFSET = np.uint64(0x632BE5AB)


def hash_text(text: str) -> int:
    """Return the hash of a run of characters, as the compiled loops compute it."""
    value, power = 0, 1
    for character in text:
        value += (ord(character) + int(OFFSET)) * int(VALUE) * power
        power = power * int(BASE) % 2**64
    return value % 2**64


@compiled_inner
def hash_run(codes: np.ndarray, first: int, last: int) -> np.uint64:
    """Return the hash of the characters from `first` to before `last`."""
    value, power = np.uint64(0), np.uint64(1)
    for position in range(first, last):
        value += (np.uint64(codes[position]) + OFFSET) * power
        power *= BASE
    return value * VALUE


@compiled_inner
def power_of(base: np.uint64, exponent: int) -> np.uint64:
    """Return base^exponent mod 2⁶⁴."""
    result = np.uint64(1)
    while exponent > 0:
        if exponent & 1:
            result *= base
        base *= base
        exponent >>= 1
    return result


@compiled_inner
def mixed(value: np.uint64) -> np.uint64:
    """Return a hash whose every bit depends on every bit of `value`, never zero (which marks an empty slot)."""
    value ^= value >> SHIFT
    value *= SPREAD
    value ^= value >> SHIFT
    value *= SPREAD
    value ^= value >> SHIFT
    return value | np.uint64(1)
