"""What Project Gutenberg puts around its books, and what its plain texts keep of the printed page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import regex
from lxml import etree

from scripts.sources.bookhtml import lines_of
from scripts.sources.booksplit import Block
from scripts.sources.xml import Element

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
    r"\A\s*(?:Produced by|E-text prepared by|This etext was (?:prepared|produced)|Transcribed from the)(?:.+\n)+",
    regex.I,
)
_DOT_INDENT = regex.compile(r"^[ \t]*\.{6,}[ \t]*(?=\S)", regex.M)
_LINE_NUMBER = regex.compile(r"(?<=\S)[ \t]{3,}\[?\d{0,3}[05]\]?[ \t]*$", regex.M)
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
    """Return what the header of a book says of it: Title, Author and the like."""
    return {name: value.strip() for name, value in _FIELD.findall(header)}


def strip_licence(text: str) -> tuple[str, Licence]:
    """Return a book without Project Gutenberg's header and footer, and what they were."""
    start, end = 0, len(text)
    if match := _START.search(text):
        start = match.end()
    if match := _END.search(text, start):
        end = match.start()
    return _PRODUCED.sub("", text[start:end]), Licence(start, len(text) - end, fields_of(text[:start]))


def strip_blocks(blocks: Sequence[Block]) -> tuple[list[Block], Licence]:
    """Return the blocks of a book without Project Gutenberg's header and footer, and what they were."""
    kept = list(blocks)
    header = footer = ""
    for number, (text, level) in enumerate(kept):
        if match := _START.search(text + "\n"):
            header = "\n\n".join([*(before for before, _ in kept[:number]), text[: match.end()]])
            kept[: number + 1] = [(text[match.end() :], level)]
            break
    for number, (text, level) in enumerate(kept):
        if match := _END.search(text):
            footer = "\n\n".join([text[match.start() :], *(after for after, _ in kept[number + 1 :])])
            kept[number:] = [(text[: match.start()].rstrip(), level)]
            break
    kept = [block for block in kept if block[0].strip()]
    if header and kept:
        text, level = kept[0]
        kept[0] = (_PRODUCED.sub("", text + "\n").rstrip(), level)
    return [block for block in kept if block[0]], Licence(len(header), len(footer), fields_of(header))


def strip_marked(root: Element) -> Licence:
    """Empty the elements of a page that Project Gutenberg marks as its own; return what they were."""
    header: list[str] = []
    footer: list[str] = []
    for element in list(_marked(root)):
        text = "\n".join(line.text for line in lines_of(element))
        (footer if _END.search(text) or element.get("id") == "pg-footer" else header).append(text)
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
    text = _LINE_NUMBER.sub("", _DOT_INDENT.sub("    ", text))
    return str(_EMPTY_LINES.sub("\n\n\n", text)).strip()
