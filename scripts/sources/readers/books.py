"""Books: EPUB, HTML and plain text as Project Gutenberg has them, also the one text of a zip, told by their content.

Books are whole or cut at their borders into documents of readable length; the parts of an EPUB are cut each for itself.
Licence header and footer are removed; how long they were is recorded with the first document after them.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import regex

from scripts.sources.bookhtml import blocks_from, lines_of
from scripts.sources.bookmarkup import decode_chapter, decode_html, parse
from scripts.sources.bookmeta import About, about_html, about_package, named_language, with_header
from scripts.sources.booksplit import HEADING_CHARACTERS, Block, first_line, section_of, split_blocks, split_book
from scripts.sources.charsets import decode_legacy
from scripts.sources.decoding import BOMS, decode, is_archive, normal_form
from scripts.sources.epub import Container, Item, Package, folder_of, open_package
from scripts.sources.gutenberg import Licence, strip_blocks, strip_licence, strip_marked, tidy
from scripts.sources.pagemarks import Line
from scripts.sources.records import Outcome, Record, key_of, quarantined, removed
from scripts.sources.shares import Share
from scripts.sources.streams import BrokenStream, compression, iter_chunks, read_whole

MAX_CHARACTERS = 20_000
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_MARKUP = regex.compile(
    r"\s*(?:<\?xml[^>]*>\s*|<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body|meta|title|h[1-6]|p|div|center|pre)\b",
    regex.I | regex.S,
)


def read(path: Path, origin: str, options: Mapping[str, Any]) -> Iterator[Outcome]:
    """Yield the documents of one book. Options: `max_characters` (of a document, default 20000)."""
    shelf = _Shelf(origin, options.get("max_characters", MAX_CHARACTERS))
    try:
        head = next(iter_chunks(path), b"")
        if head.startswith(_ZIP):
            with io.BytesIO(read_whole(path)) if compression(path) else path.open("rb") as stream:
                container = Container(stream)
                if (text := container.only_text) is not None:
                    yield from shelf.plain(container.read(text))
                else:
                    yield from shelf.epub(container, open_package(container))
        elif is_markup(head):
            yield from shelf.html(read_whole(path))
        else:
            yield from shelf.plain(read_whole(path))
    except BrokenStream as error:
        yield quarantined(error.reason, f"byte {error.position} of {origin}")


def read_share(path: Path, origin: str, options: Mapping[str, Any], share: Share) -> Iterator[Outcome]:
    """Yield the documents of a book in its first share: where it is cut depends on the whole of it, so it is never shared."""
    return iter(()) if share.part else read(path, origin, options)


def is_markup(head: bytes) -> bool:
    """Tell whether a file begins as HTML does."""
    mark, encoding = next((found for found in BOMS if head.startswith(found[0])), (b"", "latin-1"))
    return _MARKUP.match(head[len(mark) :][:4096].decode(encoding, "replace")) is not None


class _Shelf:
    """Makes the documents of one book and numbers them."""

    def __init__(self, origin: str, limit: int) -> None:
        self._origin = origin
        self._limit = limit
        self._number = 0

    def plain(self, data: bytes) -> Iterator[Outcome]:
        if is_archive(data) or (b"\0" in data and decode(data) is None):  # an image, a PDF: any bytes are Windows-1252
            yield quarantined("no_text", self._origin, data)
            return
        text, licence = strip_licence(normal_form(decode_legacy(data)))
        text = tidy(text)
        if not text:
            yield removed("empty", self._origin)
            return
        fields = licence.fields
        about = About(
            title=fields.get("Title") or first_line(text),
            author=fields.get("Author"),
            language=named_language(fields.get("Language")),
        )
        yield from self._records(split_book(text, self._limit), about, licence)

    def html(self, data: bytes) -> Iterator[Outcome]:
        root = parse(decode_html(data))
        del data  # a book of the greatest size is in memory often enough
        if root is None:
            yield removed("empty", self._origin)
            return
        marked, about = strip_marked(root), about_html(root)
        lines = lines_of(root)
        del root
        blocks, licence = strip_blocks(blocks_from(lines))
        del lines
        licence = marked.joined(licence)
        if not blocks:
            yield removed("empty", self._origin)
            return
        about = with_header(about, licence.fields)
        yield from self._blocks(blocks, replace(about, title=about.title or first_line(blocks[0][0])), licence)

    def epub(self, container: Container, package: Package) -> Iterator[Outcome]:
        for item in package.navigation:
            yield removed("navigation", self._position(item))
        about = about_package(package.metadata)
        waiting: list[Block] = []  # a heading on a page of its own goes with what it heads
        around = Licence()
        for outcome in self._parts(container, package):
            if not isinstance(outcome, tuple):
                yield outcome
                continue
            waiting, around = [*waiting, *outcome[0]], around.joined(outcome[1])
            if not _is_heading(outcome[0]):
                yield from self._blocks(waiting, about, around)
                waiting, around = [], Licence()
        if any(level is None for _, level in waiting):
            yield from self._blocks(waiting, about, around)
        elif waiting:
            yield removed("headings_only", self._origin, waiting[0][0])

    def _parts(self, container: Container, package: Package) -> Iterator[Outcome | tuple[list[Block], Licence]]:
        """Yield the blocks of each part of the spine, or why there are none."""
        order = {item.member.filename: number for number, item in reversed([*enumerate(package.spine)]) if item.member}
        ended = False
        for item in package.spine:
            if item.navigation:
                continue  # counted already
            if reason := "licence" if ended else _no_part(item):
                yield removed(reason, self._position(item))
                continue
            try:
                lines = _lines(container, item, order)
            except BrokenStream as error:
                yield quarantined(error.reason, self._position(item))
                if error.reason == "compression_bomb":
                    return
                continue
            blocks, licence = strip_blocks(blocks_from(lines))
            ended = licence.footer > 0
            if blocks:
                yield blocks, licence
            else:
                reason = "licence" if licence.header + licence.footer else "contents" if lines else "no_text"
                yield removed(reason, self._position(item))

    def _position(self, item: Item) -> str:
        return f"{item.name} of {self._origin}"

    def _blocks(self, blocks: Sequence[Block], about: About, licence: Licence) -> Iterator[Record]:
        headings = frozenset(first_line(text) for text, level in blocks if level is not None)
        pieces = split_blocks(blocks, self._limit)
        if licence.header + licence.footer:
            pieces = [tidy(piece) for piece in pieces]
        yield from self._records(pieces, about, licence, headings)

    def _records(
        self, pieces: Sequence[str], about: About, licence: Licence, headings: frozenset[str] = frozenset()
    ) -> Iterator[Record]:
        for first, piece in zip(itertools.chain([True], itertools.repeat(False)), pieces, strict=False):
            meta = about.meta() | {"section": section_of(piece, headings), "piece": self._number}
            if first and licence.header + licence.footer:
                meta["licence_removed"] = {"header": licence.header, "footer": licence.footer}
            yield Record(
                key=f"{key_of(self._origin)}/{self._number:04d}",
                text=piece,
                date=about.date,
                language=about.language,
                meta=meta,
            )
            self._number += 1


def _is_heading(blocks: Sequence[Block]) -> bool:
    """Tell whether a part holds headings only, or a line that may be one."""
    return all(level is not None for _, level in blocks) or sum(len(text) for text, _ in blocks) <= HEADING_CHARACTERS


def _no_part(item: Item) -> str | None:
    """Return why an item of the spine is no part of the reading order, None where it is one."""
    if not item.linear:
        return "not_linear"
    if item.repeated:
        return "repeated_part"
    return None if item.has_text else "no_text"


def _lines(container: Container, item: Item, order: Mapping[str, int]) -> list[Line]:
    """Return the lines of a part of the spine. Raises BrokenStream where it is missing or broken."""
    if item.member is None:
        raise BrokenStream("missing_part", 0)
    here, folder = order[item.member.filename], folder_of(item.member)

    def is_later(href: str) -> bool:
        found = container.find(href, folder)
        return found is not None and order.get(found.filename, -1) > here

    root = parse(decode_chapter(container.read(item.member)))
    return [] if root is None else lines_of(root, is_later)
