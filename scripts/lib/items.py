"""Items of labelled sets as programs read them: which ones are used, and what is asked of a model."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from scripts.lib.documents import read_rows
from scripts.lib.errors import UserError
from scripts.lib.manifest import Artefact
from scripts.lib.seeds import seed_for

Item = Mapping[str, Any]
HELD_OUT = ("test", "dev")  # the first of these that a task has is what models are scored on


def read_items(task: Artefact, split: str) -> list[dict[str, Any]]:
    """Return the items of a split in the order of the file; `meta` is decoded."""
    rows = (row for row in read_rows(task.path("items.parquet")) if row["split"] == split)
    return [{**row, "meta": json.loads(row["meta"])} for row in rows]


def held_out_split(task: Artefact) -> str:
    """Return the split that models are scored on. Raises UserError when the task has none."""
    for split in HELD_OUT:
        if task.summary["splits"].get(split):
            return split
    raise UserError(f"{task.manifest_path} has no item in {' or '.join(HELD_OUT)}; nothing can be scored on it.")


def choose(items: Sequence[dict[str, Any]], limit: int, seed: int) -> list[dict[str, Any]]:
    """Return at most `limit` items, those whose ids hash lowest, in the order of their hashes."""
    return sorted(items, key=lambda item: (seed_for(seed, "items", item["id"]), item["id"]))[:limit]


def wanted(item: Item) -> str:
    """Return the text that is right: the target, or the right choice."""
    if item["target"] is not None:
        return str(item["target"])
    if item["answer"] is None:
        raise UserError(f"The item {item['id']} has neither a target nor a right choice; it cannot be learned.")
    return str(item["choices"][item["answer"]])
