"""JSON lines in any compression as objects; a line that is broken is told apart and takes no neighbour along."""

from __future__ import annotations

import json
from collections.abc import Iterator
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
        return quarantined("malformed_json", position, line)
    return row if isinstance(row, dict) else quarantined("no_object", position, line)


def whole_number(value: Any) -> int | None:
    """Return a whole number that is given as one or in digits, None for anything else or beyond 18 digits."""
    if isinstance(value, str) and value.isascii() and value.removeprefix("-").isdecimal() and len(value) < 19:
        return int(value)
    return value if type(value) is int and abs(value) < 10**18 else None
