"""The shuffle is a bijection at any size, depends on its names, and refuses what lies outside."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.lib.permutation import MAXIMUM_SIZE, Permutation


@settings(deadline=None)
@given(st.integers(1, 3000), st.integers(0, 5))
def test_a_permutation_is_a_bijection_with_an_inverse(size: int, seed: int) -> None:
    positions = np.arange(size)
    shuffled = Permutation(size, seed, "x").forward(positions)
    assert sorted(shuffled.tolist()) == positions.tolist()
    assert Permutation(size, seed, "x").backward(shuffled).tolist() == positions.tolist()


@settings(deadline=None)
@given(st.integers(1, MAXIMUM_SIZE), st.data())
def test_a_huge_permutation_inverts_and_stays_inside(size: int, data: st.DataObject) -> None:
    positions = np.array(data.draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=20)), dtype=np.int64)
    shuffled = Permutation(size, 3, "web").forward(positions)
    assert ((shuffled >= 0) & (shuffled < size)).all()
    assert Permutation(size, 3, "web").backward(shuffled).tolist() == positions.tolist()


def test_the_shape_is_kept_and_rows_do_not_matter() -> None:
    permutation = Permutation(1000, 1, "a")
    positions = np.arange(12).reshape(3, 4)
    together = permutation.forward(positions)
    assert together.shape == (3, 4)
    assert together[2].tolist() == permutation.forward(positions[2]).tolist()


def test_seed_and_names_choose_the_order() -> None:
    positions = np.arange(500)
    orders = [
        Permutation(500, seed, *names).forward(positions).tolist()
        for seed, names in ((1, ("web", "0")), (2, ("web", "0")), (1, ("web", "1")), (1, ("books", "0")))
    ]
    assert len({tuple(order) for order in orders}) == 4


def test_neighbours_are_scattered() -> None:
    """Neighbours of a true shuffle of n lie n/3 apart on average, and few stay where they were."""
    shuffled = Permutation(30_000, 1, "web").forward(np.arange(30_000))
    assert abs(np.abs(np.diff(shuffled)).mean() - 10_000) < 300
    assert (shuffled == np.arange(30_000)).sum() < 10


@pytest.mark.parametrize("size", [0, -1, MAXIMUM_SIZE + 1])
def test_a_size_that_cannot_be_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="needs a size"):
        Permutation(size, 1)


@pytest.mark.parametrize("position", [-1, 10])
def test_a_position_outside_is_refused(position: int) -> None:
    with pytest.raises(IndexError, match="outside the permutation"):
        Permutation(10, 1).forward(np.array([position]))
