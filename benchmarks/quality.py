"""Classifiers of quality beside peers: area under the curve on the same held-out documents, and CPU time of one thread.

    OMP_NUM_THREADS=1 PYTHONPATH=.:PEERS python -m benchmarks.quality --data ../shared/data

Peers are fastText as DCLM trains it (Li et al. 2024: words and pairs of words, the library's defaults otherwise) and with more
passes at a higher rate, since the sets are small; and hashed n-grams with logistic regression in scikit-learn (liblinear). Every
fifth document by the hash of its text is held out. Scoring times are medians over rounds that alternate between the programs.
"""

from __future__ import annotations

import argparse
import hashlib
import statistics
import tempfile
import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from scripts.cleaning.calibration import area_under_curve
from scripts.cleaning.examples import Example, joined
from scripts.cleaning.logistic import fit
from scripts.cleaning.ngrams import Features, Vectoriser, first_words

Scorer = Callable[[Sequence[str]], list[float]]
FEATURES = Features(ngrams=2, buckets=1 << 18, words=1000)
ROUNDS = 5


def reviews(data: Path) -> tuple[list[str], list[bool]]:
    """Return whole film reviews and whether they praise."""
    with zipfile.ZipFile(data / "nltk-data" / "movie_reviews.zip") as archive:
        names = sorted(
            name for name in archive.namelist() if name.endswith(".txt") and ("/pos/" in name or "/neg/" in name)
        )
        return [archive.read(name).decode("latin-1") for name in names], ["/pos/" in name for name in names]


def sentences(data: Path) -> tuple[list[str], list[bool]]:
    """Return sentences about films and whether they tell the plot; the others give opinions."""
    texts, labels = [], []
    with zipfile.ZipFile(data / "nltk-data" / "subjectivity.zip") as archive:
        for name, label in (("plot", True), ("quote", False)):
            found = archive.read(f"subjectivity/{name}.tok.gt9.5000").decode("latin-1").splitlines()
            texts += found
            labels += [label] * len(found)
    return texts, labels


def ours(texts: Sequence[str], labels: Sequence[bool]) -> Scorer:
    """Train the classifier of this project."""
    vectoriser = Vectoriser(FEATURES)
    examples = [Example((0, "", ""), "", "", *vectoriser.vector(first_words(text, FEATURES.words))) for text in texts]
    found = fit(joined(examples), np.arange(len(texts)), np.array(labels), FEATURES.buckets, 1e-6, 50, 1).linear
    return lambda some: [vectoriser.product(first_words(text, FEATURES.words), found.weights) for text in some]


def fast_text(texts: Sequence[str], labels: Sequence[bool], **options: float) -> Scorer:
    """Train fastText's supervised classifier on words and pairs of words."""
    import fasttext

    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".txt") as stream:
        for text, label in zip(texts, labels, strict=True):
            stream.write(f"__label__{int(label)} {' '.join(text.lower().split())}\n")
        stream.flush()
        model = fasttext.train_supervised(stream.name, wordNgrams=2, thread=1, verbose=0, **options)

    def score(some: Sequence[str]) -> list[float]:
        found = [model.predict(" ".join(text.lower().split()), k=2) for text in some]
        return [float(dict(zip(*one, strict=True))["__label__1"]) for one in found]

    return score


def longer(texts: Sequence[str], labels: Sequence[bool]) -> Scorer:
    """Train fastText with settings for a small set."""
    return fast_text(texts, labels, epoch=25, lr=1.0)


def scikit_learn(texts: Sequence[str], labels: Sequence[bool]) -> Scorer:
    """Train logistic regression on hashed n-grams."""
    from sklearn.feature_extraction.text import HashingVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    model = make_pipeline(
        HashingVectorizer(n_features=FEATURES.buckets, ngram_range=(1, 2)),
        LogisticRegression(solver="liblinear", C=1e6 / len(texts), random_state=1),
    )
    model.fit(texts, labels)
    return lambda some: [float(value) for value in model.decision_function(some)]


def is_held_out(text: str) -> bool:
    """Tell whether a document is for testing."""
    return hashlib.sha256(text.encode()).digest()[0] % 5 == 0


def timed(work: Callable[[], object]) -> tuple[float, object]:
    """Return the CPU seconds of some work, and its result."""
    before = time.process_time()
    result = work()
    return time.process_time() - before, result


def compare(name: str, texts: Sequence[str], labels: Sequence[bool]) -> None:
    """Print a line of the table for each program."""
    held = [is_held_out(text) for text in texts]
    train = [number for number, out in enumerate(held) if not out]
    test = [number for number, out in enumerate(held) if out]
    truth = np.array([labels[number] for number in test])
    programs = {"groundwork": ours, "fastText": fast_text, "fastText, 25 passes": longer, "scikit-learn": scikit_learn}
    ours(texts[:50] + texts[-50:], [*labels[:50], *labels[-50:]])  # compiles
    seconds, scorers = {}, {}
    for program, make in programs.items():
        seconds[program], scorers[program] = timed(
            lambda make=make: make([texts[number] for number in train], [labels[number] for number in train])
        )
    rounds: dict[str, list[float]] = {program: [] for program in programs}
    values = {}
    for _ in range(ROUNDS):
        for program, scorer in scorers.items():
            spent, values[program] = timed(lambda scorer=scorer: scorer(texts))
            rounds[program].append(spent)
    size = sum(len(text.encode()) for text in texts) / 1e6
    for program in programs:
        area, low, high = area_under_curve(np.array([values[program][number] for number in test]), truth)
        spent = statistics.median(rounds[program])
        print(
            f"| {name} ({len(train):,} to train on, {len(test):,} held out) | {program} | {area:.4f} [{low:.4f}, {high:.4f}] "
            f"| {seconds[program]:.2f} | {len(texts) / spent:,.0f} | {size / spent:.2f} |"
        )


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder of real files")
    args = parser.parse_args()
    print("| documents | program | area under the curve | training (CPU s) | scored (documents/s) | scored (MB/s) |")
    print("|---|---|---|--:|--:|--:|")
    compare("film reviews, praise or blame", *reviews(args.data))
    compare("sentences, plots or opinions", *sentences(args.data))


if __name__ == "__main__":
    main()
