"""Dates of articles, of which often only the beginning is stated: a year, a month, a day."""

from __future__ import annotations

from datetime import date

import regex

_MONTHS = {name: number for number, name in enumerate(
    ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1
)}  # fmt: skip
_FULL = (
    "january",
    "february",
    "march",
    "april",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_YEAR = regex.compile(r"\b(?:1[5-9]|20)\d\d\b")


def partial_date(year: str | None, month: str | None, day: str | None) -> str | None:
    """Return a date (ISO 8601) as exactly as it is given: what follows the first part that is none does not count."""
    stated = (year or "").strip()
    if not _YEAR.fullmatch(stated):
        return None
    number = _month(month)
    if number is None:
        return stated
    try:
        return date(int(stated), number, int(day or "")).isoformat()
    except ValueError:
        return f"{stated}-{number:02d}"


def stated_year(text: str) -> str | None:
    """Return the first year in words that state a time (`Spring 1998`, `1998 Dec-1999 Jan`)."""
    match = _YEAR.search(text)
    return match[0] if match else None


def _month(text: str | None) -> int | None:
    name = (text or "").strip().lower().rstrip(".")
    if name.isdecimal():
        return int(name) if len(name) <= 2 and 1 <= int(name) <= 12 else None
    return _MONTHS.get(name[:3] if name in _FULL else name)
