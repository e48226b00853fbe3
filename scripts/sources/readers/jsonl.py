"""JSON lines in any compression, with the names of the columns as options.

A line that is broken is quarantined alone: invalid UTF-8, malformed or too deep JSON, NaN, a text that is no string.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from scripts.sources.objects import Object, iter_objects
from scripts.sources.records import Outcome, Record, Rejected, key_of, quarantined

COLUMNS = {"text": "text", "id": "id", "url": "url", "date": "date"}


def read(path: Path, origin: str, options: Mapping[str, Any]) -> Iterator[Outcome]:
    """Yield one outcome a line. Options: the columns `text`, `id`, `url`, `date`, `language`, `license`."""
    columns = {**COLUMNS, **options}
    key = key_of(origin)
    for number, line, row in iter_objects(path):
        yield row if isinstance(row, Rejected) else _record(row, number, line, columns, key)


def _record(row: Object, number: int, line: bytes, columns: Mapping[str, str], key: str) -> Outcome:
    position = f"line {number}"
    text = _value(row, columns["text"])
    if not isinstance(text, str):
        return quarantined("text_missing" if text is None else "text_not_string", position, line)
    identifier, url, date, language, license = (
        _string(_value(row, columns.get(name, ""))) for name in ("id", "url", "date", "language", "license")
    )
    return Record(identifier or f"{key}/{number}", text, url, date, language, license)


def _value(row: Mapping[str, Any], column: str) -> Any:
    """Return the value of a column, looking into objects at dots where no column has the whole name."""
    if column in row or "." not in column:
        return row.get(column)
    head, _, rest = column.partition(".")
    inner = row.get(head)
    return _value(inner, rest) if isinstance(inner, dict) else None


def _string(value: Any) -> str | None:
    """Return a string or number as a string; None for anything else."""
    if isinstance(value, str):
        return value or None
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
