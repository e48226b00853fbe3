"""JATS XML (PubMed Central, eLife): title, abstract and sections of an article as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import regex

from scripts.sources.articledates import partial_date
from scripts.sources.records import Outcome, Record, quarantined, removed
from scripts.sources.xml import Element, entity_text, local_name, plain_text

XLINK = "{http://www.w3.org/1999/xlink}href"
_SKIPPED = frozenset((
    "annotation", "boxed-text", "disp-formula", "disp-formula-group", "fig", "fig-group", "floats-group", "fn",
    "fn-group", "glossary", "graphic", "inline-graphic", "inline-supplementary-material", "label",
    "media", "object-id", "ref-list",
    "sec-meta", "supplementary-material", "table-wrap", "table-wrap-group", "tex-math",
))  # fmt: skip
_FLOATS = frozenset(("fig", "fig-group", "floats-group", "table-wrap", "table-wrap-group"))
_TEX_FRAME = regex.compile(r"^.*\\begin\{document\}|\\end\{document\}.*$", regex.S)
_MARK = "\ue000"  # stands for a citation mark until the brackets and dashes around it are gone too
_MARKS = regex.compile(rf"\s*([\[(])?\s*{_MARK}(?:(?:[\s,;–−-]|and\b|see\b)*{_MARK})*(?(1)\s*[\])])")
_YEAR = regex.compile(r"\b(?:1[89]|20)\d\d[a-z]?\b")
_SPACE_BEFORE = regex.compile(r"\s+([,.;:])(?=\s|$)")
_ATTRIBUTION = regex.compile(r"Creative Commons Attribution License|Creative Commons Attribution 4\.0", regex.I)
_LICENSE = regex.compile(r"creativecommons\.org/(?:licenses/([a-z-]+)/(\d\.\d)|publicdomain/(mark|zero)/1\.0)", regex.I)


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept beside the running text."""

    formulae: bool = False
    captions: bool = False


def article_outcome(article: Element, origin: str, options: Mapping[str, Any]) -> Outcome:
    """Return the record of an article, or why it has none."""
    kept = Kept(options.get("formulae", False), options.get("captions", False))
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
            _blocks(abstract, blocks, kept)
    for part in article.iterfind("{*}body"):
        _blocks(part, blocks, kept)
    for part in article.iterfind("{*}floats-group"):
        _captions(part, blocks, kept)
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
    dates: list[str] = []
    for date in front.iterfind("{*}pub-date"):
        year, month, day = (date.findtext(f"{{*}}{name}") for name in ("year", "month", "day"))
        dates += filter(None, [partial_date(year, month, day)])
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


def _blocks(parent: Element, blocks: list[str], kept: Kept) -> None:
    """Add headings, paragraphs and lists below an element, in order."""
    for child in parent:
        name = local_name(child)
        if name in _FLOATS:
            _captions(child, blocks, kept)
        elif name in ("disp-formula", "disp-formula-group") and kept.formulae:
            blocks.extend(filter(None, [_formula(child)]))
        elif name in _SKIPPED or name == "&":
            continue
        elif name in ("title", "p", "verse-line", "attrib"):
            if text := inline_text(child, kept):
                blocks.append(text)
            for inner in _set_apart(child):
                if local_name(inner) == "list":
                    _list(inner, blocks, kept)
                else:
                    _captions(inner, blocks, kept)
        elif name == "list":
            _list(child, blocks, kept)
        else:
            _blocks(child, blocks, kept)


def _list(element: Element, blocks: list[str], kept: Kept) -> None:
    """Add a list as one block with the items of the lists in it, and what stands in it apart from the text after it."""
    lines: list[str] = []
    captions: list[str] = []
    _items(element, lines, captions, kept)
    blocks.extend(filter(None, ["\n".join(lines)]))
    blocks.extend(captions)


def _items(element: Element, lines: list[str], captions: list[str], kept: Kept) -> None:
    for item in element.iterfind("{*}list-item"):
        lines += [f"- {text}" for text in [inline_text(item, kept)] if text]
        for inner in _set_apart(item):
            if local_name(inner) == "list":
                _items(inner, lines, captions, kept)
            else:
                _captions(inner, captions, kept)


def _set_apart(element: Element) -> Iterator[Element]:
    """Yield the lists, figures and tables in a paragraph or item, which are no part of its own text."""
    for child in element:
        name = local_name(child)
        if name == "list" or name in _FLOATS:
            yield child
        elif name not in _SKIPPED and name != "&":
            yield from _set_apart(child)


def _captions(element: Element, blocks: list[str], kept: Kept) -> None:
    """Add the captions of a figure or table, or of a group of them, where they are kept: label, title and text."""
    if not kept.captions:
        return
    for child in element:
        if local_name(child) == "caption":
            parts = [plain_text(element.find("{*}label")), *(inline_text(part, kept) for part in child)]
            blocks.extend(filter(None, [" ".join(part for part in parts if part)]))
        elif local_name(child) in _FLOATS:
            _captions(child, blocks, kept)


def _formula(element: Element) -> str:
    """Return a displayed formula as `$$...$$`: its TeX where it has one, else its MathML as text; nothing of a picture."""
    formula = _tex(element) or " ".join(plain_text(part) for part in element.iter("{*}math"))
    return f"$${formula}$$" if formula else ""


def _tex(element: Element) -> str:
    """Return the TeX of a formula, without the document around it; nothing where it has none."""
    tex = plain_text(next(element.iter("{*}tex-math"), None))
    return str(_TEX_FRAME.sub("", tex)).strip(" $")


def inline_text(element: Element, kept: Kept) -> str:
    """Return the text of a paragraph without citation marks, figures and lists in it, white space folded."""
    parts: list[str] = []
    _collect(element, parts, kept)
    text = _MARKS.sub("", " ".join("".join(parts).split()))
    return str(_SPACE_BEFORE.sub(r"\1", text)).strip()


def _collect(element: Element, parts: list[str], kept: Kept) -> None:
    parts.append(element.text or "")
    for child in element:
        name = local_name(child)
        if name == "&":
            parts.append(entity_text(child))
        elif name == "xref" and _is_mark(child):
            parts.append(_MARK)
        elif name == "disp-formula" and kept.formulae:
            parts.append(f" {_formula(child)} ")
        elif name == "inline-formula" and (tex := _tex(child)):
            parts.append(f"${tex}$")  # what else it has is the same formula
        elif name not in _SKIPPED and name != "list":
            _collect(child, parts, kept)
            if name == "p":
                parts.append(" ")
        parts.append(child.tail or "")


def _is_mark(xref: Element) -> bool:
    """Tell whether a reference to the bibliography or a footnote is a mark (`12`, `a`), not words of the sentence."""
    text = plain_text(xref)
    words = regex.search(r"\p{L}{3}", text) or _YEAR.search(text)
    return xref.get("ref-type") in ("bibr", "fn", "table-fn") and not words
