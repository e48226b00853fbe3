"""The ordered token stream of one source: all documents of a split, across parts, in the order of their keys.

A document's key is a 128-bit hash of its id, so the stream is the same however the source is cut into parts. The order stands
in a declared index file (`order.<split>.npy`) that is mapped, not loaded: memory does not grow with the source, and no file stays
open, however many parts there are.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scripts.lib.compiled import compiled, compiled_inner
from scripts.lib.errors import UserError
from scripts.lib.indexed import Ids, IndexedReader
from scripts.lib.maps import map_array, map_file, map_files

I64 = NDArray[np.int64]
KEY_BYTES = 16
NEW_KEY = hashlib.blake2b(digest_size=KEY_BYTES, person=b"order")  # a copy takes half the time of one made anew
STRIDE, MARKS = 64, 1 << 16  # documents between two marks in memory at least, and how many marks there are at most
ORDER_DTYPE = np.dtype([("part", "<i4"), ("document", "<i4"), ("begin", "<i8"), ("end", "<i8")])


@dataclass(frozen=True)
class Span:
    """A run of tokens of one document: part number, document number in the part, offsets of its tokens."""

    part: int
    document: int
    start: int
    stop: int


def document_key(identifier: str) -> bytes:
    """Return the 16 bytes by which a document is ordered, most significant first."""
    key = NEW_KEY.copy()
    key.update(identifier.encode("utf-8", "surrogatepass"))
    return key.digest()


class SourceStream:
    """The stream of a split of a source.

    `ids` are the token ids of all parts in one array, in which those of part n begin at `bases[n]`; `documents[n]` is the number
    of its documents and `keys[n]` the file of their keys. `order` [documents] says of each document in the stream its part, its
    number there, where its tokens begin among those of the part, and where they end in the stream.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        ids: Ids,
        bases: I64,
        documents: Sequence[int],
        order: NDArray[Any],
        keys: Sequence[Path],
    ) -> None:
        self.name, self.folder, self.ids = name, folder, ids
        self._bases, self._documents, self._keys, self._order = bases, documents, keys, order
        self._ends = order["end"]
        self._stride = STRIDE
        while len(order) > self._stride * MARKS:
            self._stride *= 2
        self._marks = np.ascontiguousarray(self._ends[self._stride - 1 :: self._stride])

    @classmethod
    def open(cls, name: str, folder: Path, parts: Sequence[str], split: str) -> SourceStream:
        """Open the stream of a source from the folder of its shards. Raises UserError where files do not belong together.

        `parts` are its shards, in the order in which the index numbers them.
        """
        order = load_order(folder / f"order.{split}.npy")
        paths = [folder / f"{part}.{split}.bin" for part in parts]
        documents, kinds, tokens = [], [], 0
        for path in paths:
            shard = IndexedReader(path, path.with_suffix(".idx"))  # which checks it
            documents.append(len(shard))
            kinds.append(shard.dtype)
            tokens += shard.tokens
        if len(order) != sum(documents) or (len(order) and int(order["end"][-1]) != tokens):
            raise UserError(
                f"{folder}/order.{split}.npy does not belong to the shards beside it; run the workflow again."
            )
        if any(kind != kinds[0] for kind in kinds):
            raise UserError(f"The shards in {folder} hold token ids of different types; run the workflow again.")
        data, starts = map_files(paths)
        keys = [path.with_suffix(".keys") for path in paths]
        return cls(name, folder, data.view(kinds[0]), starts // kinds[0].itemsize, documents, order, keys)

    @property
    def tokens(self) -> int:
        """The number of tokens in the stream."""
        return int(self._ends[-1]) if len(self._ends) else 0

    def spans(self, start: int, stop: int) -> list[Span]:
        """Return the documents that hold the tokens from `start` up to `stop`, with their parts of it, in order."""
        found = []
        row = bisect_right(self._ends, start)
        while start < stop:
            begin, end = self._borders(row)
            taken = min(stop, end) - start
            if taken:
                part, document = int(self._order["part"][row]), int(self._order["document"][row])
                found.append(Span(part, document, start - begin, start - begin + taken))
            start += taken
            row += 1
        return found

    def _borders(self, row: int) -> tuple[int, int]:
        """Return where the document in a row of the order begins and ends in the stream."""
        return int(self._ends[row - 1]) if row else 0, int(self._ends[row])

    def read(self, start: int, stop: int) -> I64:
        """Return the token ids from `start` up to `stop` of the stream, int64 [stop - start]."""
        found = np.empty(stop - start, self.ids.dtype)
        if len(found):
            pieces = self.pieces(np.array([start], np.int64), np.array([stop - start], np.int64))
            copy_runs(found, self.ids, *pieces, 0, 1, 0)
        return found.astype(np.int64)

    def pieces(self, starts: I64, sizes: I64) -> tuple[I64, I64, I64, I64]:
        """Return the pieces of documents that runs of the stream, `sizes` tokens from `starts` on and all above 0, consist of.

        Of each piece the number of its run, where it begins in `ids`, its size, and how many tokens of the run stand before it.
        All runs are found together. Raises IndexError for a run outside the stream, or where the order points outside `ids`.
        """
        order = self._order
        return _cut(
            self._ends,
            order["part"],
            order["begin"],
            self._bases,
            self._marks,
            self._stride,
            len(self.ids),
            starts,
            sizes,
        )

    def place(self, part: int, document: int) -> tuple[int, int]:
        """Return where the tokens of a document start and stop in the stream. Raises UserError for an unknown document.

        The documents stand in the order of their keys, so it is found by bisection, whatever the size of the source.
        """
        if not (0 <= part < len(self._documents) and 0 <= document < self._documents[part]):
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
        return self._borders(row)

    def _key(self, keys: dict[int, NDArray[Any]], part: int, document: int) -> bytes:
        """Return the key of a document; `keys` holds the files that are mapped already."""
        if part not in keys:
            keys[part] = map_file(self._keys[part]).view(f"V{KEY_BYTES}")
        return bytes(keys[part][document])


@compiled_inner
def _row_of(ends: I64, marks: I64, stride: int, position: int) -> int:
    """Return the row of the order that holds a token of the stream: the first one that ends behind it."""
    low, high = 0, len(marks)  # the marks lie close together; only the ends between two of them are looked at
    while low < high:
        middle = (low + high) >> 1
        low, high = (middle + 1, high) if marks[middle] <= position else (low, middle)
    low = low * stride
    high = min(low + stride, len(ends)) - 1
    while low < high:
        middle = (low + high) >> 1
        low, high = (middle + 1, high) if ends[middle] <= position else (low, middle)
    return low


@compiled
def _cut(
    ends: I64, parts: I64, begins: I64, bases: I64, marks: I64, stride: int, held: int, starts: I64, sizes: I64
) -> tuple[I64, I64, I64, I64]:
    """Return the pieces of documents in runs of a stream, as `SourceStream.pieces` does; `held` is the number of ids."""
    first = np.empty(len(starts), np.int64)
    tokens = ends[-1] if len(ends) else 0
    count = 0
    for run in range(len(starts)):
        stop = starts[run] + sizes[run]
        if starts[run] < 0 or stop > tokens:
            raise IndexError("a run lies outside the tokens of its source")
        row = first[run] = _row_of(ends, marks, stride, starts[run])
        while ends[row] < stop:
            row += 1
        count += row - first[run] + 1
    which, offsets, taken, filled = (
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
            if not 0 <= parts[row] < len(bases):
                raise IndexError("the order names a part that there is not")
            offset, size = bases[parts[row]] + begins[row] + start - begin, reach - start
            if offset < 0 or offset > held - size:
                raise IndexError("the order points outside its shards")
            which[piece], offsets[piece], taken[piece], filled[piece] = run, offset, size, start - starts[run]
            start = reach
            row += 1
            piece += 1
    return which, offsets, taken, filled


@compiled
def copy_runs(
    tokens: Ids, ids: Ids, rows: I64, offsets: I64, sizes: I64, targets: I64, first: int, behind: int, shift: int
) -> None:
    """Copy the pieces of rows from `first` to before `behind` (`rows` ascend): ids from `offsets` on to `targets` - `shift`."""
    for piece in range(_first_not_below(rows, first), _first_not_below(rows, behind)):
        size, place = sizes[piece], targets[piece] - shift
        target, source = tokens[place : place + size], ids[offsets[piece] : offsets[piece] + size]
        for number in range(size):
            target[number] = source[number]


@compiled_inner
def _first_not_below(rows: I64, row: int) -> int:
    low, high = 0, len(rows)
    while low < high:
        middle = (low + high) >> 1
        low, high = (middle + 1, high) if rows[middle] < row else (low, middle)
    return low


def load_order(path: Path) -> NDArray[Any]:
    """Map an order index. Raises UserError for a file that is none."""
    try:
        order = map_array(path)
    except (OSError, ValueError) as error:
        raise UserError(f"{path} is no order index ({error}); run the workflow again.") from None
    if order.dtype != ORDER_DTYPE:
        raise UserError(f"{path} is no order index; run the workflow again.")
    return order
