"""The ordered token stream of one source: all documents of a split, across parts, in the order of their keys.

A document's key is a 128-bit hash of its id, so the stream is the same however the source is cut into parts. The order stands
in a declared index file (`order.<split>.npy`) that is mapped, not loaded: memory does not grow with the source.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scripts.lib.errors import UserError
from scripts.lib.indexed import IndexedReader

I64 = NDArray[np.int64]
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
    return hashlib.blake2b(identifier.encode("utf-8", "surrogatepass"), digest_size=16, person=b"order").digest()


class SourceStream:
    """The stream of a split of a source. `parts` are its shards, in the order in which the index numbers them."""

    def __init__(self, name: str, parts: Sequence[IndexedReader], order: NDArray[Any]) -> None:
        self.name = name
        self._parts = list(parts)
        self._order = order
        self._ends = order["end"]

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
        return cls(name, readers, order)

    @property
    def tokens(self) -> int:
        """The number of tokens in the stream."""
        return int(self._ends[-1]) if len(self._ends) else 0

    def spans(self, start: int, stop: int) -> list[Span]:
        """Return the documents that hold the tokens from `start` up to `stop`, with their parts of it, in order."""
        found = []
        row = int(np.searchsorted(self._ends, start, side="right"))
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
        pieces = [self._parts[span.part][span.document][span.start : span.stop] for span in self.spans(start, stop)]
        return np.concatenate([np.zeros(0, np.int64), *pieces]).astype(np.int64)

    def place(self, part: int, document: int) -> tuple[int, int]:
        """Return where the tokens of a document start and stop in the stream. Raises UserError for an unknown document."""
        rows = np.flatnonzero((self._order["part"] == part) & (self._order["document"] == document))
        if len(rows) != 1:
            raise UserError(f"Source {self.name} has no document {document} in part {part}.")
        end = int(self._ends[rows[0]])
        return end - int(self._parts[part].sizes[document]), end


def load_order(path: Path) -> NDArray[Any]:
    """Map an order index. Raises UserError for a file that is none."""
    try:
        order: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise UserError(f"{path} is no order index ({error}); run the workflow again.") from None
    if order.dtype != ORDER_DTYPE or order.ndim != 1:
        raise UserError(f"{path} is no order index; run the workflow again.")
    return order
