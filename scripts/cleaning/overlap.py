"""Measure how much of a corpus' held-out text stands in its training text, found as evaluation items are.

    python -m scripts.cleaning.overlap --curated results/corpora/main/documents/books/0000.json \\
        --manifest results/corpora/main/overlap.json --settings '{"sources": [{"name": "books", "parts": 1}],
        "ngram": 13, "minimum_words": 8, "sentence_words": 5}'

Near-duplicates are gone by now, but a quotation or a boilerplate may be left on both sides. The runs of all validation and test
documents are looked for in all training documents. They are indexed some 4,000,000 words at a time, so memory is bounded; for
each such slice the training documents stream by once. Writes `overlap.parquet`: a row per held-out document that shares a run
with a training document (id, source, split, words, covered: those in shared runs), in the order of the documents; the summary
counts by split and source the documents, those that share a run, the training documents that hold one (`touched`), words and
covered words.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from scripts.cleaning.contamination import CHARACTERS
from scripts.cleaning.parts import part_sources
from scripts.cleaning.runs import TOGETHER, Rules, Runs
from scripts.cleaning.sorting import Sorter, distinct, distinct_pairs
from scripts.cleaning.spool import spool_folder
from scripts.cleaning.wording import I64, Folding, Words, joined
from scripts.lib.documents import DocumentWriter, read_batches
from scripts.lib.progress import progress
from scripts.lib.step import Step, run_step, step_parser

MODULE = "scripts.cleaning.overlap"
OVERLAP_SCHEMA = pa.schema(
    [*((name, pa.string()) for name in ("id", "source", "split")), ("words", pa.int64()), ("covered", pa.int64())]
)
TRAIN = "train"
INDEXED = 1 << 22  # words and texts that are looked for at a time, some 200 bytes of memory each
ROWS = 200  # documents that are read at once
Paths = Sequence[tuple[str, Path]]
Group = tuple[str, str]  # split and source


@dataclass(frozen=True)
class Document:
    """A curated document without its text."""

    id: str
    source: str
    split: str


class Counts:
    """What is found, by split and source of the held-out documents; (group, training document) go to `touched`."""

    def __init__(self, touched: Sorter) -> None:
        self.touched = touched
        self.groups: dict[Group, int] = {}
        self.documents: Counter[int] = Counter()  # by group, as all that follow
        self.sharing: Counter[int] = Counter()
        self.words: Counter[int] = Counter()
        self.covered: Counter[int] = Counter()

    def group(self, document: Document) -> int:
        """Return the number of the group of a held-out document."""
        return self.groups.setdefault((document.split, document.source), len(self.groups))

    def add(self, document: Document, words: int, covered: int) -> None:
        """Count one held-out document."""
        group = self.group(document)
        self.documents[group] += 1
        self.sharing[group] += covered > 0
        self.words[group] += words
        self.covered[group] += covered

    def rows(self) -> list[dict[str, Any]]:
        """Return the counts as plain values, by split and source."""
        touched: Counter[int] = Counter()
        for block in distinct(self.touched.blocks()):
            touched.update(block[:, 0].tolist())
        return [
            {
                "split": split,
                "source": source,
                "documents": self.documents[group],
                "sharing": self.sharing[group],
                "touched": touched[group],
                "words": self.words[group],
                "covered": self.covered[group],
            }
            for (split, source), group in sorted(self.groups.items())
        ]


def read_texts(paths: Paths, train: bool) -> Iterator[tuple[list[Document], list[str]]]:
    """Yield the documents that are trained on, or those that are not, with their texts, some at a time."""
    documents: list[Document] = []
    texts: list[str] = []
    characters = 0
    for source, path in paths:
        for batch in progress(read_batches(path, ["id", "text", "split"], ROWS), None, f"{source} {path.stem}"):
            for identifier, text, split in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                if (split == TRAIN) == train:
                    documents.append(Document(identifier, source, split))
                    texts.append(text)
                    characters += len(text)
                if characters >= CHARACTERS:
                    yield documents, texts
                    documents, texts, characters = [], [], 0
    if texts:
        yield documents, texts


def slices(paths: Paths, folding: Folding) -> Iterator[tuple[list[Document], Words]]:
    """Yield the held-out documents with their words, as many at a time as are indexed together."""
    documents: list[Document] = []
    parts: list[Words] = []
    for some, texts in read_texts(paths, train=False):
        documents += some
        parts.append(folding.words(texts))
        if sum(len(part.hashes) + len(part.texts) for part in parts) >= INDEXED:
            yield documents, joined(parts)
            documents, parts = [], []
    if parts:
        yield documents, joined(parts)


def search(runs: Runs, groups: I64, paths: Paths, folding: Folding, touched: Sorter) -> NDArray[np.bool_]:
    """Return which runs stand in training documents. `groups` has that of every held-out document."""
    evidence = runs.manners != TOGETHER
    owners = distinct_pairs(runs.entry_runs(), groups[runs.entry_texts])  # runs with the groups that have them
    begins = np.searchsorted(owners[:, 0], np.arange(len(runs) + 1))
    seen, first = np.zeros(len(runs), np.bool_), 0
    for documents, texts in read_texts(paths, train=True):
        words = folding.words(texts)
        hits = runs.find(words)
        holders = np.searchsorted(words.texts, hits.starts, side="right") - 1
        counts = evidence[hits.runs]
        found = distinct_pairs(hits.runs[counts], holders[counts])
        seen[found[:, 0]] = True
        several = begins[found[:, 0] + 1] - begins[found[:, 0]]  # groups of each
        before = np.cumsum(several) - several
        entries = np.arange(several.sum()) + np.repeat(begins[found[:, 0]] - before, several)
        touched.add(distinct_pairs(owners[entries, 1], first + np.repeat(found[:, 1], several)).astype(np.uint64))
        first += len(documents)
    return seen


def covered_words(words: Words, runs: Runs, seen: NDArray[np.bool_]) -> list[int]:
    """Return for each held-out document how many of its words stand in runs that were seen."""
    edges = np.zeros(len(words.hashes) + 1, np.int64)
    for run in np.flatnonzero(seen).tolist():
        places = runs.places_of(run)
        np.add.at(edges, places, 1)
        np.add.at(edges, places + runs.lengths[run], -1)
    covered = np.concatenate([[0], np.cumsum(np.cumsum(edges)[:-1] > 0)])
    found: list[int] = np.diff(covered[words.texts]).tolist()
    return found


def overlap(step: Step, args: argparse.Namespace) -> None:
    """Publish the overlap of the held-out documents of a corpus with its training documents."""
    settings = step.settings
    rules = Rules(settings["ngram"], settings["minimum_words"], settings["sentence_words"])
    paths = []
    for (source, _), manifest in zip(part_sources(settings), args.curated, strict=True):
        paths.append((source, step.read("curated", manifest).path(f"{manifest.stem}.parquet")))
    folding = Folding()
    with step.publish() as out, spool_folder(args.manifest) as folder:
        counts = Counts(Sorter(folder / "touched", 2))
        with DocumentWriter(out.file("overlap.parquet"), OVERLAP_SCHEMA) as writer:
            for documents, words in slices(paths, folding):
                runs, groups = Runs(words, rules), np.array([counts.group(one) for one in documents], np.int64)
                covered = covered_words(words, runs, search(runs, groups, paths, folding, counts.touched))
                for one, number, found in zip(documents, np.diff(words.texts).tolist(), covered, strict=True):
                    counts.add(one, number, found)
                    if found:
                        row = {"id": one.id, "source": one.source, "split": one.split}
                        writer.write({**row, "words": number, "covered": found})
        out.rows["overlap.parquet"] = writer.rows
        out.summary["held_out"] = counts.rows()
        kept = Counter({source: 0 for source, _ in paths})
        for row in out.summary["held_out"]:
            kept[row["source"]] += row["documents"]
        out.account_sources(kept, {})


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    parser = step_parser(__doc__)
    parser.add_argument("--curated", type=Path, nargs="+", required=True, help="manifests of curated documents")
    return run_step(MODULE, parser, overlap, argv)


if __name__ == "__main__":
    raise SystemExit(main())
