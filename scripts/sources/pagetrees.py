"""An ensemble of small decision trees that tells main text from what stands around it.

The trees (`lists/main-text-trees.json`) were learned by `benchmarks.main_text_trees` from pages marked by people; they compare
and add whole numbers, so that a verdict is the same on every machine. They are not walked one by one: all comparisons of a
feature are made together, in the order of their limits, and each that fails takes the leaves below it from those that its tree
may come to (QuickScorer, Lucchese et al. 2015). The first leaf that is left is the one. Those that fail for all blocks are made
once, the others for eight blocks together (as Lucchese et al. 2016, V-QuickScorer).
"""

from __future__ import annotations

import functools
import json
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from scripts.lib.code import data_file
from scripts.lib.compiled import compiled, compiled_inner
from scripts.sources.pagefeatures import FEATURES
from scripts.sources.pagemarkup import Numbers
from scripts.sources.pagescan import Rows

LEAVES = 64  # of a tree at most: a bit each
ALL, ONE = np.uint64((1 << LEAVES) - 1), np.uint64(1)
SEQUENCE, SHIFT = np.uint64(0x03F79D71B4CB0A89), np.uint64(58)  # of de Bruijn, for `slot_of` (Leiserson et al. 1998)
LANES = np.uint64(8)  # blocks judged together

Masks = npt.NDArray[np.uint64]
Places = npt.NDArray[np.uint64]  # unsigned: no place has to be looked at for its sign


class Trees(NamedTuple):
    """All splits of all trees, by feature and limit, and the values of their leaves."""

    columns: Places  # the features that are looked at
    starts: Places  # by feature: its first split; one more at the end
    limits: Rows  # by split, ascending within a feature: a block with more goes to the high side
    owners: Places  # by split: its tree
    keeps: Masks  # by split: the leaves that are left to a block that goes to the high side
    values: Numbers  # [trees * LEAVES], those of a tree's leaves in their slots, in millionths of log odds
    threshold: int


@compiled_inner
def slot_of(lowest: np.uint64) -> np.uint64:
    """Return the slot of a leaf, given as its bit: any six bits of the sequence that follow each other are different."""
    return (lowest * SEQUENCE) >> SHIFT


@functools.cache
def trees() -> Trees:
    """Return the trees, with the columns of their features in this version's order."""
    stored = json.loads(data_file("scripts/sources/lists/main-text-trees.json").read_text("utf-8"))
    columns = [FEATURES.index(name) for name in stored["features"]]
    splits: list[tuple[int, int, int, int]] = []
    values = np.zeros((len(stored["trees"]), LEAVES), np.int64)
    slots = [int(slot_of(np.uint64(1 << leaf))) for leaf in range(LEAVES)]
    for number, tree in enumerate(stored["trees"]):
        found, leaves = _ordered(tree)
        values[number, slots[: len(leaves)]] = leaves
        splits += [(columns[feature], limit, number, keep) for feature, limit, keep in found]
    splits.sort()
    used = sorted({column for column, *_ in splits})
    firsts = [sum(split[0] < column for split in splits) for column in [*used, len(FEATURES)]]
    _, limits, owners, keeps = zip(*splits, strict=True)
    return Trees(
        columns=np.array(used, np.uint64),
        starts=np.array(firsts, np.uint64),
        limits=np.array(limits, np.int32),
        owners=np.array(owners, np.uint64),
        keeps=np.array(keeps, np.uint64),
        values=values.reshape(-1),
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
def common(rows: Rows, trees: Trees, left: Masks) -> Masks:
    """Take from each tree the leaves that no block comes to; return the first split of each feature that not all fail."""
    firsts = trees.starts.copy()
    for place in range(np.uint64(len(trees.columns))):
        column, split, end = trees.columns[place], firsts[place], firsts[place + ONE]
        least = rows[0, column]
        for at in range(len(rows)):
            least = min(least, rows[at, column])
        while split < end and least > trees.limits[split]:
            left[trees.owners[split]] &= trees.keeps[split]
            split += ONE
        firsts[place] = split
    return firsts


@compiled
def judge(rows: Rows, trees: Trees) -> Numbers:
    """Return the log odds, in millionths, that each block with features [blocks, FEATURES] is main text."""
    found = np.empty(len(rows), np.int64)
    if len(rows) == 0:
        return found
    count, leaves = np.uint64(len(rows)), np.uint64(LEAVES)
    by_tree = np.full(len(trees.values) // LEAVES, ALL)
    trees_count = np.uint64(len(by_tree))
    firsts = common(rows, trees, by_tree)
    left, values = np.empty((len(by_tree), int(LANES)), np.uint64), np.empty(int(LANES), np.int32)
    for begin in range(np.uint64(0), count, LANES):
        lanes = min(LANES, count - begin)
        for tree in range(trees_count):
            for lane in range(LANES):
                left[tree, lane] = by_tree[tree]
        for place in range(np.uint64(len(trees.columns))):
            split, end, column = firsts[place], trees.starts[place + ONE], trees.columns[place]
            most = rows[begin, column]
            for lane in range(LANES):  # always as many: where there are no more blocks, the last one again
                value = rows[min(np.uint64(begin + lane), count - ONE), column]
                values[lane] = value
                most = max(most, value)
            while split < end and most > trees.limits[split]:
                tree, limit, keep = trees.owners[split], trees.limits[split], trees.keeps[split]
                for lane in range(LANES):
                    left[tree, lane] &= keep if values[lane] > limit else ALL
                split += ONE
        for lane in range(lanes):
            total, first = 0, np.uint64(0)
            for tree in range(trees_count):
                lowest = left[tree, lane] & (~left[tree, lane] + ONE)
                total += trees.values[first + slot_of(lowest)]
                first += leaves
            found[begin + lane] = total
    return found
