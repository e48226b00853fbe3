"""Wikipedia: MediaWiki XML dumps (export format 0.x), plain or compressed, single or many streams.

Articles become prose. Pages of other namespaces, redirects and disambiguation pages are removed by reason.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
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


def read(path: Path, origin: str, options: Mapping[str, Any]) -> Iterator[Outcome | Deferred]:
    """Yield one outcome a page. Options: `namespaces` kept (default [0]), `disambiguation` (keep such pages)."""
    namespaces = {str(number) for number in options.get("namespaces", [0])}
    keep_lists = options.get("disambiguation", False)
    base = ""
    try:
        for element in iter_elements(path, ("base", "page")):
            if isinstance(element, Rejected):
                yield element
            elif local_name(element) == "base":
                base = (element.text or "").rpartition("/")[0]
            else:
                yield functools.partial(_page, element, base, namespaces, keep_lists)
    except BrokenStream as error:
        yield quarantined(error.reason, f"byte {error.position} of {origin}")


def _page(page: Element, base: str, namespaces: set[str], keep_lists: bool) -> Outcome:
    title = page.findtext("{*}title") or ""
    identifier = page.findtext("{*}id") or ""
    revision = max(page.iterfind("{*}revision"), key=lambda each: each.findtext("{*}timestamp") or "", default=page)
    text = whole_text(revision.find("{*}text"))
    if not title:
        return quarantined("page_without_title", identifier, text)
    if page.findtext("{*}ns", "0") not in namespaces:
        return removed("namespace", title, text)
    if page.find("{*}redirect") is not None or is_redirect(text):
        return removed("redirect", title, text)
    if not keep_lists and is_disambiguation(title, text):
        return removed("disambiguation", title, text)
    prose = clean_wikitext(text).strip()
    if not prose:
        return removed("no_prose", title, text)
    return Record(
        key=identifier or title,  # old dumps have no numbers; a title is unique in a wiki
        text=f"{title}\n\n{prose}",
        url=f"{base}/{quote(title.replace(' ', '_'), safe='/:(),')}" if base else None,
        date=revision.findtext("{*}timestamp"),
        meta={"title": title, "revision": revision.findtext("{*}id")},
    )


def is_redirect(text: str) -> bool:
    """Tell whether a page only leads to another."""
    match = _REDIRECT.match(text)
    return match is not None and match[1].lower().replace("\u0307", "") in redirect_words()  # the dot is that of İ


def is_disambiguation(title: str, text: str) -> bool:
    """Tell whether a page lists the meanings of its title, by its title, magic word or templates."""
    if title.endswith("(disambiguation)") or "__DISAMBIG__" in text:
        return True
    known = disambiguation_templates()
    return any(name.strip().lower().replace("_", " ") in known for name in _TEMPLATE_NAME.findall(text))
