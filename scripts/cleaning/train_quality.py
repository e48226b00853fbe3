"""Train a classifier that tells documents of one set of sources from those of another, by their hashed word n-grams.

    python -m scripts.cleaning.train_quality --manifest results/classifiers/prose/model.json \\
        --positive results/sources/books/documents/0000.json --negative results/sources/web/documents/0000.json \\
        --settings '{"classifier": "prose", "positive": [{"name": "books", "parts": 1}], "negative": [{"name": "web",
        "parts": 1}], "ngrams": 2, "buckets": 262144, "words": 1000, "documents": 20000, "held_out": 0.2,
        "regularisation": 1e-5, "epochs": 50, "seed": 1}'

As GPT-3 (Brown et al. 2020, appendix A), CCNet (Wenzek et al. 2020) and DCLM (Li et al. 2024) choose web pages: a linear
classifier between a set that is good and one that is ordinary. Writes `model.parquet`: the buckets whose weight is not zero and
their weights. The summary of the manifest holds the rest of the model and how good it is on documents held out. The bytes are
the same whatever cores, parts and order; on another kind of machine the exponential function may round its last bit otherwise.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from scripts.cleaning.calibration import Calibration, area_under_curve, calibrate, reliability
from scripts.cleaning.examples import (
    CALIBRATION,
    ROLES,
    TEST,
    TRAIN,
    Example,
    Sample,
    draw,
    joined,
    leave_out_common,
)
from scripts.cleaning.logistic import Linear, Vectors, decisions, fit
from scripts.cleaning.ngrams import Features
from scripts.lib.documents import write_table
from scripts.lib.errors import UserError
from scripts.lib.step import Step, run_step, step_parser

MODULE = "scripts.cleaning.train_quality"
WEIGHTS = "model.parquet"
SETS = ("positive", "negative")
FEWEST = 2  # documents of each set in each role, without which there is no spread to measure


def documents_by_source(step: Step, role: str, manifests: Sequence[Path]) -> dict[str, list[Path]]:
    """Return the Parquet files of every source of a set; the manifests come by source, parts ascending."""
    found: dict[str, list[Path]] = {}
    remaining = iter(manifests)
    for source in step.settings[role]:
        for _ in range(source["parts"]):
            manifest = next(remaining)
            documents = step.read(role, manifest).path(f"{manifest.stem}.parquet")
            found.setdefault(source["name"], []).append(documents)
    return found


def check_enough(name: str, samples: dict[str, Sample]) -> None:
    """Raise UserError unless each set has documents to train on and to be judged by."""
    for role, sample in samples.items():
        counts = Counter(example.role for example in sample.examples)
        for use in ROLES:
            if counts[use] < FEWEST:
                raise UserError(
                    f"classifiers.{name}.{role} gives {len(sample.examples)} different documents with words, of which "
                    f"{counts[use]} fall to {use} ({FEWEST} are needed); add sources or change held_out."
                )


def evaluation(
    linear: Linear, vectors: Vectors, examples: Sequence[Example], positive: NDArray[np.bool_]
) -> tuple[Calibration, dict[str, Any]]:
    """Fit the calibration on one half of the held-out examples and measure on the other."""
    rows = {use: np.flatnonzero([example.role == use for example in examples]) for use in (CALIBRATION, TEST)}
    values = {use: decisions(linear, vectors, chosen) for use, chosen in rows.items()}
    calibration = calibrate(values[CALIBRATION], positive[rows[CALIBRATION]])
    truth = positive[rows[TEST]]
    area, low, high = area_under_curve(values[TEST], truth)
    probabilities = np.array([calibration.probability(float(value)) for value in values[TEST]])
    return calibration, {
        "auc": round(area, 6),
        "auc_low": round(low, 6),
        "auc_high": round(high, 6),
        "true_positive_rate": round(float((probabilities[truth] >= 0.5).mean()), 6),
        "false_positive_rate": round(float((probabilities[~truth] >= 0.5).mean()), 6),
        "reliability": reliability(probabilities, truth),
    }


def train(step: Step, args: argparse.Namespace) -> None:
    """Publish the classifier."""
    settings = step.settings
    name, seed, held_out = settings["classifier"], settings["seed"], settings["held_out"]
    features = Features(settings["ngrams"], settings["buckets"], settings["words"])
    samples = {
        role: draw(
            documents_by_source(step, role, getattr(args, role)), settings["documents"], features, seed, held_out
        )
        for role in SETS
    }
    common = leave_out_common(*samples.values())
    check_enough(name, samples)
    labelled = [(example, role == "positive") for role in SETS for example in samples[role].examples]
    labelled.sort(key=lambda pair: pair[0].key)
    examples, positive = [example for example, _ in labelled], np.array([label for _, label in labelled])
    order = np.flatnonzero([example.role == TRAIN for example in examples])
    vectors = joined(examples)
    found = fit(vectors, order, positive, features.buckets, settings["regularisation"], settings["epochs"], seed)
    calibration, quality = evaluation(found.linear, vectors, examples, positive)
    with step.publish() as out:
        buckets = np.flatnonzero(found.linear.weights)
        out.rows[WEIGHTS] = len(buckets)
        write_table(out.file(WEIGHTS), pa.table({"bucket": buckets, "weight": found.linear.weights[buckets]}))
        out.summary |= {
            "features": asdict(features),
            "intercept": found.linear.intercept,
            "calibration": asdict(calibration),
            "training": {
                "epochs": found.epochs,
                "objective": round(found.objective, 9),
                "duality_gap": round(found.gap, 9),
            },
            "held_out": quality,
            "texts_in_both_sets": common,
            "examples": {role: counted(sample) for role, sample in samples.items()},
        }
        left_out = sum((sample.left_out for sample in samples.values()), Counter[str]())
        incoming = sum(sample.documents for sample in samples.values())
        out.account(incoming=incoming, kept=len(examples), removed=dict(sorted(left_out.items())))


def counted(sample: Sample) -> dict[str, dict[str, int]]:
    """Return the number of examples of each source by what they were used for."""
    counts = Counter((example.source, example.role) for example in sample.examples)
    sources = sorted({source for source, _ in counts})
    return {source: {use: counts[source, use] for use in ROLES} for source in sources}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    parser = step_parser(__doc__)
    for role in SETS:
        parser.add_argument(f"--{role}", type=Path, nargs="+", required=True, help=f"manifests of the {role} documents")
    return run_step(MODULE, parser, train, argv)


if __name__ == "__main__":
    raise SystemExit(main())
