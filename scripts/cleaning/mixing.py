"""Scattering the bits of a number."""

from __future__ import annotations

import numpy as np

from scripts.lib.compiled import compiled

_FIRST, _SECOND = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)
_HALF = np.uint64(33)


@compiled
def mixed(value: np.uint64) -> np.uint64:
    """Return a value with every bit spread over all bits, a bijection (the finaliser of MurmurHash3, Appleby)."""
    value ^= value >> _HALF
    value *= _FIRST
    value ^= value >> _HALF
    value *= _SECOND
    return value ^ (value >> _HALF)
