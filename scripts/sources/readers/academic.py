"""Academic text: MEDLINE XML (titles and abstracts) and JATS XML (title, abstract, sections), told by their elements.

Reference lists, figures, tables and displayed formulae are left out, and citation marks with them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import regex

from scripts.sources.records import Outcome, Record, quarantined, removed
from scripts.sources.streams import BrokenStream
from scripts.sources.xml import Element, entity_text, iter_elements, local_name, plain_text

XLINK = "{http://www.w3.org/1999/xlink}href"
_SKIPPED = frozenset((
    "annotation", "boxed-text", "disp-formula", "disp-formula-group", "fig", "fig-group", "floats-group", "fn",
    "fn-group", "glossary", "graphic", "inline-graphic", "inline-supplementary-material", "label",
    "media", "object-id", "ref-list",
    "sec-meta", "supplementary-material", "table-wrap", "table-wrap-group", "tex-math",
))  # fmt: skip
_MONTHS = {name: number for number, name in enumerate(
    ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), start=1
)}  # fmt: skip
_TRUNCATED = regex.compile(r"\s*\(ABSTRACT TRUNCATED AT \d+ WORDS\)\s*$")
_MARK = "\ue000"  # stands for a citation mark until the brackets and dashes around it are gone too
_MARKS = regex.compile(rf"\s*([\[(])?\s*{_MARK}(?:(?:[\s,;–−-]|and\b|see\b)*{_MARK})*(?(1)\s*[\])])")
_YEAR = regex.compile(r"\b(?:1[89]|20)\d\d[a-z]?\b")
_SPACE_BEFORE = regex.compile(r"\s+([,.;:])(?=\s|$)")
_TRANSLATED = regex.compile(r"\s*\(author's transl\)", regex.I)
_ATTRIBUTION = regex.compile(r"Creative Commons Attribution License|Creative Commons Attribution 4\.0", regex.I)
_LICENSE = regex.compile(r"creativecommons\.org/(?:licenses/([a-z-]+)/(\d\.\d)|publicdomain/(mark|zero)/1\.0)", regex.I)


def read(path: Path, origin: str, options: Mapping[str, Any]) -> Iterator[Outcome]:
    """Yield one outcome an article. No options."""
    found = 0
    try:
        for element in iter_elements(path, ("{*}PubmedArticle", "{*}article")):
            found += 1
            yield _abstract(element) if local_name(element) == "PubmedArticle" else _article(element, origin)
    except BrokenStream as error:
        yield quarantined(error.reason, f"byte {error.position}")
    else:
        if not found:
            yield quarantined("no_articles", origin)


def _abstract(entry: Element) -> Outcome:
    citation = entry.find("{*}MedlineCitation")
    article = citation.find("{*}Article") if citation is not None else None
    if citation is None or article is None:
        return quarantined("no_citation", plain_text(entry)[:80])
    key = citation.findtext("{*}PMID") or ""
    title = plain_text(article.find("{*}ArticleTitle"))
    parts = [_labelled(part) for part in article.iterfind("{*}Abstract/{*}AbstractText")]
    text: str = _TRUNCATED.sub("", "\n\n".join(part for part in parts if part))
    if not key:
        return quarantined("no_identifier", title)
    if not text:
        return removed("no_abstract", key, title)
    title = _TRANSLATED.sub("", regex.sub(r"^\[(.*?)(\.?)\]\.?$", r"\1.", title))  # brackets mark a translated title
    return Record(
        key=key,
        text=f"{title}\n\n{text}" if title else text,
        date=_medline_date(article.find("{*}Journal/{*}JournalIssue/{*}PubDate")),
        meta={"title": title, "journal": article.findtext("{*}Journal/{*}Title")},
    )


def _labelled(part: Element) -> str:
    label, text = part.get("Label"), plain_text(part)
    if not label or not text or label.upper() in ("UNLABELLED", "UNASSIGNED"):
        return text
    return f"{label.capitalize()}: {text}"


def _medline_date(date: Element | None) -> str | None:
    """Return a date as exactly as it is given: year, month, day."""
    if date is None:
        return None
    parts: list[str | None] = [date.findtext(f"{{*}}{name}") for name in ("Year", "Month", "Day")]
    year, month, day = parts
    number = _MONTHS.get(month or "") or (int(month) if month and month.isdecimal() else None)
    if not year:
        return str(date.findtext("{*}MedlineDate") or "")[:4] or None
    if not number:
        return year
    return f"{year}-{number:02d}-{int(day):02d}" if day and day.isdecimal() else f"{year}-{number:02d}"


def _article(article: Element, origin: str) -> Outcome:
    front = article.find("{*}front/{*}article-meta")
    if front is None:
        return quarantined("no_article_meta", origin)
    identifiers = {part.get("pub-id-type", ""): plain_text(part) for part in front.iterfind("{*}article-id")}
    key = next((identifiers[kind] for kind in ("doi", "pmc", "pmid", "publisher-id") if identifiers.get(kind)), "")
    if not key:
        return quarantined("no_identifier", origin)
    title = plain_text(front.find("{*}title-group/{*}article-title"))
    blocks: list[str] = []
    for abstract in front.iterfind("{*}abstract"):
        if abstract.get("abstract-type") in (None, "summary", "executive-summary"):
            _blocks(abstract, blocks)
    body = article.find("{*}body")
    if body is not None:
        _blocks(body, blocks)
    if not blocks:
        return removed("no_text", key, title)
    return Record(
        key=key,
        text="\n\n".join([title, *blocks] if title else blocks),
        url=f"https://doi.org/{identifiers['doi']}" if identifiers.get("doi") else None,
        date=_jats_date(front),
        license=_license(front),
        meta={"title": title, "journal": plain_text(article.find("{*}front/{*}journal-meta//{*}journal-title"))},
    )


def _jats_date(front: Element) -> str | None:
    dates = []
    for date in front.iterfind("{*}pub-date"):
        parts = [date.findtext(f"{{*}}{name}") for name in ("year", "month", "day")]
        numbers = [int(part) for part in parts if part and part.strip().isdecimal()]
        if numbers:
            dates.append("-".join([f"{numbers[0]:04d}", *(f"{number:02d}" for number in numbers[1:])]))
    return min(dates, key=lambda date: (-len(date), date), default=None)


def _license(front: Element) -> str | None:
    """Return the licence of an article as a short name, None where it states none that is known."""
    statements = [*front.iterfind("{*}permissions"), *front.iterfind("{*}copyright-statement")]
    for part in statements:
        for link in part.iter():
            if match := _LICENSE.search(link.get(XLINK, "")):
                return f"CC-{match[1].upper()}-{match[2]}" if match[1] else "Public domain"
    if any(_ATTRIBUTION.search(plain_text(part)) for part in statements):
        return "CC-BY"
    return None


def _blocks(parent: Element, blocks: list[str]) -> None:
    """Add headings, paragraphs and lists below an element, in order."""
    for child in parent:
        name = local_name(child)
        if name in _SKIPPED or name == "&":
            continue
        if name in ("title", "p", "verse-line", "attrib"):
            if text := inline_text(child):
                blocks.append(text)
            for inner in child.iterfind("{*}list"):
                _list(inner, blocks)
        elif name == "list":
            _list(child, blocks)
        else:
            _blocks(child, blocks)


def _list(element: Element, blocks: list[str]) -> None:
    items = [inline_text(item) for item in element.iterfind("{*}list-item")]
    if any(items):
        blocks.append("\n".join(f"- {item}" for item in items if item))


def inline_text(element: Element) -> str:
    """Return the text of a paragraph without citation marks, figures and lists in it, white space folded."""
    parts: list[str] = []
    _collect(element, parts)
    text = _MARKS.sub("", " ".join("".join(parts).split()))
    return str(_SPACE_BEFORE.sub(r"\1", text)).strip()


def _collect(element: Element, parts: list[str]) -> None:
    parts.append(element.text or "")
    for child in element:
        name = local_name(child)
        if name == "&":
            parts.append(entity_text(child))
        elif name == "xref" and _is_mark(child):
            parts.append(_MARK)
        elif name not in _SKIPPED and name != "list":
            _collect(child, parts)
            if name == "p":
                parts.append(" ")
        parts.append(child.tail or "")


def _is_mark(xref: Element) -> bool:
    """Tell whether a reference to the bibliography or a footnote is a mark (`12`, `a`), not words of the sentence."""
    text = plain_text(xref)
    words = regex.search(r"\p{L}{3}", text) or _YEAR.search(text)
    return xref.get("ref-type") in ("bibr", "fn", "table-fn") and not words
