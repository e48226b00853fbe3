"""Intervals cover what they should, and the unigram model is a distribution."""

from __future__ import annotations

import numpy as np
import pytest

from scripts.evaluation.statistics import ratio_interval, unigram_nats


def test_the_unigram_model_sums_to_one() -> None:
    nats = unigram_nats(np.array([10, 0, 5]))
    assert np.exp(-nats).sum() == pytest.approx(1)
    assert nats[0] < nats[2] < nats[1]


def test_an_interval_holds_its_ratio_and_repeats() -> None:
    generator = np.random.default_rng(1)
    below = generator.uniform(50, 150, 200)
    above = below * generator.normal(2, 0.2, 200)
    low, high = ratio_interval(above, below, 7)
    assert low < above.sum() / below.sum() < high
    assert ratio_interval(above, below, 7) == (low, high)


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    hits = 0
    for trial in range(120):
        generator = np.random.default_rng(trial)
        below = generator.uniform(50, 150, 60)
        low, high = ratio_interval(below * generator.normal(2, 0.5, 60), below, trial)
        hits += low <= 2 <= high
    assert hits / 120 > 0.86
