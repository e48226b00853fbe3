"""The frames of a zstd file, with the dictionary that archives of web pages may begin with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

import zstandard

# A zstd block may hold 128 KiB in 4 bytes, so little is fed at a time to keep what comes out small.
ZSTD_INPUT = 1 << 12
# Long-window dumps (Pushshift) are made with `--long=31`.
ZSTD_WINDOW = 1 << 31
ZSTD_BLOCK = 1 << 17  # the longest, compressed or not
ZSTD_FRAME = b"\x28\xb5\x2f\xfd"
ZSTD_DICTIONARY = b"\x5d\x2a\x4d\x18"
MAX_DICTIONARY_BYTES = 64 << 20


class Frames:
    """The frames of a file that is open; `start` is where the one begins that is read."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self._context: zstandard.ZstdDecompressor | None = None
        self.start = 0

    def chunks(self) -> Iterator[bytes]:
        """Yield the content from `start` on, and nothing (`b""`) at the end of each frame.

        The library's own reader ends a cut frame without a word; this raises EOFError, and ZstdError where one is damaged.
        """
        if self._context is None:
            dictionary = _dictionary(self._raw)
            self._context = zstandard.ZstdDecompressor(dict_data=dictionary, max_window_size=ZSTD_WINDOW)
            self.start = self._raw.tell()
        self._raw.seek(self.start)
        frame = None
        data = self._raw.read(ZSTD_INPUT)
        while data:
            frame = frame or self._context.decompressobj()
            if chunk := frame.decompress(data):
                yield chunk
            data = b""
            if frame.eof:
                data = frame.unused_data
                frame = None
                self.start = self._raw.tell() - len(data)
                yield b""
            data = data or self._raw.read(ZSTD_INPUT)
        if frame is not None:
            raise EOFError

    def head(self, at: int, size: int) -> tuple[bytes, int]:
        """Return the first bytes of what may be a frame at a place of the file, and how many were read to see them."""
        assert self._context is not None, "frames are read before one is looked for"
        self._raw.seek(at)
        data = self._raw.read(ZSTD_BLOCK + 64)  # a block comes out as a whole
        try:
            with self._context.stream_reader(data) as reader:
                return reader.read(size), len(data)
        except zstandard.ZstdError:
            return b"", len(data)

    def readable(self) -> bool:
        """Tell whether the dictionary, if there is one, could be read."""
        return self._context is not None


def _dictionary(raw: IO[bytes]) -> zstandard.ZstdCompressionDict | None:
    """Return the dictionary that web archives (`.warc.zst`) may begin with, in a frame that other readers skip, or None.

    It is compressed itself or not (https://iipc.github.io/warc-specifications/specifications/warc-zstd/).
    """
    head = raw.read(8)
    if not head.startswith(ZSTD_DICTIONARY):
        raw.seek(0)
        return None
    size = int.from_bytes(head[4:], "little")
    if size > MAX_DICTIONARY_BYTES:
        raise zstandard.ZstdError("dictionary too long")
    content = raw.read(size)
    if len(content) < size:
        raise EOFError
    if content.startswith(ZSTD_FRAME):
        with zstandard.ZstdDecompressor().stream_reader(content) as reader:
            content = reader.read(MAX_DICTIONARY_BYTES)
    return zstandard.ZstdCompressionDict(content)
