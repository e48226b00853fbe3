"""A tree of words as a double array, for compiled loops: one look at memory for each step.

Aoe 1989, "An Efficient Digital Search Algorithm by Using a Double-Array Structure".

A tree is an array int32[4 * rows], four numbers a row. A row is a node, which is named by the place of the first of them: the
place of the row from which those of its children are counted, the node that is its parent, the number of the word that ends at
it (NONE for none) and that word's weight. The child of a node by a label, which is 1 or more, stands so many rows behind that
place, if its parent is the node. The root is 0 and nobody's child; label 0 leads nowhere. Nodes and labels are unsigned, since
places that could be negative cost more to look at.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scripts.lib.compiled import compiled, compiled_inner
from scripts.lib.tables import NONE

I64 = NDArray[np.int64]
Tree = NDArray[np.int32]
BEGIN, PARENT, NUMBER, WEIGHT = (np.uint64(number) for number in range(4))
ROW_BITS = np.uint64(2)
ROOT = np.uint64(0)


@compiled_inner
def child(tree: Tree, node: np.uint64, label: np.uint64) -> np.uint64:
    """Return the child of a node by a label, or ROOT where there is none."""
    place = np.uint64(tree[node]) + (label << ROW_BITS)
    return place if np.uint64(tree[place + PARENT]) == node else ROOT


def tree_of(words: Iterable[tuple[Sequence[int], int, int]], labels: int) -> Tree:
    """Return the tree of words, given as their labels (below `labels`), number and weight."""
    steps: dict[tuple[int, int], int] = {}
    found = [(NONE, 0)]
    for word, number, weight in words:
        node = 0
        for label in word:
            node = steps.setdefault((node, label), len(found))
            if node == len(found):
                found.append((NONE, 0))
        found[node] = number, weight
    edges = np.array(list(steps), np.int64).reshape(-1, 2)  # parent and label of node 1, 2, …
    together = edges[np.lexsort((edges[:, 1], edges[:, 0]))]
    first = np.searchsorted(together[:, 0], np.arange(len(found) + 1)).astype(np.int64)
    most_first = np.argsort(-np.diff(first), kind="stable")
    begins = _fit(first, np.ascontiguousarray(together[:, 1]), most_first, labels)
    rows = np.concatenate([[0], begins[edges[:, 0]] + edges[:, 1]])
    tree = np.full((int(begins.max()) + labels, 4), NONE, np.int32)
    tree[:, int(BEGIN)] = 0
    tree[rows, int(BEGIN)] = begins << int(ROW_BITS)
    tree[rows[1:], int(PARENT)] = rows[edges[:, 0]] << int(ROW_BITS)
    tree[rows, int(NUMBER)], tree[rows, int(WEIGHT)] = np.array(found, np.int64).T
    return tree.reshape(-1)


@compiled
def _fit(first: I64, labels: I64, nodes: I64, below: int) -> I64:
    """Return where the rows of each node's children begin, so that no row is two nodes'.

    The labels of node n are `labels[first[n] : first[n + 1]]`, ascending; `nodes` come with falling numbers of children, so that
    those of one fill what the others leave. Nodes with as many children as the one before are looked for from there on.
    """
    begins = np.zeros(len(nodes), np.int64)
    taken = np.zeros(2 * (len(nodes) + below), np.bool_)
    taken[0] = True
    free, begin, children = 1, 1, 0  # no row before `free` is free
    for node in nodes:
        low, high = first[node], first[node + 1]
        if low == high:
            break
        if high - low != children or children == 1:
            begin, children = 1, high - low
        begin = max(begin, free - labels[low])
        while True:
            if begin + below >= len(taken):
                taken = np.concatenate((taken, np.zeros(len(taken), np.bool_)))
            if _fits(taken, labels, low, high, begin):
                break
            begin += 1
        begins[node] = begin
        for number in range(low, high):
            taken[begin + labels[number]] = True
        while taken[free]:
            free += 1
    return begins


@compiled_inner
def _fits(taken: NDArray[Any], labels: I64, low: int, high: int, begin: int) -> bool:
    for number in range(low, high):
        if taken[begin + labels[number]]:
            return False
    return True
