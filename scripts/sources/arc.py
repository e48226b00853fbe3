"""ARC files, the form of web archives before WARC (Internet Archive, 1996), rewritten as WARC while they are read.

A record is a line `URL address date type length` and `length` bytes after it; the first describes the file. What
stands between records and is no such line is skipped, since archives have one newline there, several or none.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import regex

BEGINS = b"filedesc://"
LONGEST_LINE = 1 << 16
_HEADER = regex.compile(
    rb"([a-z][a-z0-9+.-]*:[^\n]*?) \S* (\d{12,14}) (?:\S+ )?(?:\d{3} (?:\S+ ){4})?(\d{1,15})\s*", regex.I
)
_NEXT = regex.compile(rb"\n(?=[a-z][a-z0-9+.-]*:[^\n]{1,4000} \d{14} [^\n ]+ \d{1,15}\r?\n)", regex.I)


def starts_record(data: bytes) -> bool:
    """Tell whether some bytes begin with the line of a record."""
    return _HEADER.match(data.partition(b"\n")[0]) is not None


def arc_as_warc(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield an ARC file as a WARC file: answers of web servers become responses, all else metadata.

    A record whose stated length is wrong comes with that length and the bytes it has, by which a reader of WARC sees it.
    """
    buffer = bytearray()
    while line := _line(buffer, chunks):
        match = _HEADER.fullmatch(line)
        if match is None:
            if line.strip():
                yield line  # what a record is longer than it states
            continue
        url, date, length = match[1], match[2], int(match[3])
        kind = b"response" if url.lower().startswith((b"http:", b"https:")) else b"metadata"
        yield b"\r\n\r\n" + _head(kind, url, _date(date), length)
        yield from _block(buffer, chunks, length)


def _line(buffer: bytearray, chunks: Iterator[bytes]) -> bytes:
    """Return the next line with its end, cut where it is very long; nothing at the end of the file."""
    while (end := buffer.find(b"\n")) < 0 and len(buffer) <= LONGEST_LINE:
        chunk = next(chunks, b"")
        if not chunk:
            break
        buffer += chunk
    line = bytes(buffer[: end + 1 if end >= 0 else LONGEST_LINE])
    del buffer[: len(line)]
    return line


def _block(buffer: bytearray, chunks: Iterator[bytes], length: int) -> Iterator[bytes]:
    """Yield the next `length` bytes, fewer where the file ends or another record begins before."""
    ended = False
    while length:
        while len(buffer) < min(length, LONGEST_LINE) and not ended:
            chunk = next(chunks, b"")
            buffer += chunk
            ended = not chunk
        found = _NEXT.search(buffer, 0, length + LONGEST_LINE)
        if found is not None and found.end() < length:
            size = length = found.end()
        elif ended or length <= len(buffer):
            size = length = min(length, len(buffer))
        else:
            size = len(buffer) - LONGEST_LINE // 2  # the line of a record may stand across two chunks
        yield bytes(buffer[:size])
        del buffer[:size]
        length -= size


def _head(kind: bytes, url: bytes, date: bytes, length: int) -> bytes:
    return (
        b"WARC/1.0\r\nWARC-Type: %s\r\nWARC-Record-ID: <%s %s>\r\nWARC-Date: %s\r\nWARC-Target-URI: %s\r\n"
        b"Content-Type: application/http; msgtype=response\r\nContent-Length: %d\r\n\r\n"
    ) % (kind, date, url, date, url, length)


def _date(written: bytes) -> bytes:
    """Return a date of 14 digits (12 in old files) as ISO 8601; as it is where it is none."""
    for form in ("%Y%m%d%H%M%S", "%Y%m%d%H%M"):
        try:
            return datetime.strptime(written.decode("ascii"), form).strftime("%Y-%m-%dT%H:%M:%SZ").encode("ascii")
        except ValueError:
            continue
    return written
