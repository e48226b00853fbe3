"""The four published filters beside datatrove's: CPU time of one core, in turn, and how often the verdicts are equal.

    pip install --target PEERS 'datatrove[processing]==0.10.1' spacy==3.8.18
    PYTHONPATH=. python -m benchmarks.cleaning --data ../shared/data --peers PEERS

Real English texts from the folders of the data, repeated with an identifier of their own until they hold `--megabytes`. Ours
judges them all, from text to verdicts. datatrove does some twenty documents a second, so it judges a seeded sample of the same
documents in a process of its own, in which loading is not counted; speeds are compared by megabyte.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from scripts.cleaning.filters import FAMILIES
from scripts.cleaning.measures import batches, measure_all

MEGABYTE = 1_000_000
FOLDERS = (
    "dolma-docs epub-idpf gutenberg-books hellaswag jats-elife latex-hott-book nltk-data stackexchange-coffee tinyshakespeare "
    "warc-wget-dolma wikitext-2 xquad"
)
SIZE = 2_000  # characters of a document that is cut from a longer text, on average
FILTERS = {
    "gopher_quality": "GopherQualityFilter",
    "gopher_repetition": "GopherRepetitionFilter",
    "c4": "C4QualityFilter",
    "fineweb": "FineWebQualityFilter",
}
PEER = """
import json, sys, time
from datatrove.data import Document
from datatrove.pipeline.filters import C4QualityFilter, FineWebQualityFilter, GopherQualityFilter, GopherRepetitionFilter
filters = [GopherQualityFilter(), GopherRepetitionFilter(), C4QualityFilter(), FineWebQualityFilter()]
for one in filters:
    one.filter(Document(text="Some words to load what is loaded once.", id="0"))
for line in sys.stdin:
    texts = json.loads(line)
    began = time.process_time()
    verdicts = []
    for number, text in enumerate(texts):
        row = []
        for one in filters:
            result = one.filter(Document(text=text, id=str(number)))
            row.append(result is True or (isinstance(result, tuple) and result[0]))
        verdicts.append(row)
    print(json.dumps({"seconds": time.process_time() - began, "verdicts": verdicts}), flush=True)
"""


def pieces(data: Path) -> Iterator[str]:
    """Yield documents of varying length, cut at line ends from the text files of the data."""
    for folder in FOLDERS.split():
        for path in sorted((data / folder).rglob("*")):
            if not path.is_file() or path.suffix in (".gz", ".bz2", ".zip", ".epub", ".zst"):
                continue
            try:
                text = path.read_text("utf-8")
            except UnicodeDecodeError:
                continue
            choose = random.Random(f"{folder}/{path.name}")
            start = 0
            while start < len(text):
                end = text.find("\n", start + choose.randrange(2 * SIZE))
                end = len(text) if end < 0 else end
                if text[start:end].strip():
                    yield text[start:end].strip("\n")
                start = end


def ours(texts: list[str]) -> list[list[bool]]:
    """Judge texts with Groundwork, a verdict for each filter."""
    passed = []
    for batch in batches({"text": text} for text in texts):
        columns = measure_all([document["text"] for document in batch])
        verdicts = np.ones((len(batch), len(FILTERS)), np.bool_)
        for place, family in enumerate(FILTERS):
            for rule in FAMILIES[family]:
                values = columns[rule.column]
                verdicts[:, place] &= values >= rule.threshold if rule.at_least else values <= rule.threshold
        passed.extend(verdicts.tolist())
    return passed


class Peer:
    """datatrove in a process of its own."""

    def __init__(self, peers: Path) -> None:
        with tempfile.NamedTemporaryFile("w", suffix=".py", delete=False) as file:
            file.write(PEER)
        self._script = Path(file.name)
        self._process = subprocess.Popen(
            [sys.executable, file.name],
            env={**os.environ, "PYTHONPATH": str(peers)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def judge(self, texts: list[str]) -> tuple[float, list[list[bool]]]:
        """Return CPU seconds and verdicts."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(texts) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise SystemExit("datatrove does not run; install it as the beginning of this file says.")
        found = json.loads(answer)
        return found["seconds"], found["verdicts"]

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        self._script.unlink()


def main() -> None:
    """Run the comparison and print its tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with real texts")
    parser.add_argument("--peers", type=Path, required=True, help="folder where datatrove and spacy are installed")
    parser.add_argument("--megabytes", type=int, default=20, help="of text for us")
    parser.add_argument("--sample", type=int, default=400, help="documents for datatrove, in each round")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    found = list(pieces(args.data))
    random.Random(0).shuffle(found)
    size = sum(len(text.encode()) for text in found)
    texts = found * -(-args.megabytes * MEGABYTE // size)
    total = sum(len(text.encode()) for text in texts)
    ours(texts[:10])
    peer = Peer(args.peers)
    mine, theirs, asked = [], [], 0
    equal = np.zeros(len(FILTERS), np.int64)
    for number in range(args.rounds):
        began = time.process_time()
        verdicts = ours(texts)
        mine.append(total / MEGABYTE / (time.process_time() - began))
        sample = found[number * args.sample : (number + 1) * args.sample]
        seconds, judged = peer.judge(sample)
        asked += len(sample)
        theirs.append(sum(len(text.encode()) for text in sample) / MEGABYTE / seconds)
        equal += (np.array(verdicts[number * args.sample :][: len(sample)]) == np.array(judged)).sum(axis=0)
        print(f"round {number + 1}: {mine[-1]:.2f} and {theirs[-1]:.3f} MB/s", flush=True)
    peer.close()
    rate, slow = statistics.median(mine), statistics.median(theirs)
    average = total / len(texts) / MEGABYTE
    print(
        f"\n{len(texts)} documents, {total / MEGABYTE:.1f} MB ({len(found)} different ones, {size / MEGABYTE:.1f} MB)"
    )
    print("| four filters | MB/s | documents/s | ours is |\n|---|---|---|---|")
    print(f"| groundwork, all | {rate:.2f} | {rate / average:.0f} | 1 |")
    print(
        f"| datatrove, {asked // args.rounds} of them a round | {slow:.3f} | {slow / average:.1f} | {rate / slow:.0f} x as fast |"
    )
    print("\n| filter | equal verdicts |\n|---|---|")
    for name, count in zip(FILTERS.values(), equal, strict=True):
        print(f"| {name} | {count} of {asked} ({count / asked:.2%}) |")


if __name__ == "__main__":
    main()
