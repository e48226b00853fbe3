"""Rows on disk: written once in order, then read in order or picked by position, in memory that does not grow with their number.

Temporary files beside an output, for steps over a whole corpus.
"""

from __future__ import annotations

import mmap
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from scripts.lib.compiled import compiled

I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]
BLOCK = 1 << 16  # rows that are read at a time
PICKED = 1 << 9  # rows that are picked before their pages are given back; the kernel maps some 64 KB around each


@contextmanager
def spool_folder(manifest: Path) -> Iterator[Path]:
    """Make a folder for temporary files of an artefact, and remove it at the end.

    Its name is that of leftovers of a killed writer, so that the next one removes it.
    """
    folder = manifest.parent / f".{manifest.stem}.staging-spool"
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def mapped(path: Path) -> Iterator[mmap.mmap]:
    """Map a file that is not empty, for reading here and there."""
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as pages:
        pages.madvise(mmap.MADV_RANDOM)
        yield pages


class Spool:
    """Rows of one type and width; once they are read, no more can be written."""

    def __init__(self, path: Path, dtype: Any, width: int = 1) -> None:
        self.path, self.dtype, self.width = path, np.dtype(dtype), width
        self._stream = path.open("wb")

    def append(self, rows: NDArray[Any]) -> None:
        """Write rows, [n] or [n, width]."""
        self._stream.write(np.ascontiguousarray(rows, self.dtype).data)

    def close(self) -> None:
        """End the writing."""
        self._stream.close()

    def blocks(self) -> Iterator[NDArray[Any]]:
        """Yield all rows in order, some at a time."""
        self.close()
        with self.path.open("rb") as stream:
            while len(found := np.fromfile(stream, self.dtype, BLOCK * self.width)):
                yield found if self.width == 1 else found.reshape(-1, self.width)

    def pick(self, positions: I64) -> NDArray[Any]:
        """Return the rows at positions, in memory."""
        self.close()
        found = np.empty((len(positions), self.width), self.dtype)
        if len(positions):
            with mapped(self.path) as pages:
                rows = np.frombuffer(pages, self.dtype).reshape(-1, self.width)
                for start in range(0, len(positions), PICKED):
                    found[start : start + PICKED] = rows[positions[start : start + PICKED]]
                    pages.madvise(mmap.MADV_DONTNEED)
                del rows  # the map cannot be closed while something looks into it
        return found.reshape(-1) if self.width == 1 else found


class TextSpool:
    """UTF-8 texts of any length; once they are read, no more can be written."""

    def __init__(self, path: Path) -> None:
        self._data = Spool(path, np.uint8)
        self._ends = Spool(path.with_name(path.name + ".ends"), np.int64)
        self._written = 0

    def append(self, texts: pa.Array) -> None:
        """Write the texts of an Arrow string array without nulls."""
        offsets = np.frombuffer(texts.buffers()[1], np.int32)[texts.offset : texts.offset + len(texts) + 1]
        data = np.frombuffer(texts.buffers()[2] or b"", np.uint8)[offsets[0] : offsets[-1]]
        self._data.append(data)
        self._ends.append(offsets[1:].astype(np.int64) + (self._written - int(offsets[0])))
        self._written += len(data)

    def pick(self, positions: I64) -> pa.Array:
        """Return the texts at positions as an Arrow array of bytes, which sort as the texts do."""
        self._data.close()
        stops = self._ends.pick(positions)
        starts = np.where(positions > 0, self._ends.pick(np.maximum(positions - 1, 0)), 0)
        ends = np.concatenate([[0], np.cumsum(stops - starts)]).astype(np.int64)
        found = np.empty(int(ends[-1]), np.uint8)
        if len(found):
            with mapped(self._data.path) as pages:
                data = np.frombuffer(pages, np.uint8)
                for start in range(0, len(positions), PICKED):
                    some = slice(start, start + PICKED)
                    _copy(data, starts[some], stops[some], ends[some], found)
                    pages.madvise(mmap.MADV_DONTNEED)
                del data
        return pa.Array.from_buffers(pa.large_binary(), len(positions), [None, pa.py_buffer(ends), pa.py_buffer(found)])


@compiled
def _copy(data: U8, starts: I64, stops: I64, places: I64, found: U8) -> None:
    for row in range(len(starts)):
        for offset in range(stops[row] - starts[row]):
            found[places[row] + offset] = data[starts[row] + offset]
