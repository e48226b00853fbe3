"""Compute what duplicates are found by: exact digests and a MinHash signature per document, shared by all corpora.

    python -m scripts.cleaning.signatures --settings '{"shingle": 5, "permutations": 128, "seed": 1}' \\
        --documents results/sources/books/documents/0000.json --manifest results/sources/books/signatures/0000.json

Writes `<part>.parquet`: id, characters, exact (16 bytes), minhash (uint32 [permutations], little endian), the number of
paragraphs that hold a word, and those of at least 100 characters as packed records (`scripts.cleaning.minhash.PARAGRAPH`).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scripts.cleaning.folding import U64
from scripts.cleaning.minhash import PARAGRAPH, Signatures, permutations
from scripts.lib.documents import ROW_GROUP_ROWS, DocumentWriter, read_batches
from scripts.lib.progress import progress
from scripts.lib.step import Step, run_step, step_parser

MODULE = "scripts.cleaning.signatures"


def signature_schema(count: int) -> pa.Schema:
    """Return the schema of signatures of `count` permutations."""
    return pa.schema(
        [
            ("id", pa.string()),
            ("characters", pa.int64()),
            ("exact", pa.binary(16)),
            ("minhash", pa.binary(4 * count)),
            ("worded", pa.int32()),
            ("paragraphs", pa.binary()),
        ]
    )


def signed(batch: pa.RecordBatch, size: int, functions: tuple[U64, U64]) -> pa.RecordBatch:
    """Return the signatures of a batch of documents (id, text)."""
    texts, schema = batch.column("text"), signature_schema(len(functions[0]))
    found = Signatures(texts, size, functions)
    fixed = [
        pa.Array.from_buffers(field.type, len(texts), [None, pa.py_buffer(np.ascontiguousarray(rows, little))])
        for field, rows, little in zip(
            (schema.field("exact"), schema.field("minhash")), (found.exact, found.minhash), ("<u8", "<u4"), strict=True
        )
    ]
    ends = np.concatenate([[0], found.ends * PARAGRAPH.itemsize]).astype(np.int32)
    packed = [None, pa.py_buffer(ends), pa.py_buffer(found.paragraphs)]
    columns = [batch.column("id"), pc.utf8_length(texts).cast(pa.int64()), *fixed, pa.array(found.worded)]
    columns.append(pa.Array.from_buffers(pa.binary(), len(texts), packed))
    return pa.record_batch(columns, schema=schema)


def sign(step: Step, args: argparse.Namespace) -> None:
    """Publish the signatures of the documents of one part, in their order."""
    size, count = step.settings["shingle"], step.settings["permutations"]
    functions = permutations(count, step.settings["seed"])
    documents = step.read("documents", args.documents)
    name = f"{args.manifest.stem}.parquet"
    kept, held = [], 0
    with step.publish() as out:
        with DocumentWriter(out.file(name), signature_schema(count)) as writer:
            batches = read_batches(documents.path(f"{args.documents.stem}.parquet"), ["id", "text"])
            for batch in progress(batches, None, "signatures"):
                kept.append(signed(batch, size, functions))
                held += len(batch)
                if held >= ROW_GROUP_ROWS:
                    writer.write_table(pa.Table.from_batches(kept))
                    kept, held = [], 0
            if kept:
                writer.write_table(pa.Table.from_batches(kept))
        out.rows[name] = writer.rows
        out.account(incoming=writer.rows, kept=writer.rows)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    parser = step_parser(__doc__)
    parser.add_argument("--documents", type=Path, required=True, help="manifest of the documents of one part")
    return run_step(MODULE, parser, sign, argv)


if __name__ == "__main__":
    raise SystemExit(main())
