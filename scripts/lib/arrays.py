"""Arrays that are written to disk block by block, so that none of them has to fit into memory."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray


class ArrayWriter:
    """Writes a one-dimensional array to a `.npy` file, byte for byte as `np.save` writes it whole.

    `with ArrayWriter(path, dtype) as writer: writer.add(block)`. The header has room for any number of items, so it is written
    again at the end.
    """

    def __init__(self, path: Path, dtype: DTypeLike) -> None:
        self._dtype = np.dtype(dtype)
        self._stream: BinaryIO = path.open("wb")
        self.items = 0
        self._write_header()

    def add(self, block: NDArray[Any]) -> None:
        """Append a block."""
        self._stream.write(np.ascontiguousarray(block, self._dtype).data)
        self.items += len(block)

    def _write_header(self) -> None:
        header = {"descr": np.lib.format.dtype_to_descr(self._dtype), "fortran_order": False, "shape": (self.items,)}
        np.lib.format.write_array_header_1_0(self._stream, header)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.seek(0)
        self._write_header()
        self._stream.close()
