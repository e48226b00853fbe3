"""The main text of a web page: its blocks of text, judged one by one by a small ensemble of decision trees.

The trees (`lists/main-text-trees.json`) were learned by `benchmarks.main_text_trees` from pages marked by people; they compare
and add whole numbers, so that a verdict is the same on every machine.
"""

from __future__ import annotations

import functools
import json
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.html import HTMLTree

from scripts.lib.code import data_file
from scripts.lib.compiled import compiled
from scripts.sources.pagefeatures import FEATURES, context, features
from scripts.sources.pagemarkup import Bytes, Numbers
from scripts.sources.pagescan import BEGIN, DEPTH, END, LENGTH, MARKER, SEPARATION, Rows, Scan, scan
from scripts.sources.pagetags import CELL, LINE

SKIPPED = [".headerlink", ".anchor"]  # marks that link to a heading, such as ¶
MOST_TAGS = 1_000_000  # of a page whose blocks are judged; a table dump with more is taken as the library takes it
_AT_ONCE = 8192  # blocks judged in one go, which bounds memory
_CELL_BYTES = 100  # a longer cell of a table is a part of the page's layout and begins a line
_MOST_INDENT = 8


class Trees(NamedTuple):
    """Decision trees: a split [splits, 4] holds feature, limit, and where to go at most and above it; leaves are ~number."""

    splits: Rows
    values: Numbers  # of leaves, in millionths of log odds
    roots: Numbers
    threshold: int


@functools.cache
def trees() -> Trees:
    """Return the trees, with the columns of their features in this version's order."""
    stored = json.loads(data_file("scripts/sources/lists/main-text-trees.json").read_text("utf-8"))
    columns = [FEATURES.index(name) for name in stored["features"]]
    splits: list[list[int]] = []
    values: list[int] = []
    roots: list[int] = []
    for tree in stored["trees"]:
        first, leaf = len(splits), len(values)
        roots.append(first)
        for feature, limit, low, high in tree["splits"]:
            ends = [first + child if child >= 0 else ~(leaf + ~child) for child in (low, high)]
            splits.append([columns[feature], limit, *ends])
        values.extend(tree["values"])
    return Trees(
        np.array(splits, np.int32), np.array(values, np.int64), np.array(roots, np.int64), int(stored["threshold"])
    )


@compiled
def judge(rows: Rows, splits: Rows, values: Numbers, roots: Numbers) -> Numbers:
    """Return the log odds, in millionths, that each block with features [blocks, FEATURES] is main text."""
    found = np.empty(len(rows), np.int64)
    for at in range(len(rows)):
        row, total = rows[at], 0
        for root in roots:
            node = root
            while node >= 0:
                node = splits[node, 3 if row[splits[node, 0]] > splits[node, 1] else 2]
            total += values[~node]
        found[at] = total
    return found


def odds(page: Scan) -> npt.NDArray[np.int64]:
    """Return the log odds, in millionths, that each block of a page is main text."""
    model, around = trees(), context(page)
    parts = [
        judge(features(page, around, begin, min(begin + _AT_ONCE, len(page.blocks))), *model[:3])
        for begin in range(0, len(page.blocks), _AT_ONCE)
    ]
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


@compiled
def write_marker(out: Bytes, at: int, marker: int, depth: int) -> int:
    """Write what stands before an item of a list, a bullet or its number; return the position after it."""
    for _ in range(2 * (min(depth, _MOST_INDENT) - 1)):
        out[at] = 32
        at += 1
    if marker < 0:
        out[at], out[at + 1], out[at + 2] = 0xE2, 0x80, 0xA2
        at += 3
    else:
        size, rest = 1, marker // 10
        while rest:
            size, rest = size + 1, rest // 10
        for digit in range(size - 1, -1, -1):
            out[at + digit] = 48 + marker % 10
            marker //= 10
        out[at + size] = 46
        at += size + 1
    out[at] = 32
    return at + 1


@compiled
def write_blocks(text: Bytes, blocks: Rows, taken: npt.NDArray[np.bool_], out: Bytes) -> int:
    """Write the chosen blocks one after the other as a page shows them; return how many bytes they take."""
    at, separation, before = 0, 0, 0
    for number in range(len(blocks)):
        row = blocks[number]
        separation = max(separation, row[SEPARATION])
        if not taken[number]:
            continue
        if at:
            if separation <= CELL and max(before, row[LENGTH]) < _CELL_BYTES:
                out[at] = 9
            else:
                out[at] = 10
            at += 1
            if separation > LINE:
                out[at] = 10
                at += 1
        if row[MARKER]:
            at = write_marker(out, at, row[MARKER], row[DEPTH])
        out[at : at + row[LENGTH]] = text[row[BEGIN] : row[END]]
        at += row[LENGTH]
        separation, before = 0, row[LENGTH]
    return at


def joined(page: Scan, taken: npt.NDArray[np.bool_]) -> str:
    """Return the text of the chosen blocks of a page."""
    most = int(page.blocks[:, LENGTH].sum()) + len(page.blocks) * (2 * _MOST_INDENT + 16)
    out = np.empty(most, np.uint8)
    return out[: write_blocks(page.text, page.blocks, taken, out)].tobytes().decode("utf-8")


def main_text(tree: HTMLTree) -> str:
    """Return the main text of a page: paragraphs apart, items and rows one a line, code as it stands; or nothing."""
    html = str(tree)
    if html.count("<") > MOST_TAGS:
        return str(extract_plain_text(tree, main_content=True, alt_texts=False, skip_elements=SKIPPED))
    page = scan(html)
    return joined(page, odds(page) >= trees().threshold)
