"""Compiled loops that segment texts as sentencepiece does, by byte-pair merges or by the best path of a unigram model.

A piece never crosses two neighbouring characters that stand side by side in no piece of the vocabulary, so a text falls into
runs that are segmented each for itself; in text these are about the words. The ids of a run depend on its characters alone, and
those of runs that were met are kept in a cache of bounded size. Both algorithms follow their sources: merges by score, the
leftmost first (Sennrich et al. 2016; sentencepiece, bpe_model.cc), and the path with the highest sum of scores, the first found
where several are equal (Kudo 2018; sentencepiece, unigram_model.cc), here in integers, so that no sum is ever rounded.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from scripts.lib.compiled import compiled, compiled_inner
from scripts.lib.heap import pop, push
from scripts.lib.run_cache import Cache, keep, recall
from scripts.lib.tables import NONE, slot_of, value_at

Array = np.ndarray[tuple[int], np.dtype[Any]]

SPACE, SPACE_SIGN = 0x20, 0x2581  # sentencepiece spells the one as the other
CODES = 0x110000  # of Unicode
CODE_BITS = 21
SPREAD = np.uint64(0x9E3779B97F4A7C15)  # odd, so that nothing is lost
PRIME = np.uint64(0x100000001B3)  # of FNV-1a, 64 bits
START = np.uint64(0xCBF29CE484222325)
HALF = np.uint64(32)
ONE = np.uint64(1)
RANK_BITS = 32  # of the position in an entry of the heap
CACHED_BYTES = 64  # longer runs are rarely met again
SCRATCH = 256


class Tables(NamedTuple):
    """A vocabulary. Tables in open addressing have keys that are never 0 and a size that is a power of 2."""

    single: Array  # int32[CODES]: piece of one character
    bytes: Array  # int32[256]: piece of one byte
    ascii: Array  # bool[128 * 128]: does this pair of characters stand in a piece
    neighbours: Array  # uint64: the other such pairs
    merges: Array  # uint64: pairs of pieces that merge
    merged: Array  # int32: what they become
    ranks: Array  # int32[pieces]: order in which pieces are made, the first first
    steps: Array  # uint64: steps of the tree of pieces, from a node by a character
    nodes: Array  # int32: where they lead
    ends: Array  # int32[nodes]: the piece that ends at a node
    scores: Array  # int64[pieces]: in units of the smallest step between scores
    user: Array  # uint64: steps of the tree of the symbols that always stand alone
    user_nodes: Array  # int32
    user_ends: Array  # int32[nodes]
    unigram: bool


class Scratch(NamedTuple):
    """Working space for runs of up to so many characters."""

    codes: Array  # int64
    symbols: Array  # int32
    before: Array  # int32
    after: Array  # int32
    made: Array  # int32
    heap: Array  # int64
    best: Array  # int64


@compiled
def new_scratch(characters: int) -> Scratch:
    """Return working space."""
    size = characters + 1
    return Scratch(
        np.empty(size, np.int64),
        np.empty(size, np.int32),
        np.empty(size, np.int32),
        np.empty(size, np.int32),
        np.empty(size, np.int32),
        np.empty(3 * size, np.int64),
        np.empty(size, np.int64),
    )


@compiled_inner
def pair_key(first: int, second: int) -> np.uint64:
    """Return the key of a pair of numbers below 2³² - 1; different pairs have different keys."""
    return (((np.uint64(first) << HALF) | np.uint64(second)) + ONE) * SPREAD


@compiled_inner
def width_at(data: Array, position: int) -> int:
    """Return the bytes of the UTF-8 character at a position."""
    head = data[position]
    if head < 0x80:
        return 1
    if head < 0xE0:
        return 2
    return 3 if head < 0xF0 else 4


@compiled_inner
def code_at(data: Array, position: int, width: int) -> int:
    """Return the character of so many bytes at a position; the sign for a space is one."""
    if width == 1:
        return int(data[position])
    code = int(data[position]) & (0x7F >> width)
    for more in range(1, width):
        code = (code << 6) | (int(data[position + more]) & 0x3F)
    return SPACE if code == SPACE_SIGN else code


@compiled_inner
def stand_together(tables: Tables, first: int, second: int) -> bool:
    """Tell whether two characters stand side by side in a piece."""
    if first < 128 and second < 128:
        return bool(tables.ascii[(first << 7) | second])
    key = pair_key(first, second)
    return bool(tables.neighbours[slot_of(tables.neighbours, key)] == key)


@compiled_inner
def user_symbol_at(tables: Tables, data: Array, position: int, stop: int) -> tuple[int, int]:
    """Return piece and bytes of the longest symbol that starts here and always stands alone, or NONE and 0."""
    node, piece, size, place = 0, NONE, 0, position
    while place < stop:
        width = width_at(data, place)
        node = value_at(tables.user, tables.user_nodes, pair_key(node, code_at(data, place, width)))
        if node == NONE:
            break
        place += width
        if tables.user_ends[node] != NONE:
            piece, size = int(tables.user_ends[node]), place - position
    return piece, size


@compiled_inner
def offer(tables: Tables, scratch: Scratch, size: int, left: int, right: int) -> int:
    """Put the merge of two neighbouring symbols on the heap if there is one; return the heap's size."""
    piece = value_at(tables.merges, tables.merged, pair_key(int(scratch.symbols[left]), int(scratch.symbols[right])))
    scratch.made[left] = piece
    if piece == NONE:
        return size
    return push(scratch.heap, size, (int(tables.ranks[piece]) << RANK_BITS) | left)


@compiled_inner
def merge_run(tables: Tables, scratch: Scratch, characters: int, out: Array, count: int) -> int:
    """Segment the run in `scratch.codes` by merges; return the new number of ids in `out`."""
    symbols, before, after, made, heap = scratch.symbols, scratch.before, scratch.after, scratch.made, scratch.heap
    for number in range(characters):
        symbols[number] = tables.single[scratch.codes[number]]
        before[number], after[number], made[number] = number - 1, number + 1, NONE
    size = 0
    for number in range(characters - 1):
        size = offer(tables, scratch, size, number, number + 1)
    while size > 0:
        entry = heap[0]
        size = pop(heap, size)
        left = entry & ((1 << RANK_BITS) - 1)
        piece = made[left]
        if piece == NONE or tables.ranks[piece] != entry >> RANK_BITS:
            continue  # one of the two has become part of something else
        right = after[left]
        symbols[left], after[left] = piece, after[right]
        made[left] = made[right] = NONE
        if after[left] < characters:
            before[after[left]] = left
            size = offer(tables, scratch, size, left, after[left])
        if before[left] >= 0:
            size = offer(tables, scratch, size, before[left], left)
    number = 0
    while number < characters:
        out[count] = symbols[number]
        count += 1
        number = after[number]
    return count


@compiled_inner
def best_run(tables: Tables, scratch: Scratch, characters: int, out: Array, count: int) -> int:
    """Segment the run in `scratch.codes` by its best path; return the new number of ids in `out`."""
    best, starts, pieces = (
        scratch.best,
        scratch.before,
        scratch.symbols,
    )  # of the path that ends after so many characters
    for number in range(characters + 1):
        starts[number] = NONE
    best[0] = 0
    for start in range(characters):
        node = 0
        for stop in range(start + 1, characters + 1):
            node = value_at(tables.steps, tables.nodes, pair_key(node, scratch.codes[stop - 1]))
            if node == NONE:
                break
            piece = tables.ends[node]
            if piece != NONE:
                score = best[start] + tables.scores[piece]
                if starts[stop] == NONE or score > best[stop]:
                    best[stop], starts[stop], pieces[stop] = score, start, piece
    found, stop = 0, characters
    while stop > 0:
        scratch.made[found] = pieces[stop]
        found, stop = found + 1, starts[stop]
    for number in range(found):
        out[count + number] = scratch.made[found - 1 - number]
    return count + found


@compiled_inner
def segment_run(tables: Tables, scratch: Scratch, data: Array, start: int, stop: int, out: Array, count: int) -> int:
    """Segment the characters from `start` to before `stop`; return the new number of ids in `out`."""
    characters = 0
    while start < stop:
        width = width_at(data, start)
        scratch.codes[characters] = code_at(data, start, width)
        characters, start = characters + 1, start + width
    if tables.unigram:
        return best_run(tables, scratch, characters, out, count)
    return merge_run(tables, scratch, characters, out, count)


@compiled_inner
def single_run(tables: Tables, code: int, data: Array, start: int, stop: int, out: Array, count: int) -> int:
    """Write the piece of one character, or of each of its bytes; return the new number of ids in `out`."""
    piece = tables.single[code]
    if piece != NONE:
        out[count] = piece
        return count + 1
    if code == SPACE:  # sentencepiece has put its sign there before it looks for a piece
        for number in range(3):
            out[count + number] = tables.bytes[(0xE2, 0x96, 0x81)[number]]
        return count + 3
    for number in range(start, stop):
        out[count] = tables.bytes[data[number]]
        count += 1
    return count


@compiled
def encode_texts(data: Array, offsets: Array, end: int, tables: Tables, cache: Cache, out: Array, sizes: Array) -> int:
    """Write the ids of UTF-8 texts to `out`, each text followed by `end` unless that is NONE; return how many ids there are.

    Text n is `data[offsets[n] : offsets[n + 1]]` and gets `sizes[n]` ids; `out` has room for one id per byte and text.
    """
    scratch = new_scratch(SCRATCH)
    users = len(tables.user_ends) > 1
    count = 0
    for text in range(len(offsets) - 1):
        first = count
        start = position = offsets[text]
        stop = offsets[text + 1]
        code, characters, key = NONE, 0, START
        while True:
            piece, size, width, following = NONE, 0, 0, NONE
            if position < stop:
                if users:
                    piece, size = user_symbol_at(tables, data, position, stop)
                width = width_at(data, position)
                following = code_at(data, position, width)
                if piece == NONE and code != NONE and stand_together(tables, code, following):
                    for number in range(width):
                        key = (key ^ np.uint64(data[position + number])) * PRIME
                    code, characters, position = following, characters + 1, position + width
                    continue
            if characters == 1:
                count = single_run(tables, code, data, start, position, out, count)
            elif characters > 1:
                key |= ONE
                known = recall(cache, key, data, start, position, out, count)
                if known != NONE:
                    count = known
                else:
                    before = count
                    if characters > SCRATCH:
                        count = segment_run(tables, new_scratch(characters), data, start, position, out, count)
                    else:
                        count = segment_run(tables, scratch, data, start, position, out, count)
                    if position - start <= CACHED_BYTES:
                        keep(cache, key, data, start, position, out, before, count)
            if position >= stop:
                break
            if piece != NONE:
                out[count] = piece
                count, position, code, characters = count + 1, position + size, NONE, 0
                start = position
                continue
            start, characters, key, code = position, 1, START, following
            for number in range(width):
                key = (key ^ np.uint64(data[position + number])) * PRIME
            position += width
        if end != NONE:
            out[count] = end
            count += 1
        sizes[text] = count - first
    return count
