"""The text that a tokenizer is trained on: a bounded sample of the training documents of a corpus.

Each source gets its share of the bytes, times its weight if it has one, and so does each language where languages have weights.
Within a source and language, documents are taken in the order of a hash of their ids until the share is full, so neither parts
nor arrival matter. Only the first documents by that order are held in memory, and of these no text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from scripts.lib.documents import read_rows
from scripts.lib.errors import UserError
from scripts.lib.manifest import Artefact
from scripts.lib.seeds import seed_for

Ranked = tuple[int, str, int]  # hash, id, bytes of text
Stratum = tuple[str, str]  # source and language; no language where languages have no weights
UNDETERMINED = "und"  # ISO 639-2 for a document whose language is not known


@dataclass
class First:
    """The first documents of a stratum by their hashes, as many as fill a number of bytes, and the bytes of all."""

    limit: int
    ranked: list[Ranked] = field(default_factory=list)
    total: int = 0
    _held: int = 0

    def add(self, entry: Ranked) -> None:
        """Count a document, and hold it if it is among the first."""
        self.ranked.append(entry)
        self.total += entry[2]
        self._held += entry[2]
        if self._held > self.limit:  # since it was last trimmed
            self.trim()

    def trim(self) -> None:
        """Sort, and leave the first documents only."""
        self.ranked.sort()
        chosen = take(self.ranked, self.limit)
        self.ranked = self.ranked[: len(chosen)]
        self._held = 0


def rank_documents(
    sources: Mapping[str, Sequence[Artefact]], limit: int, seed: int, by_language: bool
) -> dict[Stratum, First]:
    """Return the first training documents of every stratum by hash; strata in the order of their names."""
    strata: dict[Stratum, First] = {}
    for name, parts in sources.items():
        for part in parts:
            table = part.path(f"{part.manifest_path.stem}.parquet")
            for row in read_rows(table, ["id", "text", "split", "language"]):
                if row["split"] == "train":
                    stratum = (name, (row["language"] or UNDETERMINED) if by_language else "")
                    size = len(row["text"].encode("utf-8"))
                    entry = (seed_for(seed, "tokenizer", row["id"]), row["id"], size)
                    strata.setdefault(stratum, First(limit)).add(entry)
    for first in strata.values():
        first.trim()
    return dict(sorted(strata.items()))


def shares(totals: Mapping[Stratum, int], limit: int, weights: Mapping[Stratum, Fraction]) -> dict[Stratum, int]:
    """Return how many bytes each stratum gives when all together may give `limit`: what it has times its weight, in proportion.

    A stratum whose share is more than it has gives all, and the others share what is left; exact in fractions.
    """
    if sum(totals.values()) <= limit:
        return dict(totals)
    found: dict[Stratum, int] = {}
    wanted = {name: total * weights[name] for name, total in totals.items()}
    while wanted:
        left, whole = limit - sum(found.values()), sum(wanted.values())
        full = [name for name, value in wanted.items() if left * value >= whole * totals[name]]
        if not full:
            return found | {name: int(left * value // whole) for name, value in wanted.items()}
        for name in full:
            found[name] = totals[name]
            del wanted[name]
    return found


def take(ranked: Sequence[Ranked], limit: int) -> dict[str, int]:
    """Return the documents that fill `limit` bytes, in order, with the bytes to take of each: the last one may be cut."""
    chosen: dict[str, int] = {}
    left = limit
    for _, identifier, size in ranked:
        if left <= 0:
            break
        chosen[identifier] = min(size, left)
        left -= size
    return chosen


def cut(text: str, size: int) -> str:
    """Return the longest beginning of a text that has at most `size` bytes."""
    return text.encode("utf-8")[:size].decode("utf-8", "ignore")


def sample_texts(
    sources: Mapping[str, Sequence[Artefact]],
    limit: int,
    seed: int,
    source_weights: Mapping[str, float],
    language_weights: Mapping[str, float],
) -> dict[str, list[str]]:
    """Return the sampled texts of every source, in the order of the hash of their ids."""
    strata = rank_documents(sources, limit, seed, bool(language_weights))
    absent = sorted(set(language_weights) - {language for _, language in strata})
    if absent:
        raise UserError(f"language_weights names {absent[0]!r}, which no training document declares; remove it.")
    weights = {
        (source, language): Fraction(str(source_weights.get(source, 1)))
        * Fraction(str(language_weights.get(language, 1)))
        for source, language in strata
    }
    limits = shares({stratum: first.total for stratum, first in strata.items()}, limit, weights)
    found = {}
    for name, parts in sources.items():
        mine = [stratum for stratum in strata if stratum[0] == name]
        chosen = {key: size for one in mine for key, size in take(strata[one].ranked, limits[one]).items()}
        order = sorted(entry for one in mine for entry in strata[one].ranked if entry[1] in chosen)
        place = {identifier: number for number, (_, identifier, _) in enumerate(order)}
        texts = [""] * len(chosen)
        for part in parts:
            for row in read_rows(part.path(f"{part.manifest_path.stem}.parquet"), ["id", "text", "split"]):
                if row["id"] in place:
                    texts[place[row["id"]]] = cut(row["text"], chosen[row["id"]])
        found[name] = texts
    return found
