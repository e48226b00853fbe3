"""What tells main text from the rest of a page: whole numbers for each block, from it, its neighbours and what holds it."""

from __future__ import annotations

import numpy as np

from scripts.lib.compiled import compiled, compiled_inner
from scripts.sources.pagemarkup import Numbers
from scripts.sources.pagescan import (
    CAPITALS,
    CHILDREN,
    COMMAS,
    CONCEALS,
    CONTAINER,
    DIGITS,
    FIRST,
    LAST,
    LENGTH,
    LETTERS,
    LINES,
    LINKED,
    LINKS,
    MARKER,
    NESTING,
    NODE,
    OUTER,
    PARENT,
    SENTENCES,
    SEPARATION,
    TAG,
    WORDS,
    Rows,
    Scan,
)
from scripts.sources.pagetags import A_HIDDEN, HINTS, TAG_OF

# Running sums, headings before, the element that holds the main text, the first heading, and which neighbours to look at.
Context = tuple[Numbers, Numbers, int, int, Numbers]
LEVELS = 5  # how many block-level elements around a block are looked at
NEIGHBOURS = (-3, -2, -1, 1, 2, 3)
_OWN = (
    "length linked words sentences commas digits capitals lines letters links separation marker inner concealed nesting"
)
_OF_LEVEL = "length linked blocks sentences long tag children"
_OF_NEIGHBOUR = "length linked sentences tag"
_OF_PAGE = (
    "page_length page_linked page_blocks page_sentences before after index best best_share in_best from_best since_heading "
    "heading to_first seen around around_linked"
)
FEATURES = [
    *_OWN.split(),
    *(f"{name}_{level}" for level in range(LEVELS) for name in _OF_LEVEL.split()),
    *(f"{name}{offset:+d}" for offset in NEIGHBOURS for name in _OF_NEIGHBOUR.split()),
    *_OF_PAGE.split(),
    *(f"near_{name}" for name in HINTS),
    *(f"far_{name}" for name in HINTS),
    "near_aria",
    "far_aria",
]
_OFFSETS = np.array(NEIGHBOURS, np.int64)
_HINTS = len(HINTS)
_LONG = 80  # bytes of a block that reads like a paragraph
_HEADINGS = np.array([TAG_OF[f"h{level}"] for level in range(1, 7)], np.int64)
_H1 = TAG_OF["h1"]


@compiled_inner
def permille(part: int, whole: int) -> int:
    """Return a share in thousandths; nothing of nothing is nothing."""
    return part * 1000 // whole if whole > 0 else 0


@compiled
def running_sums(blocks: Rows) -> Numbers:
    """Return sums [blocks + 1, 4] up to each block: length, bytes in links, sentences, bytes in long blocks."""
    sums = np.zeros((len(blocks) + 1, 4), np.int64)
    for at in range(len(blocks)):
        row = blocks[at]
        sums[at + 1, 0] = sums[at, 0] + row[LENGTH]
        sums[at + 1, 1] = sums[at, 1] + row[LINKED]
        sums[at + 1, 2] = sums[at, 2] + row[SENTENCES]
        sums[at + 1, 3] = sums[at, 3] + (row[LENGTH] if row[LENGTH] >= _LONG and row[LINKED] * 3 < row[LENGTH] else 0)
    return sums


@compiled_inner
def outer_of(nodes: Rows, node: int) -> int:
    """Return the block-level element around a block-level element; the root is its own."""
    return int(nodes[nodes[node, PARENT], OUTER])


@compiled
def best_element(blocks: Rows, nodes: Rows, sums: Numbers) -> int:
    """Return the element that holds the paragraphs of the main text, as Arc90's Readability finds it.

    Each block that reads like a paragraph gives points for its length and commas to the element around its own, and half of
    them to the next; links take away from an element's points.
    """
    points = np.zeros(len(nodes), np.int64)
    for at in range(len(blocks)):
        row = blocks[at]
        if row[LENGTH] < 25 or row[LINKED] * 2 > row[LENGTH]:
            continue
        gained = 2 * (1 + min(row[COMMAS], 10) + min(row[LENGTH] // 100, 5))
        around = outer_of(nodes, row[CONTAINER])
        points[around] += gained
        points[outer_of(nodes, around)] += gained // 2
    best, most = 0, 0
    for node in range(len(nodes)):
        if points[node]:
            first, last = nodes[node, FIRST], nodes[node, LAST]
            length, linked = sums[last, 0] - sums[first, 0], sums[last, 1] - sums[first, 1]
            found = points[node] * (1000 - permille(linked, length))
            if found > most:
                best, most = node, found
    return best


@compiled_inner
def fill_levels(row: Rows, at: int, nodes: Rows, sums: Numbers, node: int) -> int:
    """Write what is known of the elements around a block from column `at`; return the column after them."""
    for _ in range(LEVELS):
        first, last = nodes[node, FIRST], nodes[node, LAST]
        length = sums[last, 0] - sums[first, 0]
        row[at] = length
        row[at + 1] = permille(sums[last, 1] - sums[first, 1], length)
        row[at + 2] = last - first
        row[at + 3] = permille(sums[last, 2] - sums[first, 2], length)
        row[at + 4] = permille(sums[last, 3] - sums[first, 3], length)
        row[at + 5] = nodes[node, TAG]
        row[at + 6] = nodes[node, CHILDREN]
        at += 7
        node = outer_of(nodes, node)
    return at


@compiled_inner
def fill_neighbours(row: Rows, at: int, number: int, blocks: Rows, nodes: Rows, offsets: Numbers) -> int:
    """Write what is known of the blocks before and after one; where there is none, -1."""
    for offset in offsets:
        other = number + offset
        if 0 <= other < len(blocks):
            block = blocks[other]
            row[at] = block[LENGTH]
            row[at + 1] = permille(block[LINKED], block[LENGTH])
            row[at + 2] = block[SENTENCES]
            row[at + 3] = nodes[block[CONTAINER], TAG]
        else:
            row[at : at + 4] = -1
        at += 4
    return at


@compiled_inner
def fill_own(row: Rows, block: Rows, nodes: Rows) -> int:
    """Write what is known of a block itself."""
    length = block[LENGTH]
    row[0] = length
    row[1] = permille(block[LINKED], length)
    row[2] = block[WORDS]
    row[3] = block[SENTENCES]
    row[4] = block[COMMAS]
    row[5] = permille(block[DIGITS], length)
    row[6] = permille(block[CAPITALS], block[WORDS])
    row[7] = block[LINES]
    row[8] = permille(block[LETTERS], length)
    row[9] = block[LINKS]
    row[10] = block[SEPARATION]
    row[11] = block[MARKER]
    row[12] = nodes[block[NODE], TAG]
    row[13] = block[CONCEALS]
    row[14] = nodes[block[CONTAINER], NESTING]
    return 15


@compiled_inner
def fill(blocks: Rows, nodes: Rows, hints: Numbers, context: Context, begin: int, found: Rows) -> None:
    """Fill the features [rows, FEATURES] of a page's blocks from `begin` on."""
    sums, headings, best, opening, offsets = context
    count = len(blocks)
    total = sums[count, 0]
    first, last = nodes[best, FIRST], nodes[best, LAST]
    held = sums[last, 0] - sums[first, 0]
    for number in range(begin, begin + len(found)):
        row, block = found[number - begin], blocks[number]
        at = fill_own(row, block, nodes)
        at = fill_levels(row, at, nodes, sums, block[CONTAINER])
        at = fill_neighbours(row, at, number, blocks, nodes, offsets)
        low, high = max(0, number - 4), min(count, number + 5)
        near = sums[high, 0] - sums[low, 0]
        row[at] = total
        row[at + 1] = permille(sums[count, 1], total)
        row[at + 2] = count
        row[at + 3] = permille(sums[count, 2], total)
        row[at + 4] = sums[number, 0]
        row[at + 5] = total - sums[number + 1, 0]
        row[at + 6] = permille(number, count)
        row[at + 7] = held
        row[at + 8] = permille(held, total)
        row[at + 9] = first <= number < last
        row[at + 10] = number - first if number < first else (number - last + 1 if number >= last else 0)
        row[at + 11], row[at + 12] = headings[number, 0], headings[number, 1]
        row[at + 13] = number - opening if opening >= 0 else -1000
        row[at + 14] = number
        row[at + 15] = near // (high - low)
        row[at + 16] = permille(sums[high, 1] - sums[low, 1], near)
        at += 17
        node = block[NODE]
        for bit in range(_HINTS):
            row[at + bit] = (hints[1, node] >> bit) & 1
            row[at + _HINTS + bit] = (hints[2, node] >> bit) & 1
        at += 2 * _HINTS
        row[at] = hints[1, node] & A_HIDDEN != 0
        row[at + 1] = hints[2, node] & A_HIDDEN != 0


@compiled
def headings_before(blocks: Rows, nodes: Rows, ranks: Numbers) -> Numbers:
    """Return [blocks, 2] how many blocks before each the last heading is, itself included, and its rank from 0 on."""
    found = np.empty((len(blocks), 2), np.int64)
    since, rank = 1000, 7
    for number in range(len(blocks)):
        tag = nodes[blocks[number, CONTAINER], TAG]
        for level in range(6):
            if ranks[level] == tag:
                since, rank = 0, level
        found[number, 0], found[number, 1] = since, rank
        since += 1
    return found


@compiled_inner
def first_heading(blocks: Rows, nodes: Rows) -> int:
    """Return the first block that is a heading of the first rank, or -1."""
    for number in range(len(blocks)):
        if nodes[blocks[number, CONTAINER], TAG] == _H1:
            return number
    return -1


def context(page: Scan) -> Context:
    """Return what the features of a page's blocks have in common."""
    sums = running_sums(page.blocks)
    best, opening = best_element(page.blocks, page.nodes, sums), first_heading(page.blocks, page.nodes)
    return sums, headings_before(page.blocks, page.nodes, _HEADINGS), best, opening, _OFFSETS


def features(page: Scan, around: Context, begin: int, end: int) -> Rows:
    """Return the features [end - begin, FEATURES] of a page's blocks from `begin` up to `end`."""
    found = np.empty((end - begin, len(FEATURES)), np.int32)
    fill(page.blocks, page.nodes, page.hints, around, begin, found)
    return found
