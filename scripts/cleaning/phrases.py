"""Tokens that together are a special case, such as `:` and `)`: put together again, as spaCy's tokenizer does at last.

spaCy finds all sequences of tokens that the affix rules make of special cases, white space between them or none. Of those that
overlap it takes the longest, then the first; one that was not taken still shuts out shorter ones. A sequence is replaced where
its characters are the special case itself, without white space between.
"""

from __future__ import annotations

import numpy as np

from scripts.cleaning.english import AS_OPENING, HINT_SHIFT, PHRASE, Lexicon
from scripts.cleaning.hashing import mixed
from scripts.cleaning.split import Bounds, put, put_case
from scripts.lib.compiled import compiled, compiled_inner
from scripts.lib.tables import EMPTY, Hashes, slot_of

Matches = np.ndarray[tuple[int, int], np.dtype[np.int32]]
FACTOR = np.uint64(PHRASE)
ONE = np.uint64(1)
LONGEST = 31  # tokens
START, SIZE, CASE = 0, 1, 2


@compiled
def join_phrases(lexicon: Lexicon, bounds: Bounds, hashes: Hashes, begin: int, end: int) -> int:
    """Put the phrases among the tokens from row `begin` to before `end` together, in place; return the row after them.

    Only `bounds` are written, and hashes are to be made anew; returns -1 where there was nothing to do.
    """
    matches, found, replacing = _matches(lexicon, bounds, hashes, begin, end)
    if not replacing:
        return -1
    _choose(matches, found, bounds, begin, end)
    return _replace(lexicon, bounds, begin, end, matches, found)


@compiled
def _matches(lexicon: Lexicon, bounds: Bounds, hashes: Hashes, begin: int, end: int) -> tuple[Matches, int, bool]:
    """Return all phrases in order of their start (start, number of tokens, case), how many, and whether one lies together."""
    matches = np.empty((16, 3), np.int32)
    found, replacing = _find(lexicon, bounds, hashes, begin, end, matches)
    if found > len(matches):
        matches = np.empty((found, 3), np.int32)
        _find(lexicon, bounds, hashes, begin, end, matches)
    return matches, found, replacing


@compiled_inner
def _find(lexicon: Lexicon, bounds: Bounds, hashes: Hashes, begin: int, end: int, matches: Matches) -> tuple[int, bool]:
    """Write as many phrases as there is room for; return how many there are, and whether one lies together."""
    found = 0
    replacing = False
    for start in range(begin, end):
        if not lexicon.hints[hashes[start] >> HINT_SHIFT] & AS_OPENING:
            continue
        slot = slot_of(lexicon.phrase_firsts, mixed(hashes[start]))
        if lexicon.phrase_firsts[slot] == EMPTY:
            continue
        sizes = lexicon.phrase_sizes[slot]
        value = np.uint64(0)
        size = 0
        while sizes >> (size + 1) and start + size < end:
            value = value * FACTOR + hashes[start + size] + ONE
            size += 1
            if not (sizes >> size) & 1:
                continue
            place = slot_of(lexicon.phrase_keys, mixed(value))
            if lexicon.phrase_keys[place] == EMPTY:
                continue
            if found < len(matches):
                matches[found, START], matches[found, SIZE] = start, size
                matches[found, CASE] = lexicon.phrase_cases[place]
            found += 1
            replacing |= _together(bounds, start, start + size)
    return found, replacing


@compiled_inner
def _together(bounds: Bounds, begin: int, end: int) -> bool:
    """Tell whether nothing stands between some tokens."""
    for token in range(begin, end - 1):
        if bounds[token, 1] != bounds[token + 1, 0]:
            return False
    return True


@compiled
def _choose(matches: Matches, found: int, bounds: Bounds, begin: int, end: int) -> None:
    """Mark phrases that are not taken, or not together, by the case -1."""
    seen = np.zeros(end - begin, np.bool_)
    for size in range(LONGEST, 0, -1):
        for match in range(found):
            if matches[match, SIZE] != size:
                continue
            start = int(np.int64(matches[match, START]))
            taken = not seen[start - begin] and not seen[start - begin + size - 1]
            for token in range(start, start + size):
                seen[token - begin] = True
            if not taken or not _together(bounds, start, start + size):
                matches[match, CASE] = -1


@compiled
def _replace(lexicon: Lexicon, bounds: Bounds, begin: int, end: int, matches: Matches, found: int) -> int:
    """Put the chosen phrases in the place of their tokens; return the row after the last token."""
    old = np.empty((end - begin, 2), np.int32)
    for token in range(begin, end):
        old[token - begin, 0], old[token - begin, 1] = bounds[token, 0], bounds[token, 1]
    row = token = begin
    for match in range(found + 1):
        start = end
        if match < found:
            if matches[match, CASE] < 0:
                continue
            start = int(np.int64(matches[match, START]))
        while token < start:
            row = put(int(np.int64(old[token - begin, 0])), int(np.int64(old[token - begin, 1])), bounds, row)
            token += 1
        if match < found:
            first, case = int(np.int64(old[start - begin, 0])), int(np.int64(matches[match, CASE]))
            row = put_case(first, case, lexicon, bounds, row)
            token = start + int(np.int64(matches[match, SIZE]))
    return row
