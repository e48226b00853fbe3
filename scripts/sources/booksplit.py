"""Books cut at their borders into documents of readable length.

A book is a sequence of blocks, each with the level of the border it begins with: headings of HTML (h1 to h3) are wider
than what the words of a plain text say (act, chapter, bare number); a paragraph and then a line are what is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import regex

MIN_PIECE = 500  # a heading that stands alone is joined to what it heads
HEADING_CHARACTERS = 100
MARKED_LEVELS = 3  # h1, h2, h3

# The text of a block, and the level of the border that it begins with, if it begins with one.
Block: TypeAlias = tuple[str, int | None]

_NUMERAL = r"(?:[IVXLC]+|\d+|(?:THE )?(?:FIRST|SECOND|THIRD|FOURTH|FIFTH|SIXTH|SEVENTH|EIGHTH|NINTH|TENTH))"
# From the widest border to the narrowest.
_WORDED = (
    regex.compile(
        rf"\s*(?:(?:BOOK|PART|VOLUME|ACT|ACTUS)\s+{_NUMERAL}\b|THE [A-Z]+ BOOK\b|EPILOGUE|PROLOGUE|INDUCTION)", regex.I
    ),
    regex.compile(
        rf"\s*(?:(?:CHAPTER|CANTO|LETTER|SCENE|SCENA)\b[\s.:]*{_NUMERAL}?\b|SECTION\s+{_NUMERAL}\b)", regex.I
    ),
    regex.compile(r"\s*(?:[IVXLC]+|\d{1,3})\.?\s*(?:\n|\Z)"),
)
_LEVELS = MARKED_LEVELS + len(_WORDED)


def first_line(text: str) -> str:
    """Return the first line of a text, shortened."""
    return text.strip().partition("\n")[0].strip()[:HEADING_CHARACTERS]


def heading_level(block: str) -> int | None:
    """Return the level of the border that the words of a block say: act or part, scene or chapter, bare number."""
    line = block.strip().partition("\n")[0]
    if len(line) > HEADING_CHARACTERS:
        return None
    return next((level for level, pattern in enumerate(_WORDED, MARKED_LEVELS) if pattern.match(block)), None)


def section_of(piece: str, headings: frozenset[str] = frozenset()) -> str | None:
    """Return the heading that a document begins with, if it begins with one: of those marked, or one by its words."""
    line = first_line(piece)
    return line if line in headings or heading_level(piece) is not None else None


def split_book(text: str, limit: int) -> list[str]:
    """Return a book as documents of at most about `limit` characters, cut at the widest borders that suffice."""
    blocks = regex.split(r"\n[ \t]*\n", text)
    return split_blocks([(block, heading_level(block)) for block in blocks if block.strip()], limit)


def split_blocks(blocks: Sequence[Block], limit: int) -> list[str]:
    """Return blocks as documents of at most about `limit` characters, cut at the widest borders that suffice."""
    return [piece.strip() for piece in _split(blocks, 0, limit)]


def _split(blocks: Sequence[Block], level: int, limit: int) -> list[str]:
    if sum(len(text) + 2 for text, _ in blocks) - 2 <= limit:
        return ["\n\n".join(text for text, _ in blocks)]
    if level == _LEVELS:
        return _pack([line for text, _ in blocks for line in _shortened(text, limit)], limit, "\n\n")
    groups: list[list[Block]] = []
    for block in blocks:
        if not groups or block[1] == level:
            groups.append([])
        groups[-1].append(block)
    return _pack([piece for group in groups for piece in _split(group, level + 1, limit)], limit, "\n\n")


def _shortened(block: str, limit: int) -> list[str]:
    """Return a paragraph in pieces, cut at lines, then sentences, where it is longer than a document may be."""
    if len(block) <= limit:
        return [block]
    lines = block.split("\n") if "\n" in block else regex.split(r"(?<=[.!?])[ \t]+", block)
    if len(lines) == 1:
        lines = [block[start : start + limit] for start in range(0, len(block), limit)]
    return _pack([part for line in lines for part in _shortened(line, limit)], limit, "\n")


def _pack(pieces: Sequence[str], limit: int, glue: str) -> list[str]:
    """Join neighbours as long as they fit; one too short to stand alone joins the next in any case."""
    packed: list[str] = []
    for piece in pieces:
        fits = packed and len(packed[-1]) + len(glue) + len(piece) <= limit
        if packed and (fits or len(packed[-1]) < MIN_PIECE):
            packed[-1] += glue + piece
        else:
            packed.append(piece)
    return packed
