"""Lines of a range of a file that is not compressed, so that several parts can read one file, each another range.

A line belongs to the range in which it begins. Its number is that in the whole file: what stands before the range is read
too, but only to count its lines.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from scripts.sources.decoding import BOMS, UNMARKED_OBJECTS
from scripts.sources.streams import CHUNK, MAX_RECORD_BYTES, compression, split_lines

_WIDE = (*(mark for mark, name in BOMS if name != "utf-8"), *(begin for begin, _ in UNMARKED_OBJECTS))
_BLOCK = 1 << 22


def has_ranges(path: Path) -> bool:
    """Tell whether lines can be found from the middle of a file: it is neither compressed nor in UTF-16 or UTF-32."""
    with path.open("rb") as stream:
        return compression(path) is None and not stream.read(4).startswith(_WIDE)


def lines_within(
    path: Path, start: int, stop: int, max_bytes: int = MAX_RECORD_BYTES
) -> Iterator[tuple[int, bytes, bool]]:
    """Yield the lines that begin from byte `start` to before byte `stop`, as `streams.iter_lines` does those of a file."""
    start, stop = _line_start(path, start), _line_start(path, stop)
    before = sum(block.count(b"\n") for block in _blocks(path, 0, start, _BLOCK))
    for number, line, whole in split_lines(_blocks(path, start, stop, CHUNK), max_bytes):
        yield before + number, line, whole


def _line_start(path: Path, place: int) -> int:
    """Return where the first line begins that does not begin before a place; the end of the file where none does."""
    size = path.stat().st_size
    if place == 0:
        return 0
    for block in _blocks(path, place - 1, size, CHUNK):
        if (found := block.find(b"\n")) >= 0:
            return place + found
        place += len(block)
    return size


def _blocks(path: Path, start: int, stop: int, size: int) -> Iterator[bytes]:
    if start > 0:
        yield b""  # so that no line but the first of the file is taken to begin with a byte order mark
    with path.open("rb") as stream:
        stream.seek(start)
        while start < stop and (block := stream.read(min(size, stop - start))):
            yield block
            start += len(block)
