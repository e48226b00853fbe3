"""Speed of extraction beside its peers, side by side in one run: CPU time of one core, methods in turn.

    pip install --target PEERS -r benchmarks/requirements.txt
    MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=100000000000 MALLOC_TOP_PAD_=67108864 \\
        GLIBC_TUNABLES=glibc.malloc.hugetlb=1 PYTHONPATH=.:PEERS \\
        python -m benchmarks.extraction --data ../shared/data

The settings of memory are those of every job of the workflow (scripts/registry/job_environment.py); all methods have them here.
Web pages: all WARC files of the data, repeated to 50 MB of HTML, from the file to documents in Parquet. The bare loop with the
same text writes the same texts to Parquet too, but looks at nothing that could be wrong; the other bare loop and trafilatura
keep their texts in memory. Wikitext: the articles of a dump, from markup to prose. Peers that are not installed are left out.
"""

from __future__ import annotations

import argparse
import dataclasses
import io
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
from fastwarc.warc import ArchiveIterator, WarcRecordType
from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.html import HTMLTree

from benchmarks.peers import trafilatura_text, wikitext_peer
from scripts.lib.documents import DOCUMENT_SCHEMA, DocumentWriter
from scripts.sources.charsets import decode_page
from scripts.sources.decoding import normal_form
from scripts.sources.extract import Declared, write_documents
from scripts.sources.maintext import SKIPPED, main_text
from scripts.sources.readers import web
from scripts.sources.records import Outcome, Record, Rejected, made
from scripts.sources.wikitext import clean_wikitext
from scripts.sources.xml import iter_elements

MEGABYTE = 1_000_000
SLOW = "trafilatura as in datatrove"  # it takes minutes, and is far from a close race
HTML = ("text/html", "application/xhtml+xml")


def write_archive(data: Path, target: Path, size: int) -> int:
    """Write the WARC files of the data again and again until they hold `size` bytes of HTML; return how many they hold."""
    archives = sorted([*data.glob("warc-*/*.warc.gz"), *data.glob("wet-*/*.warc.gz")])
    html = sum(len(page) for archive in archives for page, _ in pages(archive))
    rounds = -(-size // html)
    with target.open("wb") as out:
        for _ in range(rounds):
            for archive in archives:
                out.write(archive.read_bytes())
    return rounds * html


def pages(archive: Path) -> Iterator[tuple[bytes, str | None]]:
    """Yield body and declared charset of the HTML pages of an archive, by the library alone."""
    with archive.open("rb") as stream:
        types = WarcRecordType.response | WarcRecordType.resource
        for record in ArchiveIterator(stream, record_types=types, auto_decode="all"):
            answer = record.http_headers
            if answer is not None and answer.status_code == 200:
                if (record.http_content_type or "").partition(";")[0].strip().lower() in HTML:
                    yield record.reader.read(), record.http_charset


def ours(archive: Path) -> int:
    """Extract with Groundwork, as the step does; return the characters of the documents."""
    read = enumerate(made(web.read(archive, archive.name, {})))
    found = ((archive.name, renamed(outcome, number)) for number, outcome in read)
    with DocumentWriter(archive.with_suffix(".parquet")) as documents:
        write_documents(found, Declared("web", None, "unknown"), documents, io.StringIO())
    return characters(archive.with_suffix(".parquet"))


def renamed(outcome: Outcome, number: int) -> Outcome:
    """Give a record an id of its own, since the pages of the benchmark come again and again."""
    return dataclasses.replace(outcome, key=f"{outcome.key}-{number}") if isinstance(outcome, Record) else outcome


def bare(archive: Path) -> int:
    """The least that a program with the same output must do: fastwarc's reader, the main text by our trees, rows in Parquet."""
    with DocumentWriter(archive.with_suffix(".parquet")) as documents:
        for number, (data, charset) in enumerate(pages(archive)):
            text = main_text(HTMLTree.parse(decode_page(data, charset)))
            if text:
                row = {"id": str(number), "text": normal_form(text)}
                documents.write({**dict.fromkeys(DOCUMENT_SCHEMA.names), **row})
    return characters(archive.with_suffix(".parquet"))


def library(archive: Path) -> int:
    """fastwarc's reader and resiliparse's own main text."""
    found = 0
    for data, charset in pages(archive):
        tree = HTMLTree.parse(decode_page(data, charset))
        found += len(extract_plain_text(tree, main_content=True, alt_texts=False, skip_elements=SKIPPED))
    return found


def characters(path: Path) -> int:
    """Return how many characters the texts of a Parquet file have."""
    return int(pc.sum(pc.utf8_length(pq.read_table(path, columns=["text"])["text"])).as_py())


def trafilatura(archive: Path) -> int:
    """Extract as datatrove configures trafilatura."""
    return sum(len(trafilatura_text(decode_page(data, charset))) for data, charset in pages(archive))


def timed(methods: dict[str, Callable[[], int]], rounds: int, once: str = "") -> dict[str, tuple[float, int]]:
    """Return median CPU seconds and result of each method; their order changes from round to round. `once` runs once, at last."""
    seconds: dict[str, list[float]] = {name: [] for name in methods}
    results: dict[str, int] = {}
    order = [name for name in methods if name != once]
    for number in range(rounds + (once in methods)):
        random.Random(number).shuffle(order)
        for name in order if number < rounds else [once]:
            began = time.process_time()
            results[name] = methods[name]()
            seconds[name].append(time.process_time() - began)
            print(f"{name}: {seconds[name][-1]:.2f} s", file=sys.stderr)
    return {name: (statistics.median(values), results[name]) for name, values in seconds.items()}


def show(title: str, size: float, found: dict[str, tuple[float, int]]) -> None:
    """Print a table of speeds and their ratios to ours."""
    print(f"\n{title}: {size / MEGABYTE:.1f} MB")
    print("| method | CPU seconds | MB/s | ours is | characters |\n|---|---|---|---|---|")
    mine = found["groundwork"][0]
    for name, (seconds, characters) in found.items():
        speed = size / MEGABYTE / seconds
        print(f"| {name} | {seconds:.2f} | {speed:.2f} | {seconds / mine:.2f} x as fast | {characters} |")


def wikitexts(dump: Path) -> list[str]:
    """Return the wikitext of the articles of a dump, without redirects."""
    pages = (page for page in iter_elements(dump, ("page",)) if not isinstance(page, Rejected))
    texts = [page.findtext("{*}revision/{*}text") or "" for page in pages]
    return [text for text in texts if not text.lstrip().lower().startswith("#redirect")]


def main() -> None:
    """Run both comparisons and print their tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with warc-* folders")
    parser.add_argument("--dump", type=Path, help="a MediaWiki dump (default: what the default run fetched)")
    parser.add_argument("--megabytes", type=int, default=50, help="of HTML")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "pages.warc.gz"
        size = write_archive(args.data, archive, args.megabytes * MEGABYTE)
        ours(archive)  # machine code is made once
        methods = {
            "groundwork": ours,
            "bare loop, the same text": bare,
            "bare loop, resiliparse's text": library,
        }
        if trafilatura_text is not None:
            methods[SLOW] = trafilatura
        bound = {name: (lambda method=method: method(archive)) for name, method in methods.items()}
        show("WARC to documents, HTML", size, timed(bound, args.rounds, SLOW))
    dump = args.dump or next(Path("results/sources/encyclopedia/raw/0000").glob("*.bz2"), None)
    if dump is None:
        print("\nNo dump: give --dump, or run the default run first.")
        return
    texts = wikitexts(dump)
    ways = {"groundwork": clean_wikitext}
    if wikitext_peer is not None:
        ways["gensim filter_wiki"] = wikitext_peer
    cleaning = {name: (lambda way=way: sum(len(way(text)) for text in texts)) for name, way in ways.items()}
    show(
        f"Wikitext to prose, {len(texts)} articles",
        sum(len(text.encode()) for text in texts),
        timed(cleaning, args.rounds),
    )


if __name__ == "__main__":
    main()
