"""Tokens that together are a special case, such as `:` and `)`: put together again, as spaCy's tokenizer does at last.

spaCy finds all sequences of tokens that the affix rules make of special cases, white space between them or none. Of those that
overlap it takes the longest, then the first; one that was not taken still shuts out shorter ones. A sequence is replaced where
its characters are the special case itself, without white space between.
"""

from __future__ import annotations

import numpy as np

from scripts.cleaning.characters import Codes
from scripts.cleaning.english import PHRASE, Lexicon
from scripts.cleaning.hashing import EMPTY, Hashes, mixed, slot_of
from scripts.cleaning.split import Bounds, Marks, put_case
from scripts.lib.compiled import compiled

Matches = np.ndarray[tuple[int, int], np.dtype[np.int32]]
FACTOR = np.uint64(PHRASE)
ONE = np.uint64(1)
LONGEST = 31  # tokens
START, SIZE, CASE = 0, 1, 2


@compiled
def join_phrases(
    codes: Codes, classes: Codes, lexicon: Lexicon, bounds: Bounds, hashes: Hashes, marks: Marks, count: int
) -> int:
    """Put the phrases among `count` tokens together, in place; return the number of tokens afterwards, -1 without room."""
    matches, found, replacing = _matches(lexicon, bounds, hashes, count)
    if not replacing:
        return count
    _choose(matches, found, bounds, count)
    most = count
    for match in range(found):
        case = matches[match, CASE]
        if case >= 0:  # `°C.` is three pieces of two tokens
            most += max(0, lexicon.piece_starts[case + 1] - lexicon.piece_starts[case] - matches[match, SIZE])
    if most > len(hashes):
        return -1
    return _replace(codes, classes, lexicon, bounds, hashes, marks, count, matches, found)


@compiled
def _matches(lexicon: Lexicon, bounds: Bounds, hashes: Hashes, count: int) -> tuple[Matches, int, bool]:
    """Return all phrases in order of their start (start, number of tokens, case), how many, and whether one lies together."""
    matches = np.empty((16, 3), np.int32)
    found = 0
    replacing = False
    for start in range(count):
        slot = slot_of(lexicon.phrase_firsts, mixed(hashes[start]))
        if lexicon.phrase_firsts[slot] == EMPTY:
            continue
        sizes = lexicon.phrase_sizes[slot]
        value = np.uint64(0)
        size = 0
        while sizes >> (size + 1) and start + size < count:
            value = value * FACTOR + hashes[start + size] + ONE
            size += 1
            if not (sizes >> size) & 1:
                continue
            place = slot_of(lexicon.phrase_keys, mixed(value))
            if lexicon.phrase_keys[place] == EMPTY:
                continue
            if found == len(matches):
                larger = np.empty((2 * found, 3), np.int32)
                larger[:found] = matches
                matches = larger
            matches[found, START], matches[found, SIZE] = start, size
            matches[found, CASE] = lexicon.phrase_cases[place]
            found += 1
            replacing |= _together(bounds, start, size)
    return matches, found, replacing


@compiled
def _together(bounds: Bounds, start: int, size: int) -> bool:
    """Tell whether nothing stands between some tokens."""
    for token in range(start, start + size - 1):
        if bounds[token, 1] != bounds[token + 1, 0]:
            return False
    return True


@compiled
def _choose(matches: Matches, found: int, bounds: Bounds, count: int) -> None:
    """Mark phrases that are not taken, or not together, by the case -1."""
    seen = np.zeros(count, np.bool_)
    for size in range(LONGEST, 0, -1):
        for match in range(found):
            if matches[match, SIZE] != size:
                continue
            start = matches[match, START]
            taken = not seen[start] and not seen[start + size - 1]
            seen[start : start + size] = True
            if not taken or not _together(bounds, start, size):
                matches[match, CASE] = -1


@compiled
def _replace(
    codes: Codes,
    classes: Codes,
    lexicon: Lexicon,
    bounds: Bounds,
    hashes: Hashes,
    marks: Marks,
    count: int,
    matches: Matches,
    found: int,
) -> int:
    """Put the chosen phrases in the place of their tokens."""
    old_bounds, old_hashes, old_marks = bounds[:count].copy(), hashes[:count].copy(), marks[:count].copy()
    written = token = 0
    for match in range(found):
        if matches[match, CASE] < 0:
            continue
        while token < matches[match, START]:
            bounds[written], hashes[written], marks[written] = old_bounds[token], old_hashes[token], old_marks[token]
            written += 1
            token += 1
        first = old_bounds[token, 0]
        written = put_case(codes, first, matches[match, CASE], classes, lexicon, bounds, hashes, marks, written)
        token += matches[match, SIZE]
    while token < count:
        bounds[written], hashes[written], marks[written] = old_bounds[token], old_hashes[token], old_marks[token]
        written += 1
        token += 1
    return written
