"""Find the duplicates among the selected documents of a corpus, within and across its sources.

    python -m scripts.cleaning.deduplicate --signatures results/sources/books/signatures/0000.json \\
        --selections results/corpora/main/selection/books/0000.json --manifest results/corpora/main/duplicates.json \\
        --settings '{"sources": [{"name": "books", "parts": 1}], "exact": true, "near": {"bands": 21, "rows": 6,
        "similarity": 0.7}, "paragraphs": null}'

Signatures and selections come in the order of source priority, parts ascending. Writes `duplicates.parquet`: a row per document
that goes (id, source, part, kind, survivor, cluster), by source, part and id; documents of one id are copies too (kind `id`).
With `paragraphs`, paragraphs that stand in several documents go from all but the first: `duplicates.paragraphs.parquet` has a
row for each (id, source, part, paragraph, characters, survivor), and a document of which nothing is left goes (kind
`paragraph`). Which document is the first is told in `scripts.cleaning.survivors`. Signatures stay on disk: a document takes
some 60 bytes of memory, and 100 more when it is a copy.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scripts.cleaning.clusters import canonical_order, clustered, join
from scripts.cleaning.corpus import DIGEST, Corpus, Part, read_corpus
from scripts.cleaning.curve import curve, least_agreement
from scripts.cleaning.paragraphs import TABLE
from scripts.cleaning.parts import part_sources
from scripts.cleaning.repeated import Repeats, repeated_paragraphs
from scripts.cleaning.spool import I64, Spool, spool_folder
from scripts.cleaning.survivors import firsts, ranked
from scripts.lib.documents import DocumentWriter
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
KINDS = ("id", "exact", "near", "paragraph")


def components(corpus: Corpus, exact: bool, near: Mapping[str, Any] | None) -> I64:
    """Join copies: by id, by text, by similarity. Returns the forest, int64 [documents]."""
    parent = np.arange(len(corpus), dtype=np.int64)
    ids, texts = (_first_half(spool) for spool in (corpus.ids, corpus.exact))
    order = canonical_order(ids, texts)
    join(parent, ids, order, corpus.ids, DIGEST)
    if exact:
        join(parent, texts, order, corpus.exact, DIGEST)
    del ids, texts
    if near is not None:
        least = least_agreement(corpus.minhash.width, near["similarity"])
        for band in progress(corpus.bands, len(corpus.bands), "bands"):
            join(parent, band.load(), order, corpus.minhash, least)
    return parent


def _first_half(digests: Spool) -> np.ndarray[Any, np.dtype[np.uint64]]:
    return np.ascontiguousarray(digests.load()[:, : DIGEST // 2]).view("<u8").reshape(-1)


def copies(corpus: Corpus, parent: I64, exact: bool) -> tuple[I64, I64, I64]:
    """Return the documents that go, the survivor of each, and its kind as a place in KINDS."""
    members, group = clustered(parent)
    order = ranked(corpus, members, group)
    members, group = members[order], group[order]
    first = firsts(group)
    goes = first != np.arange(len(first))
    documents, survivors = members[goes], members[first[goes]]
    kinds = np.full(len(documents), KINDS.index("near"), np.int64)
    if exact:
        kinds[(corpus.exact.pick(documents) == corpus.exact.pick(survivors)).all(axis=1)] = KINDS.index("exact")
    kinds[(corpus.ids.pick(documents) == corpus.ids.pick(survivors)).all(axis=1)] = KINDS.index("id")
    return documents, survivors, kinds


def write_rows(path: Path, corpus: Corpus, schema: pa.Schema, documents: I64, columns: Mapping[str, Any]) -> int:
    """Write rows about documents, those of a part as one row group in the order of ids, and return how many.

    `columns` holds what stands between the document's own columns and its survivor, a position; survivors are named twice
    where the schema has a cluster.
    """
    with DocumentWriter(path, schema) as writer:
        order = np.argsort(corpus.part[documents], kind="stable")
        parts, counts = np.unique(corpus.part[documents], return_counts=True)
        stops = np.cumsum(counts)
        for number, start, stop in zip(parts, stops - counts, stops, strict=True):
            some = order[start:stop]
            part, names = corpus.parts[number], _names(corpus, documents[some])
            found = {"id": names, "source": pa.repeat(part.source, len(some)), "part": pa.repeat(part.part, len(some))}
            found |= {name: pa.array(values).take(pa.array(some)) for name, values in columns.items()}
            found["survivor"] = _names(corpus, columns["survivor"][some])
            if "cluster" in schema.names:
                found["cluster"] = found["survivor"]
            table = pa.table([found[name] for name in schema.names], schema=schema)
            keys = [(name, "ascending") for name in ("id", "paragraph") if name in schema.names]
            writer.write_table(table.take(pc.sort_indices(table, sort_keys=keys)))
    return len(documents)


def _names(corpus: Corpus, positions: I64) -> pa.Array:
    return corpus.names.pick(positions).cast(pa.large_string()).cast(pa.string())


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
        documents, survivors, kinds = copies(corpus, components(corpus, exact, near), exact)
        sizes = np.unique(np.unique(survivors, return_counts=True)[1] + 1, return_counts=True)
        out.summary["cluster_sizes"] = {str(size): int(count) for size, count in zip(*sizes, strict=True)}
        gone = np.zeros(len(corpus), np.bool_)
        gone[documents] = True
        repeats = repeated_paragraphs(corpus, gone)
        documents = np.concatenate([documents, repeats.emptied[:, 0]])
        survivors = np.concatenate([survivors, repeats.emptied[:, 1]])
        kinds = np.concatenate([kinds, np.full(len(repeats.emptied), KINDS.index("paragraph"), np.int64)])
        publish(out, corpus, documents, survivors, kinds, repeats)
        out.summary["near"] = _theory(corpus.minhash.width, near) if near else None


def publish(out: Output, corpus: Corpus, documents: I64, survivors: I64, kinds: I64, repeats: Repeats) -> None:
    """Write both tables and account for every document and every paragraph that goes."""
    names = pa.DictionaryArray.from_arrays(pa.array(kinds), pa.array(KINDS)).cast(pa.string())
    columns = {"kind": names, "survivor": survivors}
    out.rows["duplicates.parquet"] = write_rows(
        out.file("duplicates.parquet"), corpus, DUPLICATE_SCHEMA, documents, columns
    )
    lost = repeats.paragraphs
    columns = {"paragraph": lost["number"], "characters": lost["characters"], "survivor": lost["survivor"]}
    out.rows[TABLE] = write_rows(out.file(TABLE), corpus, PARAGRAPH_SCHEMA, lost["document"], columns)
    out.summary["paragraphs"] = paragraph_counts(corpus, repeats)
    names, everything = corpus.source_names(), corpus.sources(np.arange(len(corpus), dtype=np.int64))
    counts = dict(zip(names, np.bincount(everything, minlength=len(names)).tolist(), strict=True))
    removed: Counter[tuple[str, str]] = Counter()
    for rank, kind in zip(corpus.sources(documents).tolist(), kinds.tolist(), strict=True):
        removed[names[rank], f"{KINDS[kind]}_duplicate"] += 1
        counts[names[rank]] -= 1
    out.account_sources(counts, removed)


def paragraph_counts(corpus: Corpus, repeats: Repeats) -> dict[str, dict[str, int]]:
    """Return by source how many documents lose paragraphs but stay, how many paragraphs, and of how many characters."""
    lost, sources = repeats.paragraphs, corpus.source_names()
    owner, found = corpus.sources(lost["document"]), {}
    for rank, name in enumerate(sources):
        mine = lost[owner == rank]
        if len(mine):
            found[name] = {
                "documents": len(np.unique(mine["document"])),
                "paragraphs": len(mine),
                "characters": int(mine["characters"].sum(dtype=np.int64)),
            }
    return found


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
