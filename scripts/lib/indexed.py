"""Megatron's indexed dataset (`.bin` and `.idx`): a streaming writer and a reader over memory maps.

`.bin` is the token ids of all sequences, one after another, little endian. `.idx` is

    9 bytes   magic `MMIDIDX\\x00\\x00`
    uint64    version, 1
    uint8     code of the ids' type (1 uint8, 2 int8, 3 int16, 4 int32, 5 int64, 6 float64, 7 float32, 8 uint16)
    uint64    number of sequences n
    uint64    number of document boundaries d
    int32[n]  tokens of each sequence
    int64[n]  byte offset of each sequence in `.bin`
    int64[d]  number of the first sequence of each document, and n at the end

as Megatron-LM's `megatron/core/datasets/indexed_dataset.py` writes it. Here every document is one sequence.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from scripts.lib.errors import UserError
from scripts.lib.maps import map_file

MAGIC = b"MMIDIDX\x00\x00"
VERSION = 1
HEADER = struct.Struct("<9sQBQQ")
CODES: dict[int, np.dtype[Any]] = {  # no token ids are real numbers, so those two codes are refused
    1: np.dtype("<u1"),
    2: np.dtype("<i1"),
    3: np.dtype("<i2"),
    4: np.dtype("<i4"),
    5: np.dtype("<i8"),
    8: np.dtype("<u2"),
}
SMALL_VOCABULARY = 65_500  # Megatron's own limit for uint16 (`DType.optimal_dtype`)
BUFFER = 1 << 18  # bytes written at once
Ids = NDArray[Any]


def smallest_dtype(vocabulary: int) -> np.dtype[Any]:
    """Return the type that Megatron picks for ids below `vocabulary`: uint16 below 65,500, otherwise int32."""
    return np.dtype(CODES[8] if vocabulary < SMALL_VOCABULARY else CODES[4])


class IndexedWriter:
    """Writes documents one by one; memory grows by 8 bytes a document. The caller makes the files appear atomically.

    `with IndexedWriter(bin, idx, dtype) as writer: writer.add(ids)`; the index is written at the end, not after an error.
    """

    def __init__(self, data: Path, index: Path, dtype: DTypeLike) -> None:
        self._data, self._index, self._dtype = data, index, np.dtype(dtype).newbyteorder("<")
        self._code = next(code for code, known in CODES.items() if known == self._dtype)
        self._limits = np.iinfo(self._dtype)
        self._sizes = array("q")
        self._stream: BinaryIO = data.open("wb", buffering=BUFFER)
        self.tokens = 0

    def add(self, ids: Sequence[int] | Ids) -> None:
        """Append one document (possibly without tokens). Raises UserError for an id that the type cannot hold."""
        if isinstance(ids, np.ndarray) and ids.dtype == self._dtype:  # such ids fit
            self._stream.write(ids.data if ids.flags.c_contiguous else np.ascontiguousarray(ids).data)
            self._sizes.append(len(ids))
            self.tokens += len(ids)
        else:
            self.add_many(np.asarray(ids, dtype=np.int64), np.array([len(ids)], dtype=np.int64))

    def add_many(self, ids: Ids, sizes: NDArray[np.int64]) -> None:
        """Append documents of `sizes` tokens whose ids follow one another in `ids`."""
        known = ids.dtype == self._dtype  # such ids fit
        if not known and ids.size and (int(ids.min()) < self._limits.min or int(ids.max()) > self._limits.max):
            raise UserError(
                f"{self._data.name}: a token id does not fit {self._dtype.name}; write it with a larger type."
            )
        self._stream.write(np.ascontiguousarray(ids, self._dtype).data)
        self._sizes.frombytes(sizes.astype(np.int64).tobytes())
        self.tokens += ids.size

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()
        if kind is None:
            self._write_index()

    def _write_index(self) -> None:
        sizes = np.array(self._sizes, np.int64)
        if sizes.size and int(sizes.max()) > np.iinfo(np.int32).max:
            raise UserError(
                f"{self._data.name}: a document has more than 2,147,483,647 tokens, which the Megatron format cannot "
                "hold; split it before sharding."
            )
        pointers = (np.cumsum(sizes) - sizes) * self._dtype.itemsize
        with self._index.open("wb") as stream:
            stream.write(HEADER.pack(MAGIC, VERSION, self._code, len(sizes), len(sizes) + 1))
            sizes.astype("<i4").tofile(stream)
            pointers.astype("<i8").tofile(stream)
            np.arange(len(sizes) + 1, dtype="<i8").tofile(stream)


class IndexedReader:
    """Reads a pair of files by memory map: `reader[i]` is the ids of sequence i, without a copy.

    Raises UserError with the file's name for whatever is not a whole, consistent pair.
    """

    def __init__(self, data: Path, index: Path) -> None:
        self.path = data
        self.dtype, count = read_header(index)
        sizes, pointers, documents = np.split(map_file(index)[HEADER.size :], [4 * count, 12 * count])
        self.sizes: NDArray[np.int32] = sizes.view("<i4")
        self.pointers: NDArray[np.int64] = pointers.view("<i8")
        self.documents: NDArray[np.int64] = documents.view("<i8")
        self._check(data, index)
        self.ids: Ids = map_file(data).view(self.dtype)

    def __len__(self) -> int:
        return len(self.sizes)

    def __getitem__(self, number: int) -> Ids:
        start = int(self.pointers[number]) // self.dtype.itemsize
        return self.ids[start : start + int(self.sizes[number])]

    @property
    def tokens(self) -> int:
        """The number of token ids in all sequences together."""
        return int(self.sizes.sum(dtype=np.int64))

    def _check(self, data: Path, index: Path) -> None:
        if not data.is_file():
            raise UserError(f"{data.name} is missing beside {index.name}; write the shard again.")
        width, length = self.dtype.itemsize, data.stat().st_size
        expected = self.tokens * width
        if length != expected:
            raise UserError(f"{data.name} has {length} bytes but its index says {expected}; write the shard again.")
        if len(self) and (
            int(self.sizes.min()) < 0
            or int(self.pointers.min()) < 0
            or bool(np.any(self.pointers > length - self.sizes.astype(np.int64) * width))  # cannot overflow
            or bool(np.any(self.pointers % width))
        ):
            raise UserError(f"{index.name} points outside {data.name}; write the shard again.")
        starts = self.documents
        if len(starts) == 0 or starts[0] != 0 or starts[-1] != len(self) or bool(np.any(np.diff(starts) < 0)):
            raise UserError(
                f"{index.name} has document boundaries that do not fit its sequences; write the shard again."
            )


def read_header(index: Path) -> tuple[np.dtype[Any], int]:
    """Return the ids' type and the number of sequences, after checking the file's length."""
    if not index.is_file():
        raise UserError(f"{index.name} is missing; write the shard again.")
    with index.open("rb") as stream:
        head = stream.read(HEADER.size)
    if not head.startswith(MAGIC):
        raise UserError(f"{index.name} is no Megatron index (wrong magic); give the .idx file of a shard.")
    if len(head) < HEADER.size:
        raise UserError(f"{index.name} ends within its header; write the shard again.")
    _, version, code, count, boundaries = HEADER.unpack(head)
    if version != VERSION:
        raise UserError(f"{index.name} has version {version} of the Megatron index, only {VERSION} is read here.")
    if code not in CODES:
        raise UserError(f"{index.name} has the unknown type code {code} for token ids; write the shard again.")
    expected = HEADER.size + 12 * count + 8 * boundaries
    if index.stat().st_size != expected:
        raise UserError(
            f"{index.name} has {index.stat().st_size} bytes but its header says {expected}; write the shard again."
        )
    return CODES[code], count
