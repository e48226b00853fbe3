"""Intervals for scores: percentile bootstrap over documents (Efron 1979), by sufficient statistics."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1000
LEVEL = 0.95


def ratio_interval(
    numerators: NDArray[np.float64], denominators: NDArray[np.float64], seed: int
) -> tuple[float, float]:
    """Return the 95 % interval of sum(numerators) / sum(denominators), both given per document, shape [n].

    Documents, not tokens, are drawn with replacement, since the tokens of one document resemble one another.
    """
    generator = np.random.Generator(np.random.PCG64(seed))
    count = len(numerators)
    ratios = np.empty(RESAMPLES)
    for number in range(RESAMPLES):
        drawn = generator.integers(0, count, count)
        ratios[number] = numerators[drawn].sum() / denominators[drawn].sum()
    low, high = np.quantile(ratios, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def unigram_nats(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the negative log probability in nats of each token id under add-one smoothed counts, shape [vocabulary]."""
    smoothed = counts.astype(np.float64) + 1
    return np.asarray(-np.log(smoothed / smoothed.sum()))
