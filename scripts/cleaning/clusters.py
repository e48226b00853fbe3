"""Which documents are copies of which: candidate pairs by equal keys, checked, joined into connected components.

Nothing depends on the order in which documents came: members of a group are compared in the order of their digests.
Memory is that of a few numbers a document; the rows that pairs are checked by are picked from disk.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scripts.cleaning.folding import U32, U64
from scripts.cleaning.spool import I64, Spool
from scripts.lib.compiled import compiled

LEADERS = (
    64  # of a group: each is compared with all after it, so that groups of up to 65 are compared in all their pairs
)
PAIRS = 1 << 14  # that are checked at a time


def canonical_order(ids: U64, exact: U64) -> I64:
    """Return the positions of documents in an order that depends on their ids and texts alone, int64 [documents]."""
    return np.lexsort((exact, ids)).astype(np.int64)


def join(parent: I64, keys: U64, order: I64, rows: Spool, least: int) -> None:
    """Join documents of equal keys whose rows agree in at least `least` places.

    `parent` is the forest of components; `order` a canonical order of all documents.
    """
    members, starts = groups(keys, order)
    leader = 0
    while leader < LEADERS and len(starts) > 1:
        _join_with_leader(parent, members, starts, leader, rows, least)
        leader += 1
        members, starts = _larger(members, starts, leader + 1)


def groups(keys: U64, order: I64) -> tuple[I64, I64]:
    """Return the documents that share their key with others, group by group in the given order, and where groups start.

    The starts end with the number of members.
    """
    ranked = keys[order]
    sorting = np.argsort(ranked, kind="stable")
    ranked = ranked[sorting]
    same = ranked[1:] == ranked[:-1]
    shared = np.concatenate([same, [False]]) | np.concatenate([[False], same])
    if not len(ranked):
        return order, np.zeros(1, np.int64)
    firsts = np.concatenate([[True], ~same])[shared]
    return order[sorting[shared]], np.append(np.flatnonzero(firsts), int(shared.sum())).astype(np.int64)


def _larger(members: I64, starts: I64, size: int) -> tuple[I64, I64]:
    """Return the groups of more than `size` members."""
    sizes = np.diff(starts)
    wanted = sizes > size
    return members[np.repeat(wanted, sizes)], np.concatenate([[0], np.cumsum(sizes[wanted])]).astype(np.int64)


def _join_with_leader(parent: I64, members: I64, starts: I64, leader: int, rows: Spool, least: int) -> None:
    """Compare the member number `leader` of every group with those after it that are not joined with it yet."""
    place = np.array([0, leader + 1], np.int64)
    pairs = np.empty((PAIRS, 2), np.int64)
    while (count := _pairs(parent, members, starts, leader, place, pairs)) > 0:
        positions, rank = np.unique(pairs[:count], return_inverse=True)
        _join_similar(parent, pairs[:count], rank.reshape(count, 2), rows.pick(positions), least)


@compiled
def _pairs(parent: I64, members: I64, starts: I64, leader: int, place: I64, pairs: I64) -> int:
    """Write the next pairs of different components, as many as there is room for; returns how many, and moves `place`."""
    count, group, offset = 0, place[0], place[1]
    while group < len(starts) - 1 and count < len(pairs):
        first, size = starts[group], starts[group + 1] - starts[group]
        one = members[first + leader]
        while offset < size and count < len(pairs):
            other = members[first + offset]
            if root(parent, one) != root(parent, other):
                pairs[count, 0], pairs[count, 1] = one, other
                count += 1
            offset += 1
        if offset >= size:
            group += 1
            offset = leader + 1
    place[0], place[1] = group, offset
    return count


@compiled
def _join_similar(parent: I64, pairs: I64, rank: I64, rows: U32, least: int) -> None:
    for number in range(len(pairs)):
        one, other = rows[rank[number, 0]], rows[rank[number, 1]]
        agreed = 0
        for place in range(len(one)):
            agreed += one[place] == other[place]
        if agreed >= least:
            first, second = root(parent, pairs[number, 0]), root(parent, pairs[number, 1])
            parent[max(first, second)] = min(first, second)


@compiled
def root(parent: I64, item: int) -> int:
    """Return the smallest position that is connected with `item`, halving the path to it."""
    while parent[item] != item:
        parent[item] = parent[parent[item]]
        item = parent[item]
    return item


@compiled
def flatten(parent: I64) -> None:
    """Make every document point to its root."""
    for item in range(len(parent)):
        parent[item] = root(parent, item)


def clustered(parent: I64) -> tuple[I64, NDArray[np.int64]]:
    """Return the documents that are joined with others, in order of position, and the roots of their components."""
    flatten(parent)
    moved = np.flatnonzero(parent != np.arange(len(parent)))
    inside = np.zeros(len(parent), np.bool_)
    inside[moved] = True
    inside[parent[moved]] = True
    members = np.flatnonzero(inside)
    return members, parent[members]
