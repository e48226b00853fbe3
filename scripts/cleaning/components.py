"""Connected components of more edges than memory holds.

Alternating large-star and small-star (Kiveris et al. 2014, Connected Components in MapReduce and Beyond, SoCC): both are passes
over sorted edges, and after a few rounds (log^2 of the number of nodes at most) every component is a star around its smallest
node. What comes out is the components and their smallest nodes, so the order of edges cannot matter.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from scripts.cleaning.folding import U64
from scripts.cleaning.sorting import Sorter
from scripts.lib.compiled import compiled

NONE = np.uint64(0xFFFFFFFFFFFFFFFF)  # no node
NODE, LEAST, LAST, MOVED = 0, 1, 2, 3  # what a pass remembers from one row to the next


class Components:
    """Nodes are numbers; those that no edge names are components of their own."""

    def __init__(self, path: Path) -> None:
        self._path, self._rounds = path, 0
        self._edges = Sorter(path.with_name(f"{path.name}.edges"), 2)  # each in both directions
        self._stars = Sorter(path.with_name(f"{path.name}.stars"), 2)

    def join(self, edges: U64) -> None:
        """Add edges, uint64 [n, 2]; they count after `settle`."""
        self._edges.add(edges)
        self._edges.add(edges[:, ::-1])

    def stars(self) -> Iterator[U64]:
        """Yield (node, smallest node of its component), by node; smallest nodes themselves are left out."""
        return self._stars.blocks()

    def settle(self) -> None:
        """Make stars of the components."""
        moved = True
        while moved:
            self._rounds += 1
            name = f"{self._path.name}.{self._rounds}"
            stars, edges = Sorter(self._path.with_name(f"{name}.stars"), 2), Sorter(self._path.with_name(name), 2)
            memory = np.array([NONE, 0, NONE, 0], np.uint64)
            for block in self._edges.blocks():
                found = np.empty_like(block)
                stars.add(found[: _large_star(block, memory, found)])
            memory[[NODE, LAST]] = NONE
            for block in stars.blocks():
                found = np.empty_like(block)
                found = found[: _small_star(block, memory, found)]
                edges.add(found)
                edges.add(found[:, ::-1])
            self._edges.remove()
            self._stars.remove()
            self._edges, self._stars, moved = edges, stars, bool(memory[MOVED])


@compiled
def _large_star(rows: U64, memory: U64, found: U64) -> int:
    """Tie the larger neighbours of each node to the smallest of it and its neighbours; `rows` are (node, neighbour), sorted."""
    count = 0
    for row in range(len(rows)):
        node, neighbour = rows[row, 0], rows[row, 1]
        if node != memory[NODE]:
            memory[NODE], memory[LEAST] = node, min(node, neighbour)
        elif neighbour == memory[LAST]:
            continue
        memory[LAST] = neighbour
        if neighbour > node:
            found[count, 0], found[count, 1] = neighbour, memory[LEAST]
            count += 1
            if memory[LEAST] < node:
                memory[MOVED] = 1
    return count


@compiled
def _small_star(rows: U64, memory: U64, found: U64) -> int:
    """Tie each node and its smaller neighbours to the smallest of these; `rows` are (node, smaller neighbour), sorted."""
    count = 0
    for row in range(len(rows)):
        node, neighbour = rows[row, 0], rows[row, 1]
        if node != memory[NODE]:
            memory[NODE], memory[LEAST] = node, neighbour
            found[count, 0], found[count, 1] = node, neighbour
        elif neighbour == memory[LAST]:
            continue
        else:
            found[count, 0], found[count, 1] = neighbour, memory[LEAST]
            memory[MOVED] = 1
        memory[LAST] = neighbour
        count += 1
    return count
