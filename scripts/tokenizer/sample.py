"""The text that a tokenizer is trained on: a bounded sample of the training documents of a corpus.

Each language of each source gets its share of the bytes, times the weights of both if they have some. Within it, documents are
taken in the order of a hash of their ids until the share is full, so neither parts nor arrival matter. Shares are known before
anything is taken, so only the ids of documents that fill them are held in memory, and of these no text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import pyarrow as pa
import pyarrow.compute as pc

from scripts.lib.documents import read_batches
from scripts.lib.errors import UserError
from scripts.lib.manifest import Artefact
from scripts.lib.seeds import seed_for

Ranked = tuple[int, str, int]  # hash, id, bytes of text
Stratum = tuple[str, str]  # source and language
UNDETERMINED = "und"  # ISO 639-2 for a document whose language is not known


@dataclass
class First:
    """The first documents of a stratum by their hashes, as many as fill a number of bytes."""

    limit: int
    ranked: list[Ranked] = field(default_factory=list)
    _held: int = 0

    def add(self, entry: Ranked) -> None:
        """Hold a document if it is among the first."""
        self.ranked.append(entry)
        self._held += entry[2]
        if self._held > self.limit:  # since it was last trimmed
            self.trim()

    def trim(self) -> None:
        """Sort, and leave the first documents only."""
        self.ranked.sort()
        chosen = take(self.ranked, self.limit)
        self.ranked = self.ranked[: len(chosen)]
        self._held = 0


def training_documents(part: Artefact) -> Iterator[pa.RecordBatch]:
    """Yield id, text and language of the documents of a part that are for training; no language is null."""
    table = part.path(f"{part.manifest_path.stem}.parquet")
    for batch in read_batches(table, ["id", "text", "split", "language"]):
        mine = batch.filter(pc.equal(batch["split"], "train"))
        known = pc.if_else(pc.equal(mine["language"], ""), pa.scalar(None, pa.string()), mine["language"])
        columns = [mine["id"], mine["text"], pc.fill_null(known, UNDETERMINED)]
        yield pa.RecordBatch.from_arrays(columns, ["id", "text", "language"])


def bytes_of(sources: Mapping[str, Sequence[Artefact]]) -> dict[Stratum, int]:
    """Return the bytes of training text of every stratum, in the order of their names; no text becomes Python's."""
    totals: Counter[Stratum] = Counter()
    for name, parts in sources.items():
        for batch in (batch for part in parts for batch in training_documents(part)):
            table = pa.table({"language": batch["language"], "bytes": pc.binary_length(batch["text"])})
            for row in table.group_by("language").aggregate([("bytes", "sum")]).to_pylist():
                totals[name, row["language"]] += row["bytes_sum"]
    return dict(sorted(totals.items()))


def rank_documents(
    sources: Mapping[str, Sequence[Artefact]], limits: Mapping[Stratum, int], seed: int
) -> dict[Stratum, list[Ranked]]:
    """Return the first training documents of every stratum by hash, as many as fill its limit in bytes."""
    strata = {stratum: First(limit) for stratum, limit in limits.items()}
    for name, parts in sources.items():
        for batch in (batch for part in parts for batch in training_documents(part)):
            sizes = pc.binary_length(batch["text"]).to_pylist()
            for key, language, size in zip(batch["id"].to_pylist(), batch["language"].to_pylist(), sizes, strict=True):
                strata[name, language].add((seed_for(seed, "tokenizer", key), key, size))
    for first in strata.values():
        first.trim()
    return {stratum: first.ranked for stratum, first in strata.items()}


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
    totals = bytes_of(sources)
    absent = sorted(set(language_weights) - {language for _, language in totals})
    if absent:
        raise UserError(f"language_weights names {absent[0]!r}, which no training document is in; remove it.")
    weights = {
        (source, language): Fraction(str(source_weights.get(source, 1)))
        * Fraction(str(language_weights.get(language, 1)))
        for source, language in totals
    }
    limits = shares(totals, limit, weights)
    ranked = rank_documents(sources, limits, seed)
    found = {}
    for name, parts in sources.items():
        mine = [stratum for stratum in ranked if stratum[0] == name]
        chosen = {key: size for one in mine for key, size in take(ranked[one], limits[one]).items()}
        order = sorted(entry for one in mine for entry in ranked[one])
        place = {identifier: number for number, (_, identifier, _) in enumerate(order)}
        texts = [""] * len(chosen)
        for batch in (batch for part in parts for batch in training_documents(part)):
            for number, key in enumerate(batch["id"].to_pylist()):
                if key in place:
                    texts[place[key]] = cut(batch["text"][number].as_py(), chosen[key])
        found[name] = texts
    return found
