"""Readers of labelled sets: from published files to items of one form.

An item has a prompt, choices with the right one (or a target text), and the texts that must not occur in a training corpus.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polib

from scripts.lib.errors import UserError
from scripts.lib.seeds import unit_interval
from scripts.tasks.minimal_pairs import minimal_pairs

DEV_SHARE = TEST_SHARE = 0.1  # of sets that are published without a split, by the hash of the item's id
NEUTRAL = 0.5  # mean ratings within this of 0 say neither good nor bad
SHORTEST_TRANSLATION = 2  # words; below, catalogues hold labels of buttons


@dataclass
class Item:
    """One labelled example; `answer` is the index of the right choice, `target` the text to produce instead."""

    key: str
    split: str
    prompt: str
    choices: list[str] = field(default_factory=list)
    answer: int | None = None
    target: str | None = None
    meta: dict[str, Any] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)


Files = Mapping[str, Path]  # native name → file
Reader = Callable[[Files, Counter[str]], Iterator[Item]]


def split_by_hash(key: str) -> str:
    """Return train, dev or test for an item of a set that has no published split."""
    place = unit_interval(0, "task", key)
    return "dev" if place < DEV_SHARE else "test" if place < DEV_SHARE + TEST_SHARE else "train"


def _json_lines(name: str, path: Path) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        try:
            yield json.loads(line)
        except json.JSONDecodeError as error:
            raise UserError(f"{name}, line {number} is not JSON ({error.msg}); fetch the file again.") from None


def _truth(value: Any) -> bool:
    return value if isinstance(value, bool) else str(value).strip().lower() == "true"


def read_boolq(files: Files, removed: Counter[str]) -> Iterator[Item]:
    """BoolQ (Clark et al. 2019): a passage and a yes/no question.

    `dev.jsonl` is the development set. The other files hold training rows with it mixed in: rows whose question or passage
    is in the development set are left out, and so are rows without a label.
    """
    dev = {name: path for name, path in files.items() if name.endswith("dev.jsonl")}
    questions: set[str] = set()
    passages: set[str] = set()
    for name, path in dev.items():
        for number, row in enumerate(_json_lines(name, path)):
            questions.add(_key(row["question"]))
            passages.add(_key(row["passage"]))
            yield _boolq(f"dev/{number}", "dev", row["question"], row["passage"], _truth(row["answer"]))
    for name, path in files.items():
        for number, row in enumerate(_json_lines(name, path) if name not in dev else ()):
            passage = str(row["passage"]).partition(" -- ")[2] or str(row["passage"])
            if row.get("label") is None:
                removed["no_label"] += 1
            elif _key(row["question"]) in questions or _key(passage) in passages:
                removed["in_dev"] += 1
            else:
                yield _boolq(f"train/{number}", "train", row["question"], passage, _truth(row["label"]))


def _key(text: str) -> str:
    return " ".join(text.lower().replace("?", " ").split())


def _boolq(key: str, split: str, question: str, passage: str, answer: bool) -> Item:
    asked = question.strip().rstrip("?") + "?"
    return Item(
        key,
        split,
        f"{passage.strip()}\nQuestion: {asked}\nAnswer:",
        [" no", " yes"],
        int(answer),
        meta={"question": asked, "passage": passage.strip()},
        texts=[asked, passage],
    )


def read_sentiment(files: Files, removed: Counter[str]) -> Iterator[Item]:
    """Rated snippets (Hutto and Gilbert 2014): id, mean rating from -4 to 4, text; near 0 is neither good nor bad."""
    for path in files.values():
        for row in csv.reader(path.read_text("utf-8").splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE):
            rating, text = float(row[1]), row[2].strip()
            if abs(rating) < NEUTRAL:
                removed["neutral"] += 1
                continue
            yield Item(
                row[0],
                split_by_hash(row[0]),
                f"{text}\nSentiment:",
                [" negative", " positive"],
                int(rating > 0),
                meta={"text": text, "rating": rating},
                texts=[text],
            )


def read_stereoset(files: Files, removed: Counter[str]) -> Iterator[Item]:
    """StereoSet (Nadeem et al. 2021): a stereotype, an anti-stereotype and an unrelated sentence for one context."""
    for name, path in files.items():
        for number, row in enumerate(_json_lines(name, path)):
            context = "" if row["type"] == "intrasentence" else str(row["context"]).strip()
            choices = [str(row[kind]).strip() for kind in ("stereotype", "anti-stereotype", "unrelated")]
            meta = {"bias_type": row["bias_type"], "target": row["target"], "type": row["type"]}
            yield Item(f"{number}", "test", context, choices, None, meta=meta, texts=[*choices, context])


def read_translation(files: Files, removed: Counter[str]) -> Iterator[Item]:
    """Message catalogues in gettext form: English and its translation, as OPUS makes parallel text from them.

    Where a comment gives the default English text, the message id is only a name. Fuzzy and empty entries and single words
    are left out, and equal pairs count once.
    """
    seen: set[tuple[str, str]] = set()
    for name, path in sorted(files.items()):
        for entry in polib.pofile(str(path)):
            source, target = _english(entry), entry.msgstr.strip()
            if "fuzzy" in entry.flags or entry.obsolete or not target:
                removed["untranslated"] += 1
            elif len(source.split()) < SHORTEST_TRANSLATION:
                removed["single_word"] += 1
            elif (source, target) in seen:
                removed["repeated"] += 1
            else:
                seen.add((source, target))
                key = f"{name}/{entry.msgid}"
                prompt = f"English: {source}\nGerman:"
                yield Item(
                    key,
                    split_by_hash(source),
                    prompt,
                    target=f" {target}",
                    meta={"source": source},
                    texts=[source, target],
                )


def _english(entry: Any) -> str:
    for line in (entry.comment or "").replace("\n", " ").split("Default:")[1:2]:
        return str(line).strip().strip('"').strip()
    return str(entry.msgid).strip()


def generate_minimal_pairs(files: Files, removed: Counter[str]) -> Iterator[Item]:
    """Generated pairs of sentences (scripts.tasks.minimal_pairs); there are no files, and the first choice is right."""
    for phenomenon, number, good, bad in minimal_pairs():
        key = f"{phenomenon}/{number}"
        yield Item(key, "test", "", [good, bad], 0, meta={"phenomenon": phenomenon}, texts=[good])


READERS: dict[str, Reader] = {
    "boolq": read_boolq,
    "minimal_pairs": generate_minimal_pairs,
    "sentiment": read_sentiment,
    "stereoset": read_stereoset,
    "translation": read_translation,
}
