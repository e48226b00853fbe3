"""Bodies of HTTP answers in web archives, as their servers meant them (RFC 9112, section 7; RFC 9110, section 8.4).

Archives keep bodies as they came or decoded, with the headers of the answer in either case, and servers state codings that
are none. So a coding is undone only where the bytes fit it, and gzip, which nothing else begins like, also where none is stated.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

import brotli
import regex
import zstandard
from isal import isal_zlib
from isal.igzip_lib import IsalError

from scripts.sources.frames import ZSTD_FRAME
from scripts.sources.members import MAGIC as GZIP

_CHUNK = regex.compile(rb"([0-9a-fA-F]{1,8})[ \t]*(?:;[^\r\n]*)?\r?\n")
_BLANK = b"\xef\xbb\xbf \t\r\n"
_ZSTD_INPUT = 1 << 9  # of which no more than 16 MiB come
_GZIP, _ZLIB, _RAW = zlib.MAX_WBITS + 16, zlib.MAX_WBITS, -zlib.MAX_WBITS


class BrokenBody(Exception):
    """A body that is cut or damaged within its coding."""


def decoded(data: bytes, codings: str, limit: int) -> bytes:
    """Return a body without its codings, which are named in the order in which they were applied.

    One that comes out longer than `limit` bytes is cut somewhere beyond that. Raises BrokenBody.
    """
    for name in reversed(codings.split(",")):
        undo = _CODINGS.get(name.strip().lower())
        if undo is not None and data:
            data = undo(data, limit)
    return _without_gzip(data, limit)


def _without_chunks(data: bytes, limit: int) -> bytes:
    if _CHUNK.match(data) is None:
        return data
    pieces, at = [], 0
    while head := _CHUNK.match(data, at):
        at = head.end() + int(head[1], 16)
        pieces.append(data[head.end() : at])
        if at == head.end():
            return b"".join(pieces)
        at += 2 if data.startswith(b"\r\n", at) else 1
    raise BrokenBody("a chunk is cut or has no length")


def _without_gzip(data: bytes, limit: int) -> bytes:
    """Undo gzip, of which there may be several members; what follows the last is left out."""
    pieces, size = [], 0
    while data.startswith(GZIP) and size <= limit:
        piece, data = _inflated(data, _GZIP, limit)
        pieces.append(piece)
        size += len(piece)
    return b"".join(pieces) if pieces else data


def _without_deflate(data: bytes, limit: int) -> bytes:
    """Undo what the standard calls deflate (zlib's form), or servers (the bare stream)."""
    form = _ZLIB if data[0] & 15 == 8 and int.from_bytes(data[:2]) % 31 == 0 else _RAW
    try:
        return _inflated(data, form, limit)[0]
    except BrokenBody:
        return _markup(data)


def _inflated(data: bytes, form: int, limit: int) -> tuple[bytes, bytes]:
    """Return the content of a stream, cut where it is longer than `limit`, and what follows the stream."""
    inflater = isal_zlib.decompressobj(form)
    pieces, size = [], 0
    try:
        while not inflater.eof and size <= limit:
            piece = inflater.decompress(data, limit + 1)
            data = inflater.unconsumed_tail
            if not (piece or data or inflater.eof):
                raise BrokenBody("compressed data is cut")
            pieces.append(piece)
            size += len(piece)
    except IsalError as error:
        raise BrokenBody(str(error)) from None
    return b"".join(pieces), inflater.unused_data


def _without_brotli(data: bytes, limit: int) -> bytes:
    inflater = brotli.Decompressor()
    try:
        content = bytes(inflater.process(data, output_buffer_limit=limit + 1))
    except brotli.error:
        return _markup(data)
    return content if inflater.is_finished() or len(content) > limit else _markup(data)


def _markup(data: bytes) -> bytes:
    """Return what does not fit a coding without a mark, if it begins as gzip or as markup that is in none. Raises BrokenBody."""
    if data.startswith(GZIP) or data.lstrip(_BLANK).startswith(b"<"):
        return data
    raise BrokenBody("compressed data is cut or damaged")


def _without_zstd(data: bytes, limit: int) -> bytes:
    if not data.startswith(ZSTD_FRAME):
        return data
    frame = zstandard.ZstdDecompressor().decompressobj()
    pieces, size = [], 0
    try:
        for at in range(0, len(data), _ZSTD_INPUT):
            pieces.append(frame.decompress(data[at : at + _ZSTD_INPUT]))
            size += len(pieces[-1])
            if frame.eof or size > limit:
                return b"".join(pieces)
    except zstandard.ZstdError as error:
        raise BrokenBody(str(error)) from None
    raise BrokenBody("zstd data is cut")


_CODINGS: dict[str, Callable[[bytes, int], bytes]] = {
    "chunked": _without_chunks,
    "gzip": _without_gzip,
    "x-gzip": _without_gzip,
    "deflate": _without_deflate,
    "br": _without_brotli,
    "zstd": _without_zstd,
}
