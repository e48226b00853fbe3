"""Load the labelled PII set and score a finder of PII against it.

`find(text)` returns `(start, end, kind)` triples in code points. A labelled span is recalled when a found span of the
same kind overlaps it by at least half of both; a found span is right when it does so with a labelled one. What only
matches an optional label (see `test_pii_set`) counts for nothing, neither as a miss nor as a false find.

    score(load("tuning"), find)                      # look at these, and at `misses` and `false_finds`
    score(load("untouched"), find)                   # once, at the end: print the counts alone

Which half a text belongs to follows from its id, so `load` is the way to keep the untouched half unseen.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

SET = Path(__file__).with_name("pii_set.jsonl")
NETWORK_SET = Path(__file__).with_name("pii_network_set.jsonl")
MIXED_SET = Path(__file__).with_name("pii_mixed_set.jsonl")
KINDS = ("email", "phone", "ip", "card", "iban", "national_id", "street_address")

Half = Literal["tuning", "untouched"]
Span = tuple[int, int, str]
Finder = Callable[[str], Iterable[Span]]


@dataclass(frozen=True)
class Labelled:
    """One text with its labels; `countries` names the country of each national id, in order."""

    id: str
    half: Half
    text: str
    spans: tuple[Span, ...]
    optional: tuple[Span, ...]
    negatives: tuple[Span, ...]
    countries: tuple[str, ...]


@dataclass
class Score:
    """Counts for one kind, with what was missed and what was found wrongly as `(id, matched text)`."""

    labelled: int = 0
    recalled: int = 0
    found: int = 0
    right: int = 0
    misses: list[tuple[str, str]] = field(default_factory=list)
    false_finds: list[tuple[str, str]] = field(default_factory=list)

    @property
    def recall(self) -> float:
        """Return the share of labelled spans that were found; 1 where there are none."""
        return self.recalled / self.labelled if self.labelled else 1.0

    @property
    def precision(self) -> float:
        """Return the share of found spans that are labelled; 1 where nothing was found."""
        return self.right / self.found if self.found else 1.0


def load(half: Half | None = None, path: Path = SET) -> list[Labelled]:
    """Return the texts of one half, or of both, in the order of the file."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [
        Labelled(
            row["id"],
            row["half"],
            row["text"],
            *(
                tuple((start, end, kind) for start, end, kind in row.get(key, ()))
                for key in ("spans", "optional", "negatives")
            ),
            tuple(row.get("countries", ())),
        )
        for row in rows
        if half in (None, row["half"])
    ]


def matches(one: Span, other: Span) -> bool:
    """Return whether two spans are of one kind and share at least half of each."""
    shared = min(one[1], other[1]) - max(one[0], other[0])
    return one[2] == other[2] and shared > 0 and 2 * shared >= max(one[1] - one[0], other[1] - other[0])


def score(texts: Sequence[Labelled], find: Finder, kinds: Sequence[str] = KINDS) -> dict[str, Score]:
    """Return the score of every kind in `kinds`; finds of other kinds are left aside."""
    scores = {kind: Score() for kind in kinds}
    for labelled in texts:
        found = sorted(set(find(labelled.text)))
        for span in labelled.spans:
            if span[2] in scores:
                _count_labelled(scores[span[2]], labelled, span, found)
        for span in found:
            if span[2] in scores:
                _count_found(scores[span[2]], labelled, span)
    return scores


def _count_labelled(result: Score, labelled: Labelled, span: Span, found: Sequence[Span]) -> None:
    result.labelled += 1
    if any(matches(span, other) for other in found):
        result.recalled += 1
    else:
        result.misses.append((labelled.id, labelled.text[span[0] : span[1]]))


def _count_found(result: Score, labelled: Labelled, span: Span) -> None:
    if any(matches(span, other) for other in labelled.spans):
        result.found += 1
        result.right += 1
    elif not any(matches(span, other) for other in labelled.optional):
        result.found += 1
        result.false_finds.append((labelled.id, labelled.text[span[0] : span[1]]))
