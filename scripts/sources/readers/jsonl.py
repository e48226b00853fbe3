"""JSON lines in any compression, with the names of the columns as options.

A line that is broken is quarantined alone: invalid UTF-8, malformed or too deep JSON, NaN, a text that is no string.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from scripts.sources.objects import iter_objects
from scripts.sources.records import Outcome, Rejected, key_of
from scripts.sources.rows import COLUMNS, row_record


def read(path: Path, origin: str, options: Mapping[str, Any]) -> Iterator[Outcome]:
    """Yield one outcome a line. Options: the columns `text`, `id`, `url`, `date`, `language`, `license`."""
    columns = {**COLUMNS, **options}
    key = key_of(origin)
    for number, line, row in iter_objects(path):
        yield row if isinstance(row, Rejected) else row_record(row, columns, key, number, line)
