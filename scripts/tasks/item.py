"""The one form of labelled examples: a prompt, choices with the right one or a target text, and a split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scripts.lib.seeds import unit_interval

DEVELOPMENT = ("dev.jsonl", "val.jsonl")  # how the names of BoolQ's development set end, as published and in SuperGLUE
DEV_SHARE = TEST_SHARE = 0.1  # of sets that are published without a split, by the hash of the item's id

Files = Mapping[str, Path]  # native name → file


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


def is_development(name: str) -> bool:
    """Tell whether a file of BoolQ is its development set, by its name or address."""
    return name.partition("?")[0].endswith(DEVELOPMENT)


def split_by_hash(key: str) -> str:
    """Return train, dev or test for an item of a set that has no published split."""
    place = unit_interval(0, "task", key)
    return "dev" if place < DEV_SHARE else "test" if place < DEV_SHARE + TEST_SHARE else "train"
