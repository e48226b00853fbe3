"""Find the selected documents of a corpus that hold items of evaluation sets.

    python -m scripts.cleaning.decontaminate --documents results/sources/books/documents/0000.json \\
        --selections results/corpora/main/selection/books/0000.json --tasks results/tasks/boolq/items.json \\
        --manifest results/corpora/main/contamination.json --settings '{"sources": [{"name": "books", "parts": 1,
        "line_edits": ["c4"]}], "tasks": ["boolq"], "ngram": 13, "minimum_words": 8, "sentence_words": 5, "remove": "documents"}'

Texts are compared by their wording (scripts.cleaning.wording), so wrapping, hyphenation, case, punctuation and Unicode forms do
not hide an item. They are searched as they are and, where the corpus edits their lines, as `curate` will leave them: an edit may
bring the halves of an item together. Such an item has no place of its own in the document, so the whole of it goes. How much of
an item has to stand in a document, and how, depends on its length (scripts.cleaning.runs.Rules).
Writes `contamination.parquet`: a row per document, item and place (id, source, part, task, item, start and stop in code points
of the document's text, removed), in the order of the parts and of their documents. `removed` says whether the document goes;
with `remove: spans` only one does of which cutting the places out leaves hardly anything. The summary counts by task also the
items that only count together with others (`together`) and the texts that are not looked for at all (`too_short`).
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from scripts.cleaning.contamination import CHARACTERS, Found, ItemIndex
from scripts.cleaning.cuts import cut_spans, little_left
from scripts.cleaning.edits import edit_lines
from scripts.cleaning.parts import part_sources
from scripts.cleaning.runs import Rules
from scripts.lib.documents import DocumentWriter, read_batches
from scripts.lib.errors import UserError
from scripts.lib.manifest import Artefact
from scripts.lib.progress import progress
from scripts.lib.step import Step, run_step, step_parser

MODULE = "scripts.cleaning.decontaminate"
CONTAMINATION_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("id", "source", "part", "task", "item")),
        ("start", pa.int64()),
        ("stop", pa.int64()),
        ("removed", pa.bool_()),
    ]
)
ROWS = 200  # documents that are read at once


def selected_texts(documents: Path, selection: Path) -> Iterator[tuple[list[str], list[str]]]:
    """Yield ids and texts of the documents that a selection keeps, some at a time; UserError where the two do not fit."""
    ids: list[str] = []
    texts: list[str] = []
    characters = 0
    if pq.read_metadata(documents).num_rows != pq.read_metadata(selection).num_rows:
        raise UserError(f"{selection} does not decide on the documents of {documents}; run again.")
    verdicts = (row for batch in read_batches(selection, ["id", "kept"]) for row in zip(*_lists(batch), strict=True))
    for batch in read_batches(documents, ["id", "text"], ROWS):
        for identifier, text in zip(*_lists(batch), strict=True):
            other, kept = next(verdicts)
            if other != identifier:
                raise UserError(f"{selection} does not decide on the documents of {documents}; run again.")
            if kept:
                ids.append(identifier)
                texts.append(text)
                characters += len(text)
            if characters >= CHARACTERS:
                yield ids, texts
                ids, texts, characters = [], [], 0
    yield ids, texts


def _lists(batch: pa.RecordBatch) -> list[list[Any]]:
    return [column.to_pylist() for column in batch.columns]


class Tally:
    """Counts by task: items found, documents that hold one, documents of which spans are cut."""

    def __init__(self, tasks: Sequence[str], index: ItemIndex | None) -> None:
        self._tasks, self._index = tasks, index
        self._found = np.zeros(len(index.ids) if index else 0, np.bool_)
        self._documents, self._cut = [0] * len(tasks), [0] * len(tasks)
        self.incoming: Counter[str] = Counter()  # by source
        self.removed: Counter[str] = Counter()

    def add(self, source: str, found: Sequence[Found], removed: bool) -> None:
        """Count one contaminated document."""
        self.removed[source] += removed
        for task in sorted({one.task for one in found}):
            self._documents[task] += 1
            self._cut[task] += not removed
        for one in found:
            self._found[one.item] = True

    def summary(self) -> dict[str, Any]:
        """Return the counts as plain values."""
        index, result = self._index, {}
        tasks = np.array(index.task_of if index else [], np.int64)
        for task, name in enumerate(self._tasks):
            result[name] = {
                "documents": self._documents[task],
                "cut": self._cut[task],
                "items": int((self._found & (tasks == task)).sum()),
                "of": int((tasks == task).sum()),
                "together": index.together(task) if index else 0,
                "too_short": index.too_short(task) if index else 0,
            }
        return result


def found_in(texts: Sequence[str], index: ItemIndex, edits: Sequence[str], spans_only: bool) -> list[list[Found]]:
    """Return for each text the items in it, and those in what edits of lines leave of it, which stand for the whole text."""
    found = list(index.search(texts))
    if not edits:
        return found
    left: dict[int, str] = {}
    for number, (text, here) in enumerate(zip(texts, found, strict=True)):
        if here and not spans_only:
            continue  # it goes anyway
        stays = cut_spans(text, [span for one in here for span in one.spans]) if here else text
        edited, _ = edit_lines(stays, edits)
        if edited != stays:
            left[number] = edited
    for number, more in zip(left, index.search(list(left.values())), strict=True):
        found[number] += [replace(one, spans=[(0, len(texts[number]))]) for one in more]
    return found


def search(step: Step, args: argparse.Namespace, index: ItemIndex | None, tally: Tally, writer: DocumentWriter) -> None:
    """Write where items stand in the selected documents of all parts."""
    names, parts = step.settings["tasks"], part_sources(step.settings)
    edits = {source["name"]: source["line_edits"] for source in step.settings["sources"]} if index else {}
    spans_only = step.settings["remove"] == "spans"
    for (source, part), documents, selection in zip(parts, args.documents, args.selections, strict=True):
        paths = [_table(step.read("documents", documents)), _table(step.read("selections", selection))]
        if index is None:
            kept = pq.read_table(paths[1], columns=["kept"])["kept"]
            tally.incoming[source] += kept.to_pylist().count(True)
            continue
        batches = selected_texts(paths[0], paths[1])
        for ids, texts in progress(batches, None, f"{source} {part}"):
            tally.incoming[source] += len(ids)
            everywhere = found_in(texts, index, edits[source], spans_only)
            for identifier, text, found in zip(ids, texts, everywhere, strict=True):
                if not found:
                    continue
                spans = [span for one in found for span in one.spans]
                removed = not spans_only or little_left(text, cut_spans(text, spans))
                tally.add(source, found, removed)
                for one in found:
                    row = {"id": identifier, "source": source, "part": part, "task": names[one.task]}
                    for start, stop in one.spans:
                        place = {"item": index.ids[one.item], "start": start, "stop": stop, "removed": removed}
                        writer.write({**row, **place})


def _table(artefact: Artefact) -> Path:
    return artefact.path(f"{artefact.manifest_path.stem}.parquet")


def decontaminate(step: Step, args: argparse.Namespace) -> None:
    """Publish which documents hold which items."""
    settings = step.settings
    rules = Rules(settings["ngram"], settings["minimum_words"], settings["sentence_words"])
    tasks = [step.read("tasks", path) for path in args.tasks]
    index = ItemIndex(tasks, rules) if tasks else None
    tally = Tally(settings["tasks"], index)
    with step.publish() as out:
        with DocumentWriter(out.file("contamination.parquet"), CONTAMINATION_SCHEMA) as writer:
            search(step, args, index, tally, writer)
        out.rows["contamination.parquet"] = writer.rows
        out.summary.update(tally.summary())
        kept = {source: count - tally.removed[source] for source, count in tally.incoming.items()}
        out.account_sources(kept, {(source, "contaminated"): count for source, count in tally.removed.items()})


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    parser = step_parser(__doc__)
    parser.add_argument("--documents", type=Path, nargs="+", required=True, help="manifests of documents")
    parser.add_argument("--selections", type=Path, nargs="+", required=True, help="manifests of selections, same order")
    parser.add_argument("--tasks", type=Path, nargs="*", default=[], help="manifests of task items")
    return run_step(MODULE, parser, decontaminate, argv)


if __name__ == "__main__":
    raise SystemExit(main())
