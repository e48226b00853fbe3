"""Edits of lines beside datatrove's C4 filter: equal texts, and CPU time, on real documents.

    PYTHONPATH=.:PEERS python -m benchmarks.line_edits --documents ../shared/reference/filter-decisions.jsonl.gz

PEERS is where `pip install --target PEERS datatrove==0.10.1` put it. Its count of sentences, which splits words with spaCy, is
switched off, so that lines alone are compared. Documents that it drops whole (curly brackets, lorem ipsum) are left out, since it
does not edit them to the end.
"""

from __future__ import annotations

import argparse
import gzip
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from datatrove.data import Document
from datatrove.pipeline.filters import C4QualityFilter

from scripts.cleaning.edits import edit_lines

ROUNDS = 5


def theirs() -> Callable[[str], str | None]:
    """Return datatrove's edit: a text to the edited one, or None for a document that it drops."""
    quality = C4QualityFilter(min_num_sentences=-1)

    def edit(text: str) -> str | None:
        document = Document(text=text, id="")
        return document.text if quality.filter(document) is True else None

    return edit


def ours(text: str) -> str:
    """Return our edit of a text."""
    return edit_lines(text, ["c4"])[0]


def cpu(edit: Callable[[str], str | None], texts: list[str]) -> float:
    """Return the CPU seconds that the edit of all texts takes."""
    start = time.process_time()
    for text in texts:
        edit(text)
    return time.process_time() - start


def main() -> None:
    """Print agreement and times."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=Path, required=True, help="JSON lines with a text each, gzip")
    args = parser.parse_args()
    with gzip.open(args.documents, "rt", encoding="utf-8") as stream:
        texts = [json.loads(line)["text"] for line in stream]
    their = theirs()
    pairs = [(mine, edited) for text in texts for mine, edited in [(ours(text), their(text))] if edited is not None]
    equal = sum(mine == edited for mine, edited in pairs)
    times = [(cpu(ours, texts), cpu(their, texts)) for _ in range(ROUNDS)]
    mine, other = (statistics.median(column) for column in zip(*times, strict=True))
    megabytes = sum(len(text.encode()) for text in texts) / 1e6
    print(f"{len(texts)} documents, {megabytes:.1f} MB; compared {len(pairs)}, equal texts {equal}")
    print(f"ours {megabytes / mine:.1f} MB/s, datatrove {megabytes / other:.1f} MB/s: {other / mine:.1f} times as fast")


if __name__ == "__main__":
    main()
