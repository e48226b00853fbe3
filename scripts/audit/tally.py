"""What is counted of a source: integers and bounded samples that add up to the same whatever the parts and their order."""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from scripts.audit.groups import LANGUAGE, mentioned, words
from scripts.audit.parts import Part, Seen
from scripts.lib.seeds import seed_for
from scripts.lib.versions import source_id

Counts = Counter[str]
LARGEST = 10
SAMPLE_WORDS = 50_000
WORDS_PER_DOCUMENT = 1_000  # so that one book is not the whole sample
UNKNOWN = "not known"
COUNTED = ("left_out", "quarantined", "removed", "failed", "pii", "splits", "edited_lines", "edited_characters")


class WordSample:
    """Words of the documents with the smallest hashes of their ids: the same for any order and number of parts."""

    def __init__(self, size: int = SAMPLE_WORDS) -> None:
        self.size = size
        self._heap: list[tuple[int, list[str]]] = []  # of negative hashes: the first one goes first
        self._total = 0

    def add(self, identifier: str, text: str) -> None:
        """Offer a document; its words are read only when its hash may be among the smallest."""
        place = -seed_for(0, "audit", identifier)
        if self._total >= self.size and place < self._heap[0][0]:
            return
        found = words(text[: 40 * WORDS_PER_DOCUMENT])[:WORDS_PER_DOCUMENT]
        self._keep(place, found)

    def _keep(self, place: int, found: list[str]) -> None:
        heapq.heappush(self._heap, (place, found))
        self._total += len(found)
        while self._total - len(self._heap[0][1]) >= self.size:
            self._total -= len(heapq.heappop(self._heap)[1])

    def merge(self, other: WordSample) -> None:
        """Add the documents of another sample."""
        for place, found in other._heap:
            self._keep(place, found)

    def type_token_ratio(self) -> dict[str, float | int]:
        """Return how many words there are, how many distinct ones, and the ratio."""
        ordered = [word for _, found in sorted(self._heap, reverse=True) for word in found][: self.size]
        types = len(set(ordered))
        return {"words": len(ordered), "types": types, "ratio": round(types / max(len(ordered), 1), 4)}


@dataclass
class Amounts:
    """How much there is of some documents, and of which kinds."""

    documents: int = 0
    words: int = 0
    bytes: int = 0
    languages_declared: Counts = field(default_factory=Counter)
    languages_identified: Counts = field(default_factory=Counter)
    licenses: Counts = field(default_factory=Counter)
    decades: Counts = field(default_factory=Counter)
    lengths: Counts = field(default_factory=Counter)  # by the number of binary digits of the number of words
    searched: int = 0
    mentions: Counts = field(default_factory=Counter)

    def add(self, seen: Seen, text: str, groups: Iterable[str] | None) -> None:
        """Count one document; `groups` is None when it was not searched for mentions."""
        self.documents += 1
        self.bytes += len(text.encode("utf-8"))
        self.languages_declared[seen.declared or UNKNOWN] += 1
        self.languages_identified[seen.identified or UNKNOWN] += 1
        self.licenses[seen.license or UNKNOWN] += 1
        self.decades[decade(seen.date)] += 1
        self.lengths[str(seen.words.bit_length())] += 1
        if groups is not None:
            self.searched += 1
            self.mentions.update(groups)


@dataclass
class Tally:
    """Everything that is counted over some parts."""

    records: int = 0
    left_out: Counts = field(default_factory=Counter)
    quarantined: Counts = field(default_factory=Counter)
    before: Amounts = field(default_factory=Amounts)
    after: Amounts = field(default_factory=Amounts)
    removed: Counts = field(default_factory=Counter)  # by the first reason
    failed: Counts = field(default_factory=Counter)  # by every rule
    group_reasons: dict[str, Counts] = field(default_factory=dict)
    pii: Counts = field(default_factory=Counter)
    splits: Counts = field(default_factory=Counter)
    edited_lines: Counts = field(default_factory=Counter)  # that went from documents that pass, by the reason
    edited_characters: Counts = field(default_factory=Counter)
    largest: list[int] = field(default_factory=list)  # bytes of the largest curated documents
    sample: WordSample = field(default_factory=WordSample)

    def add_part(self, part: Part) -> None:
        """Count what the manifests of a part tell."""
        account = part.documents.manifest["accounting"]
        self.records += account["in"]
        self.left_out.update(account["removed"])
        self.quarantined.update(account["quarantined"])
        self.failed.update(part.selection.summary["failed"])
        self.after.words += part.curated.summary["words"]
        self.pii.update(part.curated.summary["pii"])
        self.splits.update(part.curated.summary["splits"])
        self.edited_lines.update(part.curated.summary["line_edits"]["lines"])
        self.edited_characters.update(part.curated.summary["line_edits"]["characters"])

    def add(self, seen: Seen) -> None:
        """Count one document."""
        spoken = (seen.declared or seen.identified or "").split("-")[0].lower()
        groups = mentioned(seen.text) if spoken == LANGUAGE else None
        self.before.add(seen, seen.text, groups)
        self.before.words += seen.words
        if seen.curated is not None:
            self.after.add(seen, seen.curated, groups)
            self.largest = heapq.nlargest(LARGEST, [*self.largest, len(seen.curated.encode("utf-8"))])
            self.sample.add(source_id(seen.identifier), seen.curated)
        if seen.reason is not None:
            self.removed[seen.reason] += 1
            for group in groups or []:
                self.group_reasons.setdefault(group, Counter())[seen.reason] += 1

    def merge(self, other: Tally) -> None:
        """Add the counts of other documents."""
        self.records += other.records
        _add_up(self.before, other.before)
        _add_up(self.after, other.after)
        for name in COUNTED:
            getattr(self, name).update(getattr(other, name))
        for group, reasons in other.group_reasons.items():
            self.group_reasons.setdefault(group, Counter()).update(reasons)
        self.largest = heapq.nlargest(LARGEST, [*self.largest, *other.largest])
        self.sample.merge(other.sample)

    def numbers(self) -> dict[str, Any]:
        """Return all counts as plain values."""
        return {
            "records": self.records,
            "left_out": dict(self.left_out),
            "quarantined": dict(self.quarantined),
            "before": vars(self.before),
            "after": vars(self.after),
            "removed": dict(self.removed),
            "failed": dict(self.failed),
            "pii": dict(self.pii),
            "splits": dict(self.splits),
            "edited_lines": dict(self.edited_lines),
            "edited_characters": dict(self.edited_characters),
            "largest_share": round(sum(self.largest) / max(self.after.bytes, 1), 4),
            "type_token": self.sample.type_token_ratio(),
        }


def _add_up(mine: Amounts, other: Amounts) -> None:
    for name, value in vars(other).items():
        if isinstance(value, Counter):
            getattr(mine, name).update(value)
        else:
            setattr(mine, name, getattr(mine, name) + value)


def decade(date: str | None) -> str:
    """Return the decade of an ISO date; not known for anything else."""
    return f"{date[:3]}0s" if date and date[:4].isdecimal() and len(date) >= 4 else UNKNOWN


def entropy(amounts: Mapping[str, int]) -> float:
    """Return the entropy in bits of the shares of some amounts (Shannon 1948)."""
    total = sum(amounts.values())
    return round(-sum(n / total * math.log2(n / total) for _, n in sorted(amounts.items()) if n) + 0.0, 4)
