"""Wikipedia: MediaWiki XML dumps (export format 0.x), plain or compressed, single or many streams.

Articles become prose. Pages of other namespaces, pages that are no wikitext, redirects and disambiguation pages are
removed by reason. What namespaces are called, each dump says itself.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import regex

from scripts.lib.code import data_file
from scripts.sources.records import Deferred, Outcome, Record, Rejected, quarantined, removed
from scripts.sources.streams import BrokenStream
from scripts.sources.wikitext import clean_wikitext
from scripts.sources.xml import Element, iter_elements, local_name, whole_text

_TEMPLATE_NAME = regex.compile(r"\{\{([^|{}]++)(?:\||\}\})")
_MAGIC_WORDS = ("__DISAMBIG__", "__DISAMBIGUATION__")
_OWN_TITLE = regex.compile(r"\{\{\s*+(?:FULL|SUB)?PAGENAME\s*+\}\}")
# The names that all wikis know, beside those in their own language.
_NAMESPACES = {
    "media": "-2", "special": "-1", "talk": "1", "user": "2", "user talk": "3", "project": "4", "project talk": "5",
    "file": "6", "image": "6", "file talk": "7", "image talk": "7", "mediawiki": "8", "mediawiki talk": "9",
    "template": "10", "template talk": "11", "help": "12", "help talk": "13", "category": "14", "category talk": "15",
}  # fmt: skip
_SILENT = ("-2", "6", "14")
_REDIRECT = regex.compile(r"\s*+#\s*+([\p{L}\p{M}_]++)\s*+:?\s*+\[\[")


@functools.cache
def disambiguation_templates() -> frozenset[str]:
    """Return the lower-case names of templates that mark a disambiguation page."""
    return _lines(data_file("scripts/sources/lists/wikipedia-disambiguation-templates.txt").read_text("utf-8"))


@functools.cache
def redirect_words() -> frozenset[str]:
    """Return the lower-case words with which a redirect begins."""
    return _lines(data_file("scripts/sources/lists/wikipedia-redirect-words.txt").read_text("utf-8"))


def _lines(text: str) -> frozenset[str]:
    return frozenset(line for line in text.splitlines() if line and not line.startswith("#"))


@dataclass(frozen=True, slots=True)
class Wiki:
    """What a dump says of its wiki: the address of its pages, and its namespaces, lower-case name to number."""

    base: str = ""
    namespaces: Mapping[str, str] = field(default_factory=lambda: _NAMESPACES)

    def namespace(self, title: str) -> str:
        """Return the number of the namespace of a page, for dumps that do not state it."""
        return self.namespaces.get(_folded(title.partition(":")[0]), "0") if ":" in title else "0"

    @property
    def silent(self) -> frozenset[str]:
        """The namespaces whose links show nothing."""
        return frozenset(name for name, number in self.namespaces.items() if number in _SILENT)


def _names(namespaces: Element) -> dict[str, str]:
    """Return the namespaces that the head of a dump names, beside those that all wikis know."""
    return _NAMESPACES | {_folded(each.text or ""): each.get("key", "0") for each in namespaces}


def _folded(name: str) -> str:
    return name.replace("_", " ").strip().lower()


def read(path: Path, origin: str, options: Mapping[str, Any]) -> Iterator[Outcome | Deferred]:
    """Yield one outcome a page. Options: `namespaces` kept (default [0]), `disambiguation` (keep such pages)."""
    namespaces = {str(number) for number in options.get("namespaces", [0])}
    keep_lists = options.get("disambiguation", False)
    wiki = Wiki()
    try:
        for element in iter_elements(path, ("base", "namespaces", "page")):
            if isinstance(element, Rejected):
                yield element
            elif local_name(element) == "base":
                wiki = replace(wiki, base=(element.text or "").rpartition("/")[0])
            elif local_name(element) == "namespaces":
                wiki = replace(wiki, namespaces=_names(element))
            else:
                yield functools.partial(_page, element, wiki, namespaces, keep_lists)
    except BrokenStream as error:
        yield quarantined(error.reason, f"byte {error.position} of {origin}")


def _page(page: Element, wiki: Wiki, namespaces: set[str], keep_lists: bool) -> Outcome:
    title = page.findtext("{*}title") or ""
    identifier = page.findtext("{*}id") or ""
    revision = max(page.iterfind("{*}revision"), key=lambda each: each.findtext("{*}timestamp") or "", default=page)
    text = whole_text(revision.find("{*}text"))
    if not title:
        return quarantined("page_without_title", identifier, text)
    if (page.findtext("{*}ns") or wiki.namespace(title)) not in namespaces:
        return removed("namespace", title, text)
    if revision.findtext("{*}model", "wikitext") != "wikitext":
        return removed("no_wikitext", title, text)
    if page.find("{*}redirect") is not None or is_redirect(text):
        return removed("redirect", title, text)
    if not keep_lists and is_disambiguation(title, text):
        return removed("disambiguation", title, text)
    prose = clean_wikitext(_OWN_TITLE.sub(lambda _: title, text), wiki.silent).strip()
    if not prose:
        return removed("no_prose", title, text)
    return Record(
        key=identifier or title,  # old dumps have no numbers; a title is unique in a wiki
        text=f"{title}\n\n{prose}",
        url=f"{wiki.base}/{quote(title.replace(' ', '_'), safe='/:(),')}" if wiki.base else None,
        date=revision.findtext("{*}timestamp"),
        meta={"title": title, "revision": revision.findtext("{*}id")},
    )


def is_redirect(text: str) -> bool:
    """Tell whether a page only leads to another."""
    match = _REDIRECT.match(text)
    return match is not None and match[1].lower().replace("\u0307", "") in redirect_words()  # the dot is that of İ


def is_disambiguation(title: str, text: str) -> bool:
    """Tell whether a page lists the meanings of its title, by its title, magic word or templates."""
    if title.endswith("(disambiguation)") or any(word in text for word in _MAGIC_WORDS):
        return True
    known = disambiguation_templates()
    return any(_folded(name) in known for name in _TEMPLATE_NAME.findall(text))
