"""Fit the calibration of language identification and show how far its scores are probabilities, on texts not fitted on.

    PYTHONPATH=. python -m benchmarks.language_calibration --data ../shared/data

Fitted on every second paragraph of the translations of the Declaration of Human Rights into the languages of the model, at all
lengths. The languages differ in weight as they do on the web: as 1 / rank, ranked by the model's training sentences. Reported
on the other paragraphs, in the same weights, and on other sources. Prints the constants of scripts/cleaning/language.py.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from benchmarks.labelled_texts import LENGTHS, LONG, Labelled, of_declarations, of_others
from scripts.cleaning import language
from scripts.cleaning.fasttext_model import load
from scripts.cleaning.language import SURE, UNDETERMINED, Identifier, model_path

Floats = npt.NDArray[np.float64]


class Outcome(NamedTuple):
    """Arrays over texts: features of the calibration (n, 4), whether the likeliest language is right, weights."""

    features: Floats
    right: Floats
    weights: Floats


def outcomes(identifier: Identifier, texts: Sequence[Labelled], rank: dict[str, int] | None) -> Outcome:
    """Identify texts; those without a best language are left out. A language weighs 1 / rank, or with no ranks, the same."""
    found = [(text, identifier.found(text.text)) for text in texts]
    kept = [(text, result) for text, result in found if result.language is not None]
    odds = np.array([result.odds for _, result in kept])
    shortest, longest = language.LENGTHS
    length = np.log2(np.clip([result.letters for _, result in kept], shortest, longest))
    features = np.stack([np.ones_like(odds), length, odds, length * odds], axis=1)
    right = np.array([result.language == text.language for text, result in kept], float)
    number = Counter(text.language for text, _ in kept)
    weights = [1 / number[text.language] / (1 + rank[text.language or ""] if rank else 1) for text, _ in kept]
    return Outcome(features, right, np.array(weights) / sum(weights))


def fitted(outcome: Outcome) -> Floats:
    """Return the weighted logistic regression (4,) of being right on the features, by Newton's method."""
    constants = np.zeros(4)
    for _ in range(100):
        scores = 1 / (1 + np.exp(-outcome.features @ constants))
        gradient = outcome.features.T @ (outcome.weights * (outcome.right - scores))
        curvature = (outcome.features.T * (outcome.weights * scores * (1 - scores))) @ outcome.features
        step = np.linalg.solve(curvature, gradient)
        constants += step
        if np.abs(step).max() < 1e-10:
            break
    return constants


def reliability(scores: Floats, right: Floats, weights: Floats) -> list[tuple[float, float, float]]:
    """Return weight, mean score and share that is right of each tenth of the scores; empty tenths are left out."""
    tenth = np.minimum((scores * 10).astype(int), 9)
    return [
        (float(mass), float((weights * scores)[mine].sum() / mass), float((weights * right)[mine].sum() / mass))
        for mine in (tenth == number for number in range(10))
        if (mass := weights[mine].sum()) > 0
    ]


def calibration_error(scores: Floats, right: Floats, weights: Floats) -> float:
    """Return the expected calibration error over ten bins (Guo et al. 2017)."""
    return sum(mass * abs(mean - share) for mass, mean, share in reliability(scores, right, weights))


def main() -> None:
    """Fit, print the constants, and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with nltk-data, xquad, multi30k, europarl-onmt"
    )
    data = parser.parse_args().data
    identifier = Identifier()
    rank = {label: number for number, label in enumerate(load(model_path()).labels)}
    first, second = of_declarations(data, 0), of_declarations(data, 1)
    constants = fitted(outcomes(identifier, [text for text in first if text.language], rank))
    print("OFFSET, OFFSET_BY_LENGTH, SLOPE, SLOPE_BY_LENGTH =", ", ".join(f"{value:.4f}" for value in constants))

    def scores(outcome: Outcome) -> Floats:
        return 1 / (1 + np.exp(-outcome.features @ constants))

    known = [text for text in second if text.language]
    held = outcomes(identifier, known, rank)
    print("\nDeclarations, paragraphs not fitted on:\n| share | mean score | right |\n|---|---|---|")
    for mass, mean, share in reliability(scores(held), held.right, held.weights):
        print(f"| {mass:.4f} | {mean:.3f} | {share:.3f} |")
    print(
        "\n| source | characters | texts | right | mean score | ECE | und | right unless und |\n|---|---|---|---|---|---|---|---|"
    )
    others = of_others(data)
    for source, texts, ranks in (
        ("udhr", known, rank),
        *((name, [text for text in others if text.source == name], None) for name in ("xquad", "multi30k", "europarl")),
    ):
        for length in (*LENGTHS, LONG):
            mine = [text for text in texts if text.length == length]
            if not mine:
                continue
            outcome = outcomes(identifier, mine, ranks)
            given, right, weights = scores(outcome), outcome.right, outcome.weights
            sure = given >= SURE
            print(
                f"| {source} | {length} | {len(mine)} | {weights @ right:.4f} | {weights @ given:.4f} | "
                f"{calibration_error(given, right, weights):.3f} | {weights[~sure].sum():.3f} | "
                f"{(weights * right)[sure].sum() / weights[sure].sum():.4f} |"
            )
    print("\nLanguages that the model does not know:\n| characters | texts | und |\n|---|---|---|")
    for length in (*LENGTHS, LONG):
        mine = [text for text in second if text.language is None and text.length == length]
        undetermined = sum(identifier.identify(text.text)[0] == UNDETERMINED for text in mine)
        print(f"| {length} | {len(mine)} | {undetermined / len(mine):.3f} |")


if __name__ == "__main__":
    main()
