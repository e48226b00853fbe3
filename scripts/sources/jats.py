"""JATS XML (PubMed Central, eLife): title, abstract and sections of an article as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import regex

from scripts.sources.articledates import partial_date
from scripts.sources.mathml import formula_text
from scripts.sources.records import Outcome, Record, key_of, quarantined, removed
from scripts.sources.scripted import in_unicode
from scripts.sources.xml import Element, entity_text, local_name, plain_text, whole_text

XLINK = "{http://www.w3.org/1999/xlink}href"
_SKIPPED = frozenset((
    "annotation", "disp-formula", "disp-formula-group", "fig", "fig-group", "floats-group", "fn",
    "fn-group", "glossary", "graphic", "inline-graphic", "inline-supplementary-material", "label",
    "media", "object-id", "ref-list",
    "sec-meta", "supplementary-material", "table-wrap", "table-wrap-group", "tex-math",
))  # fmt: skip
_FLOATS = frozenset(("fig", "fig-group", "floats-group", "table-wrap", "table-wrap-group"))
_APART = _FLOATS | {"boxed-text", "def-list", "list", "preformat"}
_SPACED = _APART | {"break", "disp-formula", "disp-formula-group"}  # no words are one that these stand between
_ABSTRACTS = (None, "summary", "executive-summary", "plain-language-summary", "structured", "section")
_IDENTIFIERS = ("doi", "pmc", "pmcid", "pmid", "publisher-id")  # the first that there is is the key
_EXPONENT = regex.compile(r"(?!(?:st|nd|rd|th|er?|o|a|TM)$)[\p{L}\p{N}+−-]{1,8}")
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


_NOTHING = Kept()


def article_outcome(article: Element, origin: str, options: Mapping[str, Any]) -> Outcome:
    """Return the record of an article, or why it has none."""
    kept = Kept(options.get("formulae", False), options.get("captions", False))
    front = article.find("{*}front/{*}article-meta")
    if front is None:
        return quarantined("no_article_meta", origin)
    identifiers = {part.get("pub-id-type", ""): plain_text(part) for part in front.iterfind("{*}article-id")}
    known = (identifiers.get(kind, "") for kind in (*_IDENTIFIERS, *identifiers))
    key = next(filter(None, known), "") or key_of(origin)
    title = _title(front, kept)
    blocks: list[str] = []
    for abstract in front.iterfind("{*}abstract"):
        if abstract.get("abstract-type") in _ABSTRACTS:
            _blocks(abstract, blocks, kept)
    for part in article.iterfind("{*}body"):
        _blocks(part, blocks, kept)
    for part in article.iterfind("{*}floats-group"):
        _captions(part, blocks, kept)
        for box in part.iterfind("{*}boxed-text"):
            _blocks(box, blocks, kept)
    for part in article.iterfind("{*}back//{*}app"):
        appendix: list[str] = []
        _blocks(part, appendix, kept)
        blocks += appendix if len(appendix) > 1 else []  # else only the heading of references or files
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


def _title(front: Element, kept: Kept) -> str:
    """Return the title and subtitle of an article, without marks of footnotes."""
    parts = [*front.iterfind("{*}title-group/{*}article-title"), *front.iterfind("{*}title-group/{*}subtitle")]
    title, *subtitles = [inline_text(part, kept) for part in parts] or [""]
    return ": ".join(filter(None, [title.rstrip(":") if any(subtitles) else title, *subtitles]))


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
            if match := _LICENSE.search(link.get(XLINK, "")) or _LICENSE.search(link.text or ""):
                return f"CC-{match[1].upper()}-{match[2]}" if match[1] else "Public domain"
    if any(_ATTRIBUTION.search(plain_text(part)) for part in statements):
        return "CC-BY"
    return None


def _blocks(parent: Element, blocks: list[str], kept: Kept) -> None:
    """Add headings, paragraphs and lists below an element, in order."""
    for child in parent:
        name = local_name(child)
        if name in _APART or name == "code":
            _apart(child, blocks, kept)
        elif name in ("disp-formula", "disp-formula-group") and kept.formulae:
            blocks.extend(filter(None, [_formula(child)]))
        elif name in _SKIPPED or name == "&":
            continue
        elif name in ("title", "p", "verse-line", "attrib", "speaker"):
            if text := inline_text(child, kept):
                blocks.append(text)
            for inner in _set_apart(child):
                _apart(inner, blocks, kept)
        else:
            _blocks(child, blocks, kept)


def _apart(element: Element, blocks: list[str], kept: Kept) -> None:
    """Add what stands apart from the text around it: a list, a box, text with a form of its own, captions."""
    name = local_name(element)
    if name in ("list", "def-list"):
        _list(element, blocks, kept)
    elif name == "boxed-text":
        _blocks(element, blocks, kept)
    elif name in ("preformat", "code"):
        blocks.extend(filter(str.strip, [whole_text(element).strip("\n")]))
    else:
        _captions(element, blocks, kept)


def _list(element: Element, blocks: list[str], kept: Kept) -> None:
    """Add a list as one block with the items of the lists in it, and what stands in it apart from the text after it."""
    lines: list[str] = []
    apart: list[str] = []
    _items(element, lines, apart, kept)
    blocks.extend(filter(None, ["\n".join(lines)]))
    blocks.extend(apart)


def _items(element: Element, lines: list[str], apart: list[str], kept: Kept) -> None:
    for item in element:
        if local_name(item) == "list-item":
            lines += [f"- {text}" for text in [inline_text(item, kept)] if text]
        elif local_name(item) == "def-item":  # terms and what they mean
            lines += [
                f"- {text}" for text in [": ".join(filter(None, (inline_text(part, kept) for part in item)))] if text
            ]
        else:
            continue
        for inner in _set_apart(item):
            if local_name(inner) in ("list", "def-list"):
                _items(inner, lines, apart, kept)
            else:
                _apart(inner, apart, kept)


def _set_apart(element: Element) -> Iterator[Element]:
    """Yield the lists, boxes, figures and tables in a paragraph or item, which are no part of its own text."""
    for child in element:
        name = local_name(child)
        if name in _APART:
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
    formula = _tex(element) or " ".join(" ".join(formula_text(part) for part in element.iter("{*}math")).split())
    return f"$${formula}$$" if formula else ""


def _tex(element: Element) -> str:
    """Return the TeX of a formula, without the document around it; nothing where it has none."""
    tex = plain_text(next(element.iter("{*}tex-math"), None))
    return str(_TEX_FRAME.sub("", tex)).strip(" $")


def scripted_text(element: Element | None, kept: Kept = _NOTHING) -> str:
    """Return the text of an element with its formulae and scripts, white space folded."""
    parts: list[str] = []
    if element is not None:
        _collect(element, parts, kept)
    return " ".join("".join(parts).split())


def inline_text(element: Element, kept: Kept) -> str:
    """Return the text of a paragraph without citation marks, figures and lists in it, white space folded."""
    text = _MARKS.sub("", scripted_text(element, kept))
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
        elif name == "math":
            parts.append(formula_text(child))
        elif name in _SPACED:
            parts.append(" ")
        elif name in ("sub", "sup"):
            parts.append(_script(name, child, next(filter(None, reversed(parts)), ""), kept))
        elif name not in _SKIPPED:
            _collect(child, parts, kept)
            if name == "p":
                parts.append(" ")
        parts.append(child.tail or "")


def _script(name: str, element: Element, before: str, kept: Kept) -> str:
    """Return a sub- or superscript in Unicode where it is made of digits, an exponent behind `^`, else as it is."""
    parts: list[str] = []
    _collect(element, parts, kept)
    text = "".join(parts)
    if digits := in_unicode(name, text.strip()):
        return text.replace(text.strip(), digits)
    raised = name == "sup" and regex.search(r"[\p{L}\p{N})]$", before) and _EXPONENT.fullmatch(text)
    return f"^{text}" if raised else text


def _is_mark(xref: Element) -> bool:
    """Tell whether a reference to the bibliography or a footnote is a mark (`12`, `a`), not words of the sentence."""
    text = plain_text(xref)
    words = regex.search(r"\p{L}{3}", text) or _YEAR.search(text)
    return xref.get("ref-type") in ("bibr", "fn", "table-fn") and not words
