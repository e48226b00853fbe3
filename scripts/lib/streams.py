"""The ordered token stream of one source: all documents of a split, across parts, in the order of their keys.

A document's key is a 128-bit hash of its id, so the stream is the same however the source is cut into parts. The order stands
in a declared index file (`order.<split>.npy`) that is mapped, not loaded: memory does not grow with the source.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scripts.lib.compiled import compiled, compiled_inner
from scripts.lib.errors import UserError
from scripts.lib.indexed import Ids, IndexedReader
from scripts.lib.maps import map_file

I64 = NDArray[np.int64]
KEY_BYTES = 16
STRIDE = 64  # documents between two marks in memory: an eighth of a byte for each
ORDER_DTYPE = np.dtype([("part", "<i4"), ("document", "<i4"), ("end", "<i8")])


@dataclass(frozen=True)
class Span:
    """A run of tokens of one document: part number, document number in the part, offsets of its tokens."""

    part: int
    document: int
    start: int
    stop: int


def document_key(identifier: str) -> bytes:
    """Return the 16 bytes by which a document is ordered, most significant first."""
    return hashlib.blake2b(identifier.encode("utf-8", "surrogatepass"), digest_size=KEY_BYTES, person=b"order").digest()


class SourceStream:
    """The stream of a split of a source. `parts` are its shards, in the order in which the index numbers them."""

    def __init__(
        self, folder: Path, name: str, parts: Sequence[IndexedReader], keys: Sequence[Path], order: NDArray[Any]
    ) -> None:
        self.folder, self.name = folder, name
        self._parts, self._keys = list(parts), list(keys)
        self._order = order
        self._ends = order["end"]
        self._marks = np.ascontiguousarray(self._ends[STRIDE - 1 :: STRIDE])

    @classmethod
    def open(cls, name: str, folder: Path, parts: Sequence[str], split: str) -> SourceStream:
        """Open the stream of a source from the folder of its shards. Raises UserError where files do not belong together."""
        readers = [IndexedReader(folder / f"{part}.{split}.bin", folder / f"{part}.{split}.idx") for part in parts]
        order = load_order(folder / f"order.{split}.npy")
        documents, tokens = sum(map(len, readers)), sum(reader.tokens for reader in readers)
        if len(order) != documents or (documents and int(order["end"][-1]) != tokens):
            raise UserError(
                f"{folder}/order.{split}.npy does not belong to the shards beside it; run the workflow again."
            )
        return cls(folder, name, readers, [folder / f"{part}.{split}.keys" for part in parts], order)

    @property
    def tokens(self) -> int:
        """The number of tokens in the stream."""
        return int(self._ends[-1]) if len(self._ends) else 0

    def spans(self, start: int, stop: int) -> list[Span]:
        """Return the documents that hold the tokens from `start` up to `stop`, with their parts of it, in order."""
        found = []
        row = bisect_right(self._ends, start)
        while start < stop:
            end = int(self._ends[row])
            part, document = int(self._order["part"][row]), int(self._order["document"][row])
            first = start - (end - int(self._parts[part].sizes[document]))
            taken = min(stop, end) - start
            if taken:
                found.append(Span(part, document, first, first + taken))
            start += taken
            row += 1
        return found

    def read(self, start: int, stop: int) -> I64:
        """Return the token ids from `start` up to `stop` of the stream, int64 [stop - start]."""
        found = [self._parts[span.part][span.document][span.start : span.stop] for span in self.spans(start, stop)]
        return np.concatenate([np.zeros(0, np.int64), *found]).astype(np.int64)

    @property
    def shards(self) -> list[Ids]:
        """The token ids of every part."""
        return [part.ids for part in self._parts]

    def pieces(self, starts: I64, sizes: I64) -> tuple[I64, I64, I64, I64, I64]:
        """Return the pieces of documents that runs of the stream, `sizes` tokens from `starts` on and all above 0, consist of.

        Of each piece the number of its run, its part, its offset and size in the ids of that part, and how many tokens of the run
        stand before it. All runs are found together.
        """
        if int(starts.min()) < 0 or int((starts + sizes).max()) > self.tokens:
            raise IndexError(f"a run lies outside the {self.tokens} tokens of source {self.name}")
        which, rows, offsets, taken, filled = _cut(self._ends, self._marks, starts, sizes)
        parts = self._order["part"][rows].astype(np.int64)
        for number, among in groups(parts):
            shard = self._parts[number]
            offsets[among] += shard.pointers[self._order["document"][rows[among]]] // shard.dtype.itemsize
        return which, parts, offsets, taken, filled

    def place(self, part: int, document: int) -> tuple[int, int]:
        """Return where the tokens of a document start and stop in the stream. Raises UserError for an unknown document.

        The documents stand in the order of their keys, so it is found by bisection, whatever the size of the source.
        """
        if not (0 <= part < len(self._parts) and 0 <= document < len(self._parts[part])):
            raise UserError(f"Source {self.name} has no document {document} in part {part}.")
        keys: dict[int, NDArray[Any]] = {}
        wanted = self._key(keys, part, document)
        row = bisect_left(
            range(len(self._order)),
            wanted,
            key=lambda row: self._key(keys, int(self._order["part"][row]), int(self._order["document"][row])),
        )
        if row == len(self._order) or tuple(self._order[row])[:2] != (part, document):
            raise UserError(
                f"{self._keys[part]} does not belong to the order of source {self.name}; run the workflow again."
            )
        end = int(self._ends[row])
        return end - int(self._parts[part].sizes[document]), end

    def _key(self, keys: dict[int, NDArray[Any]], part: int, document: int) -> bytes:
        """Return the key of a document; `keys` holds the files that are mapped already."""
        if part not in keys:
            keys[part] = map_file(self._keys[part]).view(f"V{KEY_BYTES}")
        return bytes(keys[part][document])


def groups(numbers: I64) -> Iterator[tuple[int, I64 | slice]]:
    """Yield every number in an array (not empty) with where it stands; the frequent case of one number costs next to nothing."""
    lowest, highest = int(numbers.min()), int(numbers.max())
    if lowest == highest:
        yield lowest, slice(None)
        return
    order = np.argsort(numbers, kind="stable")
    for group in np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1):
        yield int(numbers[group[0]]), group


@compiled_inner
def _row_of(ends: I64, marks: I64, position: int) -> int:
    """Return the row of the order that holds a token of the stream: the first one that ends behind it."""
    low, high = 0, len(marks)  # the marks lie close together; only the ends between two of them are looked at
    while low < high:
        middle = (low + high) >> 1
        low, high = (middle + 1, high) if marks[middle] <= position else (low, middle)
    low = low * STRIDE
    high = min(low + STRIDE, len(ends)) - 1
    while low < high:
        middle = (low + high) >> 1
        low, high = (middle + 1, high) if ends[middle] <= position else (low, middle)
    return low


@compiled
def _cut(ends: I64, marks: I64, starts: I64, sizes: I64) -> tuple[I64, I64, I64, I64, I64]:
    """Return the pieces of documents in runs of a stream: run, row of the order, offset in the document, size, tokens before."""
    first = np.empty(len(starts), np.int64)
    count = 0
    for run in range(len(starts)):
        row = first[run] = _row_of(ends, marks, starts[run])
        stop = starts[run] + sizes[run]
        while ends[row] < stop:
            row += 1
        count += row - first[run] + 1
    which, rows, offsets, taken, filled = (
        np.empty(count, np.int64),
        np.empty(count, np.int64),
        np.empty(count, np.int64),
        np.empty(count, np.int64),
        np.empty(count, np.int64),
    )
    piece = 0
    for run in range(len(starts)):
        start, stop, row = starts[run], starts[run] + sizes[run], first[run]
        while start < stop:
            begin = ends[row - 1] if row > 0 else 0
            reach = min(ends[row], stop)
            which[piece], rows[piece], offsets[piece] = run, row, start - begin
            taken[piece], filled[piece] = reach - start, start - starts[run]
            start = reach
            row += 1
            piece += 1
    return which, rows, offsets, taken, filled


def load_order(path: Path) -> NDArray[Any]:
    """Map an order index. Raises UserError for a file that is none."""
    try:
        order: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise UserError(f"{path} is no order index ({error}); run the workflow again.") from None
    if order.dtype != ORDER_DTYPE or order.ndim != 1:
        raise UserError(f"{path} is no order index; run the workflow again.")
    return np.asarray(order)  # a plain view: slices of numpy's own class for maps are slow
