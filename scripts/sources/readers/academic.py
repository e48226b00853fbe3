"""Academic text: MEDLINE XML (titles and abstracts), JATS XML (title, abstract, sections) and LaTeX as arXiv has it.

Which one a file is, is told by its content. XML may be packed as PubMed Central does it, an article with its figures or
many articles in a tar. Reference lists, figures, tables and displayed formulae are left out, and citation marks with them.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import regex

from scripts.sources.articledates import partial_date, stated_year
from scripts.sources.jats import article_outcome, scripted_text
from scripts.sources.latexpapers import paper_outcome
from scripts.sources.papers import Articles, Paper, is_paper, read_papers
from scripts.sources.records import Deferred, Outcome, Record, Rejected, quarantined, removed
from scripts.sources.streams import BrokenStream, iter_chunks
from scripts.sources.xml import Element, iter_elements, local_name, plain_text

_TRUNCATED = regex.compile(r"\s*\(ABSTRACT TRUNCATED AT \d+ WORDS\)\s*$")
_RECORD = regex.compile(
    rb"<(?:[\w.-]{1,64}:)?(?:(MedlineCitation)(?:Set)?|Pubmed(?:Book)?Article(?:Set)?|article)[\s/>]"
)
_TRANSLATED = regex.compile(r"\s*\(author's transl\)", regex.I)


def read(path: Path, origin: str, options: Mapping[str, Any]) -> Iterator[Outcome | Deferred]:
    """Yield one outcome an article. Options: `formulae` (keep displayed ones), `captions` (of figures and tables)."""
    try:
        head = next(iter_chunks(path), b"")
        if not is_paper(head):
            yield from _articles(path, origin, head, options)
            return
        for found in read_papers(path, origin):
            if isinstance(found, Articles):
                yield from _packed_articles(found, options)
            else:
                yield functools.partial(paper_outcome, found, options) if isinstance(found, Paper) else found
    except BrokenStream as error:
        yield quarantined(error.reason, f"byte {error.position}")


def _packed_articles(found: Articles, options: Mapping[str, Any]) -> Iterator[Outcome | Deferred]:
    """Yield the outcomes of a member of an archive, which is broken alone."""
    try:
        for outcome in _articles(found.path, found.origin, found.head, options):
            if isinstance(outcome, Rejected) and outcome.position.startswith("byte "):
                outcome = replace(outcome, position=f"{found.origin} {outcome.position}")
            yield outcome
    except BrokenStream as error:
        yield quarantined(error.reason, f"{found.origin} byte {error.position}")


def _articles(path: Path, origin: str, head: bytes, options: Mapping[str, Any]) -> Iterator[Outcome | Deferred]:
    found = 0
    record = _RECORD.search(head)
    # Until 2016 MEDLINE had citations alone; within an entry of PubMed one is no record of its own.
    names = ("MedlineCitation",) if record and record[1] else ("PubmedArticle", "PubmedBookArticle", "article")
    for element in iter_elements(path, (*names, "DeleteCitation")):
        found += 1
        if isinstance(element, Rejected):
            yield element
        elif local_name(element) == "DeleteCitation":
            yield removed("deleted_citations", plain_text(element)[:80])
        elif local_name(element) != "article":
            yield functools.partial(_abstract, element)
        else:
            yield functools.partial(article_outcome, element, origin, options)
    if not found:
        yield quarantined("no_articles", origin)


def _abstract(entry: Element) -> Outcome:
    citation, article = _cited(entry)
    if citation is None or article is None:
        return quarantined("no_citation", plain_text(entry)[:80])
    key = citation.findtext("{*}PMID") or ""
    title = scripted_text(article.find("{*}ArticleTitle")) or scripted_text(article.find("{*}Book/{*}BookTitle"))
    parts = [_labelled(part) for part in article.iterfind("{*}Abstract/{*}AbstractText")]
    text: str = _TRUNCATED.sub("", "\n\n".join(part for part in parts if part))
    if not key:
        return quarantined("no_identifier", title)
    if not text:
        return removed("no_abstract", key, title)
    dates = itertools.chain(
        article.iterfind("{*}Journal/{*}JournalIssue/{*}PubDate"), article.iterfind("{*}Book/{*}PubDate")
    )
    title = _TRANSLATED.sub("", regex.sub(r"^\[(.*?)(\.?)\]\.?$", r"\1.", title))  # brackets mark a translated title
    return Record(
        key=key,
        text=f"{title}\n\n{text}" if title else text,
        date=_medline_date(next(dates, None)),
        meta={"title": title, "journal": article.findtext("{*}Journal/{*}Title")},
    )


def _cited(entry: Element) -> tuple[Element | None, Element | None]:
    """Return what has the number of an entry, and what has its title and abstract: of a book both are one."""
    if local_name(entry) == "PubmedBookArticle":
        book = entry.find("{*}BookDocument")
        return book, book
    citation = entry if local_name(entry) == "MedlineCitation" else entry.find("{*}MedlineCitation")
    return citation, citation.find("{*}Article") if citation is not None else None


def _labelled(part: Element) -> str:
    label, text = part.get("Label"), scripted_text(part)
    if not label or not text or label.upper() in ("UNLABELLED", "UNASSIGNED"):
        return text
    return f"{label.capitalize()}: {text}"


def _medline_date(date: Element | None) -> str | None:
    """Return a date as exactly as it is given: year, month, day."""
    if date is None:
        return None
    year, month, day = (date.findtext(f"{{*}}{name}") for name in ("Year", "Month", "Day"))
    return partial_date(year, month, day) or stated_year(date.findtext("{*}MedlineDate") or "")
