"""Best-fit packing: whole documents are put into training samples so that as few as possible are cut.

Best-fit decreasing (Ding et al., "Fewer Truncations Improve Language Modeling", 2024): documents longer than a sample are cut
into pieces of its length, then all pieces go, the longest first, each into the sample with the least room that holds it. Pieces
of 2**20 documents that follow one another in the order of keys, or of fewer documents with 2**21 pieces, are fitted at a time,
so the packing does not depend on how a source is cut into parts, and memory is that of one block, about 200 bytes a piece. Every
token stands in one sample; what a sample has left is padding.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scripts.lib.errors import UserError
from scripts.lib.maps import map_array

I64 = NDArray[np.int64]
BLOCK, PIECES = 1 << 20, 1 << 21  # documents that are packed together at most, and their pieces (unless one has more)
PIECE_DTYPE = np.dtype([("start", "<i8"), ("size", "<i4"), ("place", "<i4"), ("sample", "<i8")])


def pieces_of(begins: I64, ends: I64, length: int) -> tuple[I64, I64]:
    """Return start and size of the pieces of documents, none longer than `length`; documents without tokens have none."""
    counts = -(-(ends - begins) // length)
    number = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
    starts = np.repeat(begins, counts) + number * length
    return starts, np.minimum(np.repeat(ends, counts) - starts, length)


def best_fit(sizes: I64, length: int) -> tuple[I64, int]:
    """Return the bin of every piece and the number of bins, each of them of room `length`.

    Which rooms have a bin is kept as the bits of one number, so the least room that is enough is found at once.
    """
    bins = np.zeros(len(sizes), np.int64)
    waiting: list[list[int]] = [[] for _ in range(length + 1)]
    rooms = made = 0
    for piece, size in zip(*(each.tolist() for each in _descending(sizes)), strict=True):
        enough = rooms >> size
        if enough:
            room = size + (enough & -enough).bit_length() - 1
            chosen = waiting[room].pop()
            if not waiting[room]:
                rooms ^= 1 << room
        else:
            room, chosen, made = length, made, made + 1
        bins[piece] = chosen
        if room > size:
            waiting[room - size].append(chosen)
            rooms |= 1 << (room - size)
    return bins, made


def _descending(sizes: I64) -> tuple[I64, I64]:
    order = np.argsort(-sizes, kind="stable")
    return order, sizes[order]


def blocks(ends: NDArray[Any], length: int) -> Iterator[tuple[I64, I64]]:
    """Yield where the documents of each block begin and end in the stream: BLOCK, or fewer with PIECES pieces."""
    start = begin = 0
    while start < len(ends):
        stops = np.array(ends[start : start + BLOCK], np.int64)
        begins = np.concatenate([[begin], stops[:-1]])
        pieces = np.cumsum(-(-(stops - begins) // length))
        count = max(int(np.searchsorted(pieces, PIECES, side="right")), 1)
        yield begins[:count], stops[:count]
        start, begin = start + count, int(stops[count - 1])


def pack(ends: NDArray[Any], length: int) -> Iterator[NDArray[Any]]:
    """Yield the pieces of a stream in its order, block by block, with their samples and their places in them.

    `ends` are those of the documents in the stream. In a sample the rests of cut documents stand before whole ones: the first
    follows the token before it in the text, a further one begins behind an END as a text does.
    """
    first = 0
    for begins, stops in blocks(ends, length):
        starts, sizes = pieces_of(begins, stops, length)
        bins, made = best_fit(sizes, length)
        whole = np.isin(starts, begins)
        inside = np.lexsort((starts, whole, bins))
        filled = np.cumsum(sizes[inside]) - sizes[inside]
        opens = np.diff(bins[inside], prepend=-1) > 0
        pieces = np.zeros(len(starts), PIECE_DTYPE)
        pieces["start"], pieces["size"], pieces["sample"] = starts, sizes, first + bins
        pieces["place"][inside] = filled - np.maximum.accumulate(np.where(opens, filled, 0))
        yield pieces
        first += made


def index_block(pieces: NDArray[Any], length: int, begin: int, first: int) -> tuple[I64, I64]:
    """Return the numbers of the pieces of a block sample by sample, and where those of each sample begin and the last one's end.

    The block begins at the token `begin` of its stream and with the sample `first`; numbers count from its own first piece.
    Raises AssertionError where a token is lost, doubled or out of a sample.
    """
    by_sample = np.lexsort((pieces["place"], pieces["sample"])).astype(np.int64)
    sample, place, size = (pieces[name][by_sample].astype(np.int64) for name in ("sample", "place", "size"))
    sample -= first
    count = int(sample[-1]) + 1 if len(sample) else 0
    offsets = np.searchsorted(sample, np.arange(count + 1)).astype(np.int64)
    expected = np.where(np.diff(sample, prepend=-1) > 0, 0, np.roll(place + size, 1))
    starts, stops = pieces["start"], pieces["start"] + pieces["size"]
    if (
        not np.array_equal(place, expected)
        or bool(np.any(place + size > length))
        or bool(np.any(np.diff(offsets) == 0))
        or not np.array_equal(starts, np.concatenate([[begin], stops[:-1]])[: len(starts)])
    ):
        raise AssertionError("a packing has to hold every token once")
    return by_sample, offsets


@dataclass(frozen=True)
class Packing:
    """The samples of a source. `pieces` stand in the order of its stream; `by_sample` are their numbers, sample by sample, and
    those of sample i lie between `offsets[i]` and `offsets[i + 1]`.
    """

    length: int
    pieces: NDArray[Any]
    by_sample: I64
    offsets: I64

    @classmethod
    def open(cls, folder: Path, length: int, tokens: int) -> Packing:
        """Map what `scripts.shards.pack` wrote. Raises UserError where it does not belong to a stream of so many tokens."""
        name = f"{folder}/pack-{length}"
        try:
            pieces, by_sample, offsets = (
                map_array(folder / f"pack-{length}.{kind}.npy") for kind in ("pieces", "samples", "offsets")
            )
        except (OSError, ValueError) as error:
            raise UserError(f"{name}.pieces.npy cannot be read ({error}); run the workflow again.") from None
        last = int(pieces["start"][-1]) + int(pieces["size"][-1]) if len(pieces) else 0
        if len(pieces) != len(by_sample) or last != tokens:
            raise UserError(f"{name}.pieces.npy does not belong to the shards beside it; run the workflow again.")
        return cls(length, pieces, by_sample, offsets)

    @property
    def samples(self) -> int:
        """The number of samples."""
        return len(self.offsets) - 1

    def of_samples(self, samples: I64) -> tuple[I64, NDArray[Any]]:
        """Return for samples, one after another, the pieces in each and the position of its sample in `samples`."""
        counts = self.offsets[samples + 1] - self.offsets[samples]
        which = np.repeat(np.arange(len(samples)), counts)
        number = np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)
        return which, self.pieces[self.by_sample[self.offsets[samples][which] + number]]

    def tokens(self, samples: I64) -> int:
        """Return how many tokens samples hold, padding not counted."""
        return int(self.of_samples(samples)[1]["size"].sum(dtype=np.int64))

    def holding(self, start: int, stop: int) -> I64:
        """Return the samples that hold the tokens of a stream from `start` up to `stop`."""
        first, last = bisect_right(self.pieces["start"], start) - 1, bisect_left(self.pieces["start"], stop)
        return np.unique(self.pieces["sample"][first:last].astype(np.int64))
