"""Score every document of a part with a quality classifier.

    python -m scripts.cleaning.score_quality --model results/classifiers/prose/model.json --settings '{}' \\
        --documents results/sources/web/documents/0000.json --manifest results/classifiers/prose/scores/web/0000.json

Writes `<part>.parquet`: id and score, the probability that the document is of the positive set when both sets are as likely.
A document without words has score 0. Documents that the classifier was trained on are scored like all others.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from scripts.cleaning.calibration import Calibration
from scripts.cleaning.ngrams import Features, Vectoriser, first_words
from scripts.lib.documents import DocumentWriter, read_rows
from scripts.lib.manifest import Artefact
from scripts.lib.progress import progress
from scripts.lib.step import Step, run_step, step_parser

MODULE = "scripts.cleaning.score_quality"
SCORE_SCHEMA = pa.schema([("id", pa.string()), ("score", pa.float64())])
BINS = 20


class Classifier:
    """A trained classifier as its artefact holds it."""

    def __init__(self, model: Artefact) -> None:
        summary = model.summary
        self.features = Features(**summary["features"])
        self.calibration = Calibration(**summary["calibration"])
        self.intercept: float = summary["intercept"]
        table = pq.read_table(model.path(f"{model.manifest_path.stem}.parquet"))
        self.weights = np.zeros(self.features.buckets, np.float32)
        self.weights[table["bucket"].to_numpy()] = table["weight"].to_numpy()
        self._vectoriser = Vectoriser(self.features)

    def score(self, text: str) -> float:
        """Return the probability that a text is of the positive set; 0 for one without words."""
        words = first_words(text, self.features.words)
        if not len(words):
            return 0.0
        return self.calibration.probability(self._vectoriser.product(words, self.weights) + self.intercept)


def score(step: Step, args: argparse.Namespace) -> None:
    """Publish the scores of the documents of one part, in their order."""
    classifier = Classifier(step.read("model", args.model))
    documents = step.read("documents", args.documents)
    name = f"{args.manifest.stem}.parquet"
    histogram = [0] * BINS
    with step.publish() as out:
        with DocumentWriter(out.file(name), SCORE_SCHEMA) as writer:
            rows = read_rows(documents.path(f"{args.documents.stem}.parquet"), ["id", "text"])
            for row in progress(rows, documents.manifest["accounting"]["kept"], "score"):
                found = classifier.score(row["text"])
                histogram[min(int(found * BINS), BINS - 1)] += 1
                writer.write({"id": row["id"], "score": found})
        out.rows[name] = writer.rows
        out.summary["histogram"] = histogram
        out.account(incoming=writer.rows, kept=writer.rows)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    parser = step_parser(__doc__)
    parser.add_argument("--model", type=Path, required=True, help="manifest of the classifier")
    parser.add_argument("--documents", type=Path, required=True, help="manifest of the documents of one part")
    return run_step(MODULE, parser, score, argv)


if __name__ == "__main__":
    raise SystemExit(main())
