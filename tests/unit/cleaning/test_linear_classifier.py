"""The parts of a classifier of quality are right by themselves: features, optimum, calibration and area under the curve."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from scripts.cleaning.calibration import area_under_curve, calibrate, reliability
from scripts.cleaning.logistic import Vectors, decisions, fit
from scripts.cleaning.ngrams import Features, Vectoriser, first_words


def random_rows(count: int, size: int, seed: int) -> tuple[Vectors, np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Dense rows of random numbers in the sparse form, with labels that a random direction decides, with noise."""
    rng = np.random.Generator(np.random.PCG64(seed))
    rows = rng.normal(size=(count, size)).astype(np.float32)
    positive = rows @ rng.normal(size=size) + rng.normal(size=count) > 0.5
    buckets = np.tile(np.arange(size, dtype=np.int32), count)
    return Vectors(np.arange(count + 1) * size, buckets, rows.ravel()), rows, positive


def test_training_reaches_the_optimum() -> None:
    """The objective, written here by itself, is within the stated gap of what plain gradient descent ends at."""
    vectors, rows, positive = random_rows(300, 8, 1)
    strength = 1e-2
    found = fit(vectors, np.arange(300), positive, 8, strength, 200, 5)
    assert found.epochs < 200
    assert found.gap <= 1e-3 * found.objective
    inputs = np.hstack([rows.astype(np.float64), np.ones((300, 1))])
    signs = np.where(positive, 1.0, -1.0)
    shares = np.where(positive, 0.5 / positive.sum(), 0.5 / (~positive).sum())

    def objective(weights: np.ndarray[Any, Any]) -> float:
        return float(strength / 2 * weights @ weights + shares @ np.log1p(np.exp(-signs * (inputs @ weights))))

    smallest = np.zeros(9)
    for _ in range(5000):
        slopes = shares * signs / (1 + np.exp(signs * (inputs @ smallest)))
        smallest -= 0.5 * (strength * smallest - inputs.T @ slopes)
    ours = objective(np.append(found.linear.weights.astype(np.float64), found.linear.intercept))
    assert ours == pytest.approx(found.objective, rel=1e-6)
    assert -1e-9 <= ours - objective(smallest) <= found.gap + 1e-7


def test_the_larger_set_does_not_weigh_more() -> None:
    vectors, _, positive = random_rows(400, 4, 2)
    order = np.concatenate([np.flatnonzero(positive)[:20], np.flatnonzero(~positive)])
    found = fit(vectors, order, positive, 4, 1e-2, 200, 5)
    values = decisions(found.linear, vectors, np.arange(400))
    assert abs((values[positive] > 0).mean() - (values[~positive] <= 0).mean()) < 0.15


def test_calibration_finds_the_probabilities_that_made_the_labels() -> None:
    rng = np.random.Generator(np.random.PCG64(3))
    values = rng.normal(size=20_000)
    positive = rng.random(20_000) < 1 / (1 + np.exp(-2 * values))
    found = calibrate(values, positive)
    assert found.slope == pytest.approx(2, abs=0.1)
    assert found.offset == pytest.approx(0, abs=0.1)
    probabilities = np.array([found.probability(value) for value in values])
    rows = reliability(probabilities, positive)
    assert sum(row["documents"] for row in rows) == 20_000
    assert all(abs(row["probability"] - row["positive"]) < 0.05 for row in rows)


def test_calibration_stays_finite_where_sets_are_apart() -> None:
    found = calibrate(np.array([-2.0, -1.0, 1.0, 2.0]), np.array([False, False, True, True]))
    assert 0.5 < found.probability(2.0) < 1
    assert math.isfinite(found.slope)


def test_area_under_the_curve_counts_pairs() -> None:
    rng = np.random.Generator(np.random.PCG64(4))
    values, positive = rng.integers(0, 8, 60).astype(np.float64), rng.random(60) < 0.4
    ours, others = values[positive], values[~positive]
    wins = (ours[:, None] > others[None, :]) + 0.5 * (ours[:, None] == others[None, :])
    area, low, high = area_under_curve(values, positive)
    assert area == pytest.approx(wins.mean())
    spread = wins.mean(axis=1).var(ddof=1) / len(ours) + wins.mean(axis=0).var(ddof=1) / len(others)
    assert (high - low) / 2 == pytest.approx(1.959964 * math.sqrt(spread))


def test_ngrams_are_counted_by_hand() -> None:
    features = Features(2, 1 << 20, 100)
    buckets, values = Vectoriser(features).vector(first_words("A rose is a ROSE.", 100))
    assert len(buckets) == 3 + 3  # a, rose, is; a rose (twice), rose is, is a
    assert sorted(np.rint(9 * values**2)) == [1, 1, 1, 2, 2, 2]
    assert float(values @ values) == pytest.approx(1, abs=1e-6)


def test_only_the_first_words_are_looked_at() -> None:
    assert list(first_words("one two three four", 2)) == list(first_words("one two", 2))
