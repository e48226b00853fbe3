"""Streams of decompressed bytes and lines from files as they come: gzip, bz2, xz, zstd or plain.

The compression is told by the first bytes, not by the name. Memory is bounded whatever the file holds: chunks are
small, lines have a greatest length, and a file that expands beyond reason is given up as a bomb.
"""

from __future__ import annotations

import bz2
import codecs
import gzip
import itertools
import lzma
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import zstandard

from scripts.sources.decoding import BOMS, UNMARKED_OBJECTS
from scripts.sources.frames import ZSTD_DICTIONARY, ZSTD_FRAME, Frames

CHUNK = 1 << 16
MAX_RECORD_BYTES = 32 << 20
# Real text compresses 3 to 60 times; a bomb thousands of times. Small files may do as they like.
MAX_RATIO = 1000
RATIO_APPLIES_FROM = 64 << 20

MAGIC = (
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bz2"),
    (b"\xfd7zXZ\x00", "xz"),
    (ZSTD_FRAME, "zstd"),
    (b"\x50\x2a\x4d\x18", "zstd"),  # the frame without content that pzstd begins with
    (ZSTD_DICTIONARY, "zstd"),
)


class BrokenStream(Exception):
    """The rest of a file cannot be read; `reason` is for the quarantine, `position` counts decompressed bytes.

    It is `between` two streams of a file where all that came before belongs to streams that were read to their ends.
    """

    def __init__(self, reason: str, position: int, between: bool = False) -> None:
        super().__init__(f"{reason} at byte {position}")
        self.reason = reason
        self.position = position
        self.between = between


def failing(error: BrokenStream) -> Iterator[bytes]:
    """Return a stream that breaks at once."""
    yield from ()  # what makes it a stream
    raise error


def compression(path: Path) -> str | None:
    """Return the compression of a file (gzip, bz2, xz, zstd) by its first bytes, or None."""
    with path.open("rb") as stream:
        head = stream.read(8)
    return next((name for magic, name in MAGIC if head.startswith(magic)), None)


def iter_chunks(path: Path, max_ratio: int = MAX_RATIO) -> Iterator[bytes]:
    """Yield the decompressed bytes of a file in chunks.

    Raises BrokenStream after the last good chunk when the file is cut, damaged, followed by garbage or a bomb.
    """
    kind = compression(path)
    with path.open("rb") as raw:
        yield from watched(_decompressed(raw, kind), raw, max_ratio if kind else None)


def watched(
    chunks: Iterator[bytes], raw: IO[bytes], max_ratio: int | None = MAX_RATIO, before: int = 0
) -> Iterator[bytes]:
    """Yield the chunks that come of a compressed file after `before` bytes of it, without the empty ones.

    An empty one says that a stream of the file ends. Raises BrokenStream in place of the libraries' errors, and for a bomb.
    """
    produced = ended = before
    try:
        for chunk in chunks:
            if not chunk:
                ended = produced
                continue
            produced += len(chunk)
            if max_ratio and produced > RATIO_APPLIES_FROM and produced > max_ratio * max(raw.tell(), 1):
                raise BrokenStream("compression_bomb", produced)
            yield chunk
    except EOFError:
        raise BrokenStream("truncated", produced, produced == ended) from None
    except (OSError, zlib.error, lzma.LZMAError, zstandard.ZstdError):
        raise BrokenStream("damaged_compression", produced, produced == ended) from None


class ChunkReader:
    """A file-like object over chunks of bytes, for libraries that read from files; it cannot seek."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = b""
        self._position = 0

    def read(self, size: int = CHUNK) -> bytes:
        """Return up to `size` bytes, none at the end. Raises BrokenStream."""
        if not self._rest:
            self._rest = next(self._chunks, b"")
        data, self._rest = self._rest[:size], self._rest[size:]
        self._position += len(data)
        return data

    def tell(self) -> int:
        """Return how many bytes have been read."""
        return self._position


class Window:
    """The part of a stream that is looked at. A stream that breaks ends there, and `broken` says how."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self.data = bytearray()
        self.ended = False
        self.broken: BrokenStream | None = None

    def fill(self, size: int) -> bool:
        """Read until `size` bytes are there; tells whether they are."""
        while len(self.data) < size and not self.ended:
            try:
                chunk = next(self._chunks, b"")
            except BrokenStream as error:
                self.broken, chunk = error, b""
            self.data += chunk
            self.ended = not chunk
        return len(self.data) >= size


def in_utf8(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the chunks in UTF-8 without a byte order mark; UTF-16 and UTF-32 are told by theirs, or by a brace."""
    first = next(chunks, b"")
    first = next((mark for begin, mark in UNMARKED_OBJECTS if first.startswith(begin)), b"") + first
    mark = next(((mark, name) for mark, name in BOMS if first.startswith(mark)), (b"", "utf-8"))
    chunks = itertools.chain([first[len(mark[0]) :]], chunks)
    if mark[1] == "utf-8":
        yield from chunks
        return
    # What is no UTF-16 becomes what is no UTF-8, so that its record can be told from the others.
    decoder = codecs.getincrementaldecoder(mark[1])("surrogatepass" if "16" in mark[1] else "replace")
    for chunk in chunks:
        yield decoder.decode(chunk).encode("utf-8", "surrogatepass")


def _decompressed(raw: IO[bytes], kind: str | None) -> Iterator[bytes]:
    if kind == "zstd":
        yield from Frames(raw).chunks()
    elif kind == "bz2":
        yield from _streams(raw, bz2.BZ2Decompressor)
    elif kind == "xz":
        yield from _streams(raw, lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ))
    else:
        opened: Any = gzip.GzipFile(fileobj=raw, mode="rb") if kind == "gzip" else raw
        read: Callable[[int], bytes] = getattr(opened, "read1", opened.read)
        while chunk := read(CHUNK):
            yield chunk


def _streams(raw: IO[bytes], begin: Callable[[], bz2.BZ2Decompressor | lzma.LZMADecompressor]) -> Iterator[bytes]:
    """Yield the content of all streams of a bz2 or xz file, nothing (`b""`) at the end of each, with any zeros between them.

    The libraries' own readers end without a word where what follows a stream does not begin as one.
    """
    data = raw.read(CHUNK)
    while data:
        stream = begin()
        while not stream.eof:
            if stream.needs_input and not data:
                data = raw.read(CHUNK)
                if not data:
                    raise EOFError
            if chunk := stream.decompress(data, CHUNK):
                yield chunk
            data = b""
        yield b""
        data = stream.unused_data
        while not (data := data.lstrip(b"\0")) and (data := raw.read(CHUNK)):
            pass


def iter_lines(path: Path, max_bytes: int = MAX_RECORD_BYTES) -> Iterator[tuple[int, bytes, bool]]:
    """Yield (line number from 1, the line without its end, whether it is whole) of a file, decompressed.

    A line longer than `max_bytes` comes cut to that length and not whole; its neighbours are not touched. An unfinished
    line before a BrokenStream is yielded as not whole.
    """
    return split_lines(iter_chunks(path), max_bytes)


def split_lines(chunks: Iterator[bytes], max_bytes: int = MAX_RECORD_BYTES) -> Iterator[tuple[int, bytes, bool]]:
    """Yield the lines of a file whose decompressed bytes come as `chunks`, in the way of `iter_lines`."""
    number, buffer, overflow = 1, bytearray(), False
    try:
        for chunk in in_utf8(chunks):
            *ended, rest = chunk.split(b"\n")
            for piece in ended:
                _append(buffer, piece, max_bytes)
                overflow = overflow or len(buffer) > max_bytes
                yield number, bytes(buffer[:max_bytes]).removesuffix(b"\r"), not overflow
                number, overflow = number + 1, False
                buffer.clear()
            _append(buffer, rest, max_bytes)
            overflow = overflow or len(buffer) > max_bytes
    except BrokenStream:
        if buffer:
            yield number, bytes(buffer[:max_bytes]), False
        raise
    if buffer:
        yield number, bytes(buffer[:max_bytes]).removesuffix(b"\r"), not overflow


def _append(buffer: bytearray, piece: bytes, max_bytes: int) -> None:
    """Add a piece, but never keep more than one byte over the limit (it tells that the line is too long)."""
    buffer += piece[: max(max_bytes + 1 - len(buffer), 0)]


def read_whole(path: Path, max_bytes: int = MAX_RECORD_BYTES) -> bytes:
    """Return the decompressed content of a file that is one record; BrokenStream("too_long") over the limit."""
    content = bytearray()
    for chunk in iter_chunks(path):
        content += chunk
        if len(content) > max_bytes:
            raise BrokenStream("too_long", max_bytes)
    return bytes(content)
