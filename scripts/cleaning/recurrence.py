"""Lines and paragraphs that occurred before in a text, for compiled loops.

Few do, so a run of characters is first told from others by its length and four of its characters, and hashed only where another
one has the same.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from scripts.cleaning.characters import SPACE, Codes
from scripts.cleaning.hashing import BASE, hash_run, mixed
from scripts.lib.compiled import compiled, compiled_inner
from scripts.lib.tables import EMPTY, Hashes, Numbers, capacity_for, slot_of

NEWLINE = ord("\n")
ONE = np.uint64(1)


class Seen(NamedTuple):
    """Runs of characters."""

    looks: Hashes  # keys by length and some characters
    firsts: Numbers  # by slot of `looks`: where the first such run begins
    keys: Hashes  # keys by hash, of those that share their look


@compiled
def nothing_seen(runs: int) -> Seen:
    """Return an empty set with room for so many runs."""
    capacity = capacity_for(runs)
    return Seen(np.zeros(capacity, np.uint64), np.empty(capacity, np.int64), np.zeros(capacity, np.uint64))


@compiled_inner
def add_run(seen: Seen, codes: Codes, first: int, last: int) -> bool:
    """Add a run of characters; tell whether it was there."""
    look = _look(codes, first, last)
    slot = slot_of(seen.looks, look)
    if seen.looks[slot] == EMPTY:
        seen.looks[slot], seen.firsts[slot] = look, first
        return False
    earlier = seen.firsts[slot]
    _add_hash(seen.keys, codes, earlier, earlier + last - first)
    return _add_hash(seen.keys, codes, first, last)


@compiled_inner
def _look(codes: Codes, first: int, last: int) -> np.uint64:
    """Return a key that equal runs share."""
    size = last - first
    look = np.uint64(size)
    if size > 0:
        for quarter in range(4):
            look = look * BASE + np.uint64(codes[first + (size - 1) * quarter // 3])
    return mixed(look)


@compiled_inner
def _add_hash(keys: Hashes, codes: Codes, first: int, last: int) -> bool:
    """Add the hash of a run; tell whether it was there."""
    key = mixed(hash_run(codes, first, last) + np.uint64(last - first))
    slot = slot_of(keys, key)
    known = bool(keys[slot] != EMPTY)
    keys[slot] = key
    return known


@compiled
def duplicate_paragraphs(codes: Codes, first: int, last: int, classes: Codes) -> tuple[int, int, int]:
    """Return how many paragraphs there are, how many occurred before, and their characters.

    Paragraphs are what two or more line feeds part, in the text without white space at its ends.
    """
    while first < last and classes[codes[first]] & SPACE:
        first += 1
    while last > first and classes[codes[last - 1]] & SPACE:
        last -= 1
    parts = 1
    for place in range(np.uint64(first + 1), np.uint64(last)):  # unsigned: no place has to be looked at for its sign
        parts += (codes[place] == NEWLINE) & (codes[place - ONE] == NEWLINE)
    if parts == 1:
        return 1, 0, 0
    return _count_duplicates(codes, first, last, nothing_seen(parts))


@compiled_inner
def _count_duplicates(codes: Codes, first: int, last: int, seen: Seen) -> tuple[int, int, int]:
    """Return how many paragraphs there are, how many occurred before, and their characters."""
    paragraphs = duplicates = characters = 0
    start = position = first
    while position <= last:
        if position < last and not (codes[np.uint64(position)] == NEWLINE and codes[position + 1] == NEWLINE):
            position += 1
            continue
        paragraphs += 1
        if add_run(seen, codes, start, position):
            duplicates += 1
            characters += position - start
        while position < last and codes[position] == NEWLINE:
            position += 1
        start = position
        if position == last:
            break
    return paragraphs, duplicates, characters
