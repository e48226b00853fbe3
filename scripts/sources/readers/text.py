"""Plain text files, one document each, in any compression; a byte order mark goes before the encoding that is given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from scripts.sources.decoding import decode, is_archive
from scripts.sources.records import Outcome, Record, key_of, quarantined
from scripts.sources.streams import BrokenStream, read_whole


def read(path: Path, origin: str, options: Mapping[str, Any]) -> Iterator[Outcome]:
    """Yield the one outcome of a file. Options: `encoding` (default utf-8)."""
    try:
        data = read_whole(path)
    except BrokenStream as error:
        yield quarantined(error.reason, f"byte {error.position}")
        return
    text = None if is_archive(data) else decode(data, options.get("encoding"))
    if text is None:
        yield quarantined("wrong_encoding", origin, data)
    else:
        yield Record(key=key_of(origin), text=text)
