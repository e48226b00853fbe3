"""Sets and maps of 64-bit keys in open addressing, for compiled loops.

A table is an array of keys whose size is a power of 2; a key is never 0, which marks an empty slot, and its high half has to be
as good as random.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scripts.lib.compiled import compiled, compiled_inner

Hashes = np.ndarray[tuple[int], np.dtype[np.uint64]]
Numbers = np.ndarray[tuple[int], np.dtype[Any]]

EMPTY = np.uint64(0)
SHIFT = np.uint64(32)
NONE = -1


@compiled_inner
def slot_of(keys: Hashes, key: np.uint64) -> int:
    """Return the slot that holds `key` (never zero), or the empty one where it belongs; the size of `keys` is a power of 2."""
    mask = np.uint64(len(keys) - 1)
    slot = (key >> SHIFT) & mask
    while keys[slot] != EMPTY and keys[slot] != key:
        slot = (slot + np.uint64(1)) & mask
    return int(np.int64(slot))


@compiled_inner
def clear(keys: Hashes) -> None:
    """Empty a table."""
    for slot in range(len(keys)):
        keys[slot] = EMPTY


@compiled_inner
def capacity_for(count: int) -> int:
    """Return the size of a table for `count` keys: a power of two, at most half full."""
    size = 16
    while size < 2 * count:
        size *= 2
    return size


@compiled_inner
def value_at(keys: Hashes, values: Numbers, key: np.uint64) -> int:
    """Return the value of a key, or NONE."""
    slot = slot_of(keys, key)
    return int(values[slot]) if keys[slot] == key else NONE


@compiled
def fill_table(keys: Hashes, values: Numbers, new_keys: Numbers, new_values: Numbers) -> None:
    """Put entries into an empty table."""
    for number in range(len(new_keys)):
        slot = slot_of(keys, new_keys[number])
        keys[slot] = new_keys[number]
        values[slot] = new_values[number]
