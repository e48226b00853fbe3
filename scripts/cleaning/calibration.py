"""How good a classifier's decisions are on documents that it has not seen, and probabilities made of them.

Both classes count half each wherever examples are averaged, so that a probability of one half means "as likely from one set as
from the other", whatever the sizes of the sets.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scripts.cleaning.logistic import log_loss, sigmoid
from scripts.lib.compiled import compiled

F64 = NDArray[np.float64]
Bool = NDArray[np.bool_]

STEPS = 100
GRADIENT = 1e-12
RIDGE = 1e-12  # keeps the Hessian invertible where all decisions are equal
NORMAL_95 = 1.959964
BINS = 10


@dataclass(frozen=True)
class Calibration:
    """The probability of a decision d is sigmoid(slope * d + offset)."""

    slope: float
    offset: float

    def probability(self, decision: float) -> float:
        """Return the probability that a document with this decision is of the positive set."""
        return sigmoid(self.slope * decision + self.offset)


@compiled
def _loss(slope: float, offset: float, scores: F64, targets: F64, weights: F64) -> float:
    total = 0.0
    for row in range(len(scores)):
        value = slope * scores[row] + offset
        total += weights[row] * (targets[row] * log_loss(value) + (1 - targets[row]) * log_loss(-value))
    return total


@compiled
def _newton(scores: F64, targets: F64, weights: F64) -> tuple[float, float]:
    """Return slope and offset of the smallest loss, by Newton's method with steps halved while they do not help."""
    slope, offset = 1.0, 0.0
    loss = _loss(slope, offset, scores, targets, weights)
    for _ in range(STEPS):
        by_slope, by_offset, a, b, c = 0.0, 0.0, RIDGE, 0.0, RIDGE
        for row in range(len(scores)):
            share = sigmoid(slope * scores[row] + offset)
            error, curve = weights[row] * (share - targets[row]), weights[row] * share * (1 - share)
            by_slope += error * scores[row]
            by_offset += error
            a += curve * scores[row] * scores[row]
            b += curve * scores[row]
            c += curve
        if by_slope * by_slope + by_offset * by_offset <= GRADIENT * GRADIENT:
            break
        determinant = a * c - b * b
        step_slope = (c * by_slope - b * by_offset) / determinant
        step_offset = (a * by_offset - b * by_slope) / determinant
        size, better = 1.0, loss
        for _ in range(STEPS):
            better = _loss(slope - size * step_slope, offset - size * step_offset, scores, targets, weights)
            if better < loss:
                break
            size /= 2
        if better >= loss:
            break
        slope, offset, loss = slope - size * step_slope, offset - size * step_offset, better
    return slope, offset


def class_weights(positive: Bool) -> F64:
    """Return weights that add up to one half in each class."""
    members = int(positive.sum())
    return np.where(positive, 0.5 / members, 0.5 / (len(positive) - members))


def calibrate(decisions: F64, positive: Bool) -> Calibration:
    """Fit probabilities to decisions (Platt 1999, with the targets that keep them from 0 and 1)."""
    members = int(positive.sum())
    targets = np.where(positive, (members + 1) / (members + 2), 1 / (len(positive) - members + 2))
    return Calibration(*_newton(decisions, targets, class_weights(positive)))


def area_under_curve(decisions: F64, positive: Bool) -> tuple[float, float, float]:
    """Return the area under the ROC curve and its 95 % interval (DeLong, DeLong and Clarke-Pearson 1988).

    It is the probability that a positive document scores above a negative one, equal scores counting half.
    """
    ours, others = np.sort(decisions[positive]), np.sort(decisions[~positive])
    below = (np.searchsorted(others, ours, "left") + np.searchsorted(others, ours, "right")) / (2 * len(others))
    above = 1 - (np.searchsorted(ours, others, "left") + np.searchsorted(ours, others, "right")) / (2 * len(ours))
    area = float(below.mean())
    spread = float(np.var(below, ddof=1) / len(ours) + np.var(above, ddof=1) / len(others))
    margin = NORMAL_95 * math.sqrt(spread)
    return area, max(area - margin, 0.0), min(area + margin, 1.0)


def reliability(probabilities: F64, positive: Bool) -> list[dict[str, Any]]:
    """Return how often documents of ten ranges of probability are positive: documents, mean probability, share."""
    weights = class_weights(positive)
    bins = np.minimum((probabilities * BINS).astype(np.int64), BINS - 1)
    rows = []
    for number in range(BINS):
        chosen = bins == number
        weight = float(weights[chosen].sum())
        if weight > 0:
            rows.append(
                {
                    "documents": int(chosen.sum()),
                    "probability": round(float((weights * probabilities)[chosen].sum()) / weight, 6),
                    "positive": round(float((weights * positive)[chosen].sum()) / weight, 6),
                }
            )
    return rows
