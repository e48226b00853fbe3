"""Rows of a data set that the library `datasets` loads, streamed: from the hub at a pinned revision, a folder or a file.

A part reads the files that are its own, as many as the library can tell apart (`IterableDataset.shard`); where there are
fewer than parts, several parts read one file and share its rows in turn.
"""

from __future__ import annotations

import functools
import json
import logging
import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import zstandard

from scripts.lib.errors import UserError
from scripts.sources.addresses import public_reason
from scripts.sources.decoding import has_surrogates
from scripts.sources.found import Found
from scripts.sources.local import dataset_builder
from scripts.sources.rows import ROW
from scripts.sources.shares import divided


def write_rows(dataset: Mapping[str, Any], part: int, parts: int, offline: bool, target: Path) -> None:
    """Write the rows of a part as JSON lines (zstd). Raises UserError.

    A row has its number beside its own columns, so that it is the same document in any part: its place in the split or,
    where this has several files, that of the file in the split and of the row in the file (`2/17`).
    """
    rows = _rows(dataset, part, parts, offline)
    with target.open("wb") as file, zstandard.ZstdCompressor(level=3).stream_writer(file) as out:
        for number, row in rows:
            out.write(_line({**row, ROW: number}))


def _line(row: Mapping[str, Any]) -> bytes:
    """Return a row as a line; lone surrogates, which UTF-8 does not have, are escaped, so that its reader finds them."""
    written = json.dumps(_finite(row), ensure_ascii=False, default=_plain)
    if has_surrogates(written):
        written = json.dumps(_finite(row), default=_plain)
    return written.encode("utf-8") + b"\n"


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


def _rows(settings: Mapping[str, Any], part: int, parts: int, offline: bool) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield number and content of the rows of a part."""
    dataset = {key: settings[key] for key in ("name", "config", "split", "revision")}
    if offline:
        os.environ["HF_HUB_OFFLINE"] = "1"
    import datasets

    datasets.disable_progress_bars()
    for library in ("datasets", "huggingface_hub"):
        logging.getLogger(
            library
        ).handlers.clear()  # what they say goes to the log of this program alone, without secrets
    name = dataset["name"]
    try:
        saved = _saved(Path(name), dataset["split"])
        files = _files(_streamed(dataset)) if saved is None else [lambda: saved]
        places, share = divided(len(files), part, parts)
        for place in places:
            prefix = f"{place}/" if len(files) > 1 else ""
            for number, row in share.of(enumerate(files[place]())):
                yield f"{prefix}{number}", row
    except UserError:
        raise
    except Exception as error:
        raise UserError(
            f"dataset {name} cannot be read ({public_reason(error)}); check name, config, split and the network."
        ) from None


def _files(rows: Any) -> list[Callable[[], Iterable[Mapping[str, Any]]]]:
    """Return what reads each file of a streamed data set alone; all of them as one where the library cannot part them."""
    try:
        count = getattr(rows, "num_shards", 1)
    except RuntimeError:  # it has several lists and cannot tell which is that of its files
        count = 1
    if count == 1:
        return [lambda: rows]
    return [functools.partial(rows.shard, count, number) for number in range(count)]


def _saved(path: Path, split: str) -> Iterable[Mapping[str, Any]] | None:
    """Return a split of what `save_to_disk` wrote, mapped from its files; None where the path is no such folder."""
    import datasets

    kinds = (("dataset_dict.json",), ("state.json", "dataset_info.json"))
    if not any(all((path / name).is_file() for name in names) for names in kinds):
        return None
    loaded = datasets.load_from_disk(str(path))
    splits = loaded if isinstance(loaded, datasets.DatasetDict) else {str(loaded.split or split): loaded}
    if split not in splits:
        raise UserError(f"dataset {path} has the splits {', '.join(splits)} and no {split}; correct dataset.split.")
    rows: Iterable[Mapping[str, Any]] = splits[split].with_format(None)
    return rows


def _streamed(dataset: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    """Return a split of a data set of the hub, of a folder with files, or of one file, which has the split train."""
    import datasets

    name, revision, path = dataset["name"], dataset["revision"], Path(dataset["name"])
    options: dict[str, Any] = {}
    if path.is_file():
        name, options = dataset_builder(name)
        options = {"data_files": str(path), **options}
    elif path.is_dir():
        name = str(path.absolute())  # a relative one may be the name of a builder
    rows: Iterable[Mapping[str, Any]] = datasets.load_dataset(
        name,
        dataset["config"],
        split=dataset["split"],
        revision=None if path.exists() else revision,
        streaming=True,
        **options,
    )
    return rows


def dataset_file(dataset: Mapping[str, Any], part: int, parts: int, offline: bool) -> Found:
    """Return the one file of a part: its rows as JSON lines."""
    given = Path(dataset["name"])
    name = given.name if given.exists() else dataset["name"]  # no path of this machine gets into a document
    return Found(
        f"{name}/{dataset['split']}.jsonl.zst", lambda target: write_rows(dataset, part, parts, offline, target)
    )
