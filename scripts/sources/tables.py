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

    Quarantined: a row of another width, one that is no UTF-8, and a file without the required columns.
    """
    csv.field_size_limit(MAX_RECORD_BYTES)
    reader = csv.reader(_lines(path), strict=True)
    header: list[str] | None = None
    while True:
        try:
            fields = next(reader, None)
        except csv.Error as error:
            yield reader.line_num, quarantined("malformed_csv", f"line {reader.line_num}", str(error))
            continue
        except BrokenStream as error:
            yield reader.line_num, quarantined(error.reason, f"byte {error.position}")
            return
        if fields is None:
            return
        if header is None:
            header = [field.strip() for field in fields]
            lacking = [name for name in required if name not in header]
            if lacking:
                yield 1, quarantined("missing_columns", origin, ", ".join(lacking))
                return
        elif fields:
            yield reader.line_num, _row(header, fields, reader.line_num)


def _lines(path: Path) -> Iterator[str]:
    for _, line, _ in iter_lines(path):
        yield line.decode("utf-8", "surrogateescape") + "\n"


def _row(header: list[str], fields: list[str], line: int) -> Row | Rejected:
    sample = ",".join(fields)
    if len(fields) != len(header):
        return quarantined("wrong_number_of_fields", f"line {line}", sample)
    if has_surrogates(sample):
        return quarantined("invalid_utf8", f"line {line}", sample.encode("utf-8", "surrogateescape"))
    return {name: value.strip() for name, value in zip(header, fields, strict=True) if value.strip() not in MISSING}
