"""One pass over well-formed HTML: the blocks of text of a page, and the elements that hold them.

The page is what a parser of HTML has written out again (every element closed, attributes quoted), as UTF-8 bytes. A block is the
text between two boundaries that a reader sees: a block-level element begins or ends, or two line breaks follow each other.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from scripts.lib.compiled import compiled_inner
from scripts.sources.pagemarkup import (
    MARK_LINK,
    Bytes,
    Numbers,
    after_comment,
    entity,
    look_up,
    next_of,
    raw_end,
    read_tag,
)
from scripts.sources.pagetags import (
    BREAK,
    CONCEALED,
    FNV_MASK,
    FNV_OFFSET,
    FNV_PRIME,
    FOREIGN,
    HINT_TABLE,
    ITEM,
    LINE,
    LINK,
    LIST,
    OTHER_TAG,
    PARAGRAPH,
    PRE,
    RAW,
    SKIPPED,
    TAG_FLAGS,
    TAG_OF,
    TAG_TABLE,
    VOID,
    fnv,
)

Rows = npt.NDArray[np.int32]

# Columns of a block: its text is output[BEGIN:END]; counts are of bytes where they measure length.
(
    BEGIN, END, NODE, CONTAINER, SEPARATION, MARKER, DEPTH, LENGTH, LINKED, WORDS, SENTENCES, COMMAS, DIGITS, CAPITALS, LINES,
    LETTERS, CONCEALS, LINKS,
) = range(18)  # fmt: skip
BLOCK_COLUMNS = 18
# Columns of an element: its blocks are those from FIRST up to LAST; OUTER is the nearest block-level element, itself included.
PARENT, TAG, NAME, OUTER, FIRST, LAST, FLAGS, ITEMS, NESTING, CHILDREN = range(10)
NODE_COLUMNS = 10


class Scan(NamedTuple):
    """The blocks [blocks, BLOCK_COLUMNS] and elements [elements, NODE_COLUMNS] of a page, in its order."""

    text: Bytes
    blocks: Rows
    nodes: Rows
    hints: Numbers  # [3, elements]: of an element, of it and the two around it, of it and all around it


_OL, _SCRIPT, _MATH = TAG_OF["ol"], fnv("script"), fnv("math")
# The words of a formula are HTML again.
_MI, _MO, _MN, _MS, _MTEXT = (fnv(name) for name in ("mi", "mo", "mn", "ms", "mtext"))
_NAME_MASK = 0x7FFFFFFF
_TAG_BEGINS = ord("<")
# What the scan is at.
_OUT, _BLOCK, _COUNT, _CURRENT, _NODES, _SEPARATION, _MARKER, _SPACE, _NEWLINE, _INDENT = range(10)


def _classes() -> Bytes:
    found = np.zeros(256, np.uint8)
    for letters, value in ((b".!?", 1), (b",;:", 2), (bytes(range(48, 58)), 4)):
        found[list(letters)] = value
    found[65:91] = 8 | 16
    found[97:123] = 16
    found[128:] = 16
    return found


_CLASSES = _classes()


@compiled_inner
def close_block(state: Numbers, text: Bytes, blocks: Rows) -> None:
    """End the open block, if there is one."""
    block = state[_BLOCK]
    if block >= 0:
        end = state[_OUT]
        while text[end - 1] <= 32:
            end -= 1
        blocks[block, END] = end
        blocks[block, LENGTH] = end - blocks[block, BEGIN]
        state[_OUT] = end
    state[_BLOCK], state[_SPACE], state[_NEWLINE], state[_INDENT] = -1, 0, 0, 0


@compiled_inner
def open_block(state: Numbers, text: Bytes, blocks: Rows, nodes: Rows, hints: Numbers) -> int:
    """Begin a block where the scan is; return its number."""
    block, current = state[_COUNT], state[_CURRENT]
    row = blocks[block]
    row[:] = 0
    row[BEGIN], row[NODE], row[CONTAINER] = state[_OUT], current, nodes[current, OUTER]
    row[SEPARATION], row[MARKER], row[DEPTH] = state[_SEPARATION], state[_MARKER], nodes[current, NESTING]
    row[CONCEALS] = 1 if hints[2, current] & CONCEALED else 0
    row[LINES] = 1
    for _ in range(state[_INDENT]):
        text[state[_OUT]] = 32
        state[_OUT] += 1
    state[_BLOCK], state[_COUNT], state[_SEPARATION], state[_MARKER] = block, block + 1, 0, 0
    return int(block)


@compiled_inner
def count_wide(page: Bytes, at: int, row: Rows) -> None:
    """Count a character of more than one byte: punctuation of other scripts, and each character of Chinese and Japanese."""
    first, second = page[at], page[at + 1] if at + 1 < len(page) else 0
    third = page[at + 2] if at + 2 < len(page) else 0
    if first == 0xE3 and second == 0x80:
        row[SENTENCES] += third == 0x82
        row[COMMAS] += third == 0x81
    elif first == 0xEF and second == 0xBC:
        row[SENTENCES] += third == 0x81 or third == 0x9F
        row[COMMAS] += third == 0x8C or third == 0x9A or third == 0x9B
    elif first == 0xD8:
        row[SENTENCES] += second == 0x9F
        row[COMMAS] += second == 0x8C
    elif first == 0xE0:
        row[SENTENCES] += second == 0xA5 and third == 0xA4
    row[WORDS] += 0xE3 <= first <= 0xE9


@compiled_inner
def copy_text(
    page: Bytes,
    at: int,
    stop: int,
    state: Numbers,
    text: Bytes,
    blocks: Rows,
    nodes: Rows,
    hints: Numbers,
    literal: bool,
) -> int:
    """Copy text up to the next tag, or to `stop` where it is literal; white space becomes one space outside of `pre`."""
    flags = nodes[state[_CURRENT], FLAGS]
    formatted, linked, block = flags & PRE != 0, flags & LINK != 0, state[_BLOCK]
    out, space, newline = state[_OUT], state[_SPACE], state[_NEWLINE]
    began = out if block >= 0 else -1
    before = text[out - 1] if block >= 0 and out > blocks[block, BEGIN] else 32
    letters, capitals, digits, commas, sentences, words, lines = 0, 0, 0, 0, 0, 0, 0
    while at < stop and (literal or page[at] != 60):
        byte, width = int(page[at]), 1
        if byte == 38 and not literal:
            byte, width = entity(page, at)
        elif byte == 0xC2 and at + 1 < stop and page[at + 1] == 0xA0:
            byte, width = 32, 2
        elif byte == 0xEE or (byte == 0xEF and at + 1 < stop and page[at + 1] <= 0xA3):
            at += 3  # of private use: the letters of fonts of icons
            continue
        if byte <= 32:
            if block < 0:
                state[_INDENT] = 0 if byte == 10 or not formatted else state[_INDENT] + 1
            elif formatted:
                text[out] = before = byte
                out += 1
                lines += byte == 10
            else:
                space = 1
            at += width
            continue
        if block < 0:
            block = open_block(state, text, blocks, nodes, hints)
            began, out, before = blocks[block, BEGIN], state[_OUT], 32
        if newline or space:
            text[out] = 10 if newline else 32
            lines += newline
            out += 1
            newline, space, before = 0, 0, 32
        words += before <= 32
        kind = _CLASSES[byte]
        if kind == 16 and byte < 128:
            letters += 1
        elif kind:
            digits += kind & 4 != 0
            capitals += kind & 8 != 0
            letters += kind & 16 != 0
            commas += kind & 2 != 0
            sentences += kind & 1 and (at + 1 >= stop or page[at + 1] <= 34 or page[at + 1] == 60)
            if byte >= 0xC0:
                count_wide(page, at, blocks[block])
        text[out] = before = byte
        out += 1
        at += width
    state[_OUT], state[_SPACE], state[_NEWLINE] = out, space, newline
    if block >= 0:
        row = blocks[block]
        row[LETTERS] += letters
        row[CAPITALS] += capitals
        row[DIGITS] += digits
        row[COMMAS] += commas
        row[SENTENCES] += sentences
        row[WORDS] += words
        row[LINES] += lines
        if linked:
            row[LINKED] += out - began
            row[LINKS] += out > began
    return at


@compiled_inner
def enter(state: Numbers, nodes: Rows, hints: Numbers, name: int, tag: int, found: int, address: int) -> int:
    """Begin an element; return its flags with those that it has from around it."""
    parent, node = state[_CURRENT], state[_NODES]
    flags = TAG_FLAGS[tag]
    kept = flags if address else flags & ~LINK
    kept |= nodes[parent, FLAGS] & (SKIPPED | PRE | LINK | FOREIGN)
    if name == _MATH:
        kept |= FOREIGN
    elif name == _MI or name == _MO or name == _MN or name == _MS or name == _MTEXT:
        kept &= ~FOREIGN
    if found & MARK_LINK and flags & LINK:
        kept |= SKIPPED
    row = nodes[node]
    row[PARENT], row[TAG], row[NAME] = parent, tag, name & _NAME_MASK
    row[OUTER] = node if flags & PARAGRAPH else nodes[parent, OUTER]
    row[FIRST], row[LAST], row[FLAGS], row[ITEMS] = state[_COUNT], -1, kept, 0
    row[NESTING] = nodes[parent, NESTING] + (1 if flags & LIST else 0)
    row[CHILDREN] = 0
    nodes[parent, CHILDREN] += 1
    if flags & ITEM:
        nodes[parent, ITEMS] += 1
        state[_MARKER] = nodes[parent, ITEMS] if nodes[parent, TAG] == _OL else -1
    hints[0, node] = found
    hints[1, node] = found | hints[0, parent] | hints[0, nodes[parent, PARENT]]
    hints[2, node] = found | hints[2, parent]
    state[_CURRENT], state[_NODES] = node, node + 1
    return int(kept)


@compiled_inner
def leave(page: Bytes, at: int, state: Numbers, text: Bytes, blocks: Rows, nodes: Rows) -> int:
    """End an element at its end tag, whose name begins at `at`; return the position after it."""
    size, name, current = len(page), FNV_OFFSET, state[_CURRENT]
    while at < size and page[at] != 62:
        name = ((name ^ page[at]) * FNV_PRIME) & FNV_MASK
        at += 1
    if current > 0 and nodes[current, NAME] == name & _NAME_MASK:
        apart = nodes[current, FLAGS] & PARAGRAPH
        if apart:
            close_block(state, text, blocks)
            state[_SEPARATION] = max(state[_SEPARATION], apart)
        nodes[current, LAST] = state[_COUNT]
        state[_CURRENT] = nodes[current, PARENT]
    return at + 1


@compiled_inner
def break_line(state: Numbers, text: Bytes, blocks: Rows) -> None:
    """Take a `br`: one is a new line, two end the block."""
    if state[_NEWLINE]:
        close_block(state, text, blocks)
        state[_SEPARATION] = PARAGRAPH
    elif state[_BLOCK] >= 0:
        state[_NEWLINE] = 1
    else:
        state[_SEPARATION] = max(state[_SEPARATION], LINE)


@compiled_inner
def scan_bytes(
    page: Bytes, tags: Numbers, words: Numbers, state: Numbers, text: Bytes, blocks: Rows, nodes: Rows, hints: Numbers
) -> tuple[int, int]:
    """Fill the blocks and elements of a page; return how many of each there are. `state` is all zeros."""
    size, at = len(page), 0
    nodes[0] = 0
    nodes[0, TAG] = OTHER_TAG
    hints[:, 0] = 0
    state[_BLOCK], state[_NODES] = -1, 1
    while at < size:
        skipped = nodes[state[_CURRENT], FLAGS] & SKIPPED
        if page[at] != 60:
            if not skipped:
                at = copy_text(page, at, size, state, text, blocks, nodes, hints, False)
            at = next_of(page, at, 60)
            continue
        after = page[at + 1] if at + 1 < size else 0
        if after == 47:
            at = leave(page, at + 2, state, text, blocks, nodes)
            continue
        if not 97 <= (after | 32) <= 122:
            at = after_comment(page, at)
            continue
        at, name, found, address = read_tag(page, at + 1, words)
        tag = look_up(tags, name)
        tag = tag if tag >= 0 else OTHER_TAG
        flags = TAG_FLAGS[tag]
        if flags & PARAGRAPH and not skipped:
            close_block(state, text, blocks)
            state[_SEPARATION] = max(state[_SEPARATION], flags & PARAGRAPH)
        if flags & BREAK and not skipped:
            break_line(state, text, blocks)
        if flags & VOID:
            continue
        kept = enter(state, nodes, hints, name, tag, found, address)
        if flags & RAW and not kept & FOREIGN:
            end = raw_end(page, at, name, name == _SCRIPT)
            if not kept & SKIPPED:
                copy_text(page, at, end, state, text, blocks, nodes, hints, True)
            at = end
    close_block(state, text, blocks)
    while state[_CURRENT] >= 0:
        node = state[_CURRENT]
        nodes[node, LAST] = state[_COUNT]
        state[_CURRENT] = nodes[node, PARENT] if node else -1
    return int(state[_COUNT]), int(state[_NODES])


def scan(html: str) -> Scan:
    """Return the blocks and elements of a page of well-formed HTML."""
    page = np.frombuffer(html.encode("utf-8", "replace"), np.uint8)
    most = int(np.count_nonzero(page == _TAG_BEGINS)) + 2
    text, blocks = np.empty(len(page) + 1, np.uint8), np.empty((most, BLOCK_COLUMNS), np.int32)
    nodes, hints = np.empty((most, NODE_COLUMNS), np.int32), np.empty((3, most), np.int64)
    state = np.zeros(10, np.int64)
    found, elements = scan_bytes(page, TAG_TABLE, HINT_TABLE, state, text, blocks, nodes, hints)
    return Scan(text, blocks[:found], nodes[:elements], hints[:, :elements])
