"""JSON lines in any compression, with the names of the columns as options.

A line that is broken is quarantined alone: invalid UTF-8, malformed or too deep JSON, NaN, a text that is no string.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from scripts.sources.records import Outcome, Record, key_of, quarantined
from scripts.sources.streams import BrokenStream, iter_lines

COLUMNS = {"text": "text", "id": "id", "url": "url", "date": "date"}


def read(path: Path, origin: str, options: Mapping[str, Any]) -> Iterator[Outcome]:
    """Yield one outcome a line. Options: the columns `text`, `id`, `url`, `date`, `language`, `license`."""
    columns = {**COLUMNS, **options}
    key = key_of(origin)
    try:
        for number, line, whole in iter_lines(path):
            if not whole:
                yield quarantined("too_long_or_cut", f"line {number}", line)
            elif line.strip():
                yield _line(number, line, columns, key)
    except BrokenStream as error:
        yield quarantined(error.reason, f"byte {error.position}")


def _line(number: int, line: bytes, columns: Mapping[str, str], key: str) -> Outcome:
    position = f"line {number}"
    try:
        row = json.loads(line.decode("utf-8"), parse_constant=_refuse)
    except UnicodeDecodeError:
        return quarantined("invalid_utf8", position, line)
    except RecursionError:
        return quarantined("too_deep", position, line)
    except ValueError:
        return quarantined("malformed_json", position, line)
    if not isinstance(row, dict):
        return quarantined("no_object", position, line)
    text = _value(row, columns["text"])
    if not isinstance(text, str):
        return quarantined("text_missing" if text is None else "text_not_string", position, line)
    identifier, url, date, language, license = (
        _string(_value(row, columns.get(name, ""))) for name in ("id", "url", "date", "language", "license")
    )
    return Record(identifier or f"{key}/{number}", text, url, date, language, license)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


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
