"""Logistic regression over sparse unit vectors, trained to its one optimum, with calibrated probabilities.

Training minimises

    R/2 |w|^2 + 1/2 mean over the positive of log(1 + exp(-w.x)) + 1/2 mean over the negative of log(1 + exp(w.x))

by coordinate descent on the dual (Yu, Huang and Lin 2011, "Dual coordinate descent methods for logistic regression and maximum
entropy models"), one example after the other, in an order drawn for each epoch from a seed; nothing that the machine does beside
it counts. It stops when the duality gap shows that the optimum is reached. The classes count half each, whatever their sizes,
and the intercept is one of the weights w, that of a feature which is 1 in every example.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scripts.lib.compiled import compiled
from scripts.lib.progress import progress
from scripts.lib.seeds import seed_for

I64 = NDArray[np.int64]
I32 = NDArray[np.int32]
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
Bool = NDArray[np.bool_]

TOLERANCE = 1e-3  # of the duality gap, relative to the objective
NEWTON_STEPS = 50
MARGIN_TOLERANCE = 1e-10


@dataclass(frozen=True)
class Vectors:
    """Sparse rows: those of row i are `buckets[starts[i]:starts[i + 1]]` and the same of `values`."""

    starts: I64
    buckets: I32
    values: F32


@dataclass(frozen=True)
class Linear:
    """A linear decision: weights, float32 [buckets], and the intercept."""

    weights: F32
    intercept: float


@dataclass(frozen=True)
class Fit:
    """A trained classifier, with the epochs it took, its objective and how far that can be from the smallest."""

    linear: Linear
    epochs: int
    objective: float
    gap: float


@compiled
def sigmoid(value: float) -> float:
    """Return 1 / (1 + exp(-value)) without overflow."""
    if value >= 0:
        return 1 / (1 + math.exp(-value))
    return math.exp(value) / (1 + math.exp(value))


@compiled
def log_loss(margin: float) -> float:
    """Return log(1 + exp(-margin)) without overflow."""
    return math.log1p(math.exp(-abs(margin))) + max(-margin, 0.0)


@compiled
def _new_margin(margin: float, square: float, dual: float, cost: float) -> float:
    """Return the margin of an example after the best change of its dual variable.

    At the optimum the dual variable is cost * sigmoid(-margin), and a change of it by d changes the margin by square * d: the
    one root of margin' - margin - square * (cost * sigmoid(-margin') - dual), found by Newton steps kept between bounds.
    """
    low, high = margin - square * dual, margin + square * (cost - dual)
    root = min(max(margin, low), high)
    for _ in range(NEWTON_STEPS):
        share = sigmoid(-root)
        excess = root - margin - square * (cost * share - dual)
        if abs(excess) <= MARGIN_TOLERANCE:
            break
        if excess > 0:
            high = root
        else:
            low = root
        root -= excess / (1 + square * cost * share * (1 - share))
        if not low < root < high:
            root = (low + high) / 2
    return root


@compiled
def _decision(weights: F64, buckets: I32, values: F32, start: int, end: int) -> float:
    """Return w.x for the row that stands at [start, end); the last weight is the intercept."""
    total: float = weights[-1]
    for place in range(start, end):
        total += weights[buckets[place]] * values[place]
    return total


@compiled
def _epoch(
    weights: F64, duals: F64, order: I64, starts: I64, buckets: I32, values: F32, signs: F64, costs: F64
) -> None:
    """Improve each dual variable once, in order, and the weights with it."""
    for row in order:
        start, end, sign = starts[row], starts[row + 1], signs[row]
        square = 1.0  # of the constant feature whose weight is the intercept
        for place in range(start, end):
            square += values[place] * values[place]
        margin = sign * _decision(weights, buckets, values, start, end)
        after = _new_margin(margin, square, duals[row], costs[row])
        dual = costs[row] * sigmoid(-after)
        change = sign * (dual - duals[row])
        duals[row] = dual
        weights[-1] += change
        for place in range(start, end):
            weights[buckets[place]] += change * values[place]


@compiled
def _objectives(
    weights: F64, duals: F64, rows: I64, starts: I64, buckets: I32, values: F32, signs: F64, costs: F64
) -> tuple[float, float]:
    """Return the primal and the dual objective; the first is never below the second, and equal to it at the optimum."""
    primal, entropy, square = 0.0, 0.0, 0.0
    for row in rows:
        margin = signs[row] * _decision(weights, buckets, values, starts[row], starts[row + 1])
        primal += costs[row] * log_loss(margin)
        dual, rest = duals[row], costs[row] - duals[row]
        entropy -= costs[row] * math.log(costs[row])
        entropy += (dual * math.log(dual) if dual > 0 else 0.0) + (rest * math.log(rest) if rest > 0 else 0.0)
    for weight in weights:
        square += weight * weight
    return primal + square / 2, -entropy - square / 2


def fit(vectors: Vectors, rows: I64, positive: Bool, size: int, regularisation: float, epochs: int, seed: int) -> Fit:
    """Train on some rows for at most so many epochs; `size` is the number of buckets, `positive` labels all rows."""
    count = len(positive)
    signs = np.where(positive, 1.0, -1.0)
    members = int(positive[rows].sum())
    costs = np.where(positive, 1 / (2 * regularisation * members), 1 / (2 * regularisation * (len(rows) - members)))
    weights, duals = np.zeros(size + 1, np.float64), np.zeros(count, np.float64)
    data = (vectors.starts, vectors.buckets, vectors.values, signs, costs)
    generator = np.random.Generator(np.random.PCG64(seed_for(seed, "quality epochs")))
    primal, gap, done = math.inf, math.inf, 0
    for _ in progress(range(epochs), epochs, "epochs"):
        _epoch(weights, duals, generator.permutation(rows), *data)
        primal, dual = _objectives(weights, duals, rows, *data)
        gap, done = max(primal - dual, 0.0), done + 1
        if gap <= TOLERANCE * primal:
            break
    linear = Linear(weights[:-1].astype(np.float32), float(weights[-1]))
    return Fit(linear, done, primal * regularisation, gap * regularisation)


@compiled
def _decisions(weights: F64, starts: I64, buckets: I32, values: F32, rows: I64, out: F64) -> None:
    for position in range(len(rows)):
        row = rows[position]
        out[position] = _decision(weights, buckets, values, starts[row], starts[row + 1])


def decisions(linear: Linear, vectors: Vectors, rows: I64) -> F64:
    """Return w.x + intercept for some rows, shape [rows]."""
    out = np.empty(len(rows), np.float64)
    weights = np.append(linear.weights.astype(np.float64), linear.intercept)
    _decisions(weights, vectors.starts, vectors.buckets, vectors.values, rows, out)
    return out
