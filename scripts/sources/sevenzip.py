"""One member of a 7z archive as a stream of bytes, which is never whole in memory or on disk."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import py7zr
from py7zr.exceptions import DecompressionBombError, PasswordRequired
from py7zr.io import Py7zIO, WriterFactory

from scripts.sources.streams import CHUNK, MAX_RATIO, RATIO_APPLIES_FROM, BrokenStream

MAGIC = b"7z\xbc\xaf\x27\x1c"


def is_sevenzip(path: Path) -> bool:
    """Tell whether a file is a 7z archive by its first bytes."""
    with path.open("rb") as stream:
        return stream.read(len(MAGIC)) == MAGIC


class _Pipe(Py7zIO):
    """The writing end of a pipe, as the library wants its files."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._size = 0

    def write(self, s: bytes | bytearray) -> int:
        rest = memoryview(s)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]
        self._size += len(s)
        return len(s)

    def read(self, size: int | None = None) -> bytes:
        return b""

    def seek(self, offset: int, whence: int = 0) -> int:
        return 0

    def flush(self) -> None:
        pass

    def size(self) -> int:
        return self._size


class _Factory(WriterFactory):
    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def create(self, filename: str) -> Py7zIO:
        return _Pipe(self._descriptor)


class _Unpacking(threading.Thread):
    """Write a member to a pipe; `reason` says what broke, None where nothing did."""

    def __init__(self, path: Path, name: str | None, descriptor: int) -> None:
        super().__init__(daemon=True)
        self.reason: str | None = None
        self._path, self._name, self._descriptor = path, name, descriptor

    def run(self) -> None:
        try:
            self.reason = self._unpack()
        finally:
            os.close(self._descriptor)

    def _unpack(self) -> str | None:
        limit = max(MAX_RATIO * self._path.stat().st_size, RATIO_APPLIES_FROM)
        try:
            # From an open file the library unpacks in this thread alone.
            with (
                self._path.open("rb") as stream,
                py7zr.SevenZipFile(stream, max_extract_size=limit) as archive,
            ):
                names = [name for name in archive.namelist() if self._name in (None, PurePosixPath(name).name)]
                if len(names) != 1:
                    return "no_such_member" if not names else "ambiguous_member"
                archive.extract(targets=names, factory=_Factory(self._descriptor))
        except DecompressionBombError:
            return "compression_bomb"
        except PasswordRequired:
            return "encrypted_archive"
        except Exception:  # the library meets damaged headers with whatever they lead to
            return "damaged_archive"
        return None


def iter_member(path: Path, name: str | None = None) -> Iterator[bytes]:
    """Yield the bytes of the one member with this file name, whatever its folder, or of the only one, in chunks.

    Raises BrokenStream after the last good chunk where the archive is damaged, a bomb or has no such member.
    """
    reading, writing = os.pipe()
    unpacking = _Unpacking(path, name, writing)
    unpacking.start()
    produced = 0
    try:
        with os.fdopen(reading, "rb", buffering=0) as stream:
            while chunk := stream.read(CHUNK):
                produced += len(chunk)
                yield chunk
    finally:
        unpacking.join()  # where the consumer stops early, the closed pipe ends it
    if unpacking.reason:
        raise BrokenStream(unpacking.reason, produced)
