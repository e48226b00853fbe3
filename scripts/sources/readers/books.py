"""Books: plain texts as Project Gutenberg has them, whole or cut at their borders into documents of readable length.

Licence header and footer are removed; how long they were is recorded with the first document of the book.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import regex

from scripts.sources.decoding import decode_legacy, normal_form
from scripts.sources.records import Outcome, Record, key_of, quarantined, removed
from scripts.sources.streams import BrokenStream, read_whole

MAX_CHARACTERS = 20_000
MIN_PIECE = 500  # a heading that stands alone is joined to what it heads
HEADING_CHARACTERS = 100

_START = regex.compile(
    r"^[ \t]*(?:\*{3} ?START OF (?:THE|THIS) PROJECT GUTENBERG.*?\*{3}|\*END[ *]*THE SMALL PRINT.*)[ \t]*\n",
    regex.M | regex.I | regex.S,
)
_END = regex.compile(
    r"^[ \t]*(?:\*{3} ?END OF (?:THE|THIS) PROJECT GUTENBERG|End of (?:the |this )?Project Gutenberg)",
    regex.M | regex.I,
)
_FIELD = regex.compile(r"^(Title|Author|Language|Release Date):[ \t]*(.+)$", regex.M)
_PRODUCED = regex.compile(
    r"\A\s*(?:Produced by|E-text prepared by|This etext was (?:prepared|produced))(?:.+\n)+", regex.I
)
_DOT_INDENT = regex.compile(r"^[ \t]*\.{6,}[ \t]*(?=\S)", regex.M)
_LINE_NUMBER = regex.compile(r"(?<=\S)[ \t]{3,}\[?\d{0,3}[05]\]?[ \t]*$", regex.M)
_EMPTY_LINES = regex.compile(r"\n{4,}")
_NUMERAL = r"(?:[IVXLC]+|\d+|(?:THE )?(?:FIRST|SECOND|THIRD|FOURTH|FIFTH|SIXTH|SEVENTH|EIGHTH|NINTH|TENTH))"
# From the widest border to the narrowest; a paragraph and then a line are what is left to cut at.
_LEVELS = (
    regex.compile(
        rf"\s*(?:(?:BOOK|PART|VOLUME|ACT|ACTUS)\s+{_NUMERAL}\b|THE [A-Z]+ BOOK\b|EPILOGUE|PROLOGUE|INDUCTION)", regex.I
    ),
    regex.compile(
        rf"\s*(?:(?:CHAPTER|CANTO|LETTER|SCENE|SCENA)\b[\s.:]*{_NUMERAL}?\b|SECTION\s+{_NUMERAL}\b)", regex.I
    ),
    regex.compile(r"\s*(?:[IVXLC]+|\d{1,3})\.?\s*(?:\n|\Z)"),
)


@dataclass(frozen=True, slots=True)
class Licence:
    """What was removed around a book, in characters, and what its header says."""

    header: int
    footer: int
    fields: Mapping[str, str]


def read(path: Path, origin: str, options: Mapping[str, Any]) -> Iterator[Outcome]:
    """Yield the documents of one book. Options: `max_characters` (of a document, default 20000)."""
    try:
        text = normal_form(decode_legacy(read_whole(path)))
    except BrokenStream as error:
        yield quarantined(error.reason, f"byte {error.position} of {origin}")
        return
    text, licence = strip_licence(text)
    text = tidy(text)
    if not text:
        yield removed("empty", origin)
        return
    title = licence.fields.get("Title") or first_line(text)
    for number, piece in enumerate(split_book(text, options.get("max_characters", MAX_CHARACTERS))):
        meta: dict[str, Any] = {"title": title, "section": section_of(piece), "piece": number}
        if number == 0 and licence.header + licence.footer:
            meta["licence_removed"] = {"header": licence.header, "footer": licence.footer}
        if "Author" in licence.fields:
            meta["author"] = licence.fields["Author"]
        yield Record(key=f"{key_of(origin)}/{number:04d}", text=piece, meta=meta)


def strip_licence(text: str) -> tuple[str, Licence]:
    """Return a book without Project Gutenberg's header and footer, and what they were."""
    start, end = 0, len(text)
    if match := _START.search(text):
        start = match.end()
    if match := _END.search(text, start):
        end = match.start()
    fields = {name: value.strip() for name, value in _FIELD.findall(text[:start])}
    return _PRODUCED.sub("", text[start:end]), Licence(start, len(text) - end, fields)


def tidy(text: str) -> str:
    """Remove what belongs to the printed page: dots that stand for indents, verse numbers, piles of empty lines."""
    text = _LINE_NUMBER.sub("", _DOT_INDENT.sub("    ", text))
    return str(_EMPTY_LINES.sub("\n\n\n", text)).strip()


def first_line(text: str) -> str:
    """Return the first line of a text, shortened."""
    return text.strip().partition("\n")[0].strip()[:HEADING_CHARACTERS]


def heading_level(block: str) -> int | None:
    """Return the level of the border that a block begins with: 0 act or part, 1 scene or chapter, 2 bare number."""
    line = block.strip().partition("\n")[0]
    if len(line) > HEADING_CHARACTERS:
        return None
    return next((level for level, pattern in enumerate(_LEVELS) if pattern.match(block)), None)


def section_of(piece: str) -> str | None:
    """Return the heading that a document begins with, if it begins with one."""
    return first_line(piece) if heading_level(piece) is not None else None


def split_book(text: str, limit: int) -> list[str]:
    """Return a book as documents of at most about `limit` characters, cut at the widest borders that suffice."""
    blocks = regex.split(r"\n[ \t]*\n", text)
    return [piece.strip() for piece in _split([block for block in blocks if block.strip()], 0, limit)]


def _split(blocks: Sequence[str], level: int, limit: int) -> list[str]:
    whole = "\n\n".join(blocks)
    if len(whole) <= limit:
        return [whole]
    if level == len(_LEVELS):
        return _pack([line for block in blocks for line in _shortened(block, limit)], limit, "\n\n")
    groups: list[list[str]] = []
    for block in blocks:
        if not groups or heading_level(block) == level:
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
