"""An ensemble of small decision trees that tells main text from what stands around it.

The trees (`lists/main-text-trees.json`) were learned by `benchmarks.main_text_trees` from pages marked by people; they compare
and add whole numbers, so that a verdict is the same on every machine. They are not walked one by one: all comparisons of a
feature are made together, in the order of their limits, and each that fails takes the leaves below it from those that its tree
may come to (QuickScorer, Lucchese et al. 2015). The first leaf that is left is the one.
"""

from __future__ import annotations

import functools
import json
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from scripts.lib.code import data_file
from scripts.lib.compiled import compiled
from scripts.sources.pagefeatures import FEATURES
from scripts.sources.pagemarkup import Numbers
from scripts.sources.pagescan import Rows

LEAVES = 64  # of a tree at most: a bit each
ALL, ONE = np.uint64((1 << LEAVES) - 1), np.uint64(1)
SEQUENCE, SHIFT = 0x03F79D71B4CB0A89, 58  # of de Bruijn: every six bits of it are different (Leiserson et al. 1998)
FIRST_BITS = np.zeros(LEAVES, np.int64)
for _bit in range(LEAVES):
    FIRST_BITS[((1 << _bit) * SEQUENCE & int(ALL)) >> SHIFT] = _bit

Masks = npt.NDArray[np.uint64]


class Trees(NamedTuple):
    """All splits of all trees, by feature and limit, and the values of their leaves."""

    columns: Numbers  # the features that are looked at
    starts: Numbers  # by feature: its first split; one more at the end
    limits: Numbers  # by split, ascending within a feature: a block with more goes to the high side
    owners: Numbers  # by split: its tree
    keeps: Masks  # by split: the leaves that are left to a block that goes to the high side
    values: Numbers  # [trees, LEAVES], from the low side to the high, in millionths of log odds
    threshold: int


@functools.cache
def trees() -> Trees:
    """Return the trees, with the columns of their features in this version's order."""
    stored = json.loads(data_file("scripts/sources/lists/main-text-trees.json").read_text("utf-8"))
    columns = [FEATURES.index(name) for name in stored["features"]]
    splits: list[tuple[int, int, int, int]] = []
    values = np.zeros((len(stored["trees"]), LEAVES), np.int64)
    for number, tree in enumerate(stored["trees"]):
        found, leaves = _ordered(tree)
        values[number, : len(leaves)] = leaves
        splits += [(columns[feature], limit, number, keep) for feature, limit, keep in found]
    splits.sort()
    used = sorted({column for column, *_ in splits})
    firsts = [sum(split[0] < column for split in splits) for column in [*used, len(FEATURES)]]
    _, limits, owners, keeps = zip(*splits, strict=True)
    return Trees(
        columns=np.array(used, np.int64),
        starts=np.array(firsts, np.int64),
        limits=np.array(limits, np.int64),
        owners=np.array(owners, np.int64),
        keeps=np.array(keeps, np.uint64),
        values=values,
        threshold=int(stored["threshold"]),
    )


def _ordered(tree: dict[str, Any]) -> tuple[list[tuple[int, int, int]], list[int]]:
    """Return the splits of a tree (feature, limit, leaves that are not below its low side) and its leaves from low to high."""
    splits: list[tuple[int, int, int]] = []
    leaves: list[int] = []

    def below(node: int) -> int:
        """Return the leaves below a node, a bit each."""
        if node < 0:
            leaves.append(tree["values"][~node])
            return 1 << (len(leaves) - 1)
        feature, limit, low, high = tree["splits"][node]
        low_side = below(low)
        splits.append((feature, limit, int(ALL) & ~low_side))
        return low_side | below(high)

    below(0)
    return splits, leaves


@compiled
def judge(rows: Rows, trees: Trees) -> Numbers:
    """Return the log odds, in millionths, that each block with features [blocks, FEATURES] is main text."""
    found = np.empty(len(rows), np.int64)
    left = np.empty(len(trees.values), np.uint64)
    for at in range(len(rows)):
        left[:] = ALL
        for place in range(len(trees.columns)):
            value = rows[at, trees.columns[place]]
            split, end = np.uint64(trees.starts[place]), np.uint64(trees.starts[place + 1])
            while split < end and value > trees.limits[split]:
                left[np.uint64(trees.owners[split])] &= trees.keeps[split]
                split += ONE
        total = 0
        for tree in range(len(left)):
            lowest = left[tree] & (~left[tree] + ONE)
            total += trees.values[tree, FIRST_BITS[(lowest * np.uint64(SEQUENCE)) >> np.uint64(SHIFT)]]
        found[at] = total
    return found
