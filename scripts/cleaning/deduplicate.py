"""Find the duplicates among the selected documents of a corpus, within and across its sources.

    python -m scripts.cleaning.deduplicate --signatures results/sources/books/signatures/0000.json \\
        --selections results/corpora/main/selection/books/0000.json --manifest results/corpora/main/duplicates.json \\
        --settings '{"sources": [{"name": "books", "parts": 1}], "exact": true, "near": {"bands": 16, "rows": 8,
        "similarity": 0.7}}'

Signatures and selections come in the order of source priority, parts ascending. Writes `duplicates.parquet`: a row per
document that goes (id, source, part, kind, survivor, cluster), sorted by id. Documents of one id are copies too (kind `id`).
The survivor of a cluster is the first by source priority, then longer text, then id, so neither arrival nor the number of
parts counts.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from scripts.cleaning.clusters import removed
from scripts.lib.documents import write_table
from scripts.lib.step import Step, run_step, step_parser

MODULE = "scripts.cleaning.deduplicate"
DUPLICATE_SCHEMA = pa.schema([(name, pa.string()) for name in ("id", "source", "part", "kind", "survivor", "cluster")])


def part_sources(settings: Any) -> list[tuple[str, str]]:
    """Return source and name of every part, in the order in which the parts are given."""
    return [(source["name"], f"{part:04d}") for source in settings["sources"] for part in range(source["parts"])]


def kept_ids(path: Path) -> set[str]:
    """Return the ids of the documents that a selection keeps."""
    table = pq.read_table(path, columns=["id", "kept"])
    return {identifier for identifier, kept in zip(*(column.to_pylist() for column in table), strict=True) if kept}


def candidates(step: Step, args: argparse.Namespace, parts: Sequence[tuple[str, str]]) -> pa.Table:
    """Return the signatures of all selected documents with source, part and priority, in rank order."""
    tables = []
    ranks = {name: rank for rank, name in enumerate(dict.fromkeys(source for source, _ in parts))}
    for (source, part), signatures, selection in zip(parts, args.signatures, args.selections, strict=True):
        table = pq.read_table(step.read("signatures", signatures).path(f"{signatures.stem}.parquet"))
        keep = kept_ids(step.read("selections", selection).path(f"{selection.stem}.parquet"))
        table = table.filter(pa.array([identifier in keep for identifier in table["id"].to_pylist()], pa.bool_()))
        table = table.append_column("source", pa.array([source] * table.num_rows, pa.string()))
        table = table.append_column("part", pa.array([part] * table.num_rows, pa.string()))
        tables.append(table.append_column("rank", pa.array([ranks[source]] * table.num_rows, pa.int64())))
    order = ("rank", "ascending"), ("characters", "descending"), ("id", "ascending"), ("part", "ascending")
    return pa.concat_tables(tables).sort_by(list(order))


def deduplicate(step: Step, args: argparse.Namespace) -> None:
    """Publish which documents go, and which survive."""
    settings = step.settings
    exact, near = settings["exact"], settings["near"]
    bands, rows, similarity = (near["bands"], near["rows"], near["similarity"]) if near else (0, 0, 1.0)
    table = candidates(step, args, part_sources(settings))
    minhashes = None
    if near and table.num_rows:
        joined = b"".join(table["minhash"].to_pylist())
        minhashes = np.frombuffer(joined, "<u4").reshape(table.num_rows, -1)
    ids, names, parts = (table[name].to_pylist() for name in ("id", "source", "part"))
    found = removed(ids, table["exact"].to_pylist(), minhashes, exact, bands, rows, similarity)
    lines = sorted(
        (
            ids[one.document],
            names[one.document],
            parts[one.document],
            one.kind,
            ids[one.survivor],
            ids[one.survivor],
        )
        for one in found
    )
    columns = [list(column) for column in zip(*lines, strict=True)] if lines else [[] for _ in DUPLICATE_SCHEMA]
    sizes = Counter(Counter(line[5] for line in lines).values())
    with step.publish() as out:
        write_table(out.file("duplicates.parquet"), pa.table(columns, schema=DUPLICATE_SCHEMA))
        out.rows["duplicates.parquet"] = len(lines)
        out.summary["cluster_sizes"] = {str(size + 1): count for size, count in sorted(sizes.items())}
        kinds = Counter(f"{line[3]}_duplicate" for line in lines)
        out.account(incoming=table.num_rows, kept=table.num_rows - len(lines), removed=dict(sorted(kinds.items())))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    parser = step_parser(__doc__)
    parser.add_argument("--signatures", type=Path, nargs="+", required=True, help="manifests of signatures")
    parser.add_argument("--selections", type=Path, nargs="+", required=True, help="manifests of selections, same order")
    return run_step(MODULE, parser, deduplicate, argv)


if __name__ == "__main__":
    raise SystemExit(main())
