"""What Project Gutenberg puts around its books, and what its plain texts keep of the printed page."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import regex
from lxml import etree

from scripts.sources.bookhtml import lines_of
from scripts.sources.booksplit import Block
from scripts.sources.xml import Element

# A header ends with the first of these; that of Project Gutenberg Australia with the last paragraph that names it.
_START = regex.compile(
    r"^[ \t]*(?:\*{3} ?START OF (?:THE|THIS) PROJECT GUTENBERG(?s:.{0,1000}?)\*{3}|\*END[ *]*THE SMALL PRINT.*)[ \t]*\n"
    r"|\A(?s:.{0,1000}?)A Project Gutenberg (?:of )?Australia eBook(?s:.{0,3000})"
    r"Project Gutenberg (?:of )?Australia.*\n(?:.+\n)*(?:\s*[-_*=]{5,}\n)?",
    regex.M | regex.I,
)
_END = regex.compile(r"^[ \t]*\*{3} ?END OF (?:THE|THIS) PROJECT GUTENBERG", regex.M | regex.I)
# Sentences begin like this too, so it counts near the end alone.
_LAST_LINE = regex.compile(
    r"^[ \t]*(?:End of (?:the |this )?Project|Ende (?:dieses|des) Proje[ck]t|Fin (?:du|de|de ce) Proje[ct]t?) Gutenberg",
    regex.M | regex.I,
)
MAX_HEADER, MAX_FOOTER = 40_000, 20_000
_MAX_END = 1_000  # how long what stands between the last line and the mark of the end may be
_FIELD = regex.compile(
    r"^(Title|Author|Language):[ \t]*(\S.*(?:\n[ \t]+\S.*)*)", regex.M
)  # a long title goes on below, indented
_PRODUCED = regex.compile(
    r"\A\s*(?:Produced by|E-text prepared by|This etext was (?:prepared|produced)|Transcribed from the)(?:.+\n)+",
    regex.I,
)
_DOT_INDENT = regex.compile(r"^[ \t]*\.{6,}[ \t]*(?=\S)", regex.M)
# A number at the end of a line, apart: of a verse (every fifth or tenth has one), or of a row of a table.
_LINE_NUMBER = regex.compile(r"(?<=\S)[ \t]{3,}(?:(\[?\d{0,3}[05]\]?)|\S{0,2}[\d.,]*\d\S{0,2})[ \t]*$", regex.M)
_VERSES_APART = 4  # lines at least
_EMPTY_LINES = regex.compile(r"\n{4,}")


@dataclass(frozen=True, slots=True)
class Licence:
    """What was removed around a book, in characters, and what its header says."""

    header: int = 0
    footer: int = 0
    fields: Mapping[str, str] = field(default_factory=dict)

    def joined(self, other: Licence) -> Licence:
        """Return this and what was removed elsewhere as one."""
        return Licence(self.header + other.header, self.footer + other.footer, {**self.fields, **other.fields})


def fields_of(header: str) -> dict[str, str]:
    """Return what the header of a book says of it: Title, Author, Language."""
    return {name: " ".join(value.split()) for name, value in _FIELD.findall(header)}


def strip_licence(text: str) -> tuple[str, Licence]:
    """Return a book without Project Gutenberg's header and footer, and what they were."""
    start, end = _span(text)
    return _PRODUCED.sub("", text[start:end]), Licence(start, len(text) - end, fields_of(text[:start]))


def strip_blocks(blocks: Sequence[Block]) -> tuple[list[Block], Licence]:
    """Return the blocks of a book without Project Gutenberg's header and footer, and what they were."""
    whole = "\n\n".join(text for text, _ in blocks) + "\n"
    start, end = _span(whole)
    licence = Licence(start, len(whole) - end, fields_of(whole[:start]))
    kept: list[Block] = []
    at = 0
    for text, level in blocks:
        left, right = max(start - at, 0), max(end - at, 0)
        kept.append((text if not left and right >= len(text) else text[left:right].strip("\n").rstrip(), level))
        at += len(text) + 2
    kept = [block for block in kept if block[0].strip()]
    if start and kept:
        text, level = kept[0]
        kept[0] = (_PRODUCED.sub("", text + "\n").rstrip(), level)
    return [block for block in kept if block[0]], licence


def _span(text: str) -> tuple[int, int]:
    """Return where a book begins behind its header, and where its footer begins."""
    header = _START.search(text, 0, MAX_HEADER)
    start = header.end() if header else 0
    mark = _END.search(text, start)
    end = mark.start() if mark else len(text)
    lines = [line.start() for line in _LAST_LINE.finditer(text, max(start, end - (_MAX_END if mark else MAX_FOOTER)))]
    lines = [line for line in lines if line < end]
    if not lines:
        return start, end
    return start, next(line for line in lines if line >= lines[-1] - _MAX_END)


def strip_marked(root: Element) -> Licence:
    """Empty the elements of a page that Project Gutenberg marks as its own; return what they were."""
    header: list[str] = []
    footer: list[str] = []
    for element in list(_marked(root)):
        text = "\n".join(line.text for line in lines_of(element))
        ends = _END.search(text) or _LAST_LINE.search(text) or element.get("id") == "pg-footer"
        (footer if ends else header).append(text)
        element.clear(keep_tail=True)
    return Licence(len("\n".join(header)), len("\n".join(footer)), fields_of("\n".join(header)))


def _marked(root: Element) -> Iterator[Element]:
    walker = etree.iterwalk(root, events=("start",))
    for _, element in walker:
        if element.get("id") in ("pg-header", "pg-footer") or "pg-boilerplate" in element.get("class", "").split():
            walker.skip_subtree()
            yield element


def tidy(text: str) -> str:
    """Remove what belongs to the printed page: dots that stand for indents, verse numbers, piles of empty lines."""
    text = _without_line_numbers(_DOT_INDENT.sub("    ", text))
    return str(_EMPTY_LINES.sub("\n\n\n", text)).strip()


def _without_line_numbers(text: str) -> str:
    """Return text without the numbers of verses; those on lines next to each other are of a table."""
    pieces, at, before = [], 0, False
    for number, other in itertools.pairwise(itertools.chain(_LINE_NUMBER.finditer(text), [None])):
        after = other is not None and text.count("\n", number.end(), other.start()) < _VERSES_APART
        if number[1] and not (before or after):
            pieces.append(text[at : number.start()])
            at = number.end()
        before = after
    return "".join([*pieces, text[at:]])
