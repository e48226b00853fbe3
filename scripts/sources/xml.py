"""XML as a stream of elements, safe against what hostile files try.

Entities are never expanded, nothing outside the file is loaded, depth and text lengths are limited by libxml2
(`huge_tree` stays off), and each element is parsed alone, so that a broken one takes no neighbour along and memory does
not grow with the file.
"""

from __future__ import annotations

import contextlib
import html
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from lxml import etree

from scripts.sources.decoding import BOMS, UNMARKED
from scripts.sources.records import Rejected, quarantined
from scripts.sources.sevenzip import is_sevenzip, iter_member
from scripts.sources.streams import BrokenStream, in_utf8, iter_chunks
from scripts.sources.xmlcut import HEAD_BYTES, XmlPieces

# lxml has no public types (its stubs call them private), so elements are untyped here and wherever they go.
Element: TypeAlias = Any
OPTIONS: dict[str, Any] = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}
_PARSER = etree.XMLParser(remove_comments=True, remove_pis=True, **OPTIONS)
_DECLARATION = re.compile(rb"\s*(<\?xml\s[^>]*\?>)")
_STANDALONE = re.compile(rb"\s+standalone\s*=\s*(?:\"[^\"]*\"|'[^']*')")
_UNICODE = re.compile(rb"encoding\s*=\s*[\"'](?:utf-?(?:16|32)|iso-10646-ucs|ucs)", re.I)


def iter_elements(path: Path, names: tuple[str, ...]) -> Iterator[Element | Rejected]:
    """Yield each element with one of the names, whatever its namespace, or why there is none in its place.

    Elements within each other are not looked for. A 7z archive is read as its only member. Raises BrokenStream after the
    last element where the file is cut, damaged or no XML.
    """
    chunks, marked = _as_utf8(iter_member(path) if is_sevenzip(path) else iter_chunks(path))
    pieces = XmlPieces(chunks, names)
    frame: Frame | None = None
    reason: str | None = None
    for piece in pieces:
        if frame is None:
            frame = read_frame(pieces.head, marked)
            if not frame.sound:
                yield quarantined("malformed_xml", "byte 0", pieces.head)
        reason = piece.reason
        position = f"byte {piece.position}"
        yield quarantined(reason, position, piece.data) if reason else frame.element(piece.data, position)
    if pieces.broken:
        raise pieces.broken from None
    if not pieces.position:
        raise BrokenStream("empty_file", 0)
    if frame is None:
        frame = read_frame(pieces.head, marked)
        if not frame.sound:
            raise BrokenStream("malformed_xml", 0)
        if frame.bare:
            raise BrokenStream("truncated", pieces.position)
    if reason != "truncated" and not frame.ends(pieces.tail):
        raise BrokenStream("truncated", pieces.position)


def _as_utf8(chunks: Iterator[bytes]) -> tuple[Iterator[bytes], bool]:
    """Return XML in UTF-8 where its first bytes tell its encoding, and whether they do; else as it is."""
    first = next(chunks, b"")
    mark = next((mark for begin, mark in UNMARKED if first.startswith(begin)), b"")
    marked = (mark + first).startswith(tuple(mark for mark, _ in BOMS))
    return in_utf8(itertools.chain([mark + first], chunks)), marked


@dataclass(frozen=True, slots=True)
class Frame:
    """What a record needs to be parsed alone: its encoding, a document type and namespaces of what it stands in.

    `root` is the name of the element that all records stand in, as written, None where a record is the root itself.
    `sound` tells whether what stands before the first record is XML, `bare` that there is no element in it.
    """

    before: bytes
    after: bytes
    root: bytes | None
    sound: bool
    bare: bool

    def element(self, data: bytes, position: str) -> Element | Rejected:
        """Return a record as an element, or why it is none."""
        try:
            element: Element = etree.fromstring(self.before + data + self.after, _PARSER)
        except etree.XMLSyntaxError as error:
            return quarantined(fault(error), position, data)
        return element[0] if self.after else element

    def ends(self, tail: bytes) -> bool:
        """Tell whether the last bytes of a file hold the end of its root."""
        return self.root is None or re.search(rb"</%s\s*>" % re.escape(self.root), tail) is not None


def read_frame(head: bytes, marked: bool) -> Frame:
    """Return the frame of the records of a file from what stands before the first; a `marked` file needs no declaration."""
    declaration = _DECLARATION.match(head)
    # A declared UTF-16 is wrong by now, or was from the beginning.
    before = declaration[1] if declaration and not marked and not _UNICODE.search(declaration[1]) else b""
    before = _STANDALONE.sub(b"", before)  # it would forbid entities that are declared in what is left out below
    head = before + head[declaration.end() if declaration else 0 :]
    parser = etree.XMLPullParser(events=("start", "end"), **OPTIONS)
    opened: list[Element] = []
    bare = True
    with contextlib.suppress(etree.XMLSyntaxError):  # what goes wrong is found below
        parser.feed(head)
    with contextlib.suppress(etree.XMLSyntaxError):
        for event, element in parser.read_events():
            bare = False
            if event == "start":
                opened.append(element)
            else:
                opened.pop()
    names = [_written_name(element) for element in opened]
    sound = len(head) >= HEAD_BYTES or _is_xml(
        head, [b"</%s>" % name for name in reversed(names)] if not bare else [b"<r/>"]
    )
    if b"<!DOCTYPE" in head:
        before += b'<!DOCTYPE r SYSTEM "r">'  # is not read; allows for entities that are declared nowhere
    if not opened:
        return Frame(before, b"", None, sound, bare)
    frame = etree.tostring(etree.Element("r", nsmap=opened[-1].nsmap))
    return Frame(before + frame[:-2] + b">", b"</r>", names[0], sound, bare)


def _written_name(element: Element) -> bytes:
    name = local_name(element)
    return (f"{element.prefix}:{name}" if element.prefix else name).encode("utf-8")


def _is_xml(head: bytes, rest: list[bytes]) -> bool:
    try:
        etree.fromstring(head + b"".join(rest), _PARSER)
    except etree.XMLSyntaxError:
        return False
    return True


def fault(error: etree.XMLSyntaxError) -> str:
    """Return the reason for which a record that the parser refuses is quarantined."""
    if error.code == etree.ErrorTypes.ERR_INVALID_ENCODING:
        return "invalid_utf8"
    if "XML_PARSE_HUGE" in str(error):  # the option with which the parser would go beyond a limit
        return "too_deep" if "depth" in str(error) else "too_long"
    return "malformed_xml"


def local_name(element: Element) -> str:
    """Return the tag without its namespace; an entity reference has the name `&`."""
    tag: Any = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else "&"


def entity_text(element: Element) -> str:
    """Return the character of an unexpanded entity reference that HTML knows (`&alpha;`), else nothing."""
    text = element.text or ""
    known = html.unescape(text)
    return known if known != text else ""


def whole_text(element: Element | None) -> str:
    """Return all text inside an element."""
    if element is None:
        return ""
    parts: list[str] = []
    _collect(element, parts)
    return "".join(parts)


def plain_text(element: Element | None) -> str:
    """Return all text inside an element, white space folded."""
    return " ".join(whole_text(element).split())


def _collect(element: Element, parts: list[str]) -> None:
    parts.append(element.text or "")
    for child in element:
        if local_name(child) == "&":
            parts.append(entity_text(child))
        else:
            _collect(child, parts)
        parts.append(child.tail or "")
