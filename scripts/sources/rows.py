"""Rows of data sets as records, by the names of their columns."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from scripts.sources.objects import iso_date
from scripts.sources.records import Outcome, Record, quarantined

COLUMNS = {"text": "text", "id": "id", "url": "url", "date": "date"}
ROW = "_row"  # the column with the number of a row in a whole split, which fetched data sets have beside their own
# What is taken for seconds since 1970, milliseconds or microseconds: how many make a second, from where to where.
_TIMES = ((1, 10**8, 2 * 10**9), (10**3, 3 * 10**11, 2 * 10**12), (10**6, 10**15, 2 * 10**15))
_MOST = 10**20  # no form of a date has more digits
# Digits of an hour that could be seconds too; those of later years are above all of these.
_HOUR = re.compile(r"19\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[01]\d|2[0-3])")


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
    """Return a date; a number is what could be a time since 1970, else a year or the digits of a day, hour or second."""
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) < _TIMES[0][1]:
        return _string(value)
    if not abs(value) < _MOST:
        return None
    number = int(value)
    scale = next((scale for scale, first, end in _TIMES if first <= number < end), None)
    return str(number) if scale is None or _HOUR.fullmatch(str(number)) else iso_date(number // scale)


def _string(value: Any) -> str | None:
    """Return a string, number or date as a string; None for anything else."""
    if isinstance(value, str):
        return value or None
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
