"""The ids of runs of characters that were met, in bounded memory, for compiled loops."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from scripts.lib.compiled import compiled_inner
from scripts.lib.tables import NONE, clear, slot_of

Array = np.ndarray[tuple[int], np.dtype[Any]]

CACHE_RUNS = 1 << 17
CACHE_ARENA = 1 << 21


class Cache(NamedTuple):
    """Runs that were met. `fill` counts runs, bytes and ids; when one is full, all is forgotten."""

    keys: Array  # uint64
    runs: Array  # int32: the run in this slot
    places: Array  # int32[CACHE_RUNS, 4]: first byte, bytes, first id, ids
    arena: Array  # uint8
    ids: Array  # int32
    fill: Array  # int64[3]


def new_cache() -> Cache:
    """Return an empty cache, about 16 MiB."""
    size = 2 * CACHE_RUNS
    return Cache(
        np.zeros(size, np.uint64),
        np.zeros(size, np.int32),
        np.zeros((CACHE_RUNS, 4), np.int32),
        np.zeros(CACHE_ARENA, np.uint8),
        np.zeros(CACHE_ARENA, np.int32),
        np.zeros(3, np.int64),
    )


@compiled_inner
def recall(cache: Cache, key: np.uint64, data: Array, start: int, stop: int, out: Array, count: int) -> int:
    """Copy the ids of a run that was met to `out`; return the new number of ids there, or NONE."""
    slot = slot_of(cache.keys, key)
    if cache.keys[slot] != key:
        return NONE
    place = cache.places[cache.runs[slot]]
    if place[1] != stop - start:
        return NONE
    for number in range(stop - start):
        if cache.arena[place[0] + number] != data[start + number]:
            return NONE
    for number in range(place[3]):
        out[count + number] = cache.ids[place[2] + number]
    return count + int(place[3])


@compiled_inner
def keep(cache: Cache, key: np.uint64, data: Array, start: int, stop: int, out: Array, first: int, count: int) -> None:
    """Keep the ids of a run, unless another run has its key."""
    fill = cache.fill
    if fill[0] == CACHE_RUNS or fill[1] + stop - start > CACHE_ARENA or fill[2] + count - first > CACHE_ARENA:
        clear(cache.keys)
        fill[0] = fill[1] = fill[2] = 0
    slot = slot_of(cache.keys, key)
    if cache.keys[slot] == key:
        return
    cache.keys[slot], cache.runs[slot] = key, fill[0]
    place = cache.places[fill[0]]
    place[0], place[1], place[2], place[3] = fill[1], stop - start, fill[2], count - first
    for number in range(stop - start):
        cache.arena[fill[1] + number] = data[start + number]
    for number in range(count - first):
        cache.ids[fill[2] + number] = out[first + number]
    fill[0] += 1
    fill[1] += stop - start
    fill[2] += count - first
