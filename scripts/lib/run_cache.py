"""The ids of short runs of characters that were met, in bounded memory, for compiled loops.

A run is its own key, so what is found is what was kept. Each run has one place, by a hash of its bytes, which it takes from
whatever run was there; common runs soon have it back. An entry is 64 bytes, a line of the processor's cache.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scripts.lib.compiled import compiled_inner

Array = np.ndarray[tuple[int], np.dtype[Any]]
Key = tuple[np.uint64, np.uint64, np.uint64]

SLOT_BITS = 16
KEY_BYTES, KEPT_IDS = 24, 8  # of a run that is kept, at most
SIZES, FIRST_ID = np.uint64(3), np.uint64(8)  # where they stand in an entry, in `words` and in `ids`
WORDS = np.uint64(8)  # of an entry
ONE, TWO, THREE, EIGHT, HALF = (np.uint64(number) for number in (1, 2, 3, 8, 32))
BYTE = np.uint64(0xFF)
FACTOR, SECOND, THIRD = (
    np.uint64(0x9E3779B97F4A7C15),
    np.uint64(0xC2B2AE3D27D4EB4F),
    np.uint64(0x165667B19E3779F9),
)  # odd, so that nothing is lost


class Cache(NamedTuple):
    """Runs that were met. `words` and `ids` are the same memory."""

    words: NDArray[np.uint64]  # [8 * slots]: the bytes of the run, 0 behind its end, and its sizes: bytes + 256 * ids
    ids: NDArray[np.int32]  # [16 * slots]: its ids from FIRST_ID on
    masks: NDArray[np.uint64]  # [3 * (KEY_BYTES + 1)]: the bits of each word that are those of a run of so many bytes


def new_cache() -> Cache:
    """Return an empty cache, 4 MiB."""
    count = int(WORDS) << SLOT_BITS
    memory = np.zeros(count + int(WORDS), np.uint64)
    start = -(memory.ctypes.data // memory.itemsize) % int(WORDS)  # an entry begins where a line does
    words = memory[start : start + count]
    bits = [[min(max(size - first, 0), 8) * 8 for first in (0, 8, 16)] for size in range(KEY_BYTES + 1)]
    masks = np.array([[(1 << number) - 1 for number in three] for three in bits], np.uint64)
    return Cache(words, words.view(np.int32), masks.reshape(-1))


@compiled_inner
def _eight_bytes(data: Array, place: np.uint64) -> np.uint64:
    """Return the eight bytes from a place on, the first the lowest: one load, as compilers see."""
    return (
        np.uint64(data[place])
        | np.uint64(data[place + ONE]) << EIGHT
        | np.uint64(data[place + TWO]) << np.uint64(16)
        | np.uint64(data[place + THREE]) << np.uint64(24)
        | np.uint64(data[place + np.uint64(4)]) << np.uint64(32)
        | np.uint64(data[place + np.uint64(5)]) << np.uint64(40)
        | np.uint64(data[place + np.uint64(6)]) << np.uint64(48)
        | np.uint64(data[place + np.uint64(7)]) << np.uint64(56)
    )


@compiled_inner
def key_of(cache: Cache, data: Array, start: int, size: int) -> Key:
    """Return the key of a run of up to KEY_BYTES bytes; so many bytes have to follow its start."""
    place, mask = np.uint64(start), np.uint64(size) * THREE
    return (
        _eight_bytes(data, place) & cache.masks[mask],
        _eight_bytes(data, place + EIGHT) & cache.masks[mask + ONE],
        _eight_bytes(data, place + np.uint64(16)) & cache.masks[mask + TWO],
    )


@compiled_inner
def slot_of(key: Key) -> np.uint64:
    """Return the slot of a run."""
    mixed = key[0] * FACTOR ^ key[1] * SECOND ^ key[2] * THIRD
    return ((mixed ^ (mixed >> HALF)) * FACTOR) >> np.uint64(64 - SLOT_BITS)


@compiled_inner
def recall(cache: Cache, slot: np.uint64, key: Key, size: int, out: Array, count: int) -> int:
    """Write the ids of a run of `size` bytes to `out`, which has room for KEPT_IDS; return how many, 0 where it is not kept."""
    words, place = cache.words, slot * WORDS
    sizes = words[place + SIZES]
    if words[place] != key[0] or words[place + ONE] != key[1] or words[place + TWO] != key[2]:
        return 0
    if sizes & BYTE != np.uint64(size):
        return 0
    source, target = slot * TWO * WORDS + FIRST_ID, np.uint64(count)
    for _ in range(KEPT_IDS):  # a number that is always the same costs less than one that is right
        out[target] = cache.ids[source]
        source, target = source + ONE, target + ONE
    return int(np.int64(sizes >> EIGHT))


@compiled_inner
def keep(cache: Cache, slot: np.uint64, key: Key, size: int, out: Array, first: int, count: int) -> None:
    """Keep the ids of a run, which stand in `out` from `first` to before `count`, if they are not too many."""
    if count - first > KEPT_IDS:
        return
    words, place = cache.words, slot * WORDS
    words[place], words[place + ONE], words[place + TWO] = key
    words[place + SIZES] = np.uint64(size) | np.uint64(count - first) << EIGHT
    target = slot * TWO * WORDS + FIRST_ID
    for number in range(first, count):
        cache.ids[target] = out[number]
        target += ONE
