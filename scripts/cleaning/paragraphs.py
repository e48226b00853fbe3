"""Cutting repeated paragraphs out of a text, together with other spans that go.

Paragraphs are the pieces between empty lines, numbered from 0 as `re.split(r"\\n{2,}", text)` gives them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection

from scripts.cleaning.cuts import Span, cut_spans

TABLE = "duplicates.paragraphs.parquet"
_BREAK = re.compile(r"\n{2,}")


def paragraph_ranges(text: str, numbers: Collection[int]) -> list[tuple[int, int]]:
    """Return where paragraphs start and stop in a text, each with the empty lines behind it."""
    begins = [0, *(match.end() for match in _BREAK.finditer(text))]
    stops = [*begins[1:], len(text)]
    return [(begins[number], stops[number]) for number in sorted(numbers)]


def cut_out(text: str, spans: Collection[Span], numbers: Collection[int], counts: Counter[str]) -> str:
    """Return a text without some spans and some paragraphs; paragraphs are counted with their characters.

    A paragraph counts without the empty lines around it. Both are places of the original text, so they are cut at once.
    """
    if numbers:
        pieces = _BREAK.split(text)
        counts.update(documents=1, paragraphs=len(numbers), characters=sum(len(pieces[number]) for number in numbers))
    ranges = paragraph_ranges(text, numbers)
    if spans:
        return cut_spans(text, [*spans, *ranges])
    return without(text, ranges) if ranges else text


def without(text: str, ranges: list[tuple[int, int]]) -> str:
    """Return a text without some ranges of it, in order and apart, and without empty lines at its ends."""
    begins, stops = [0, *(stop for _, stop in ranges)], [*(start for start, _ in ranges), len(text)]
    return "".join(text[begin:stop] for begin, stop in zip(begins, stops, strict=True)).strip("\n")
