"""A few duplicate pairs as examples, so that a reader sees what goes and what stays in its place."""

from __future__ import annotations

import hashlib
import heapq
import itertools
import re
from pathlib import Path
from typing import Any

from scripts.audit.parts import Seen
from scripts.lib.documents import read_batches
from scripts.lib.versions import source_id

SHOWN = {"near": 4, "exact": 2}  # pairs by kind
LONGEST = 20_000  # characters of a text that are looked at
WORDS = 45  # of an excerpt
BEFORE = 10  # words of it before the first one that differs
_PRIVATE = re.compile(r"\S*@\S*|\+?\d[\d ().:-]{5,}\d")


class Examples:
    """Pairs chosen by the hashes of their ids, whatever the parts, and their texts as they are seen."""

    def __init__(self, table: Path) -> None:
        chosen: dict[str, list[tuple[bytes, str, str]]] = {kind: [] for kind in SHOWN}
        for batch in read_batches(table, ["id", "kind", "survivor"]):
            for row in batch.to_pylist():
                if row["kind"] in chosen:
                    place = hashlib.blake2b(source_id(row["id"]).encode("utf-8"), digest_size=8).digest()
                    found = [*chosen[row["kind"]], (place, row["id"], row["survivor"])]
                    chosen[row["kind"]] = heapq.nsmallest(SHOWN[row["kind"]], found)
        self._pairs = [(kind, one, other) for kind, found in chosen.items() for _, one, other in found]
        self._wanted = {identifier for _, *pair in self._pairs for identifier in pair}
        self._seen: dict[str, tuple[str, str]] = {}

    def see(self, source: str, seen: Seen) -> None:
        """Keep the text of a document of a pair; of those of one id, the one that is no copy of the others."""
        if seen.identifier in self._wanted and seen.reason != "id_duplicate":
            self._seen[seen.identifier] = source, seen.text[:LONGEST]

    def numbers(self) -> list[dict[str, str]]:
        """Return kind, ids, sources and excerpts of the pairs of which both texts were seen."""
        found = []
        for kind, one, other in self._pairs:
            if one in self._seen and other in self._seen:
                texts = excerpts(self._seen[one][1], self._seen[other][1])
                sides = zip(("removed", "survivor"), (one, other), texts, strict=True)
                pair = {"kind": kind}
                for side, identifier, text in sides:
                    pair |= {side: identifier, f"{side}_source": self._seen[identifier][0], f"{side}_text": text}
                found.append(pair)
        return found


def excerpts(one: str, other: str) -> tuple[str, str]:
    """Return some words of two texts around the first that differ, addresses and long numbers blotted out."""
    words = one.split(), other.split()
    common = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(*words, strict=False)))
    start = max(0, common - BEFORE) if common < max(map(len, words)) else 0
    first, second = (_excerpt(side, start) for side in words)
    return first, second


def _excerpt(words: list[str], start: int) -> str:
    text = _PRIVATE.sub("▮▮▮", " ".join(words[start : start + WORDS]))
    return ("… " if start else "") + text + (" …" if start + WORDS < len(words) else "")


def size_bins(sizes: dict[str, int]) -> list[dict[str, Any]]:
    """Return clusters by their number of documents in powers of two: name, clusters, documents that go."""
    bins: dict[int, list[int]] = {}
    for size, count in sizes.items():
        found = bins.setdefault((int(size) - 1).bit_length(), [0, 0])
        found[0] += count
        found[1] += count * (int(size) - 1)
    return [
        {"name": _span(power), "clusters": clusters, "documents": documents}
        for power, (clusters, documents) in sorted(bins.items())
    ]


def _span(power: int) -> str:
    return "2" if power == 1 else f"{2 ** (power - 1) + 1:,} to {2**power:,}"
