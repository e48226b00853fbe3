"""Measure how much of a corpus' held-out text stands in its training text, found as evaluation items are.

    python -m scripts.cleaning.overlap --curated results/corpora/main/documents/books/0000.json \\
        --manifest results/corpora/main/overlap.json --settings '{"sources": [{"name": "books", "parts": 1}],
        "ngram": 13, "minimum_words": 8, "sentence_words": 5}'

Near-duplicates are gone by now, but a quotation or a boilerplate may be left on both sides. The runs of the validation and test
documents are indexed (at most 8,000,000 characters of them, those whose hashed ids come first, so memory is bounded), and the
training documents stream by. Writes `overlap.parquet`: a row per held-out document that shares a run with a training document
(id, source, split, words, covered: those in shared runs), sorted by id; the summary counts by split and source.
"""

from __future__ import annotations

import argparse
import heapq
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from scripts.cleaning.contamination import CHARACTERS
from scripts.cleaning.runs import TOGETHER, Rules, Runs
from scripts.cleaning.wording import Folding
from scripts.lib.documents import read_batches, write_table
from scripts.lib.progress import progress
from scripts.lib.step import Step, run_step, step_parser
from scripts.lib.streams import document_key

MODULE = "scripts.cleaning.overlap"
OVERLAP_SCHEMA = pa.schema(
    [*((name, pa.string()) for name in ("id", "source", "split")), ("words", pa.int64()), ("covered", pa.int64())]
)
TRAIN = "train"
LARGEST_SAMPLE = 8_000_000  # characters of held-out text that are looked for
ROWS = 200  # documents that are read at once


@dataclass(frozen=True, order=True)
class HeldOut:
    """One document that is not trained on."""

    id: str
    source: str
    split: str
    text: str


class Sample:
    """The held-out documents whose keys come first, up to some characters; the same ones in whatever order they come."""

    def __init__(self, limit: int) -> None:
        self._limit, self._characters = limit, 0
        self._heap: list[tuple[int, str, HeldOut]] = []  # the largest key first
        self.documents: dict[tuple[str, str], int] = {}  # all that came, by split and source

    def add(self, document: HeldOut) -> None:
        """Take a document in as long as those before it are not enough."""
        kind = document.split, document.source
        self.documents[kind] = self.documents.get(kind, 0) + 1
        key = -int.from_bytes(document_key(document.id), "big")
        heapq.heappush(self._heap, (key, document.id, document))
        self._characters += len(document.text)
        while self._characters - len(self._heap[0][2].text) >= self._limit:
            self._characters -= len(heapq.heappop(self._heap)[2].text)

    def chosen(self) -> list[HeldOut]:
        """Return the documents by id."""
        return sorted((entry[2] for entry in self._heap), key=lambda one: (one.id, one.source))


def held_out(paths: Sequence[tuple[str, Path]]) -> Sample:
    """Return the sample of the held-out documents of all parts."""
    sample = Sample(LARGEST_SAMPLE)
    for source, path in paths:
        for batch in read_batches(path, ["id", "text", "split"], ROWS):
            for identifier, text, split in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                if split != TRAIN:
                    sample.add(HeldOut(identifier, source, split, text))
    return sample


def training_texts(paths: Sequence[tuple[str, Path]]) -> Iterator[list[str]]:
    """Yield the texts of the training documents, some at a time."""
    texts: list[str] = []
    characters = 0
    for source, path in paths:
        for batch in progress(read_batches(path, ["text", "split"], ROWS), None, f"{source} {path.stem}"):
            for text, split in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                if split == TRAIN:
                    texts.append(text)
                    characters += len(text)
                if characters >= CHARACTERS:
                    yield texts
                    texts, characters = [], 0
    yield texts


def covered_words(chosen: Sequence[HeldOut], paths: Sequence[tuple[str, Path]], rules: Rules) -> list[tuple[int, int]]:
    """Return for each document the number of its words, and of those in runs that a training document holds."""
    folding = Folding()
    words = folding.words([document.text for document in chosen])
    runs = Runs(words, rules)
    seen = np.zeros(len(runs), np.bool_)
    for texts in training_texts(paths):
        seen[runs.find(folding.words(texts)).runs] = True
    seen &= runs.manners != TOGETHER
    edges = np.zeros(len(words.hashes) + 1, np.int64)
    for run in np.flatnonzero(seen).tolist():
        places = runs.places_of(run)
        np.add.at(edges, places, 1)
        np.add.at(edges, places + runs.lengths[run], -1)
    covered = np.concatenate([[0], np.cumsum(np.cumsum(edges)[:-1] > 0)])
    counts = np.diff(words.texts).tolist(), np.diff(covered[words.texts]).tolist()
    return list(zip(*counts, strict=True))


def account(sample: Sample, chosen: Sequence[HeldOut], found: Sequence[tuple[int, int]]) -> list[dict[str, Any]]:
    """Return counts by split and source: documents, those checked, those that share a run, words, covered words."""
    rows = []
    for (split, source), documents in sorted(sample.documents.items()):
        mine = [pair for one, pair in zip(chosen, found, strict=True) if (one.split, one.source) == (split, source)]
        rows.append(
            {
                "split": split,
                "source": source,
                "documents": documents,
                "checked": len(mine),
                "sharing": sum(covered > 0 for _, covered in mine),
                "words": sum(words for words, _ in mine),
                "covered": sum(covered for _, covered in mine),
            }
        )
    return rows


def overlap(step: Step, args: argparse.Namespace) -> None:
    """Publish the overlap of the held-out documents of a corpus with its training documents."""
    settings = step.settings
    rules = Rules(settings["ngram"], settings["minimum_words"], settings["sentence_words"])
    names = [source["name"] for source in settings["sources"] for _ in range(source["parts"])]
    paths = []
    for source, manifest in zip(names, args.curated, strict=True):
        paths.append((source, step.read("curated", manifest).path(f"{manifest.stem}.parquet")))
    sample = held_out(paths)
    chosen = sample.chosen()
    found = covered_words(chosen, paths, rules) if chosen else []
    rows = [
        {"id": one.id, "source": one.source, "split": one.split, "words": words, "covered": covered}
        for one, (words, covered) in zip(chosen, found, strict=True)
        if covered
    ]
    with step.publish() as out:
        write_table(out.file("overlap.parquet"), pa.Table.from_pylist(rows, schema=OVERLAP_SCHEMA))
        out.rows["overlap.parquet"] = len(rows)
        out.summary["held_out"] = account(sample, chosen, found)
        kept: Counter[str] = Counter()
        beyond: Counter[tuple[str, str]] = Counter()
        for row in out.summary["held_out"]:
            kept[row["source"]] += row["checked"]
            beyond[row["source"], "beyond_sample"] += row["documents"] - row["checked"]
        out.account_sources(kept, beyond)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    parser = step_parser(__doc__)
    parser.add_argument("--curated", type=Path, nargs="+", required=True, help="manifests of curated documents")
    return run_step(MODULE, parser, overlap, argv)


if __name__ == "__main__":
    raise SystemExit(main())
