"""The time that hostile input takes grows as its length does: what backtracks or looks back would take the square of it."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from resiliparse.parse.html import HTMLTree

from scripts.cleaning.pii import find_pii
from scripts.sources import maintext
from scripts.sources.pagescan import scan
from scripts.sources.readers.wikipedia import is_disambiguation, is_redirect
from scripts.sources.wikitext import clean_wikitext
from scripts.sources.xmlcut import XmlPieces
from tests.unit.cleaning import test_pii as personal
from tests.unit.sources import test_broken_xml as xml
from tests.unit.sources import test_latex as latex
from tests.unit.sources import test_maintext as pages
from tests.unit.sources import test_wikipedia as wikipedia

FACTOR = 4
MOST = 9.0  # times as long for FACTOR times as much; a square would be 16
NOISE = 0.1  # seconds
TAGS = 20_000
REPEATED = 100_000
XML_BYTES = 800_000
TRIES = 3


@dataclass(frozen=True)
class Growth:
    """The CPU seconds that a text and one of `FACTOR` times its length take."""

    program: str
    text: str
    short: float
    long: float

    @property
    def within(self) -> bool:
        return self.long < MOST * self.short + NOISE


def seconds(work: Callable[[], object]) -> float:
    """Return the least CPU seconds of some tries."""
    spent = []
    for _ in range(TRIES):
        begun = time.process_time()
        work()
        spent.append(time.process_time() - begun)
    return min(spent)


def growths(folder: Path) -> Iterator[Growth]:
    """Measure every hostile text of the unit tests."""
    for name, text in personal.HOSTILE.items():
        short = text[: len(text) // FACTOR]
        yield Growth(
            "personal data", name, seconds(lambda part=short: find_pii(part)), seconds(lambda part=text: find_pii(part))
        )
    for tag in pages.HOSTILE:
        short, whole = (str(HTMLTree.parse(tag * count)) for count in (TAGS // FACTOR, TAGS))
        yield Growth(
            "main text", tag, seconds(lambda page=short: judged(page)), seconds(lambda page=whole: judged(page))
        )
    for text in xml.HOSTILE:
        short, whole = (text * (size // len(text)) for size in (XML_BYTES // FACTOR, XML_BYTES))
        yield Growth("XML", text.decode(), seconds(lambda data=short: cut(data)), seconds(lambda data=whole: cut(data)))
    for name, (before, repeated, after) in wikipedia.HOSTILE.items():
        short, whole = (before + repeated * count + after for count in (REPEATED // FACTOR, REPEATED))
        yield Growth("wikitext", name, seconds(lambda page=short: prose(page)), seconds(lambda page=whole: prose(page)))
    places = (folder / str(number) for number in itertools.count())
    for name, (text, size) in latex.HOSTILE.items():
        papers = [latex.paper("Start. " + text(count)) for count in (size // FACTOR, size)]
        times = [seconds(lambda paper=paper: latex.found_in(next(places), paper)) for paper in papers]
        yield Growth("LaTeX", name, *times)


def prose(page: str) -> object:
    """Do with a page of wikitext what its reader does."""
    return is_redirect(page), is_disambiguation("", page), clean_wikitext(page)


def cut(data: bytes) -> object:
    """Cut XML into records."""
    return list(XmlPieces(iter([data]), ("page",)))


def judged(page: str) -> object:
    """Judge the blocks of a page."""
    return maintext.odds(scan(page))
