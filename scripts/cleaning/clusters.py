"""Which documents are copies of which: candidate pairs by equal keys, checked, joined into connected components.

Nothing depends on the order in which documents came: members of a group are compared in the order of their digests. Memory does
not grow with the documents or their pairs: keys are sorted on disk, and the rows that pairs are checked by are picked from there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scripts.cleaning.components import Components
from scripts.cleaning.folding import I64, U32, U64
from scripts.cleaning.sorting import Lookup, Sorter, firsts, sliced
from scripts.cleaning.spool import Spool
from scripts.lib.compiled import compiled

LEADERS = (
    64  # of a group: each is compared with all after it, so that groups of up to 65 are compared in all their pairs
)
COMPARED = 1 << 15  # candidates that are compared at a time: 16 MB of rows of 128 numbers
CELLS = 1 << 25  # counters of keys
KEY, POSITION, LABEL = 0, 3, 4  # columns of a candidate; between them stands its place in the canonical order
Keys = Callable[[], Iterator[U64]]


def halves(digests: Spool) -> Iterator[U64]:
    """Yield the first 64 bits of digests, uint64."""
    for block in digests.blocks():
        yield np.ascontiguousarray(block[:, :2]).view("<u8").reshape(-1)


class Joiner:
    """Joins the documents of a corpus into components; `ids` and `texts` are digests, by which members of a group are ordered."""

    def __init__(self, folder: Path, ids: Spool, texts: Spool) -> None:
        self._folder, self._ids, self._texts = folder, ids, texts
        self.components = Components(folder / "components")

    def join(self, keys: Keys, rows: Spool, least: int) -> None:
        """Join documents of equal keys whose rows agree in at least `least` places."""
        candidates = self._candidates(keys)
        joined = False
        for edges in _agreeing(candidates.blocks(), rows, least):
            self.components.join(edges)
            joined = joined or len(edges) > 0
        candidates.remove()
        if joined:
            self.components.settle()

    def _candidates(self, keys: Keys) -> Sorter:
        """Return the documents that may share their key: (key, digest of the id, of the text, position, component)."""
        cells = np.zeros(CELLS, np.uint8)
        for some in keys():
            count_keys(some, cells)
        found, components, first = Sorter(self._folder / "candidates", 5), Lookup(self.components.stars(), 2), 0
        for some, ids, texts in zip(keys(), halves(self._ids), halves(self._texts), strict=True):
            positions = np.arange(first, first + len(some), dtype=np.uint64)
            labels = components.of(positions, positions)[:, 0]
            found.add(np.stack([some, ids, texts, positions, labels], axis=1)[repeated(some, cells)])
            first += len(some)
        return found


@compiled
def count_keys(keys: U64, cells: NDArray[np.uint8]) -> None:
    """Count keys, which are hashes, by their last bits; up to two."""
    for key in keys:
        cell = key & np.uint64(len(cells) - 1)
        cells[cell] = min(cells[cell] + 1, 2)


def repeated(keys: U64, cells: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Tell which keys may stand there more than once: all that do, and some that share a counter."""
    found: NDArray[np.bool_] = cells[keys & np.uint64(len(cells) - 1)] > 1
    return found


def _agreeing(candidates: Iterable[U64], rows: Spool, least: int) -> Iterator[U64]:
    """Yield pairs of documents of one key and different components that agree, uint64 [n, 2].

    Every pair of a leader with a member after it is looked at, unless others have joined the two.
    """
    waiting = np.empty((0, 5), np.uint64)  # leaders of the last group, which may go on
    for block in sliced(candidates, COMPARED):
        block = np.concatenate([waiting, block])
        first = firsts(block[:, KEY])
        mixed = np.zeros(len(block), np.bool_)
        mixed[first[block[:, LABEL] != block[first, LABEL]]] = True
        wanted = np.flatnonzero(mixed[first])  # members of groups that are not one component yet
        places = np.full(len(block), -1, np.int64)
        places[wanted] = np.arange(len(wanted))
        pairs = np.empty((2 * len(wanted), 2), np.uint64)
        yield pairs[: _compare(block, places, _picked(rows, block[wanted, POSITION]), least, pairs)]
        waiting = block[first[-1] : first[-1] + LEADERS]


def _picked(rows: Spool, positions: U64) -> U32:
    """Return rows at positions in any order; the disk is read from its beginning to its end."""
    order = np.argsort(positions)
    found = np.empty((len(positions), rows.width), np.uint32)
    found[order] = rows.pick(positions[order].astype(np.int64)).reshape(-1, rows.width)
    return found


@compiled
def _compare(block: U64, places: I64, rows: U32, least: int, pairs: U64) -> int:
    """Write the pairs that agree and returns how many; the labels of leaders in `block` become those of what they join.

    A document that joins k components takes k - 1 of them from those of the leaders, so there are at most two pairs for each.
    """
    leaders, count, size = np.empty(LEADERS, np.int64), 0, 0
    for row in range(len(block)):
        if row == 0 or block[row, KEY] != block[row - 1, KEY]:
            size = 0
        if places[row] < 0:
            continue
        for number in range(size):
            leader = leaders[number]
            label, its = block[row, LABEL], block[leader, LABEL]
            if label != its and _agreement(rows, places[row], places[leader]) >= least:
                pairs[count, 0], pairs[count, 1] = block[row, POSITION], block[leader, POSITION]
                count += 1
                for other in range(size):
                    if block[leaders[other], LABEL] == label:
                        block[leaders[other], LABEL] = its
                block[row, LABEL] = its
        if size < LEADERS:
            leaders[size] = row
            size += 1
    return count


@compiled
def _agreement(rows: U32, one: int, other: int) -> int:
    """Return in how many places two rows are equal."""
    agreed = 0
    for place in range(rows.shape[1]):
        agreed += rows[one, place] == rows[other, place]
    return agreed
