"""Which documents are copies of which: candidate pairs by equal bands, checked, joined, with one survivor each.

The result depends on the set of documents alone. A document ranks before another by the priority of its source, then by the
length of its text, then by its id; the first of a cluster survives.
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

U32 = NDArray[np.uint32]
I64 = NDArray[np.int64]


@dataclass(frozen=True)
class Removed:
    """One document that goes: its position, its kind (id, exact or near), and the positions of its survivor."""

    document: int
    kind: str
    survivor: int


class Components:
    """Connected components over positions 0..n-1 (union by smallest root, path halving)."""

    def __init__(self, count: int) -> None:
        self._parent = list(range(count))

    def root(self, item: int) -> int:
        """Return the smallest position that is connected with `item`."""
        while self._parent[item] != item:
            self._parent[item] = self._parent[self._parent[item]]
            item = self._parent[item]
        return item

    def join(self, one: int, other: int) -> None:
        """Connect two positions."""
        first, second = sorted((self.root(one), self.root(other)))
        self._parent[second] = first


def join_equal(components: Components, keys: Sequence[Hashable]) -> None:
    """Join documents of equal keys; positions are in rank order."""
    first: dict[Hashable, int] = {}
    for position, key in enumerate(keys):
        components.join(first.setdefault(key, position), position)


def join_near(components: Components, minhashes: U32, bands: int, rows: int, similarity: float) -> None:
    """Join documents that share a band and whose signatures agree in at least `similarity` of their places.

    `minhashes` is [documents, permutations]. Within a bucket each document is compared with the bucket's first one and with its
    predecessor, so that a bucket of n costs 2n comparisons and a chain of near-duplicates is still found.
    """
    for band in range(bands):
        block = np.ascontiguousarray(minhashes[:, band * rows : (band + 1) * rows])
        keys = block.view(np.dtype((np.void, block.dtype.itemsize * rows))).ravel()
        _, bucket = np.unique(keys, return_inverse=True)
        order = np.argsort(bucket, kind="stable")
        starts = np.flatnonzero(np.r_[True, np.diff(bucket[order]) != 0])
        for start, stop in zip(starts, np.r_[starts[1:], len(order)], strict=True):
            members = order[start:stop]
            for previous, item in itertools.pairwise(members):
                for other in {int(members[0]), int(previous)}:
                    if components.root(other) != components.root(int(item)):
                        if np.mean(minhashes[other] == minhashes[item]) >= similarity:
                            components.join(other, int(item))


def removed(
    ids: list[str],
    digests: list[bytes],
    minhashes: U32 | None,
    exact: bool,
    bands: int,
    rows: int,
    similarity: float,
) -> list[Removed]:
    """Return the documents that go, by position; documents are given in rank order.

    Documents of one id are always copies, whatever they say: everything else is known by its id. Without `minhashes`
    nothing is searched for near-duplicates.
    """
    components = Components(len(digests))
    join_equal(components, ids)
    if exact:
        join_equal(components, digests)
    if minhashes is not None and len(digests):
        join_near(components, minhashes, bands, rows, similarity)
    found = []
    for position in range(len(digests)):
        survivor = components.root(position)
        if survivor != position:
            kind = "id" if ids[survivor] == ids[position] else "near"
            if kind == "near" and exact and digests[survivor] == digests[position]:
                kind = "exact"
            found.append(Removed(position, kind, survivor))
    return found
