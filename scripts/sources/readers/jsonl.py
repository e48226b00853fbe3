"""JSON lines in any compression, with the names of the columns as options.

A line that is broken is quarantined alone: invalid UTF-8, malformed or too deep JSON, NaN, a text that is no string.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from scripts.sources.records import Outcome, key_of, quarantined
from scripts.sources.rows import COLUMNS, row_record
from scripts.sources.streams import BrokenStream, iter_lines


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
    return row_record(row, columns, key, number, line)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")
