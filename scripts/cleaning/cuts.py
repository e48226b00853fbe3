"""Cut spans out of a text so that what is left still reads as text."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from itertools import pairwise

Span = tuple[int, int]  # code points, the end excluded
OPENING = {"Ps", "Pi"}
MARKS_BEFORE = frozenset("\"'*_`#>")  # quotes and markup that may open what is cut
FARTHEST = 50  # characters that may hang on what is cut, at either end
LEAST_LEFT = 0.1  # of its letters and digits: with less a document is nothing but what was cut


def merged(spans: Sequence[Span]) -> list[Span]:
    """Return spans in order, those that meet or overlap as one."""
    found: list[Span] = []
    for start, stop in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(stop, found[-1][1]))
        else:
            found.append((start, stop))
    return found


def cut_spans(text: str, spans: Sequence[Span], paragraphs: Sequence[Span] = ()) -> str:
    """Return the text without the spans and the punctuation that hangs on them, and without some whole paragraphs.

    Where something goes, the widest gap at its two ends stays: a blank line, else the end of a line, else a space. A line that
    begins behind what goes keeps its indentation.
    """
    wide = merged([*(_widened(text, *span) for span in merged(spans)), *paragraphs])
    edges = [0, *(edge for span in wide for edge in span), len(text)]
    pieces = [text[start:stop] for start, stop in list(pairwise(edges))[::2]]
    kept = [pieces[0]]
    for (_, stop), piece in zip(wide, pieces[1:], strict=True):
        before, after = kept[-1].rstrip(), piece.lstrip()
        if not after:
            kept[-1] += piece
            continue
        gaps = kept[-1][len(before) :], piece[: len(piece) - len(after)]
        lines = min(2, max(gap.count("\n") for gap in gaps))
        kept[-1] = before + ("\n" * lines or " " * any(gaps)) if before else ""
        kept.append((gaps[1].rpartition("\n")[2] if "\n" in text[stop - 1] + gaps[1] else "") + after)
    if not pieces[-1].strip():
        kept[-1] = kept[-1].rstrip()
    return "".join(kept)


def little_left(before: str, after: str) -> bool:
    """Tell whether a text is hardly there any more after cuts."""
    return _solid(after) < max(1, LEAST_LEFT * _solid(before))


def _solid(text: str) -> int:
    return sum(character.isalnum() for character in text)


def _widened(text: str, start: int, stop: int) -> Span:
    first, last = max(start - FARTHEST, 0), min(stop + FARTHEST, len(text))
    while start > first and (text[start - 1] in MARKS_BEFORE or unicodedata.category(text[start - 1]) in OPENING):
        start -= 1
    while stop < last:
        category = unicodedata.category(text[stop])
        if category[0] not in "PS" or category in OPENING:
            break
        stop += 1
    return start, stop
