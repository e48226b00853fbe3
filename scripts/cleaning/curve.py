"""What banded MinHash finds, in theory: the chance that a pair of known similarity is found.

A pair is a candidate when one of `bands` groups of `rows` places agrees wholly: 1 - (1 - s^rows)^bands (Leskovec, Rajaraman and
Ullman, Mining of Massive Datasets, section 3.4). It is found when, besides, at least a given share of all places agrees. Places
agree independently, each with the Jaccard similarity s of the two sets of shingles (Broder 1997).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


def least_agreement(permutations: int, similarity: float) -> int:
    """Return how many of the places must agree for an estimate of at least `similarity`."""
    return math.ceil(round(permutations * similarity, 9))


def candidate_chance(true: float, bands: int, rows: int) -> float:
    """Return the chance that a pair of Jaccard similarity `true` shares a band."""
    return 1.0 - (1.0 - true**rows) ** bands


def found_chance(true: float, bands: int, rows: int, permutations: int, similarity: float) -> float:
    """Return the chance that it shares a band and that its signatures agree in at least `similarity` of their places.

    Exact: the distribution of all agreements less that of the agreements where no band is whole.
    """
    broken = np.ones(1)
    short = _binomial(rows, true)
    short[rows] = 0.0
    for _ in range(bands):
        broken = np.convolve(broken, short)
    broken = np.convolve(broken, _binomial(permutations - bands * rows, true))
    whole = _binomial(permutations, true) - broken
    return float(min(max(whole[least_agreement(permutations, similarity) :].sum(), 0.0), 1.0))


def curve(bands: int, rows: int, permutations: int, similarity: float, points: int = 50) -> list[list[float]]:
    """Return [similarity, chance to be a candidate, chance to be found] at even steps from 0 to 1."""
    found = []
    for step in range(points + 1):
        true = step / points
        chances = candidate_chance(true, bands, rows), found_chance(true, bands, rows, permutations, similarity)
        found.append([true, *(round(chance, 6) for chance in chances)])
    return found


def _binomial(trials: int, chance: float) -> NDArray[np.float64]:
    return np.array([math.comb(trials, k) * chance**k * (1 - chance) ** (trials - k) for k in range(trials + 1)])
