"""JSON lines in any compression as objects; a line that is broken is told apart and takes no neighbour along."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NoReturn

from scripts.sources.records import Rejected, quarantined
from scripts.sources.streams import BrokenStream

Object = dict[str, Any]


def filled_lines(lines: Iterator[tuple[int, bytes, bool]]) -> Iterator[tuple[int, bytes, Rejected | None]]:
    """Yield (line number, line, why it is none) of the lines that are not blank, and one for the break of a file."""
    number = 0
    try:
        for number, line, whole in lines:
            if not whole:
                yield number, line, quarantined("too_long_or_cut", f"line {number}", line)
            elif line.strip():
                yield number, line, None
    except BrokenStream as error:
        yield number, b"", quarantined(error.reason, f"byte {error.position}")


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse)


def parse_object(line: bytes, position: str) -> Object | Rejected:
    """Return the object that a line is, or why it is none: no UTF-8, malformed or too deep JSON, NaN."""
    try:
        row = _DECODER.decode(line.decode("utf-8"))
    except UnicodeDecodeError:
        return quarantined("invalid_utf8", position, line)
    except RecursionError:
        return quarantined("too_deep", position, line)
    except ValueError:
        if line.startswith(codecs.BOM_UTF8):  # of a file that was put behind another
            return parse_object(line.lstrip(codecs.BOM_UTF8), position)
        return quarantined("malformed_json", position, line)
    return row if isinstance(row, dict) else quarantined("no_object", position, line)


def whole_number(value: Any) -> int | None:
    """Return a whole number that is given as one or in digits, None for anything else or beyond 18 digits."""
    if isinstance(value, str) and value.isascii() and value.removeprefix("-").isdecimal() and len(value) < 19:
        return int(value)
    if isinstance(value, float) and value.is_integer():  # as tables with gaps have them
        value = int(value)
    return value if type(value) is int and abs(value) < 10**18 else None


def iso_date(seconds: Any) -> str | None:
    """Return seconds since 1970, a number or its digits, as a date in UTC, None for what is none."""
    number = whole_number(int(seconds) if isinstance(seconds, float) and abs(seconds) < 1e12 else seconds)
    if number is None or not 0 < number < 1 << 36:
        return None
    return datetime.fromtimestamp(number, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
