"""Gzip and zstd files as the rows of members or frames that archives of web pages are, one record each.

A damaged one costs itself: reading goes on at the next that begins as a record does. The readers of libraries end at the
first fault, which loses every record after it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from isal import isal_zlib
from isal.igzip_lib import IsalError

from scripts.sources.frames import ZSTD_FRAME, Frames
from scripts.sources.streams import CHUNK, MAX_RATIO, RATIO_APPLIES_FROM, BrokenStream, failing, watched

MAGIC = b"\x1f\x8b\x08"
BLOCK, PIECE = 1 << 18, 1 << 13
PROBE = 512  # compressed bytes that suffice to see how a member begins
# What may be read again of a damaged zstd file, in its own size and in bytes: more is made to take time.
AGAIN_TIMES, AGAIN_BYTES = 8, 64 << 20
Begins = Callable[[bytes], bool]


class _Input:
    """The compressed bytes, read in large blocks and handed out in small pieces: what a member leaves over is copied."""

    def __init__(self, raw: IO[bytes]) -> None:
        self.raw = raw
        self._block = b""
        self._start = 0

    def piece(self, at: int) -> bytes:
        """Return some bytes from a position of the file, none at its end."""
        if not self._start <= at < self._start + len(self._block):
            self.raw.seek(at)
            self._start, self._block = at, self.raw.read(BLOCK)
        return self._block[at - self._start : at - self._start + PIECE]


class Member:
    """One member: its decompressed chunks, once. Where it ends is known when it has been read."""

    def __init__(self, source: _Input, start: int) -> None:
        self._source = source
        self._start = start
        self.end: int | None = None

    def chunks(self) -> Iterator[bytes]:
        """Yield the decompressed bytes. Raises BrokenStream where they are damaged, cut or a bomb."""
        inflater, read, produced = isal_zlib.decompressobj(31), self._start, 0
        data = b""
        while not inflater.eof:
            if not data:
                data = self._source.piece(read)
                read += len(data)
                if not data:
                    raise BrokenStream("truncated", read)
            try:
                chunk = inflater.decompress(data, CHUNK)
            except IsalError:
                raise BrokenStream("damaged_compression", self._start) from None
            data = inflater.unconsumed_tail
            produced += len(chunk)
            if produced > RATIO_APPLIES_FROM and produced > MAX_RATIO * (read - self._start):
                raise BrokenStream("compression_bomb", self._start)
            if chunk:
                yield chunk
        self.end = read - len(inflater.unused_data)


def iter_runs(path: Path, begins: Begins) -> Iterator[Iterator[bytes]]:
    """Yield the content of a gzip file in runs, each from a member that begins as a record does to the next such.

    Usually a member is a record; files that were packed in blocks have records across members. A run must be read to its
    end before the next; it raises BrokenStream where a member is damaged, and the next begins after that.
    """
    members = iter_members(path, begins)
    waiting: list[Iterator[bytes]] = []

    def run(chunks: Iterator[bytes]) -> Iterator[bytes]:
        yield from chunks
        for member in members:
            chunks = member.chunks()
            try:
                head = next(chunks, b"")
            except BrokenStream as error:
                waiting.append(failing(error))
                return
            if begins(head):
                waiting.append(itertools.chain([head], chunks))
                return
            yield head
            yield from chunks

    while True:
        member = None if waiting else next(members, None)
        if member is None and not waiting:
            return
        yield run(waiting.pop() if member is None else member.chunks())


def iter_members(path: Path, begins: Begins) -> Iterator[Member]:
    """Yield the members of a gzip file in order; each must be read to its end or failure before the next.

    After a failure comes the next member whose content `begins` says to begin a record. Bytes between members that are none
    (zeros apart, with which tapes are filled up) are yielded as a member that fails.
    """
    size = path.stat().st_size
    with path.open("rb") as raw:
        source, start = _Input(raw), 0
        while (start := _skip_zeros(source, start)) < size:
            member = Member(source, start)
            yield member
            start = _next_member(raw, start + 1, begins) if member.end is None else member.end


def _skip_zeros(source: _Input, start: int) -> int:
    while piece := source.piece(start):
        rest = piece.lstrip(b"\x00")
        start += len(piece) - len(rest)
        if rest:
            break
    return start


def _next_member(raw: IO[bytes], start: int, begins: Begins) -> int:
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


def _begins(data: bytes, begins: Begins) -> bool:
    try:
        return begins(isal_zlib.decompressobj(31).decompress(data, PROBE * 4))
    except IsalError:
        return False


def iter_stretches(path: Path, begins: Begins) -> Iterator[Iterator[bytes]]:
    """Yield the content of a zstd file in stretches: to a damaged frame, then from the next that begins as a record does.

    Each must be read to its end before the next; it raises BrokenStream where a frame is damaged.
    """
    size = path.stat().st_size
    left = AGAIN_BYTES + AGAIN_TIMES * size
    produced, bomb = 0, False

    def stretch() -> Iterator[bytes]:
        nonlocal produced, bomb
        try:
            for chunk in watched(frames.chunks(), raw, before=produced):
                produced += len(chunk)
                yield chunk
        except BrokenStream as error:
            bomb = error.reason == "compression_bomb"
            raise

    with path.open("rb") as raw:
        frames = Frames(raw)
        while frames.start < size:
            yield stretch()
            if bomb or not frames.readable():
                return
            if frames.start < size:
                left -= raw.tell() - frames.start
                frames.start, read = _next_frame(raw, frames, frames.start + 1, begins, left)
                left -= read


def _next_frame(raw: IO[bytes], frames: Frames, start: int, begins: Begins, limit: int) -> tuple[int, int]:
    """Return where the next frame that begins with `begins` starts, and how many bytes were read to see the beginnings.

    It is the end of the file where there is none, or where more than `limit` bytes were read.
    """
    spent = 0
    while True:
        raw.seek(start)
        block = raw.read(CHUNK)
        at = block.find(ZSTD_FRAME)
        while at >= 0 and spent <= limit:
            head, read = frames.head(start + at, PROBE)
            spent += read
            if begins(head):
                return start + at, spent
            at = block.find(ZSTD_FRAME, at + 1)
        if len(block) < CHUNK or spent > limit:
            return raw.seek(0, 2), spent
        start += len(block) - len(ZSTD_FRAME) + 1
