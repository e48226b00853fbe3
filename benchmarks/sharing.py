"""What a part spends on the records of a shared file that are not its own: unpacking it and cutting it into records.

    python -m benchmarks.sharing --data ../shared/data

Each file is read by one part, to documents in Parquet, and by the last of a thousand parts, which makes next to none.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.extraction import renamed, write_archive
from scripts.lib.documents import DocumentWriter
from scripts.sources.extract import READERS, Declared, write_documents
from scripts.sources.records import made
from scripts.sources.shares import WHOLE, Share

MEGABYTE = 1_000_000
NONE = Share(999, 1_000)


def files(data: Path, folder: Path, size: int) -> Iterator[tuple[str, Path]]:
    """Yield kind and path of a file of each form; the archive of pages and the lines hold `size` bytes or more."""
    archive = folder / "pages.warc.gz"
    write_archive(data, archive, size)
    yield "web", archive
    for dump in sorted(data.glob("wiki-en-sample/*.bz2")):
        yield "wikipedia", dump
    lines = folder / "lines.jsonl.gz"
    draw, words = random.Random(1), (data / "tinyshakespeare" / "input.txt").read_text("utf-8").split()
    with gzip.open(lines, "wt", compresslevel=6) as out:
        for number in range(size // 2_500):
            start = draw.randrange(len(words) - 500)
            out.write(json.dumps({"id": str(number), "text": " ".join(words[start : start + 500])}) + "\n")
    yield "jsonl", lines


def seconds(kind: str, path: Path, share: Share) -> float:
    """Return the CPU seconds that the extraction of a share takes."""
    began = time.process_time()
    outcomes = enumerate(made(share.of(READERS[kind](path, path.name, {}))))
    found = ((path.name, renamed(outcome, number)) for number, outcome in outcomes)
    with tempfile.TemporaryDirectory() as folder, DocumentWriter(Path(folder) / "out.parquet") as documents:
        write_documents(found, Declared(kind, None, "unknown"), documents, io.StringIO())
    return time.process_time() - began


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of real data")
    parser.add_argument("--size", type=int, default=20, help="megabytes of HTML and of lines")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured")
    args = parser.parse_args()
    print("| file | bytes | whole, CPU s | none of its records, CPU s | share |\n|---|--:|--:|--:|--:|")
    with tempfile.TemporaryDirectory() as folder:
        for kind, path in files(args.data, Path(folder), args.size * MEGABYTE):
            times = [[seconds(kind, path, share) for share in (WHOLE, NONE)] for _ in range(args.rounds)]
            whole, none = (statistics.median(column) for column in zip(*times, strict=True))
            print(f"| {path.name} | {path.stat().st_size} | {whole:.2f} | {none:.2f} | {none / whole:.0%} |")


if __name__ == "__main__":
    main()
