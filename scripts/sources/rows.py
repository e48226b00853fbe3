"""Rows of data sets as records, by the names of their columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scripts.sources.objects import iso_date
from scripts.sources.records import Outcome, Record, quarantined

COLUMNS = {"text": "text", "id": "id", "url": "url", "date": "date"}
ROW = "_row"  # the column with the number of a row in a whole split, which fetched data sets have beside their own
_EPOCH = 10**8  # in 1973


def row_record(
    row: Mapping[str, Any], columns: Mapping[str, str], key: str, number: int | str, sample: str | bytes
) -> Outcome:
    """Return a row as a record; its identifier is its own, else `key` with the number of the row."""
    number = row.get(ROW, number)
    position = f"row {number}"
    text = value_of(row, columns["text"])
    if not isinstance(text, str):
        return quarantined("text_missing" if text is None else "text_not_string", position, sample)
    identifier, url, language, license = (
        _string(value_of(row, columns.get(name, ""))) for name in ("id", "url", "language", "license")
    )
    date = _date(value_of(row, columns["date"]))
    return Record(identifier or f"{key}/{number}", text, url, date, language, license)


def value_of(row: Mapping[str, Any], column: str) -> Any:
    """Return the value of a column, looking into objects at dots where no column has the whole name."""
    if column in row or "." not in column:
        return row.get(column)
    head, _, rest = column.partition(".")
    inner = row.get(head)
    return value_of(inner, rest) if isinstance(inner, dict) else None


def _date(value: Any) -> str | None:
    """Return a date; numbers may be seconds or milliseconds since 1970, smaller ones a year or the digits of a day."""
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) >= _EPOCH:
        return iso_date(value // 1000 if abs(value) >= 1000 * _EPOCH else value)
    return _string(value)


def _string(value: Any) -> str | None:
    """Return a string, number or date as a string; None for anything else."""
    if isinstance(value, str):
        return value or None
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
