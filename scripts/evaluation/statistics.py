"""Intervals for scores: percentile bootstrap over documents (Efron 1979), by sufficient statistics."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1000
LEVEL = 0.95


def bootstrap_interval(
    score: Callable[[NDArray[np.int64]], float], count: int, seed: int, resamples: int = RESAMPLES
) -> tuple[float, float]:
    """Return the 95 % interval of a score of `count` things, a function of the numbers of those that were drawn."""
    generator = np.random.Generator(np.random.PCG64(seed))
    scores = [score(generator.integers(0, count, count)) for _ in range(resamples)]
    low, high = np.quantile(scores, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def ratio_interval(
    numerators: NDArray[np.float64], denominators: NDArray[np.float64], seed: int
) -> tuple[float, float]:
    """Return the 95 % interval of sum(numerators) / sum(denominators), both given per document, shape [n].

    Documents, not tokens, are drawn with replacement, since the tokens of one document resemble one another.
    """

    def ratio(drawn: NDArray[np.int64]) -> float:
        return float(numerators[drawn].sum() / denominators[drawn].sum())

    return bootstrap_interval(ratio, len(numerators), seed)


def unigram_nats(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the negative log probability in nats of each token id under add-one smoothed counts, shape [vocabulary]."""
    smoothed = counts.astype(np.float64) + 1
    return np.asarray(-np.log(smoothed / smoothed.sum()))
