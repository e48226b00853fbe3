"""Sorting and joining on disk gives what doing it in memory gives, however little memory there is."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from scripts.cleaning import sorting
from scripts.cleaning.components import Components
from scripts.cleaning.folding import U64
from scripts.cleaning.sorting import Lookup, Sorter, distinct, distinct_pairs, sliced


def rows_of(blocks: Iterator[U64]) -> list[tuple[int, ...]]:
    return [tuple(row) for block in blocks for row in block.tolist()]


@pytest.fixture(params=[512, 1 << 22])
def numbers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Set how many numbers are sorted in memory, and that few runs are merged at a time."""
    found: int = request.param
    monkeypatch.setattr(sorting, "NUMBERS", found)
    monkeypatch.setattr(sorting, "FAN_IN", 3)
    return found


@pytest.mark.parametrize("width", [1, 2, 5])
def test_rows_come_in_order_again_and_after_more_are_added(width: int, numbers: int, tmp_path: Path) -> None:
    """Many ties, the largest number, and far more runs than are merged at a time."""
    generator = np.random.default_rng(width)
    rows = generator.integers(0, 4, (1_500, width), dtype=np.uint64)
    rows[::50, 0] = np.iinfo(np.uint64).max
    sorter = Sorter(tmp_path / "rows", width)
    for start in range(0, 1_000, 70):
        sorter.add(rows[start : min(start + 70, 1_000)])
    for _ in range(2):
        assert rows_of(sorter.blocks()) == sorted(map(tuple, rows[:1_000].tolist()))
    sorter.add(rows[1_000:])
    assert rows_of(sorter.blocks()) == sorted(map(tuple, rows.tolist()))
    assert any(tmp_path.iterdir()) == (numbers == 512)
    sorter.remove()
    assert rows_of(sorter.blocks()) == [] and not any(tmp_path.iterdir())


def test_what_is_added_may_be_changed_afterwards(tmp_path: Path) -> None:
    sorter, rows = Sorter(tmp_path / "rows", 2), np.array([[2, 1], [1, 2]], np.uint64)
    sorter.add(rows)
    rows[:] = 9
    assert rows_of(sorter.blocks()) == [(1, 2), (2, 1)]


def blocks(rows: Sequence[Sequence[int]], *cuts: int) -> Iterator[U64]:
    yield from np.split(np.array(rows, np.uint64), cuts)


def test_values_are_looked_up_across_blocks() -> None:
    table = [(key, 10 * key) for key in range(1, 40, 3)]
    for cuts in ((), (1, 2, 9), (0, 5, 5)):
        lookup = Lookup(blocks(table, *cuts), 2)
        for keys in ([0, 1, 1, 2], [], [4, 5, 20, 22], [22, 37, 38, 39], [50]):
            asked = np.array(keys, np.uint64)
            expected = [dict(table).get(key, key + 1000) for key in keys]
            assert lookup.of(asked, asked + np.uint64(1000))[:, 0].tolist() == expected


def test_blocks_are_cut_and_freed_of_repetitions() -> None:
    rows = [[1, 1], [1, 1], [1, 2], [2, 2], [2, 2], [2, 2], [3, 0]]
    for cuts in ((), (1, 4), (2, 5, 6)):
        assert [len(block) for block in sliced(blocks(rows, *cuts), 3)] == [3, 3, 1]
        assert rows_of(sliced(blocks(rows, *cuts), 2)) == [tuple(row) for row in rows]
        assert rows_of(distinct(blocks(rows, *cuts))) == [(1, 1), (1, 2), (2, 2), (3, 0)]
    assert distinct_pairs(np.array([2, 1, 2]), np.array([0, 5, 0])).tolist() == [[1, 5], [2, 0]]
    assert distinct_pairs(np.empty(0, np.int64), np.empty(0, np.int64)).tolist() == []


def roots(edges: Sequence[tuple[int, int]]) -> dict[int, int]:
    """Return the smallest node of the component of each node that is not that node, by plain search."""
    neighbours: dict[int, list[int]] = {}
    for one, other in edges:
        neighbours.setdefault(one, []).append(other)
        neighbours.setdefault(other, []).append(one)
    found: dict[int, int] = {}
    for start in sorted(neighbours):
        waiting = [] if start in found else [start]
        while waiting:
            node = waiting.pop()
            if node not in found:
                found[node] = start
                waiting += neighbours[node]
    return {node: root for node, root in found.items() if node != root}


def graphs() -> dict[str, list[tuple[int, int]]]:
    chance = random.Random(8)
    path = list(range(800))
    chance.shuffle(path)
    sparse = [(chance.randrange(1_200), chance.randrange(1_200)) for _ in range(570)]
    return {
        "nothing": [],
        "a path in order": [(node, node + 1) for node in range(800)],
        "a path in any order": list(itertools.pairwise(path)),
        "a star around the largest": [(5_000, node) for node in range(700)],
        "many trees": [(one, other) for one, other in sparse if one != other],
        "some, several times": [(7, 3), (3, 7), (7, 3), (9, 7), (1, 2)],
    }


@pytest.mark.parametrize("name", graphs())
def test_components_are_those_of_a_plain_search(name: str, numbers: int, tmp_path: Path) -> None:
    """Also when edges come in two lots, the second of which joins what the first left apart."""
    edges = graphs()[name]
    for cut in (0, len(edges) // 3):
        components = Components(tmp_path / f"{cut}")
        for lot in (edges[:cut], edges[cut:]):
            components.join(np.array(lot, np.uint64).reshape(-1, 2))
            components.settle()
        assert rows_of(components.stars()) == sorted(roots(edges).items())
