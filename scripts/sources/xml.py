"""XML as a stream of elements, safe against what hostile files try.

Entities are never expanded, nothing outside the file is loaded, depth and text lengths are limited by libxml2
(`huge_tree` stays off), and each element is dropped after use, so that memory does not grow with the file.
"""

from __future__ import annotations

import html
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

from lxml import etree

from scripts.sources.sevenzip import is_sevenzip, iter_member
from scripts.sources.streams import BrokenStream, iter_chunks

# lxml has no public types (its stubs call them private), so elements are untyped here and wherever they go.
Element: TypeAlias = Any
OPTIONS: dict[str, Any] = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}


def iter_elements(path: Path, tags: tuple[str, ...]) -> Iterator[Element]:
    """Yield each element with one of the tags (`{*}name` for any namespace) when it ends; then it is emptied.

    A 7z archive is read as its only member. Raises BrokenStream after the last whole element where the file is cut,
    damaged or no XML.
    """
    parser = etree.XMLPullParser(events=("end",), tag=tags, remove_comments=True, remove_pis=True, **OPTIONS)
    fed, cut = 0, None
    try:
        for chunk in iter_member(path) if is_sevenzip(path) else iter_chunks(path):
            fed += len(chunk)
            try:
                parser.feed(chunk)
            except etree.XMLSyntaxError:
                cut = BrokenStream("malformed_xml", fed)
            yield from _ended(parser)
            if cut:
                raise cut
    except BrokenStream as error:
        raise error from None
    try:
        parser.close()
    except etree.XMLSyntaxError:
        raise BrokenStream("truncated" if fed else "empty_file", fed) from None


def _ended(parser: etree.XMLPullParser) -> Iterator[Element]:
    events = parser.read_events()
    while True:
        try:
            event = next(events, None)
        except etree.XMLSyntaxError:
            return
        if event is None:
            return
        element: Element = event[1]
        yield element
        element.clear(keep_tail=False)
        while element.getprevious() is not None and element.getparent() is not None:
            del element.getparent()[0]


def local_name(element: Element) -> str:
    """Return the tag without its namespace; an entity reference has the name `&`."""
    tag: Any = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else "&"


def entity_text(element: Element) -> str:
    """Return the character of an unexpanded entity reference that HTML knows (`&alpha;`), else nothing."""
    text = element.text or ""
    known = html.unescape(text)
    return known if known != text else ""


def plain_text(element: Element | None) -> str:
    """Return all text inside an element, white space folded."""
    if element is None:
        return ""
    parts: list[str] = []
    _collect(element, parts)
    return " ".join("".join(parts).split())


def _collect(element: Element, parts: list[str]) -> None:
    parts.append(element.text or "")
    for child in element:
        if local_name(child) == "&":
            parts.append(entity_text(child))
        else:
            _collect(child, parts)
        parts.append(child.tail or "")
