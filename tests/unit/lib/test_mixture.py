"""A mixture keeps its weights and counts what it gave, exact however far into a run."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.lib.mixture import Mixture, floor_sum


@settings(deadline=None)
@given(st.integers(0, 60), st.integers(1, 50), st.integers(0, 500), st.integers(-500, 500))
def test_the_sum_of_floors_is_exact(count: int, modulus: int, factor: int, start: int) -> None:
    assert floor_sum(count, modulus, factor, start) == sum((factor * i + start) // modulus for i in range(count))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0.01, 10), min_size=1, max_size=5), st.integers(0, 100))
def test_the_mixture_counts_what_it_gives_and_keeps_its_weights(weights: list[float], seed: int) -> None:
    mixture = Mixture({f"s{i}": weight for i, weight in enumerate(weights)}, seed)
    drawn = [mixture.source(n) for n in range(400)]
    for index, weight in enumerate(weights):
        assert mixture.given(400, index) == mixture.given_each(400)[index] == drawn.count(index)
        assert abs(drawn.count(index) - 400 * weight / sum(weights)) < 6
        places = [n for n, source in enumerate(drawn) if source == index]
        assert [mixture.nth(index, number) for number in range(min(5, len(places)))] == places[:5]


@settings(deadline=None)
@given(st.integers(10**9, 10**15), st.integers(0, 100))
def test_the_mixture_is_exact_far_into_a_run(sample: int, seed: int) -> None:
    mixture = Mixture({"rare": 1e-6, "web": 1.0, "books": 3.0}, seed)
    gained = [mixture.given(sample + 1, index) - mixture.given(sample, index) for index in range(3)]
    assert mixture.given_each(sample) == [mixture.given(sample, index) for index in range(3)]
    assert gained == [int(index == mixture.source(sample)) for index in range(3)]
    index = mixture.source(sample)
    assert mixture.nth(index, mixture.given(sample, index)) == sample
