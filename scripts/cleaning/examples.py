"""The examples that a quality classifier learns from: a bounded sample of two sets of sources, by the hash of their ids.

Each source of a set gets an equal share of the examples, and what a small one leaves goes to the others. Texts that the
classifier cannot tell apart count once; those that stand in both sets are left out. Which examples are held out depends on
their words alone, so a copy never stands on both sides.
"""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from scripts.cleaning.logistic import Vectors
from scripts.cleaning.ngrams import F32, I32, Features, Vectoriser, first_words
from scripts.lib.documents import read_batches, read_rows
from scripts.lib.progress import progress
from scripts.lib.seeds import seed_for, unit_interval
from scripts.lib.versions import source_id, source_ids

TRAIN, CALIBRATION, TEST = "train", "calibration", "test"
ROLES = (TRAIN, CALIBRATION, TEST)


@dataclass
class Example:
    """One text as the classifier sees it. Examples are ordered by `key`, which has nothing to do with parts."""

    key: tuple[int, str, str]
    source: str
    role: str
    buckets: I32
    values: F32

    @property
    def digest(self) -> str:
        """The digest of the words that the classifier looks at."""
        return self.key[2]


@dataclass
class Sample:
    """The examples of one set, and what became of its other documents."""

    examples: list[Example] = field(default_factory=list)
    documents: int = 0
    left_out: Counter[str] = field(default_factory=Counter)


def allowances(counts: Mapping[str, int], limit: int) -> dict[str, int]:
    """Return how many documents each source gives: equal shares of the limit, as far as the sources reach."""
    found: dict[str, int] = {}
    for number, (name, count) in enumerate(sorted(counts.items(), key=lambda item: (item[1], item[0]))):
        found[name] = min(count, (limit - sum(found.values())) // (len(counts) - number))
    return found


def chosen_ids(parts: Sequence[Path], count: int, seed: int) -> dict[str, int]:
    """Return the `count` ids of a source whose hashes are smallest, with their hashes; memory is that of the result.

    They are ids as the source gives them: one that comes several times counts once, whatever parts it comes in.
    """
    chosen: dict[str, int] = {}
    largest: list[tuple[int, str]] = []  # the chosen ones with negative hashes, so that the first one is the one to go
    for path in parts:
        for batch in read_batches(path, ["id"]):
            for name in source_ids(batch["id"]).to_pylist():
                place = seed_for(seed, "quality example", name)
                if name in chosen or (len(chosen) == count and (not count or -place < largest[0][0])):
                    continue
                chosen[name] = place
                heapq.heappush(largest, (-place, name))
                if len(chosen) > count:
                    del chosen[heapq.heappop(largest)[1]]
    return chosen


def role_of(digest: str, seed: int, held_out: float) -> str:
    """Return what a text is used for: training, or in equal halves of the held-out share calibration and test."""
    place = unit_interval(seed, "held out", digest)
    if place >= held_out:
        return TRAIN
    return TEST if place < held_out / 2 else CALIBRATION


def draw(parts: Mapping[str, Sequence[Path]], limit: int, features: Features, seed: int, held_out: float) -> Sample:
    """Return the examples of one set from the documents of its sources, in order, each text once."""
    counts = {source: sum(pq.read_metadata(path).num_rows for path in paths) for source, paths in parts.items()}
    sample = Sample(documents=sum(counts.values()))
    vectoriser = Vectoriser(features)
    smallest = {source: chosen_ids(paths, limit, seed) for source, paths in parts.items()}
    allowed = allowances({source: len(found) for source, found in smallest.items()}, limit)  # of ids, not of rows
    for source, count in sorted(allowed.items()):
        places = dict(sorted(smallest[source].items(), key=lambda one: (one[1], one[0]))[:count])
        for path in parts[source]:
            for row in progress(
                read_rows(path, ["id", "text"]), pq.read_metadata(path).num_rows, f"examples of {source}"
            ):
                name = source_id(row["id"])
                if name not in places:
                    sample.left_out["not_drawn"] += 1
                    continue
                words = first_words(row["text"], features.words)
                if not len(words):
                    sample.left_out["without_words"] += 1
                    continue
                digest = hashlib.blake2b(words.tobytes(), digest_size=16).hexdigest()
                key = (places[name], name, digest)
                vector = vectoriser.vector(words)
                sample.examples.append(Example(key, source, role_of(digest, seed, held_out), *vector))
    _keep_first_copies(sample)
    return sample


def _keep_first_copies(sample: Sample) -> None:
    """Put the examples in order and drop those whose words are those of an earlier one."""
    sample.examples.sort(key=lambda example: example.key)
    first: dict[str, Example] = {}
    for example in sample.examples:
        first.setdefault(example.digest, example)
    sample.left_out["duplicate"] += len(sample.examples) - len(first)
    sample.examples = list(first.values())


def leave_out_common(one: Sample, other: Sample) -> int:
    """Drop texts that stand in both samples, which say nothing of either; returns how many."""
    common = {example.digest for example in one.examples} & {example.digest for example in other.examples}
    for sample in (one, other):
        kept = [example for example in sample.examples if example.digest not in common]
        sample.left_out["in_both_sets"] += len(sample.examples) - len(kept)
        sample.examples = kept
    return len(common)


def joined(examples: Iterable[Example]) -> Vectors:
    """Return the vectors of some examples as rows."""
    listed = list(examples)
    starts = np.zeros(len(listed) + 1, np.int64)
    np.cumsum([len(example.buckets) for example in listed], out=starts[1:])
    if not listed:
        return Vectors(starts, np.zeros(0, np.int32), np.zeros(0, np.float32))
    return Vectors(
        starts,
        np.concatenate([example.buckets for example in listed]),
        np.concatenate([example.values for example in listed]),
    )
