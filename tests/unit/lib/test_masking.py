"""Masked positions depend on seed, step and sample alone, in the published shares."""

from __future__ import annotations

import numpy as np

from scripts.lib.masking import IGNORED, mask_tokens
from scripts.lib.special_tokens import MASK, SPECIAL_COUNT

VOCABULARY = 5000
TOKENS = np.random.default_rng(0).integers(0, VOCABULARY, (64, 256))


def masked(rows: slice = slice(None), step: int = 3) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    samples = np.arange(64)[rows]
    return mask_tokens(TOKENS[rows], seed=1, step=step, samples=samples, vocabulary=VOCABULARY, rate=0.15)


def test_the_shares_are_those_of_the_paper() -> None:
    inputs, labels = masked()
    chosen = labels != IGNORED
    ordinary = TOKENS >= SPECIAL_COUNT
    assert abs(chosen.sum() / ordinary.sum() - 0.15) < 0.01
    assert not (chosen & ~ordinary).any()
    assert np.array_equal(labels[chosen], TOKENS[chosen])
    assert np.array_equal(inputs[~chosen], TOKENS[~chosen])
    assert abs((inputs[chosen] == MASK).mean() - 0.8) < 0.03
    assert abs((inputs[chosen] == TOKENS[chosen]).mean() - 0.1) < 0.03
    assert (inputs[chosen & (inputs != MASK)] >= SPECIAL_COUNT).all()


def test_a_row_does_not_depend_on_its_neighbours() -> None:
    whole = masked()
    part = masked(slice(16, 32))
    assert np.array_equal(whole[0][16:32], part[0])
    assert np.array_equal(whole[1][16:32], part[1])
    assert not np.array_equal(whole[1], masked(step=4)[1])
