"""A good configuration, and edits that spoil it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scripts.lib.errors import UserError
from scripts.registry.config import complete_config
from tests.making import at

Edit = Callable[[dict[str, Any]], None]

GOOD: dict[str, Any] = {
    "seed": 1,
    "sources": {
        "one": {"kind": "text", "license": "CC0-1.0", "files": [{"path": "a.txt"}]},
        "two": {
            "kind": "jsonl",
            "license": "CC0-1.0",
            "package": {"registry": "pip", "name": "x", "version": "1.0"},
            "files": [{"path": "x/*.jsonl"}],
        },
    },
    "corpora": {"main": {"sources": ["one", "two"]}},
    "tokenizers": {"small": {"corpus": "main", "vocabulary": 1000}},
    "models": {
        "tiny": {
            "corpus": "main",
            "tokenizer": "small",
            "objective": "causal",
            "architecture": {"family": "llama", "layers": 2, "width": 64, "heads": 4, "context": 128},
            "training": {
                "steps": 100,
                "sequence_length": 128,
                "global_batch": 8,
                "optimizer": {"learning_rate": 1e-3},
                "schedule": {"warmup": 10},
            },
        }
    },
    "lexicons": {"names": {"files": ["a.txt"]}},
    "classifiers": {"prose": {"positive": ["one"], "negative": ["two"]}},
    "tasks": {
        "quiz": {"kind": "boolq", "license": "CC0-1.0", "files": [{"path": "dev.jsonl"}]},
        "phrases": {"kind": "translation", "license": "CC0-1.0", "files": [{"path": "a.txt"}]},
        "pairs": {"kind": "minimal_pairs", "license": "Apache-2.0"},
    },
    "finetunings": {
        "mixed": {
            "models": ["tiny"],
            "tasks": {"quiz": 1, "phrases": 2},
            "training": {
                "steps": 10,
                "batch": 4,
                "optimizer": {"learning_rate": 1e-3},
                "schedule": {"warmup": 2},
            },
        }
    },
    "evaluation": {"zero_shot": ["pairs", "quiz"]},
}


def put(name: str, value: Any) -> Edit:
    def edit(config: dict[str, Any]) -> None:
        above, _, last = name.rpartition(".")
        (at(config, above) if above else config)[last] = value

    return edit


def drop(name: str) -> Edit:
    def edit(config: dict[str, Any]) -> None:
        above, _, last = name.rpartition(".")
        del (at(config, above) if above else config)[last]

    return edit


def require_one_sentence(edit: Edit, sentence: str, folder: Path) -> None:
    """An edit of the good configuration is refused by one sentence."""
    config = copy.deepcopy(GOOD)
    edit(config)
    with pytest.raises(UserError, match=sentence) as caught:
        complete_config(config, folder)
    assert "\n" not in str(caught.value)
