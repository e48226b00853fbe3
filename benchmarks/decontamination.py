"""Speed and recall of decontamination beside its peers, in one run: CPU time of one core, methods in turn.

    pip install --target PEERS datatrove spacy
    PYTHONPATH=.:PEERS python -m benchmarks.decontamination --data ../shared/data

Documents: prose of the data cut to pages, repeated to 20 MB. Items: the texts of fifteen zero-shot sets, of which 300 are
planted, each in one page and set in another way. A peer is a Python set of runs of 13 lower-case words, and datatrove's
filter (runs of 12, hashed, not verified) where it is installed; both look for no item shorter than a run.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import statistics
import tempfile
import textwrap
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from zipfile import ZipFile

from scripts.cleaning.contamination import CHARACTERS, ItemIndex
from scripts.cleaning.runs import Rules
from scripts.lib.manifest import open_artefact
from scripts.tasks.prepare import ITEM_SCHEMA
from tests.making import publish_rows

PAGE = 3000  # characters
PLANTED = 300
WORD = re.compile(r"\w+")
Found = list[bool]  # by page
FORMS: list[Callable[[str], str]] = [
    str,
    str.upper,
    lambda text: textwrap.fill(text, 40, break_long_words=False),
    lambda text: re.sub(r"\b(\w{3})(\w{4,})\b", "\\1-\n\\2", text),
    lambda text: text.replace(" ", "\u00a0\u200b ").replace("'", "’"),
]


def pages(data: Path, size: int) -> list[str]:
    """Return pages of the prose of the data, repeated to `size` characters."""
    texts = [path.read_text("utf-8") for path in sorted(data.glob("gutenberg-books/*.txt"))]
    for archive in ("abc.zip", "movie_reviews.zip", "state_union.zip", "inaugural.zip"):
        with ZipFile(data / "nltk-data" / archive) as members:
            names = sorted(name for name in members.namelist() if name.endswith(".txt"))
            texts.append("\n\n".join(members.read(name).decode("utf-8", "replace") for name in names))
    cut = [text[start : start + PAGE] for text in texts for start in range(0, len(text), PAGE)]
    return cut * -(-size // sum(map(len, cut)))


def items(data: Path) -> list[str]:
    """Return the texts of the items of the zero-shot sets."""
    found: dict[str, None] = {}
    for path in sorted(data.glob("zero-shot-llmfoundry/*.jsonl")):
        for line in path.read_text("utf-8").strip("\n").split("\n"):
            row = json.loads(line)
            text = row.get("query") or row.get("context") or row.get("question")
            found |= dict.fromkeys([text] if isinstance(text, str) else [])
    return list(found)


def plant(texts: list[str], wanted: Sequence[str]) -> list[int]:
    """Put each text into a page of its own, set in another way; return the numbers of the pages."""
    chance = random.Random(1)
    places = chance.sample(range(len(texts)), len(wanted))
    for number, (place, text) in enumerate(zip(places, wanted, strict=True)):
        page = texts[place]
        texts[place] = f"{page[:1000]}\n\n{FORMS[number % len(FORMS)](text)}\n\n{page[1000:]}"
    return places


def ours(index: ItemIndex, texts: Sequence[str]) -> Found:
    """Look for items with Groundwork, as many texts at once as the step does."""
    step = CHARACTERS // PAGE
    return [bool(one) for start in range(0, len(texts), step) for one in index.search(texts[start : start + step])]


def runs_of(text: str) -> set[str]:
    """Return the runs of 13 words of a text, joined."""
    words = WORD.findall(text.lower())
    return {" ".join(words[start : start + 13]) for start in range(len(words) - 12)}


def datatrove_filter(wanted: Sequence[str], folder: Path) -> Callable[[Sequence[str]], Found] | None:
    """Return datatrove's filter over an index of the items; None where it is not installed."""
    try:
        import numpy as np
        from datatrove.data import Document
        from datatrove.pipeline.decont.n_grams import NGramsDecontConfig, NGramsDecontFilter
        from datatrove.utils.text import ngrams, simplify_text

        peer = NGramsDecontFilter(str(folder), NGramsDecontConfig(n_grams=12))
        hashes = {
            peer.hash_func(" ".join(gram))
            for text in wanted
            for gram in ngrams(peer.tokenizer.word_tokenize(simplify_text(text, peer.config.norm_config)), 12)
        }
    except ImportError as error:
        print(f"datatrove left out: {error}")
        return None
    np.array(sorted(hashes), peer.config.hash_config.np_descr).tofile(folder / "items.index.hashes")
    return lambda texts: [peer.filter(Document(text=text, id=str(n))) is not True for n, text in enumerate(texts)]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with gutenberg-books, nltk-data, zero-shot sets"
    )
    parser.add_argument("--size", type=int, default=20_000_000, help="characters of text")
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    wanted = items(args.data)
    texts = pages(args.data, args.size)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = [{"id": str(n), "split": "dev", "prompt": "", "contamination_text": [t]} for n, t in enumerate(wanted)]
        task = open_artefact(publish_rows(folder / "items.json", rows, ITEM_SCHEMA))
        start = time.process_time()
        index = ItemIndex([task], Rules(13, 8, 5))
        print(f"{len(wanted):,} items, {len(index.runs):,} runs, indexed in {time.process_time() - start:.1f} s")
        clean = ours(index, texts)
        long = [text for text in wanted if len(WORD.findall(text)) >= 20]
        places = plant(texts, random.Random(2).sample(long, PLANTED))
        known = set().union(*map(runs_of, wanted))
        (folder / "peer").mkdir()
        peer = datatrove_filter(wanted, folder / "peer")
        methods: dict[str, tuple[Callable[[Sequence[str]], Found], int]] = {
            "groundwork": (lambda some: ours(index, some), 1),
            "set of runs": (lambda some: [not known.isdisjoint(runs_of(text)) for text in some], 4),
        } | ({"datatrove": (peer, 40)} if peer else {})
        spent: dict[str, list[float]] = {method: [] for method in methods}
        for repeat in range(args.repeats):
            for method, (search, part) in methods.items():
                some = texts[repeat % part :: part]
                start = time.process_time()
                search(some)
                spent[method].append(sum(map(len, some)) / 1e6 / (time.process_time() - start))
        planted = [texts[place] for place in places]
        for method, (search, _) in methods.items():
            recall = sum(search(planted)) / PLANTED
            print(f"{method:<12} {statistics.median(spent[method]):8.2f} MB/s   recall of planted items {recall:.3f}")
        print(f"{sum(clean)} of {len(clean)} pages hold items before any is planted")


if __name__ == "__main__":
    main()
