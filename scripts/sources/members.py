"""Gzip files as the rows of members that archives of web pages are, one record each.

A damaged member costs itself: reading goes on at the next member that begins as a record does. The gzip readers of
libraries end at the first fault, which loses every record after it.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from scripts.sources.streams import CHUNK, MAX_RATIO, RATIO_APPLIES_FROM, BrokenStream

MAGIC = b"\x1f\x8b\x08"
PROBE = 512  # compressed bytes that suffice to see how a member begins


class Member:
    """One member: its decompressed chunks, once. Where it ends is known when it has been read."""

    def __init__(self, raw: IO[bytes], start: int) -> None:
        self._raw = raw
        self._start = start
        self.end: int | None = None
        self.failure: BrokenStream | None = None

    def chunks(self) -> Iterator[bytes]:
        """Yield the decompressed bytes. Raises BrokenStream where they are damaged, cut or a bomb."""
        try:
            yield from self._chunks()
        except BrokenStream as error:
            self.failure = error
            raise

    def _chunks(self) -> Iterator[bytes]:
        self._raw.seek(self._start)
        inflater, read, produced = zlib.decompressobj(31), self._start, 0
        data = b""
        while not inflater.eof:
            if not data:
                data = self._raw.read(CHUNK)
                read += len(data)
                if not data:
                    raise BrokenStream("truncated", read)
            try:
                chunk = inflater.decompress(data, CHUNK)
            except zlib.error:
                raise BrokenStream("damaged_compression", self._start) from None
            data = inflater.unconsumed_tail
            produced += len(chunk)
            if produced > RATIO_APPLIES_FROM and produced > MAX_RATIO * (read - self._start):
                raise BrokenStream("compression_bomb", self._start)
            if chunk:
                yield chunk
        self.end = read - len(inflater.unused_data)


def iter_members(path: Path, begins: bytes) -> Iterator[Member]:
    """Yield the members of a gzip file in order; each must be read to its end or failure before the next.

    After a failure comes the next member whose content begins with `begins`. Bytes between members that are none
    (zeros apart, with which tapes are filled up) are yielded as a member that fails.
    """
    size = path.stat().st_size
    with path.open("rb") as raw:
        start = 0
        while (start := _skip_zeros(raw, start)) < size:
            member = Member(raw, start)
            yield member
            start = _next_member(raw, start + 1, begins) if member.end is None else member.end


def _skip_zeros(raw: IO[bytes], start: int) -> int:
    raw.seek(start)
    while block := raw.read(CHUNK):
        rest = block.lstrip(b"\x00")
        if rest:
            return start + len(block) - len(rest)
        start += len(block)
    return start


def _next_member(raw: IO[bytes], start: int, begins: bytes) -> int:
    """Return where the next member that begins with `begins` starts, or the end of the file."""
    while True:
        raw.seek(start)
        block = raw.read(CHUNK)
        at = block.find(MAGIC)
        while at >= 0:
            raw.seek(start + at)
            if _begins(raw.read(PROBE), begins):
                return start + at
            at = block.find(MAGIC, at + 1)
        if len(block) < CHUNK:
            return start + len(block)
        start += len(block) - len(MAGIC) + 1


def _begins(data: bytes, begins: bytes) -> bool:
    try:
        return zlib.decompressobj(31).decompress(data, len(begins)) == begins
    except zlib.error:
        return False
