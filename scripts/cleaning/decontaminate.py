"""Find the selected documents of a corpus that hold items of evaluation sets.

    python -m scripts.cleaning.decontaminate --documents results/sources/books/documents/0000.json \\
        --selections results/corpora/main/selection/books/0000.json --tasks results/tasks/boolq/items.json \\
        --manifest results/corpora/main/contamination.json --settings '{"sources": [{"name": "books", "parts": 1}],
        "tasks": ["boolq"], "ngram": 13, "minimum_words": 8}'

Texts are compared as normalised words (compatibility forms, case folded, no punctuation), so wrapping, case and punctuation do
not hide an item. A document is contaminated by an item when it holds a run of `ngram` words of it (Brown et al. 2020, appendix
C), or all of it when it is shorter; items below `minimum_words` are too common to be looked for and are counted. Writes
`contamination.parquet`: a row per document and item (id, source, part, task, item), sorted.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from scripts.cleaning.deduplicate import kept_ids, part_sources
from scripts.cleaning.folding import normalised_words
from scripts.lib.documents import read_rows, write_table
from scripts.lib.manifest import Artefact
from scripts.lib.progress import progress
from scripts.lib.step import Step, run_step, step_parser

MODULE = "scripts.cleaning.decontaminate"
CONTAMINATION_SCHEMA = pa.schema([(name, pa.string()) for name in ("id", "source", "part", "task", "item")])
Item = tuple[str, str]  # task and id


def grams(found: Sequence[str], size: int) -> Iterator[str]:
    """Yield all runs of `size` words, joined."""
    for start in range(len(found) - size + 1):
        yield " ".join(found[start : start + size])


class Index:
    """Runs of words of evaluation items, by length of run, with the items that hold them."""

    def __init__(self, ngram: int, minimum_words: int) -> None:
        self.ngram = ngram
        self.minimum_words = minimum_words
        self.short: Counter[str] = Counter()
        self._items: dict[int, dict[str, set[Item]]] = {}

    def add(self, task: str, item: str, text: str) -> None:
        """Add one text of an item."""
        found = normalised_words(text)
        if len(found) < self.minimum_words:
            self.short[task] += 1
            return
        size = min(self.ngram, len(found))
        for gram in grams(found, size):
            self._items.setdefault(size, {}).setdefault(gram, set()).add((task, item))

    def find(self, text: str) -> set[Item]:
        """Return the items of which a text holds a run."""
        found = normalised_words(text)
        hits: set[Item] = set()
        for size, items in self._items.items():
            for gram in grams(found, size):
                if gram in items:
                    hits |= items[gram]
        return hits

    def __bool__(self) -> bool:
        return bool(self._items)


def build_index(index: Index, names: Sequence[str], tasks: Sequence[Artefact]) -> None:
    """Add all texts of all tasks to the index."""
    for name, task in zip(names, tasks, strict=True):
        for row in read_rows(task.path(f"{task.manifest_path.stem}.parquet"), ["id", "contamination_text"]):
            for text in row["contamination_text"]:
                index.add(name, row["id"], text)


def decontaminate(step: Step, args: argparse.Namespace) -> None:
    """Publish which documents hold which items."""
    settings = step.settings
    names, parts = settings["tasks"], part_sources(settings)
    index = Index(settings["ngram"], settings["minimum_words"])
    build_index(index, names, [step.read("tasks", path) for path in args.tasks])
    lines: list[tuple[str, str, str, str, str]] = []
    incoming = 0
    for (source, part), documents, selection in zip(parts, args.documents, args.selections, strict=True):
        texts = step.read("documents", documents).path(f"{documents.stem}.parquet")
        keep = kept_ids(step.read("selections", selection).path(f"{selection.stem}.parquet"))
        incoming += len(keep)
        if index:
            for row in progress(read_rows(texts, ["id", "text"]), pq.read_metadata(texts).num_rows, source):
                if row["id"] in keep:
                    lines += [(row["id"], source, part, task, item) for task, item in index.find(row["text"])]
    lines.sort()
    columns = [list(column) for column in zip(*lines, strict=True)] if lines else [[] for _ in CONTAMINATION_SCHEMA]
    touched = len({line[:3] for line in lines})
    with step.publish() as out:
        write_table(out.file("contamination.parquet"), pa.table(columns, schema=CONTAMINATION_SCHEMA))
        out.rows["contamination.parquet"] = len(lines)
        for name in names:
            mine = [line for line in lines if line[3] == name]
            out.summary[name] = {
                "documents": len({line[:3] for line in mine}),
                "items": len({line[4] for line in mine}),
                "too_short": index.short[name],
            }
        out.account(incoming=incoming, kept=incoming - touched, removed={"contaminated": touched} if touched else {})


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    parser = step_parser(__doc__)
    parser.add_argument("--documents", type=Path, nargs="+", required=True, help="manifests of documents")
    parser.add_argument("--selections", type=Path, nargs="+", required=True, help="manifests of selections, same order")
    parser.add_argument("--tasks", type=Path, nargs="*", default=[], help="manifests of task items")
    return run_step(MODULE, parser, decontaminate, argv)


if __name__ == "__main__":
    raise SystemExit(main())
