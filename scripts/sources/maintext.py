"""The main text of a web page: its blocks of text, judged one by one by a small ensemble of decision trees."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.html import HTMLTree

from scripts.lib.compiled import compiled_inner
from scripts.sources.pagefeatures import context, features
from scripts.sources.pagemarkup import Bytes
from scripts.sources.pagescan import BEGIN, DEPTH, END, LENGTH, MARKER, SEPARATION, Rows, Scan, scan
from scripts.sources.pagetags import CELL, LINE
from scripts.sources.pagetrees import judge, trees

SKIPPED = [".headerlink", ".anchor"]  # marks that link to a heading, such as ¶
MOST_TAGS = 1_000_000  # of a page whose blocks are judged; a table dump with more is taken as the library takes it
_AT_ONCE = 8192  # blocks judged in one go, which bounds memory
_CELL_BYTES = 100  # a longer cell of a table is a part of the page's layout and begins a line
_MOST_INDENT = 8


def odds(page: Scan) -> npt.NDArray[np.int64]:
    """Return the log odds, in millionths, that each block of a page is main text."""
    model, around = trees(), context(page)
    parts = [
        judge(features(page, around, begin, min(begin + _AT_ONCE, len(page.blocks))), model)
        for begin in range(0, len(page.blocks), _AT_ONCE)
    ]
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


@compiled_inner
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


@compiled_inner
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
        for place in range(row[BEGIN], row[END]):
            out[at] = text[place]
            at += 1
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
    if len(html) > MOST_TAGS < html.count("<"):
        return str(extract_plain_text(tree, main_content=True, alt_texts=False, skip_elements=SKIPPED))
    page = scan(html)
    return joined(page, odds(page) >= trees().threshold)
