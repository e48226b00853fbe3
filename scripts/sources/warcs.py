"""WARC files (ISO 28500) cut into records, so that each stands for itself.

The libraries' readers trust the stated length of a record and give up, or mix two pages, where it is wrong. Here a record
counts only when what follows it is another one or the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import regex

from scripts.sources.streams import MAX_RECORD_BYTES

MARK = b"WARC/"
LONGEST_HEADER = 1 << 16
_BLANK = regex.compile(rb"[\r\n\0]*")
_NEXT = regex.compile(rb"\r?\n(?=WARC/[01]\.\d+\r?\n)")
_HEADER_END = regex.compile(rb"\r?\n\r?\n")
_LENGTH = regex.compile(rb"^content-length:[ \t]*(\d{1,15})[ \t]*\r?$", regex.I | regex.M)


@dataclass(frozen=True, slots=True)
class Misfit:
    """What stands in a file in place of a record: why, and its first bytes."""

    reason: str
    sample: bytes


class _Window:
    """The part of a stream that is looked at."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self.data = bytearray()
        self.ended = False

    def fill(self, size: int) -> bool:
        """Read until `size` bytes are there; tells whether they are."""
        while len(self.data) < size and not self.ended:
            chunk = next(self._chunks, b"")
            self.data += chunk
            self.ended = not chunk
        return len(self.data) >= size

    def drop(self, size: int) -> bool:
        """Leave `size` bytes behind, however many; tells whether there were as many."""
        while size > len(self.data):
            size -= len(self.data)
            self.data.clear()
            if not self.fill(1):
                return False
        del self.data[:size]
        return True

    def drop_blank(self) -> None:
        """Leave line ends behind, and zeros with which files are filled up."""
        while self.fill(1):
            match = _BLANK.match(self.data)
            del self.data[: match.end()]
            if self.data:
                return

    def drop_to_next(self, start: int) -> None:
        """Leave behind what stands before the next beginning of a record, or everything."""
        while True:
            match = _NEXT.search(self.data, start)
            if match:
                del self.data[: match.end()]
                return
            keep = 16  # a beginning may stand across two chunks
            del self.data[: max(len(self.data) - keep, 0)]
            start = 0
            if not self.fill(len(self.data) + 1):
                self.data.clear()
                return


def iter_records(chunks: Iterator[bytes], limit: int = MAX_RECORD_BYTES) -> Iterator[bytes | Misfit]:
    """Yield each record whole, at most about `limit` bytes, or what is wrong with it. Raises what `chunks` raises."""
    window = _Window(chunks)
    while True:
        window.drop_blank()
        if not window.data:
            return
        window.fill(LONGEST_HEADER)
        match = _HEADER_END.search(window.data, 0, LONGEST_HEADER)
        head = bytes(window.data[: match.end()]) if match and window.data.startswith(MARK) else b""
        length = _LENGTH.search(head)
        if length is None:
            yield Misfit("malformed_warc" if head else "no_warc", bytes(window.data[:200]))
            window.drop_to_next(0 if not window.data.startswith(MARK) else len(MARK))
            continue
        size = len(head) + int(length[1])
        if size > limit:
            yield Misfit("too_long" if window.drop(size) else "truncated", head[:200])
        elif _fits(window, size):
            yield bytes(window.data[:size])
            del window.data[:size]
        else:
            found = _NEXT.search(window.data, len(head) - 2)
            yield Misfit(
                "truncated" if window.ended and len(window.data) < size and not found else "wrong_length", head[:200]
            )
            window.drop_to_next(len(head) - 2)


def _fits(window: _Window, size: int) -> bool:
    """Tell whether a record of this size is followed by line ends and another record, or by nothing."""
    if not window.fill(size):
        return False
    window.fill(size + 64)
    after = bytes(window.data[size : size + 64]).lstrip(b"\r\n\x00")
    return after.startswith(MARK) or (not after and (window.ended or len(window.data) > size))
