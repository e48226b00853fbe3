"""Real texts whose language is known: from the folder of test data, cut to lengths."""

from __future__ import annotations

import gzip
import json
import random
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

LENGTHS = {"20-40": (20, 40), "40-100": (40, 100), "100-400": (100, 400)}  # characters
LONG = "> 400"
DECLARED = Path(__file__).with_name("udhr_languages.json")


class Labelled(NamedTuple):
    """A text: where it is from, its language as lid.176 names it (None: one that it does not know), class of length."""

    source: str
    language: str | None
    length: str
    text: str


def declarations(data: Path) -> Iterator[tuple[str, str | None, list[str]]]:
    """Yield name, language and paragraphs of the translations of the Declaration of Human Rights (udhr2 of NLTK)."""
    languages = json.loads(DECLARED.read_text("utf-8"))
    with zipfile.ZipFile(data / "nltk-data" / "udhr2.zip") as archive:
        for name in sorted(archive.namelist()):
            stem = name.rpartition("/")[2].removesuffix(".txt")
            if name.endswith(".txt"):
                lines = archive.read(name).decode("utf-8", "replace").split("\n")
                yield stem, languages.get(stem), [line for line in map(_plain, lines) if len(line) >= 20]


def of_declarations(data: Path, parity: int) -> list[Labelled]:
    """Return every second paragraph of each declaration, from the first or the second on, cut and as a whole."""
    found = []
    for name, language, paragraphs in declarations(data):
        mine = paragraphs[parity::2]
        found += cut("udhr", language, mine, name)
        found.append(Labelled("udhr", language, LONG, "\n".join(mine)))
    return found


def of_others(data: Path) -> list[Labelled]:
    """Return passages of XQuAD, captions of Multi30k and lines of Europarl, cut; those of XQuAD as whole articles too."""
    found = []
    for path in sorted((data / "xquad").glob("*.json")):
        articles = json.loads(path.read_text("utf-8"))["data"]
        language = path.suffixes[0][1:]
        passages = [[_plain(paragraph["context"]) for paragraph in article["paragraphs"]] for article in articles]
        found += cut("xquad", language, [passage for article in passages for passage in article], path.name)
        found += [Labelled("xquad", language, LONG, "\n".join(article)) for article in passages]
    for path in sorted((data / "multi30k").glob("test*.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            found += cut("multi30k", path.suffixes[0][1:], [_plain(line) for line in lines], path.name)
    for language, name in (("en", "src-train.txt"), ("de", "tgt-train.txt")):
        lines = (data / "europarl-onmt" / name).read_text("utf-8").splitlines()[:1000]
        found += cut("europarl", language, [_plain(line) for line in lines], name)
    return found


def cut(source: str, language: str | None, texts: Sequence[str], seed: str) -> Iterator[Labelled]:
    """Yield the beginnings of texts, at a space where there is one, once for every class of length that they have."""
    chance = random.Random(seed)
    for text in texts:
        for name, (least, most) in LENGTHS.items():
            size = chance.randint(least, most)
            start = text[:size]
            if len(text) > size and start.rfind(" ") >= least:
                start = start[: start.rfind(" ")]
            if len(start) >= least:
                yield Labelled(source, language, name, start)


def _plain(text: str) -> str:
    return " ".join(text.replace("\ufeff", "").split())
