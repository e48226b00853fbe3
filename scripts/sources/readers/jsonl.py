"""JSON lines in any compression, with the names of the columns as options.

A line that is broken is quarantined alone: invalid UTF-8, malformed or too deep JSON, NaN, a text that is no string.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from scripts.sources.objects import filled_lines, parse_object
from scripts.sources.ranges import has_ranges, lines_within
from scripts.sources.records import Deferred, Outcome, Rejected, key_of, made
from scripts.sources.rows import COLUMNS, row_record
from scripts.sources.shares import Share
from scripts.sources.streams import iter_lines

Lines = Iterator[tuple[int, bytes, bool]]


def read(path: Path, origin: str, options: Mapping[str, Any]) -> Iterator[Outcome | Deferred]:
    """Yield one outcome a line. Options: the columns `text`, `id`, `url`, `date`, `language`, `license`."""
    return _outcomes(iter_lines(path), origin, options)


def read_share(path: Path, origin: str, options: Mapping[str, Any], share: Share) -> Iterator[Outcome]:
    """Yield the outcomes of a share of a file: where it is not compressed, of the lines that begin in a range of its bytes."""
    if not has_ranges(path):
        return made(share.of(read(path, origin, options)))
    return made(_outcomes(lines_within(path, *share.within(path.stat().st_size)), origin, options))


def _outcomes(lines: Lines, origin: str, options: Mapping[str, Any]) -> Iterator[Outcome | Deferred]:
    columns = {**COLUMNS, **options}
    key = key_of(origin)
    for number, line, broken in filled_lines(lines):
        yield broken or functools.partial(_row, line, columns, key, number)


def _row(line: bytes, columns: Mapping[str, str], key: str, number: int) -> Outcome:
    row = parse_object(line, f"line {number}")
    return row if isinstance(row, Rejected) else row_record(row, columns, key, number, line)
