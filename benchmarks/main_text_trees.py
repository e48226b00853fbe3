"""Learn the trees that judge the blocks of web pages, from pages whose main text people have marked.

    pip install --target PEERS -r benchmarks/requirements.txt
    git clone https://github.com/Murrough-Foley/web-content-extraction-benchmark WCXB
    PYTHONPATH=.:PEERS python -m benchmarks.main_text_trees --wcxb WCXB --write scripts/sources/lists/main-text-trees.json
    PYTHONPATH=.:PEERS python -m benchmarks.main_text_trees --wcxb WCXB --test

The pages are the development split of WCXB (1,497 pages of 1,295 sites, CC-BY-4.0). A block's label is the share of its
words that the longest common subsequence of page and reference holds; a long block weighs more, and so does a long page, but
less than in proportion. `--test` scores what is installed on the test split (511 pages) beside the peers.
"""

from __future__ import annotations

import argparse
import gzip
import json
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import lightgbm
import numpy as np
import numpy.typing as npt
import regex
from rapidfuzz.distance import Indel
from resiliparse.parse.html import HTMLTree

from benchmarks.main_text import METHODS, f1, words
from scripts.sources.charsets import decode_page
from scripts.sources.pagefeatures import FEATURES, context, features
from scripts.sources.pagescan import BEGIN, END, scan

_WORD = regex.compile(r"[\p{L}\p{N}]+")
MOST_FEATURES = 64  # the most useful ones
MILLION = 1_000_000
SETTINGS: dict[str, Any] = {
    "objective": "cross_entropy",
    "learning_rate": 0.1,
    "num_leaves": 16,
    "min_data_in_leaf": 200,
    "lambda_l2": 5.0,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "max_bin": 127,
    "seed": 1,
    "deterministic": True,
    "num_threads": 1,
    "verbose": -1,
}


class Page(NamedTuple):
    """A page's blocks: features, words, and how many of those are main text; and the words of the reference."""

    rows: npt.NDArray[np.int32]
    words: list[list[str]]
    hits: npt.NDArray[np.float64]
    wanted: Counter[str]


def entries(wcxb: Path, split: str) -> Iterator[tuple[str, str, str]]:
    """Yield kind, HTML and main text of the pages of a split."""
    for path in sorted((wcxb / split / "html").glob("*.html.gz")):
        found = json.loads((wcxb / split / "ground-truth" / f"{path.name.split('.')[0]}.json").read_text("utf-8"))
        html = decode_page(gzip.decompress(path.read_bytes()), None)
        yield found["_internal"]["page_type"]["primary"], html, found["ground_truth"].get("main_content") or ""


def hits(blocks: list[list[str]], wanted: list[str]) -> npt.NDArray[np.float64]:
    """Return how many words of each block the longest common subsequence with the reference holds."""
    numbers: dict[str, int] = {}
    page = [numbers.setdefault(word, len(numbers)) for block in blocks for word in block]
    reference = [numbers.setdefault(word, len(numbers)) for word in wanted]
    owner = np.repeat(np.arange(len(blocks)), [len(block) for block in blocks])
    found = np.zeros(len(blocks))
    for step in Indel.opcodes(page, reference):
        if step.tag == "equal":
            np.add.at(found, owner[step.src_start : step.src_end], 1)
    return found


def marked(html: str, main: str) -> Page:
    """Return a page with what is marked of it."""
    page = scan(str(HTMLTree.parse(html)))
    text = page.text.tobytes()
    blocks = [_WORD.findall(text[row[BEGIN] : row[END]].decode().lower()) for row in page.blocks]
    rows = features(page, context(page), 0, len(page.blocks))
    return Page(rows, blocks, hits(blocks, _WORD.findall(main.lower())), words(main))


def learn(pages: list[Page], columns: list[int], trees: int) -> lightgbm.Booster:
    """Return trees learned from the blocks of pages."""
    size = [np.array([len(block) for block in page.words], np.float64) for page in pages]
    weight = np.concatenate([count**0.7 / (np.sum(count**0.7) + 50) ** 0.5 for count in size])
    count = np.concatenate(size)
    share = np.concatenate([page.hits for page in pages]) / np.maximum(count, 1)
    rows = np.concatenate([page.rows[:, columns] for page in pages]).astype(np.float32)
    told = count > 0
    return lightgbm.train(SETTINGS, lightgbm.Dataset(rows[told], share[told], weight=weight[told]), trees)


def best_threshold(pages: list[Page], odds: list[npt.NDArray[np.float64]]) -> tuple[float, float]:
    """Return the best mean F1 and the log odds from which blocks are taken for it."""
    found = []
    for threshold in np.arange(-1.5, 0.6, 0.1):
        scores = []
        for page, values in zip(pages, odds, strict=True):
            taken = [
                word for block, value in zip(page.words, values, strict=True) if value >= threshold for word in block
            ]
            scores.append(f1(Counter(taken), page.wanted))
        found.append((statistics.fmean(scores), float(threshold)))
    return max(found)


def whole(tree: dict[str, Any]) -> dict[str, Any]:
    """Return a tree with whole numbers: splits in the order of a walk from the root, leaves in millionths."""
    splits: list[list[int]] = []
    values: list[int] = []

    def walk(node: dict[str, Any]) -> int:
        if "leaf_value" in node:
            values.append(round(node["leaf_value"] * MILLION))
            return ~(len(values) - 1)
        number = len(splits)
        splits.append([node["split_feature"], int(np.floor(node["threshold"])), 0, 0])
        splits[number][2:] = [walk(node["left_child"]), walk(node["right_child"])]
        return number

    walk(tree["tree_structure"])
    return {"splits": splits, "values": values}


def write(target: Path, booster: lightgbm.Booster, columns: list[int], threshold: float) -> None:
    """Write the trees, one a line."""
    names = json.dumps([FEATURES[column] for column in columns])
    lines = ",\n".join(json.dumps(whole(tree)) for tree in booster.dump_model()["tree_info"])
    head = f'{{"features": {names},\n"threshold": {round(threshold * MILLION)},\n"trees": [\n'
    target.write_text(f"{head}{lines}\n]}}\n", "utf-8")


def train(pages: list[Page], target: Path, trees: int) -> None:
    """Learn from every page; the threshold comes from halves that judge each other."""
    gains = learn(pages[::2], list(range(len(FEATURES))), 60).feature_importance("gain")
    columns = sorted(int(column) for column in np.argsort(-gains, kind="stable")[:MOST_FEATURES])
    odds: list[npt.NDArray[np.float64]] = [np.zeros(0)] * len(pages)
    for half in (0, 1):
        booster = learn(pages[1 - half :: 2], columns, trees)
        for at in range(half, len(pages), 2):
            rows = pages[at].rows[:, columns].astype(np.float32)
            odds[at] = np.asarray(booster.predict(rows, raw_score=True)) if len(rows) else np.zeros(0)
    score, threshold = best_threshold(pages, odds)
    print(f"F1 of halves that judge each other: {score:.4f} at log odds {threshold:.1f}")
    write(target, learn(pages, columns, trees), columns, threshold)


def test(wcxb: Path) -> None:
    """Print F1 of every method on the test split, by kind of page."""
    scores: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for kind, html, main in entries(wcxb, "test"):
        for name, method in METHODS.items():
            if method is not None:
                score = f1(words(method(html)), words(main))
                scores[name][kind].append(score)
                scores[name]["all"].append(score)
    kinds = sorted(scores["groundwork"], key=lambda kind: (kind == "all", kind))
    print("| method | " + " | ".join(f"{kind} (n={len(scores['groundwork'][kind])})" for kind in kinds) + " |")
    print("|---" * (len(kinds) + 1) + "|")
    for name, found in scores.items():
        print(f"| {name} | " + " | ".join(f"{statistics.fmean(found[kind]):.3f}" for kind in kinds) + " |")


def main() -> None:
    """Learn or score."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wcxb", type=Path, required=True, help="a copy of the benchmark's repository")
    parser.add_argument("--write", type=Path, help="learn, and write the trees there")
    parser.add_argument("--trees", type=int, default=100)
    parser.add_argument("--test", action="store_true", help="score the test split")
    args = parser.parse_args()
    if args.write:
        train([marked(html, main) for _, html, main in entries(args.wcxb, "dev")], args.write, args.trees)
    if args.test:
        test(args.wcxb)


if __name__ == "__main__":
    main()
