"""Compute what duplicates are found by: an exact digest and a MinHash signature per document, shared by all corpora.

    python -m scripts.cleaning.signatures --settings '{"shingle": 5, "permutations": 128, "seed": 1}' \\
        --documents results/sources/books/documents/0000.json --manifest results/sources/books/signatures/0000.json

Writes `<part>.parquet`: id, characters, exact (16 bytes), minhash (uint32 [permutations], little endian).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from scripts.cleaning.minhash import exact_digest, normalised_words, permutations, shingle_hashes, signature
from scripts.lib.documents import DocumentWriter, read_rows
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
        ]
    )


def sign(step: Step, args: argparse.Namespace) -> None:
    """Publish the signatures of the documents of one part, in their order."""
    size, count = step.settings["shingle"], step.settings["permutations"]
    functions = permutations(count, step.settings["seed"])
    documents = step.read("documents", args.documents)
    name = f"{args.manifest.stem}.parquet"
    with step.publish() as out:
        with DocumentWriter(out.file(name), signature_schema(count)) as writer:
            rows = read_rows(documents.path(f"{args.documents.stem}.parquet"), ["id", "text"])
            for row in progress(rows, documents.manifest["accounting"]["kept"], "signatures"):
                found = normalised_words(row["text"])
                minhash = signature(shingle_hashes(found, size), functions).astype("<u4").tobytes()
                writer.write(
                    {
                        "id": row["id"],
                        "characters": len(row["text"]),
                        "exact": exact_digest(found),
                        "minhash": minhash,
                    }
                )
        out.rows[name] = writer.rows
        out.account(incoming=writer.rows, kept=writer.rows)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    parser = step_parser(__doc__)
    parser.add_argument("--documents", type=Path, required=True, help="manifest of the documents of one part")
    return run_step(MODULE, parser, sign, argv)


if __name__ == "__main__":
    raise SystemExit(main())
