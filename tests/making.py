"""Published artefacts for tests, made through the library as programs make them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from numpy.typing import NDArray

from scripts.cleaning.curate import CURATED_SCHEMA
from scripts.lib.documents import DOCUMENT_SCHEMA, DocumentWriter
from scripts.lib.packing import Packing, index_block
from scripts.lib.step import Step, step_parser

Row = dict[str, Any]


def at(values: Any, name: str) -> Any:
    """Return the value at a dotted name in nested mappings."""
    for key in name.split("."):
        values = values[key]
    return values


def publish_rows(
    manifest: Path,
    rows: Sequence[Row],
    schema: pa.Schema,
    summary: Row | None = None,
    **more: tuple[Sequence[Row], pa.Schema],
) -> Path:
    """Publish rows as the Parquet file of an artefact, and more of them by what their names have; what a row lacks is null."""
    step = Step("scripts.lib.step", step_parser("").parse_args(["--settings", "{}", "--manifest", str(manifest)]))
    with step.publish() as out:
        for name, (those, columns) in {"": (rows, schema), **more}.items():
            with DocumentWriter(out.file(f"{manifest.stem}{name and '.' + name}.parquet"), columns) as writer:
                for row in those:
                    writer.write({column: row.get(column) for column in columns.names})
        out.summary.update(summary or {})
        out.account(incoming=len(rows), kept=len(rows))
    return manifest


def publish_documents(manifest: Path, texts: dict[str, str]) -> Path:
    """Publish documents by id."""
    return publish_rows(manifest, [{"id": key, "text": text} for key, text in texts.items()], DOCUMENT_SCHEMA)


def publish_languages(manifest: Path, identifiers: Iterable[str], language: str = "en") -> Path:
    """Publish annotations that hold nothing but languages, and seven words for each document."""
    rows = [{"id": key, "language": language, "words": 7} for key in identifiers]
    schema = pa.schema([("id", pa.string()), ("language", pa.string()), ("words", pa.int64())])
    return publish_rows(manifest, rows, schema)


def publish_curated(manifest: Path, texts: dict[str, str], validation: Sequence[str] = ()) -> Path:
    """Publish curated documents by id; all are for training but the named ones."""
    rows = [
        {"id": key, "text": text, "split": "validation" if key in validation else "train"}
        for key, text in texts.items()
    ]
    return publish_rows(manifest, rows, CURATED_SCHEMA)


def arguments(settings: Row, **paths: Path | Sequence[Path]) -> list[str]:
    """Return a command line: settings as JSON, then the paths by flag."""
    found = ["--settings", json.dumps(settings)]
    for name, value in paths.items():
        found.append(f"--{name}")
        found += [str(path) for path in value] if isinstance(value, list | tuple) else [str(value)]
    return found


def one_block(pieces: NDArray[Any], length: int) -> Packing:
    """Return the packing of the pieces of one block."""
    return Packing(length, pieces, *index_block(pieces, length, 0, 0))
