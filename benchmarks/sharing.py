"""What a part spends on the records of a shared file that are not its own: unpacking it and cutting it into records.

    python -m benchmarks.sharing --data ../shared/data

Each file is read by one part, to documents in Parquet, and by the last of a thousand parts, which makes next to none.
"""

from __future__ import annotations

import argparse
import gzip
import io
import itertools
import json
import random
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import zstandard

from benchmarks.extraction import renamed, write_archive
from scripts.lib.documents import DocumentWriter
from scripts.sources.extract import READERS, SHARING, Declared, write_documents
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
    for posts in sorted(data.glob("stackexchange-beer/**/Posts.xml")):
        yield "social", posts
    for name, rows in (("reddit.ndjson.zst", reddit(words)), ("hackernews.jsonl.gz", news(words))):
        path = folder / name
        content = b"".join(json.dumps(row).encode() + b"\n" for row in itertools.islice(rows, size // 700))
        path.write_bytes(zstandard.compress(content) if path.suffix == ".zst" else gzip.compress(content, mtime=0))
        yield "social", path


def reddit(words: Sequence[str]) -> Iterator[dict[str, object]]:
    """Yield posts in the form of the Pushshift dumps, each tenth one a submission, with the fields that make most of a row."""
    draw = random.Random(2)
    for number in itertools.count(1):
        text, name = " ".join(draw.choices(words, k=60)), f"{number:x}"
        row: dict[str, object] = {
            "id": name,
            "subreddit": "verse",
            "author": f"reader{number % 99}",
            "score": number % 30,
        }
        row |= {"created_utc": 1_400_000_000 + number, "retrieved_on": 1_500_000_000, "gilded": 0, "stickied": False}
        if number % 10 == 1:
            yield row | {"title": text[:60], "selftext": text, "num_comments": 9, "permalink": f"/r/verse/{name}"}
        else:
            link = f"t3_{draw.randrange(max(1, number - 99), number) // 10 * 10 + 1:x}"
            yield row | {"link_id": link, "parent_id": link, "subreddit_id": "t5_verse", "body": text}


def news(words: Sequence[str]) -> Iterator[dict[str, object]]:
    """Yield items as the API of Hacker News gives them: comments answer one of the items before."""
    draw = random.Random(3)
    for number in itertools.count(1):
        text = "<p>".join(" ".join(draw.choices(words, k=30)) for _ in range(2))
        row: dict[str, object] = {
            "by": f"reader{number % 99}",
            "id": number,
            "time": 1_400_000_000 + number,
            "text": text,
        }
        if number % 10 == 1:
            yield row | {"type": "story", "title": text[:60], "score": number % 300, "url": "https://example.org/"}
        else:
            yield row | {"type": "comment", "parent": draw.randrange(max(1, number - 50), number)}


def seconds(kind: str, path: Path, share: Share) -> float:
    """Return the CPU seconds that the extraction of a share takes."""
    began = time.process_time()
    if kind in SHARING:
        outcomes = SHARING[kind](path, path.name, {}, share)
    else:
        outcomes = made(share.of(READERS[kind](path, path.name, {})))
    found = ((path.name, renamed(outcome, number)) for number, outcome in enumerate(outcomes))
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
