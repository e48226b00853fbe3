"""Rows of a data set that the library `datasets` loads, from the hub at a pinned revision or from local files, streamed."""

from __future__ import annotations

import itertools
import json
import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import zstandard

from scripts.lib.errors import UserError
from scripts.sources.found import Found
from scripts.sources.rows import ROW


def write_rows(dataset: Mapping[str, Any], part: int, parts: int, offline: bool, target: Path) -> None:
    """Write every row whose number modulo `parts` is `part` as JSON lines (zstd). Raises UserError.

    A row has its number in the whole split beside its own columns, so that it is the same document in any part.
    """
    rows = itertools.islice(enumerate(_stream(dataset, offline)), part, None, parts)
    with target.open("wb") as file, zstandard.ZstdCompressor(level=3).stream_writer(file) as out:
        for number, row in rows:
            out.write(
                json.dumps(_finite({**row, ROW: number}), ensure_ascii=False, default=_plain).encode("utf-8", "replace")
                + b"\n"
            )


def _finite(value: Any) -> Any:
    """Return a value with null for numbers that JSON does not have (NaN, infinity)."""
    if isinstance(value, dict):
        return {name: _finite(below) for name, below in value.items()}
    if isinstance(value, list):
        return [_finite(below) for below in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _plain(value: Any) -> str | None:
    """Return a date as ISO 8601; what is neither number nor text (a picture, a sound) has no place in a corpus of text."""
    return value.isoformat() if hasattr(value, "isoformat") else None


def _stream(dataset: Mapping[str, Any], offline: bool) -> Iterator[Mapping[str, Any]]:
    if offline:
        os.environ["HF_HUB_OFFLINE"] = "1"
    import datasets

    datasets.disable_progress_bars()
    name, revision = dataset["name"], dataset["revision"]
    try:
        loaded = datasets.load_dataset(
            name,
            dataset["config"],
            split=dataset["split"],
            revision=None if Path(name).exists() else revision,
            streaming=True,
        )
        yield from loaded
    except UserError:
        raise
    except Exception as error:
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise UserError(
            f"dataset {name} cannot be read ({first}); check name, config, split and the network."
        ) from None


def dataset_file(dataset: Mapping[str, Any], part: int, parts: int, offline: bool) -> Found:
    """Return the one file of a part: its rows as JSON lines."""
    given = Path(dataset["name"])
    name = given.name if given.exists() else dataset["name"]  # no path of this machine gets into a document
    return Found(
        f"{name}/{dataset['split']}.jsonl.zst", lambda target: write_rows(dataset, part, parts, offline, target)
    )
