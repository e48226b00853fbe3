"""Cutting repeated paragraphs out of a text, together with other spans that go.

Paragraphs are the pieces between empty lines, numbered from 0 as `BREAK.split(text)` gives them. A line of invisible characters
is empty, too: paragraphs are found, and numbered, in the folded text, which has none of them (`scripts.cleaning.minhash`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

import regex

from scripts.cleaning.cuts import Span, cut_spans
from scripts.cleaning.folding import INVISIBLE

TABLE = "duplicates.paragraphs.parquet"
BREAK = regex.compile(rf"\n(?:{INVISIBLE}*\n)+")


def paragraph_ranges(text: str, numbers: Collection[int]) -> list[tuple[int, int]]:
    """Return where paragraphs start and stop in a text, each with the empty lines behind it."""
    begins = [0, *(match.end() for match in BREAK.finditer(text))]
    stops = [*begins[1:], len(text)]
    return [(begins[number], stops[number]) for number in sorted(numbers)]


def cut_out(text: str, spans: Collection[Span], numbers: Collection[int], counts: Counter[str]) -> str:
    """Return a text without some spans and some paragraphs; paragraphs are counted with their characters.

    A paragraph counts without the empty lines around it. Both are places of the original text, so they are cut at once.
    """
    if numbers:
        pieces = BREAK.split(text)
        counts.update(documents=1, paragraphs=len(numbers), characters=sum(len(pieces[number]) for number in numbers))
    ranges = paragraph_ranges(text, numbers)
    if spans:
        return cut_spans(text, list(spans), ranges)
    return without(text, ranges) if ranges else text


def without(text: str, ranges: list[tuple[int, int]]) -> str:
    """Return a text without some ranges of it, in order and apart, and without empty lines at its ends."""
    begins, stops = [0, *(stop for _, stop in ranges)], [*(start for start, _ in ranges), len(text)]
    return "".join(text[begin:stop] for begin, stop in zip(begins, stops, strict=True)).strip("\n")
