"""The HTML of posts to text: paragraphs, lists with dashes, code as it stands, links by their words."""

from __future__ import annotations

from typing import Any

import regex
from lxml import etree

from scripts.sources.decoding import unescape
from scripts.sources.scripted import as_text

_BLOCKS = frozenset((
    "address", "article", "blockquote", "dd", "details", "div", "dl", "dt", "figure", "h1", "h2", "h3", "h4", "h5",
    "h6", "hr", "ol", "p", "pre", "section", "summary", "table", "ul",
))  # fmt: skip
_SKIPPED = frozenset(("head", "script", "style", "template"))
_LISTS = frozenset(("ol", "ul"))
_SCRIPTS = frozenset(("sub", "sup"))
_MARKUP = regex.compile(r"[<&]")
_SPACES = regex.compile(r"[ \t\n\r\f]{2,}|[\t\n\r\f]")
# Bytes with a named encoding, so that no declaration in the post itself can change how it is read.
_PARSER = etree.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True, huge_tree=True)
# libxml2 gives up at this depth of elements, each of which takes at least three characters to open.
_MAX_DEPTH = 2048
# Lists in lists in lists must not make a post many times as long as it came.
_MAX_INDENT = 8


class TooDeep(ValueError):
    """A post's elements are nested too deeply to be read whole."""


class _Text:
    """Text as it grows: white space folds across elements, and breaks before and after blocks merge into one."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self._gap = 0
        self._bullet = ""

    def gap(self, lines: int) -> None:
        """Ask for at least so many line ends before what comes next."""
        self._gap = max(self._gap, lines)

    def line(self) -> None:
        """Ask for one more line end, up to an empty line."""
        self._gap = min(self._gap + 1, 2)

    def item(self, depth: int) -> None:
        """Begin an item of a list `depth` lists deep."""
        self.gap(1)
        self._bullet = "  " * min(depth - 1, _MAX_INDENT) + "- "

    def add(self, text: str) -> None:
        """Add words, white space folded."""
        if self._gap and text.isspace():
            return
        text = _SPACES.sub(" ", text)
        if self._gap or not self.parts or self.parts[-1][-1] in " \n\t":
            text = text.removeprefix(" ")
        if text:
            self.add_raw(text)

    def add_raw(self, text: str) -> None:
        """Add text as it stands."""
        if self._gap and self.parts:
            self._trim()
            self.parts.append("\n" * self._gap)
        self.parts.append(self._bullet + text)
        self._gap, self._bullet = 0, ""

    def _trim(self) -> None:
        while len(self.parts) > 1 and self.parts[-1].isspace():
            self.parts.pop()
        self.parts[-1] = self.parts[-1].rstrip() or " "


def html_text(source: str) -> str:
    """Return the text of a post's HTML, however broken it is. Raises TooDeep."""
    if not _MARKUP.search(source):
        return str(_SPACES.sub(" ", source)).strip()
    if "<" not in source:
        return str(_SPACES.sub(" ", unescape(source))).strip()
    root = etree.fromstring(source.encode("utf-8", "replace"), _PARSER)
    if len(source) > 3 * _MAX_DEPTH and _PARSER.error_log.filter_from_fatals():
        raise TooDeep
    text = _Text()
    if root is not None:  # else it holds nothing but comments
        _walk(root, text)
    return "".join(text.parts).rstrip().lstrip("\n")


def _walk(root: Any, text: _Text) -> None:
    lists = pre = skipped = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        name = element.tag
        step = 1 if event == "start" else -1
        skipped += step if name in _SKIPPED else 0
        lists += step if name in _LISTS else 0
        pre += step if name == "pre" else 0
        if name in _BLOCKS:
            text.gap(1 if name in _LISTS and lists + (step < 0) > 1 else 2)
        elif step > 0:
            _inline(element, name, text, max(lists, 1))
        words = element.text if step > 0 else element.tail
        if not words or skipped:
            continue
        if step > 0 and name in _SCRIPTS and not pre:
            words = as_text(name, words)
        if pre:
            _add_code(words, text, first=name == "pre")
        else:
            text.add(words)


def _inline(element: Any, name: str, text: _Text, depth: int) -> None:
    """Begin an element that is neither a block nor plain words."""
    if name == "li":
        text.item(depth)
    elif name == "br":
        text.line()
    elif name == "tr":
        text.gap(1)
    elif name in ("td", "th") and element.getprevious() is not None:
        text.add_raw("\t")


def _add_code(words: str, text: _Text, first: bool) -> None:
    """Add a piece of preformatted text; HTML drops a line end right after the tag that opens it."""
    if first:
        words = words.removeprefix("\n")
    if words:
        text.add_raw(words.replace("\r\n", "\n"))
