"""WARC files (ISO 28500) cut into records, so that each stands for itself.

The libraries' readers trust the stated length of a record and give up, or mix two pages, where it is wrong. Here a record
counts only when what follows it is another one or the end, or when it ends as the standard has it: what follows then is
counted by itself.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import regex

from scripts.sources.streams import MAX_RECORD_BYTES, BrokenStream, Window, failing

MARK = b"WARC/"
LONGEST_HEADER = 1 << 16
HEADER_BYTES = 1 << 12  # in which nearly all headers end
_END = b"\r\n\r\n"
_BLANK = regex.compile(rb"[\r\n\0]*")
_NEXT = regex.compile(rb"\r?\n(?=WARC/[01]\.\d+\r?\n)")
_HEADER_END = regex.compile(rb"\r?\n\r?\n")
_LENGTH = regex.compile(rb"^content-length:[ \t]*(\d{1,15})[ \t]*\r?$", regex.I | regex.M)
_FOLD = regex.compile(r"\r?\n[ \t]+")
_INTERIM = regex.compile(rb"HTTP/\d(?:\.\d)? 1\d\d\b")


@dataclass(frozen=True, slots=True)
class Misfit:
    """What stands in a file in place of a record: why, and its first bytes; of one that is too long all headers."""

    reason: str
    sample: bytes


def starts_warc(data: bytes) -> bool:
    """Tell whether some bytes begin with a record."""
    return data.startswith(MARK)


class _Window(Window):
    """The part of an archive that is looked at."""

    def drop_blank(self) -> None:
        """Leave line ends behind, and zeros with which files are filled up."""
        while self.fill(1):
            match = _BLANK.match(self.data)
            del self.data[: match.end()]
            if self.data:
                return

    def drop_to_next(self, start: int) -> int:
        """Leave behind what stands before the next beginning of a record, or everything; return how many bytes."""
        dropped = 0
        while True:
            match = _NEXT.search(self.data, start)
            size = match.end() if match else max(len(self.data) - 16, 0)  # a beginning may stand across two chunks
            del self.data[:size]
            dropped += size
            if match:
                return dropped
            start = 0
            if not self.fill(len(self.data) + 1):
                dropped += len(self.data)
                self.data.clear()
                return dropped


def iter_records(chunks: Iterator[bytes], limit: int = MAX_RECORD_BYTES) -> Iterator[bytes | Misfit]:
    """Yield each record whole, at most about `limit` bytes, or what is wrong with it.

    Raises the BrokenStream of `chunks` after the last record that is whole before the break.
    """
    first = next(chunks, b"")
    try:
        second = next(chunks, b"")
    except BrokenStream as error:
        yield from _windowed(itertools.chain([first], failing(error)), limit)
        return
    record = None if second or len(first) > limit else _one_record(first)
    if record is not None:
        yield record  # a member of an archive is one small record nearly always
    else:
        yield from _windowed(itertools.chain([first, second] if second else [first], chunks), limit)


def _one_record(data: bytes) -> bytes | None:
    """Return the record that some bytes are, with line ends behind it; None where they are not just that."""
    end = after_blank_line(data, 0, LONGEST_HEADER)
    value = field(data[:end].lower(), b"content-length") if end and data.startswith(MARK) else None
    if value is None or not value.isdigit() or len(value) > 15:
        return None
    size = end + int(value)
    return data[:size] if size <= len(data) and not data[size:].strip(b"\r\n\0") else None


def after_blank_line(data: bytes, start: int, stop: int) -> int:
    """Return the position after the first blank line, 0 where there is none: headers end there."""
    wide = data.find(b"\n\r\n", start, stop)
    narrow = data.find(b"\n\n", start, stop if wide < 0 else wide + 1)
    return narrow + 2 if narrow >= 0 else wide + 3 if wide >= 0 else 0


def final_answer(data: bytes, start: int) -> int:
    """Return where the answer begins that counts: others may stand before it, that only say that it comes (RFC 9110, 15.2)."""
    while _INTERIM.match(data, start):
        stop = after_blank_line(data, start, start + HEADER_BYTES)
        if not stop or not data.startswith(b"HTTP/", stop):
            break
        start = stop
    return start


def fields(head: bytes) -> dict[str, str]:
    """Return the fields of a header by their names in lower case; values of one that comes again follow after a comma."""
    found: dict[str, str] = {}
    for line in _FOLD.sub(" ", head.decode("utf-8", "replace")).split("\n"):
        name, colon, value = line.partition(":")
        if colon:
            name, value = name.strip().lower(), value.strip()
            found[name] = f"{found[name]},{value}" if name in found else value
    return found


def media_type(form: str | None) -> str:
    """Return what a `Content-Type` says without its parameters, in lower case."""
    return (form or "").partition(";")[0].partition(",")[0].strip().lower()


def field(header: bytes, name: bytes) -> bytes | None:
    """Return the value of a header's field, all in lower case; None where it is not there once, or goes on in the next line."""
    begin = header.find(b"\n%s:" % name)
    if begin < 0 or header.find(b"\n%s:" % name, begin + 1) >= 0:
        return None
    begin += len(name) + 2
    end = header.find(b"\n", begin)
    if end < 0 or header[end + 1 : end + 2] in (b" ", b"\t"):
        return None
    return header[begin:end].strip(b" \t\r")


def _windowed(chunks: Iterator[bytes], limit: int) -> Iterator[bytes | Misfit]:
    window = _Window(chunks)
    while True:
        window.drop_blank()
        if not window.data:
            break
        window.fill(LONGEST_HEADER)
        match = _HEADER_END.search(window.data, 0, LONGEST_HEADER)
        head = bytes(window.data[: match.end()]) if match and window.data.startswith(MARK) else b""
        length = _LENGTH.search(head)
        if length is None:
            misfit = Misfit("malformed_warc" if head else "no_warc", bytes(window.data[:200]))
            window.drop_to_next(0 if not window.data.startswith(MARK) else len(MARK))
            if window.data or not window.broken:
                yield misfit
            continue
        size = len(head) + int(length[1])
        if size <= limit and _fits(window, size):
            yield bytes(window.data[:size])
            del window.data[:size]
            continue
        if size <= limit and _is_short_by_two(window, size):
            yield bytes(window.data[: size + 2])
            window.data.clear()
            continue
        sample = bytes(window.data[: len(head) + HEADER_BYTES])
        dropped = window.drop_to_next(len(head) - 2)
        if window.data or not window.broken:
            yield Misfit(_reason(dropped - size, bool(window.data), limit < size), sample)
    if window.broken:
        raise window.broken


def _is_short_by_two(window: _Window, size: int) -> bool:
    """Tell whether a record has two bytes more than it states and ends its member or file, by which it is known all the same.

    Common Crawl wrote a whole snapshot so (CC-MAIN-2018-34), without counting a line end behind the HTTP headers.
    """
    return window.ended and window.broken is None and window.data[size + 2 :] == _END


def _reason(excess: int, followed: bool, over: bool) -> str:
    """Say what is wrong with a record, by how many bytes it is longer than it states."""
    if excess < 0:
        return "wrong_length" if followed else "truncated"
    return "too_long" if over and excess <= len(_END) else "wrong_length"


def _fits(window: _Window, size: int) -> bool:
    """Tell whether a record of this size is followed by line ends and another record or nothing, or by both its line ends.

    Where the file breaks it is whole only if nothing of it comes from what is damaged.
    """
    if not window.fill(size):
        return False
    window.fill(size + 64)
    after = bytes(window.data[size : size + 64]).lstrip(b"\r\n\x00")
    if after.startswith(MARK) or not (after or window.broken):
        return True
    ended = window.data[size : size + len(_END)] == _END
    return ended and (window.broken is None or (window.broken.between and not after))
