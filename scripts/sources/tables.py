"""Rows of CSV files in any compression; a row that cannot be read is told apart and takes no neighbour along."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from scripts.sources.decoding import has_surrogates
from scripts.sources.records import Rejected, quarantined
from scripts.sources.streams import MAX_RECORD_BYTES, BrokenStream, iter_lines

MISSING = frozenset(("", "NA"))
Row = dict[str, str]


def iter_rows(path: Path, origin: str, required: Sequence[str]) -> Iterator[tuple[int, Row | Rejected]]:
    """Yield (line number, row by column name, with missing values left out) of a CSV file that has a header.

    Quarantined: a row of another width, one that is no UTF-8, one with a line that is too long or cut, and a file without
    the required columns.
    """
    csv.field_size_limit(MAX_RECORD_BYTES)
    lines = _Lines(path)
    reader = csv.reader(lines, strict=True)
    header: list[str] | None = None
    while True:
        fault: Rejected | None = None
        fields: list[str] | None = None
        try:
            fields = next(reader, None)
        except csv.Error as error:
            fault = quarantined("malformed_csv", f"line {lines.number}", str(error))
        except BrokenStream as error:
            yield lines.number, quarantined(error.reason, f"byte {error.position}")
            return
        if lines.cut:
            fault = quarantined("too_long_or_cut", f"line {lines.number}", lines.last)
            lines.cut, reader = False, csv.reader(lines, strict=True)
        if fault:
            yield lines.number, fault
        elif fields is None:
            return
        elif header is None:
            header = [field.strip() for field in fields]
            lacking = [name for name in required if name not in header]
            if lacking:
                yield 1, quarantined("missing_columns", origin, ", ".join(lacking))
                return
        elif fields:
            yield lines.number, _row(header, fields, lines.number)


class _Lines:
    """The lines of a file for the csv module. They seem to end after one that is not whole, so that its row does."""

    def __init__(self, path: Path) -> None:
        self._lines = iter_lines(path)
        self.number = 0
        self.last = b""
        self.cut = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self.cut:
            raise StopIteration
        self.number, self.last, whole = next(self._lines)
        self.cut = not whole
        return self.last.decode("utf-8", "surrogateescape") + "\n"


def _row(header: list[str], fields: list[str], line: int) -> Row | Rejected:
    sample = ",".join(fields)
    if len(fields) != len(header):
        return quarantined("wrong_number_of_fields", f"line {line}", sample)
    if has_surrogates(sample):
        return quarantined("invalid_utf8", f"line {line}", sample.encode("utf-8", "surrogateescape"))
    return {name: value.strip() for name, value in zip(header, fields, strict=True) if value.strip() not in MISSING}
