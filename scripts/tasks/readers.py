"""Readers of labelled sets: from published files to items of one form.

An item has a prompt, choices with the right one (or a target text), and the texts that must not occur in a training corpus.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from scripts.lib.errors import UserError
from scripts.tasks.catalogues import read_translation
from scripts.tasks.item import Files, Item, is_development, split_by_hash
from scripts.tasks.minimal_pairs import minimal_pairs

NEUTRAL = 0.5  # mean ratings within this of 0 say neither good nor bad
LABELS = {"true": True, "1": True, "false": False, "0": False}
UNLABELLED = (None, -1)  # how SuperGLUE and the hub publish rows without a label

Row = dict[str, Any]
Reader = Callable[[Files, Counter[str]], Iterator[Item]]
Named = Sequence[tuple[str, str, Path]]


def _named(files: Files) -> Named:
    """Return prefix of keys, name and path of each file; the prefix tells equal keys of several files apart."""
    return [(f"{name}/" if len(files) > 1 else "", name, path) for name, path in files.items()]


def _lines(name: str, path: Path) -> Iterator[tuple[int, str]]:
    """Yield number and text of each line that is not empty; U+2028 and its like end no line, as they do for `splitlines`."""
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{name} is not UTF-8 ({error.reason} at byte {error.start}); convert the file.") from None
    yield from ((number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip())


def _rows(name: str, path: Path, *texts: str) -> Iterator[tuple[int, Row]]:
    """Yield the rows of a file of JSON lines by their line. Raises UserError for one that is none or lacks one of the texts."""
    for number, line in _lines(name, path):
        try:
            row = json.loads(line)
            json.dumps(row, ensure_ascii=False).encode("utf-8")  # half of a surrogate pair is no text
        except (ValueError, RecursionError) as error:
            raise UserError(f"{name}, line {number} is not JSON ({error}); fetch the file again.") from None
        for key in texts:
            if not isinstance(row, dict) or not isinstance(row.get(key), str):
                raise UserError(
                    f"{name}, line {number} has no text {key!r}; correct the kind of the task, or the file."
                )
        yield number, row


def read_boolq(files: Files, removed: Counter[str]) -> Iterator[Item]:
    """BoolQ (Clark et al. 2019): a yes-no question and a passage that answers it.

    `dev.jsonl` (in SuperGLUE `val.jsonl`) is the development set. The other files hold training rows, which may have it mixed in:
    rows whose question or passage is in the development set are left out, and so are rows without a label.
    """
    dev = {name: path for name, path in files.items() if is_development(name)}
    questions: set[str] = set()
    passages: set[str] = set()
    for key, row, answer in _boolq_rows("dev", dev):
        questions.add(_key(row["question"]))
        passages.add(_key(_passage(row)))
        if answer is None:
            removed["no_label"] += 1
        else:
            yield _boolq(key, "dev", row["question"], _passage(row), answer)
    for key, row, answer in _boolq_rows("train", {name: path for name, path in files.items() if name not in dev}):
        if answer is None:
            removed["no_label"] += 1
        elif _key(row["question"]) in questions or _key(_passage(row)) in passages:
            removed["in_dev"] += 1
        else:
            yield _boolq(key, "train", row["question"], _passage(row), answer)


def _boolq_rows(split: str, files: Files) -> Iterator[tuple[str, Row, bool | None]]:
    """Yield key, row and answer of every row of a split; the answer of a row without a label is None."""
    for prefix, name, path in _named(files):
        for number, (line, row) in enumerate(_rows(name, path, "question", "passage")):
            label = row.get("answer", row.get("label"))
            truth = None if label in UNLABELLED else LABELS.get(str(label).strip().lower())
            if truth is None and label not in UNLABELLED:
                raise UserError(
                    f"{name}, line {line} has the label {label!r}, which is neither true nor false; mend it."
                )
            yield f"{split}/{prefix}{number}", row, truth


def _passage(row: Row) -> str:
    """Return the passage of a row; SuperGLUE, which says `label` for the answer, has the title before it."""
    passage: str = row["passage"]
    return passage if "title" in row or "answer" in row else passage.partition(" -- ")[2] or passage


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
    for prefix, name, path in _named(files):
        for number, line in _lines(name, path):
            try:
                key, rated, text = line.split("\t")[:3]
                rating = float(rated)
            except ValueError:
                rating = math.nan
            if not math.isfinite(rating):
                raise UserError(
                    f"{name}, line {number} is not an id, a rating and a text with tabs between them; correct the kind of the "
                    "task, or the file."
                )
            if abs(rating) < NEUTRAL:
                removed["neutral"] += 1
                continue
            yield Item(
                f"{prefix}{key}",
                split_by_hash(key),
                f"{text.strip()}\nSentiment:",
                [" negative", " positive"],
                int(rating > 0),
                meta={"text": text.strip(), "rating": rating},
                texts=[text.strip()],
            )


def read_stereoset(files: Files, removed: Counter[str]) -> Iterator[Item]:
    """StereoSet (Nadeem et al. 2021): a stereotype, an anti-stereotype and an unrelated sentence for one context."""
    kinds = ("stereotype", "anti-stereotype", "unrelated")
    for prefix, name, path in _named(files):
        for number, (_, row) in enumerate(_rows(name, path, *kinds, "type", "context", "bias_type", "target")):
            context = "" if row["type"] == "intrasentence" else row["context"].strip()
            choices = [row[kind].strip() for kind in kinds]
            meta = {"bias_type": row["bias_type"], "target": row["target"], "type": row["type"]}
            yield Item(f"{prefix}{number}", "test", context, choices, None, meta=meta, texts=[*choices, context])


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
