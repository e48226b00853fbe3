"""Quality of main text: F1 over words against 68 pages marked by hand, by kind of page, beside peers.

    PYTHONPATH=.:PEERS python -m benchmarks.main_text --data ../shared/data --half tuning

`main_text.json` holds the digest of each page and the stretches (code points of the decoded page) that are its main text; they
were marked before anything was tuned and without any extractor's output in view. The half `untouched` is for the end of a change.
F1 is the harmonic mean of precision and recall over the words of a page as a multiset; a page without main text counts 1 where
nothing is extracted and 0 otherwise.
"""

from __future__ import annotations

import argparse
import hashlib
import html
import json
import statistics
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import regex
from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.html import HTMLTree

from benchmarks.extraction import pages
from benchmarks.peers import justext_text, trafilatura_text
from scripts.sources.charsets import decode_page
from scripts.sources.readers import web
from scripts.sources.records import Record

REFERENCE = Path(__file__).with_name("main_text.json")
_INVISIBLE = regex.compile(r"<(script|style|noscript|svg)\b.*?</\1\s*>|<!--.*?-->", regex.I | regex.S)
_TAG = regex.compile(r"<[^>]*>")
_WORD = regex.compile(r"[\p{L}\p{N}]+")


def words(text: str) -> Counter[str]:
    """Return the words of a text in lower case, counted."""
    return Counter(word.lower() for word in _WORD.findall(text))


def reference_words(page: str, spans: list[list[int]]) -> Counter[str]:
    """Return the words of the marked stretches of a page."""
    stretches = (_TAG.sub(" ", _INVISIBLE.sub(" ", page[start:end])) for start, end in spans)
    return words(html.unescape(" ".join(stretches)))


def f1(found: Counter[str], wanted: Counter[str]) -> float:
    """Return the F1 of counted words."""
    if not wanted or not found:
        return float(not wanted and not found)
    common = (found & wanted).total()
    return 2 * common / (found.total() + wanted.total())


def ours(page: str) -> str:
    """Return the text that the reader of web pages gives."""
    outcome = web.page_outcome(page.encode("utf-8", "replace"), "utf-8", web.Address("x", None, None), "x")
    return outcome.text if isinstance(outcome, Record) else ""


def resiliparse(page: str) -> str:
    """Return the main text that the library gives by itself."""
    return str(extract_plain_text(HTMLTree.parse(page), main_content=True, alt_texts=False))


METHODS: dict[str, Callable[[str], str] | None] = {
    "groundwork": ours,
    "resiliparse": resiliparse,
    "trafilatura": trafilatura_text,
    "jusText": justext_text,
}


def main() -> None:
    """Score every method and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--half", choices=["tuning", "untouched"], default="tuning")
    args = parser.parse_args()
    marked: dict[str, Any] = {entry["sha256"]: entry for entry in json.loads(REFERENCE.read_text("utf-8"))}
    scores: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for archive in sorted({args.data / entry["archive"] for entry in marked.values()}):
        for data, charset in pages(archive):
            entry = marked.pop(hashlib.sha256(data).hexdigest(), None)
            if entry is None or entry["half"] != args.half:
                continue
            page = decode_page(data, charset)
            wanted = reference_words(page, entry["spans"])
            for name, method in METHODS.items():
                if method is not None:
                    score = f1(words(method(page)), wanted)
                    scores[name][entry["kind"]].append(score)
                    scores[name]["all"].append(score)
    kinds = sorted(scores["groundwork"], key=lambda kind: (kind == "all", kind))
    print(f"F1 over words, half: {args.half}\n")
    print("| method | " + " | ".join(f"{kind} (n={len(scores['groundwork'][kind])})" for kind in kinds) + " |")
    print("|---" * (len(kinds) + 1) + "|")
    for name, by_kind in scores.items():
        print(f"| {name} | " + " | ".join(f"{statistics.fmean(by_kind[kind]):.3f}" for kind in kinds) + " |")


if __name__ == "__main__":
    main()
