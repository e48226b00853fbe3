"""Compiled loops that segment texts as sentencepiece does, by byte-pair merges or by the best path of a unigram model.

A piece never crosses two neighbouring characters that stand side by side in no piece of the vocabulary, so a text falls into
runs that are segmented each for itself; in text these are about the words. The ids of a run depend on its characters alone, and
those of short runs that were met are kept in a cache. Both algorithms follow their sources: merges by score, the
leftmost first (Sennrich et al. 2016; sentencepiece, bpe_model.cc), and the path with the highest sum of scores, the first found
where several are equal (Kudo 2018; sentencepiece, unigram_model.cc), here in integers, so that no sum is ever rounded.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scripts.lib.compiled import compiled_inner
from scripts.lib.double_array import NUMBER, ROOT, WEIGHT, child
from scripts.lib.heap import pop, push
from scripts.lib.run_cache import KEY_BYTES, Cache, keep, key_of, recall, slot_of
from scripts.lib.tables import NONE, value_at

Array = np.ndarray[tuple[int], np.dtype[Any]]

SPACE, SPACE_SIGN = 0x20, 0x2581  # sentencepiece spells the one as the other
CODES = 0x110000  # of Unicode
SPREAD = np.uint64(0x9E3779B97F4A7C15)  # odd, so that nothing is lost
HALF = np.uint64(32)
ONE = np.uint64(1)
WORD_BITS, IN_WORD = (
    np.uint64(6),
    np.uint64(63),
)  # of `beside`: log2 of the bits of a word, and the mask of a place in it
NO_LABEL, NO_KEY = np.uint64(0), (np.uint64(0), np.uint64(0), np.uint64(0))
RANK_BITS = 32  # of the position in an entry of the heap
LOWEST = -(1 << 62)
SCRATCH = 256


class Tables(NamedTuple):
    """A vocabulary. What stands for a space and a space itself are one character in all of them.

    A character that stands beside another in a piece, or in a symbol that always stands alone, has a label from 1 on, the
    others have label 0. `merges` is in open addressing: its keys are never 0 and its size is a power of 2.
    """

    labels: Array  # uint16[CODES]
    single: Array  # int32[CODES]: piece of one character
    labelled: Array  # int32[labels]: the same by label
    bytes: Array  # int32[256]: piece of one byte
    beside: NDArray[
        np.uint64
    ]  # [labels * words]: bit b of row a says that characters a and b stand side by side in a piece
    words: np.uint64  # of a row of `beside`
    merges: Array  # uint64: pairs of pieces that merge
    merged: Array  # int32: what they become
    ranks: Array  # int32[pieces]: order in which pieces are made, the first first
    pieces: NDArray[np.int32]  # tree of pieces by labels; weights are scores in units of the smallest step between them
    symbols: NDArray[np.int32]  # tree of the symbols that always stand alone, by labels
    has_symbols: bool
    unigram: bool


class Scratch(NamedTuple):
    """Working space for runs of up to so many characters."""

    numbers: NDArray[np.int32]  # [5, characters + 1]: labels of the characters, and four more each
    heap: Array  # int64
    best: Array  # int64


def new_scratch(characters: int = SCRATCH) -> Scratch:
    """Return working space."""
    size = characters + 1
    return Scratch(np.empty((5, size), np.int32), np.empty(3 * size, np.int64), np.empty(size, np.int64))


@compiled_inner
def pair_key(first: int, second: int) -> np.uint64:
    """Return the key of a pair of numbers below 2³² - 1; different pairs have different keys."""
    return (((np.uint64(first) << HALF) | np.uint64(second)) + ONE) * SPREAD


@compiled_inner
def character_at(data: Array, position: int) -> tuple[int, int]:
    """Return the UTF-8 character at a position and its bytes."""
    place = np.uint64(position)
    code = int(np.int64(data[place]))
    if code < 0x80:
        return code, 1
    width = 2 if code < 0xE0 else 3 if code < 0xF0 else 4
    code &= 0x7F >> width
    for _ in range(1, width):
        place += ONE
        code = (code << 6) | (int(np.int64(data[place])) & 0x3F)
    return code, width


@compiled_inner
def symbol_at(labels: Array, symbols: NDArray[np.int32], data: Array, position: int, stop: int) -> tuple[int, int]:
    """Return piece and bytes of the longest symbol that starts here and always stands alone, or NONE and 0."""
    node, piece, size, place = ROOT, NONE, 0, position
    while place < stop:
        code, width = character_at(data, place)
        node = child(symbols, node, np.uint64(labels[np.uint64(code)]))
        if node == ROOT:
            break
        place += width
        if symbols[node + NUMBER] != NONE:
            piece, size = int(np.int64(symbols[node + NUMBER])), place - position
    return piece, size


@compiled_inner
def offer(tables: Tables, scratch: Scratch, size: int, left: int, right: int) -> int:
    """Put the merge of two neighbouring symbols on the heap if there is one; return the heap's size."""
    symbols = scratch.numbers[0]
    piece = value_at(tables.merges, tables.merged, pair_key(int(symbols[left]), int(symbols[right])))
    scratch.numbers[1][left] = piece
    if piece == NONE:
        return size
    return push(scratch.heap, size, (int(tables.ranks[piece]) << RANK_BITS) | left)


@compiled_inner
def merge_run(tables: Tables, scratch: Scratch, characters: int, out: Array, count: int) -> int:
    """Segment the run whose labels stand in `scratch` by merges; return the new number of ids in `out`."""
    symbols, made, before, after = scratch.numbers[0], scratch.numbers[1], scratch.numbers[2], scratch.numbers[3]
    heap = scratch.heap
    for number in range(characters):
        symbols[number] = tables.labelled[np.uint64(symbols[number])]
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
def best_run(tree: NDArray[np.int32], scratch: Scratch, characters: np.uint64, out: Array, count: int) -> int:
    """Segment the run whose labels stand in `scratch` by its best path; return the new number of ids in `out`."""
    labels, best = scratch.numbers[0], scratch.best
    starts, pieces, path = scratch.numbers[1], scratch.numbers[2], scratch.numbers[3]
    best[0] = 0  # of the best path that ends after so many characters
    for number in range(1, characters + ONE):
        best[number] = LOWEST
    start = np.uint64(0)  # unsigned: no place has to be looked at for its sign
    while start < characters:
        node, so_far, last = ROOT, best[start], start
        while last < characters:
            node = child(tree, node, np.uint64(labels[last]))
            if node == ROOT:
                break
            last += ONE
            # Whether a piece is better is guessed wrong too often, so what is there is written again where it is not.
            score, number = so_far + tree[node + WEIGHT], tree[node + NUMBER]
            better = (score > best[last]) & (number != NONE)
            best[last] = score if better else best[last]
            starts[last] = np.int32(start) if better else starts[last]
            pieces[last] = number if better else pieces[last]
        start += ONE
    found, stop = 0, characters
    while stop > 0:
        path[found] = pieces[stop]
        found, stop = found + 1, np.uint64(starts[stop])
    for number in range(found):
        out[count + number] = path[found - 1 - number]
    return count + found


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


@compiled_inner
def encode_texts(
    data: Array,
    offsets: Array,
    end: int,
    tables: Tables,
    cache: Cache,
    scratch: Scratch,
    out: Array,
    sizes: Array,
    state: Array,
) -> int:
    """Write the ids of UTF-8 texts to `out`, each text followed by `end` unless that is NONE; return 0 when all are written.

    Text n is `data[offsets[n] : offsets[n + 1]]` and gets `sizes[n]` ids; `out` has room for one id per byte and text, and
    KEPT_IDS more. Where a run needs more working space than there is, return how many characters it may have: called again with
    more, it goes on. `state` says where (int64: text, position in it, its first id, ids so far); it begins with 0, the first
    offset, 0, 0.
    """
    labels, beside, coded = tables.labels, tables.beside, scratch.numbers[0]
    most = np.uint64(len(scratch.best) - 1)  # of the characters of a run
    position, first, count = state[1], state[2], state[3]
    for text in range(state[0], len(offsets) - 1):
        stop = offsets[text + 1]
        while position < stop:
            start = position
            if tables.has_symbols:
                piece, size = symbol_at(labels, tables.symbols, data, start, stop)
                if piece != NONE:
                    out[count] = piece
                    count, position = count + 1, start + size
                    continue
            code, size = character_at(data, start)
            position, label, characters = start + size, np.uint64(labels[np.uint64(code)]), ONE
            coded[0] = label
            while position < stop and label != NO_LABEL:
                following, width = character_at(data, position)
                other = np.uint64(labels[np.uint64(following)])
                if (beside[label * tables.words + (other >> WORD_BITS)] >> (other & IN_WORD)) & ONE != ONE:
                    break
                if tables.has_symbols and symbol_at(labels, tables.symbols, data, position, stop)[0] != NONE:
                    break
                label, position = other, position + width
                coded[min(characters, most)] = label
                characters += ONE
            if position == start + size:
                count = single_run(tables, code, data, start, position, out, count)
                continue
            size = position - start
            short = size <= KEY_BYTES and start + KEY_BYTES <= len(data)
            key = key_of(cache, data, start, size) if short else NO_KEY
            slot = slot_of(key)
            known = recall(cache, slot, key, size, out, count) if short else 0
            if known == 0:
                if characters > most:
                    state[0], state[1], state[2], state[3] = text, start, first, count
                    return int(size)
                if tables.unigram:
                    known = best_run(tables.pieces, scratch, characters, out, count) - count
                else:
                    known = merge_run(tables, scratch, int(characters), out, count) - count
                if short:
                    keep(cache, slot, key, size, out, count, count + known)
            count += known
        if end != NONE:
            out[count] = end
            count += 1
        sizes[text] = count - first
        first = count
    state[3] = count
    return 0
