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
_HEADER = regex.compile(rb"([a-z][a-z0-9+.-]*:\S+) \S* (\d{12,14}) (?:\S+ )?(?:\d{3} (?:\S+ ){4})?(\d+)\s*", regex.I)


def arc_as_warc(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield an ARC file as a WARC file: answers of web servers become responses, all else metadata."""
    buffer = bytearray()
    skipped = False
    while True:
        end = buffer.find(b"\n")
        if end < 0 and len(buffer) <= LONGEST_LINE:
            if chunk := next(chunks, b""):
                buffer += chunk
                continue
            if not buffer:
                return
            end = len(buffer) - 1
        line = bytes(buffer[: end + 1]) if end >= 0 else bytes(buffer)
        del buffer[: len(line)]
        match = _HEADER.fullmatch(line)
        if match is None:
            if line.strip() and not skipped:
                yield _head(b"metadata", b"", b"", len(line)) + line + b"\r\n\r\n"
            skipped = bool(line.strip())
            continue
        skipped = False
        url, date, length = match[1], match[2], int(match[3])
        kind = b"response" if url.lower().startswith((b"http:", b"https:")) else b"metadata"
        yield _head(kind, url, _date(date), length)
        yield from _block(buffer, chunks, length)
        yield b"\r\n\r\n"


def _block(buffer: bytearray, chunks: Iterator[bytes], length: int) -> Iterator[bytes]:
    """Yield the next `length` bytes, fewer where the file ends."""
    while length:
        if not buffer:
            chunk = next(chunks, b"")
            if not chunk:
                return
            buffer += chunk
        piece = bytes(buffer[:length])
        del buffer[: len(piece)]
        length -= len(piece)
        yield piece


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
