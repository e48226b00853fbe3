"""HTML and XHTML of books as trees of elements.

Markup is parsed as XML where it is that, else by the recovering parser of HTML; entities that a file defines are never
expanded and nothing outside of it is loaded.
"""

from __future__ import annotations

import html
import sys
from html.entities import html5

import regex
from lxml import etree

from scripts.sources.charsets import by_declaration, by_element, decode_legacy, decode_stated
from scripts.sources.decoding import without_controls
from scripts.sources.streams import BrokenStream
from scripts.sources.xml import OPTIONS, Element

_SUBSET_BEGINS = regex.compile(r"<!DOCTYPE[^>\[]*\[", regex.I)
_SUBSET_ENDS = regex.compile(r"\]\s*>")
_ENTITY = regex.compile(r"&([A-Za-z][A-Za-z0-9]*;)")
_REFERENCE = regex.compile(r"&(?!(?:lt|gt|amp|quot|apos);)[\w:][\w:.-]*;")
_NUMBERED = regex.compile(r"&#(?:[xX]0*([0-9a-fA-F]+)|0*(\d+));")
_XML_ENTITIES = ("lt;", "gt;", "amp;", "quot;", "apos;")
# Of text in memory with a hundred for each tag: 30 MB and 150,000 tags, or 5 MB and 400,000, for which extraction takes 490 MB.
MAX_BYTES, TAG_BYTES = 45_000_000, 100


def decode_chapter(data: bytes) -> str:
    """Return XHTML as text by its byte order mark or declaration, as UTF-8 or by its `<meta>` element. Raises BrokenStream."""
    stated = by_declaration(data)
    text = decode_stated(data, stated or "utf-8")
    element = by_element(data) if text is None and stated in (None, "utf-8") else None
    text = decode_stated(data, element) if element else text
    if text is None:
        raise BrokenStream("invalid_utf8" if stated in (None, "utf-8") else "invalid_encoding", 0)
    return text


def decode_html(data: bytes) -> str:
    """Return HTML as text by its byte order mark or what it states, else as an old plain text."""
    stated = by_element(data) or by_declaration(data)
    text = decode_stated(data, stated) if stated == "iso2022_jp" else None  # which passes for UTF-8
    return decode_legacy(data, stated) if text is None else text


def clean_markup(text: str) -> str:
    """Return markup without what no parser may let through: control characters and references to surrogates."""
    return str(_NUMBERED.sub(_valid_reference, without_controls(text)))


def _valid_reference(match: regex.Match[str]) -> str:
    digits = match[1] or match[2]
    code = 0 if len(digits) > 7 else int(digits, 16 if match[1] else 10)
    valid = 0 < code < 0xD800 or 0xDFFF < code < 0x110000
    return str(match[0]) if valid else "\ufffd"


def parse(text: str) -> Element | None:
    """Return the root element of XHTML or HTML, None where there is none. Raises BrokenStream (too deep, too large)."""
    if sys.getsizeof(text) + TAG_BYTES * text.count("<") > MAX_BYTES:
        raise BrokenStream("too_large", len(text))
    text = _ENTITY.sub(_known_entity, clean_markup(text).replace("&nbsp;", "\xa0"))  # of which books may have millions
    data = text.encode("utf-8")
    common = {"remove_comments": True, "remove_pis": True, "encoding": "utf-8"}
    try:
        return etree.fromstring(data.lstrip(), etree.XMLParser(**common, **OPTIONS))
    except etree.XMLSyntaxError:
        size = len(data)
        del data
    parser = etree.HTMLParser(**common, no_network=True, huge_tree=False)
    try:
        root = etree.fromstring(_without_subset(text).encode("utf-8"), parser)
    except etree.XMLSyntaxError:
        root = None
    limits = [entry.message for entry in parser.error_log if entry.type_name == "ERR_RESOURCE_LIMIT"]
    if limits:  # of depth, or of one run of text
        raise BrokenStream("too_deep" if any("depth" in message for message in limits) else "too_large", size)
    return root


def _without_subset(text: str) -> str:
    """Return markup without the declarations in its DOCTYPE, which the parser of HTML takes for text, and their use."""
    begin = _SUBSET_BEGINS.search(text[:4096])
    end = _SUBSET_ENDS.search(text, begin.end()) if begin else None
    return _REFERENCE.sub("", text[end.end() :]) if end else text


def _known_entity(match: regex.Match[str]) -> str:
    if match[1] in _XML_ENTITIES:
        return str(match[0])
    known = html5.get(match[1])
    return str(match[0]) if known is None else html.escape(known)
