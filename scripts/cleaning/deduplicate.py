"""Find the duplicates among the selected documents of a corpus, within and across its sources.

    python -m scripts.cleaning.deduplicate --signatures results/sources/books/signatures/0000.json \\
        --selections results/corpora/main/selection/books/0000.json --manifest results/corpora/main/duplicates.json \\
        --settings '{"sources": [{"name": "books", "parts": 1}], "exact": true, "near": {"bands": 21, "rows": 6,
        "similarity": 0.7}, "paragraphs": null}'

Signatures and selections come in the order of source priority, parts ascending. Writes `duplicates.parquet`: a row per document
that goes (id, source, part, kind, survivor, cluster); documents of one id are copies too (kind `id`).
With `paragraphs`, paragraphs that stand in several documents go from all but the first: `duplicates.paragraphs.parquet` has a
row for each (id, source, part, paragraph, characters, survivor), and a document of which nothing is left goes (kind
`paragraph`). Which document is the first is told in `scripts.cleaning.survivors`. Both tables are in the order in which the
documents come. What grows with the documents or their pairs is on disk and sorted there; memory does not grow with either.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from scripts.cleaning.clusters import Joiner, halves
from scripts.cleaning.components import Components
from scripts.cleaning.corpus import DIGEST, Corpus, Part, read_corpus
from scripts.cleaning.curve import curve, least_agreement
from scripts.cleaning.folding import U64
from scripts.cleaning.paragraphs import TABLE
from scripts.cleaning.parts import part_sources
from scripts.cleaning.repeated import Repeats, repeated_paragraphs
from scripts.cleaning.sorting import Sorter, sliced
from scripts.cleaning.spool import spool_folder
from scripts.cleaning.survivors import KINDS, copies
from scripts.lib.documents import ROW_GROUP_ROWS, DocumentWriter
from scripts.lib.progress import progress
from scripts.lib.step import Output, Step, run_step, step_parser

MODULE = "scripts.cleaning.deduplicate"
DUPLICATE_SCHEMA = pa.schema([(name, pa.string()) for name in ("id", "source", "part", "kind", "survivor", "cluster")])
PARAGRAPH_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("source", pa.string()),
        ("part", pa.string()),
        ("paragraph", pa.int32()),
        ("characters", pa.int32()),
        ("survivor", pa.string()),
    ]
)
Columns = Callable[[Corpus, U64], dict[str, pa.Array]]


def components(corpus: Corpus, folder: Path, exact: bool, near: Mapping[str, Any] | None) -> Components:
    """Join copies: by id, by text, by similarity."""
    joiner = Joiner(folder, corpus.ids, corpus.exact)
    joiner.join(partial(halves, corpus.ids), corpus.ids, DIGEST)
    if exact:
        joiner.join(partial(halves, corpus.exact), corpus.exact, DIGEST)
    if near is not None:
        least = least_agreement(corpus.minhash.width, near["similarity"])
        for band in progress(corpus.bands, len(corpus.bands), "bands"):
            joiner.join(band.blocks, corpus.minhash, least)
    return joiner.components


def deduplicate(step: Step, args: argparse.Namespace) -> None:
    """Publish which documents go, and which survive."""
    exact, near, cut = (step.settings[name] for name in ("exact", "near", "paragraphs"))
    parts = [
        Part(source, part, step.read("signatures", signatures), step.read("selections", selection))
        for (source, part), signatures, selection in zip(
            part_sources(step.settings), args.signatures, args.selections, strict=True
        )
    ]
    bands, rows = (near["bands"], near["rows"]) if near else (0, 0)
    with step.publish() as out, spool_folder(args.manifest) as folder:
        corpus = read_corpus(parts, folder, bands, rows, cut["minimum_characters"] if cut else None)
        found = copies(corpus, components(corpus, folder, exact, near), exact, folder)
        repeats = repeated_paragraphs(corpus, found.rows.blocks(), folder)
        publish(out, corpus, found.rows, repeats)
        out.summary["cluster_sizes"] = {str(size): found.sizes[size] for size in sorted(found.sizes)}
        out.summary["near"] = _theory(corpus.minhash.width, near) if near else None


def publish(out: Output, corpus: Corpus, leaving: Sorter, repeats: Repeats) -> None:
    """Write both tables and account for every document and every paragraph that goes; `leaving` takes those emptied too."""
    for rows in repeats.emptied.blocks():
        leaving.add(rows)
    out.rows["duplicates.parquet"] = write_rows(
        out.file("duplicates.parquet"), DUPLICATE_SCHEMA, corpus, leaving.blocks(), _copies
    )
    out.rows[TABLE] = write_rows(
        out.file(TABLE), PARAGRAPH_SCHEMA, corpus, repeats.paragraphs.blocks(), _lost_paragraphs
    )
    out.summary["paragraphs"] = paragraph_counts(corpus, repeats.paragraphs.blocks())
    counts = Counter({name: 0 for name in corpus.source_names()})
    for part in corpus.parts:
        counts[part.source] += part.kept
    removed: Counter[tuple[str, str]] = Counter()
    for rows in leaving.blocks():
        for source, kind in _sources_and(corpus, rows[:, 0], rows[:, 2]):
            removed[source, f"{KINDS[kind]}_duplicate"] += 1
            counts[source] -= 1
    out.account_sources(counts, removed)


def write_rows(path: Path, schema: pa.Schema, corpus: Corpus, blocks: Iterable[U64], columns: Columns) -> int:
    """Write a row for each (document, …), in their order, and return how many; `columns` has what the schema adds."""
    with DocumentWriter(path, schema) as writer:
        for rows in sliced(blocks, ROW_GROUP_ROWS):
            parts = corpus.part(rows[:, 0].astype(np.int64))
            found = {
                "id": _names(corpus, rows[:, 0]),
                "source": pa.array([corpus.parts[part].source for part in parts]),
                "part": pa.array([corpus.parts[part].part for part in parts]),
                **columns(corpus, rows),
            }
            writer.write_table(pa.table([found[name] for name in schema.names], schema=schema))
        return writer.rows


def _copies(corpus: Corpus, rows: U64) -> dict[str, pa.Array]:
    survivors = _names(corpus, rows[:, 1])
    return {
        "kind": pa.array([KINDS[kind] for kind in rows[:, 2]], pa.string()),
        "survivor": survivors,
        "cluster": survivors,
    }


def _lost_paragraphs(corpus: Corpus, rows: U64) -> dict[str, pa.Array]:
    return {
        "paragraph": pa.array(rows[:, 1].astype(np.int32)),
        "characters": pa.array(rows[:, 2].astype(np.int32)),
        "survivor": _names(corpus, rows[:, 3]),
    }


def _names(corpus: Corpus, positions: U64) -> pa.Array:
    return corpus.names.pick(positions.astype(np.int64)).cast(pa.large_string()).cast(pa.string())


def _sources_and(corpus: Corpus, documents: U64, values: U64) -> Iterator[tuple[str, int]]:
    """Yield the source of each document with a value."""
    names = corpus.source_names()
    for rank, value in zip(corpus.sources(documents.astype(np.int64)).tolist(), values.tolist(), strict=True):
        yield names[rank], value


def paragraph_counts(corpus: Corpus, blocks: Iterable[U64]) -> dict[str, dict[str, int]]:
    """Return by source how many documents lose paragraphs but stay, how many paragraphs, and of how many characters."""
    names = ("documents", "paragraphs", "characters")
    found = {source: dict.fromkeys(names, 0) for source in corpus.source_names()}
    last = -1
    for rows in blocks:
        documents = rows[:, 0].tolist()
        for document, (source, characters) in zip(documents, _sources_and(corpus, rows[:, 0], rows[:, 2]), strict=True):
            for name, value in zip(names, (document != last, 1, characters), strict=True):
                found[source][name] += value
            last = document
    return {source: counts for source, counts in found.items() if counts["paragraphs"]}


def _theory(permutations: int, near: Mapping[str, Any]) -> dict[str, Any]:
    bands, rows, similarity = near["bands"], near["rows"], near["similarity"]
    shape = {"permutations": permutations, "bands": bands, "rows": rows, "similarity": similarity}
    return {**shape, "curve": curve(bands, rows, permutations, similarity)}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    parser = step_parser(__doc__)
    parser.add_argument("--signatures", type=Path, nargs="+", required=True, help="manifests of signatures")
    parser.add_argument("--selections", type=Path, nargs="+", required=True, help="manifests of selections, same order")
    return run_step(MODULE, parser, deduplicate, argv)


if __name__ == "__main__":
    raise SystemExit(main())
