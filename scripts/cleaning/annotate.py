"""Measure every document of a part once; no thresholds here, so a new threshold reads no text.

    python -m scripts.cleaning.annotate --settings '{}' --documents results/sources/books/documents/0000.json \\
        --manifest results/sources/books/annotations/0000.json

Writes `<part>.parquet`: id, url, language (as identified), language_score, and the columns of scripts.cleaning.measures.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from scripts.cleaning.language import Identifier, model_path
from scripts.cleaning.measures import COUNTS, MEASURED, measure
from scripts.lib.canonical import sha256_file
from scripts.lib.documents import DocumentWriter, read_rows
from scripts.lib.progress import progress
from scripts.lib.step import Step, run_step, step_parser

MODULE = "scripts.cleaning.annotate"
ANNOTATION_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("url", pa.string()),
        ("language", pa.string()),
        ("language_score", pa.float64()),
        *[(name, pa.int64() if name in COUNTS else pa.float64()) for name in MEASURED],
    ]
)


def annotate(step: Step, args: argparse.Namespace) -> None:
    """Publish the attributes of the documents of one part, in their order."""
    documents = step.read("documents", args.documents)
    identifier = Identifier()
    name = f"{args.manifest.stem}.parquet"
    with step.publish() as out:
        with DocumentWriter(out.file(name), ANNOTATION_SCHEMA) as writer:
            rows = read_rows(documents.path(f"{args.documents.stem}.parquet"), ["id", "text", "url"])
            for row in progress(rows, documents.manifest["accounting"]["kept"], "annotate"):
                language, score = identifier.identify(row["text"])
                found = {"language": language, "language_score": score, **measure(row["text"])}
                writer.write({"id": row["id"], "url": row["url"], **found})
        out.rows[name] = writer.rows
        out.summary["language_model"] = sha256_file(model_path())
        out.account(incoming=writer.rows, kept=writer.rows)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    parser = step_parser(__doc__)
    parser.add_argument("--documents", type=Path, required=True, help="manifest of the documents of one part")
    return run_step(MODULE, parser, annotate, argv)


if __name__ == "__main__":
    raise SystemExit(main())
