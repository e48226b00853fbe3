"""A tiny pretrained model and tiny labelled sets, published as the earlier stages publish them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from scripts.lib.canonical import sha256_file
from scripts.lib.matching import TOKENIZER_DIGEST, stamp_tokenizer
from scripts.lib.step import Step, step_parser
from scripts.pretraining.architecture import build_model
from scripts.pretraining.recipe import Architecture
from scripts.tasks.prepare import ITEM_SCHEMA
from tests.making import publish_rows
from tests.unit.pretraining.tiny import VOCABULARY, write_tokenizer

SHAPE: dict[str, Any] = {"layers": 2, "width": 32, "heads": 4, "context": 32, "initial_deviation": 0.1}


def make_model(folder: Path, family: str, dropout: float = 0.0) -> Path:
    """Publish an untrained model and return its manifest."""
    tokenizer = write_tokenizer(folder)
    manifest = folder / "model" / "model.json"
    step = Step("scripts.lib.step", step_parser("").parse_args(["--settings", "{}", "--manifest", str(manifest)]))
    shape = Architecture.from_settings({"family": family, "dropout": dropout, **SHAPE})
    with step.publish(records=False) as out:
        export = out.folder("export")
        model = build_model(shape, VOCABULARY, 1)
        stamp_tokenizer(model.config, folder / "tiny")
        model.save_pretrained(export)
        for file in (folder / "tiny").iterdir():
            shutil.copyfile(file, export / file.name)
        out.summary[TOKENIZER_DIGEST] = sha256_file(tokenizer)
    return manifest


def make_tasks(folder: Path) -> dict[str, Path]:
    """Publish one set with choices and one with targets; both follow a rule that can be learned."""
    choices, targets = [], []
    for number in range(60):
        split = "train" if number < 36 else "dev" if number < 48 else "test"
        word = number % 20
        choices.append(
            {
                "id": f"parity:{number}",
                "split": split,
                "prompt": f"w{word:02d} w40",
                "choices": [" w41", " w42"],
                "answer": word % 2,
                "meta": "{}",
                "contamination_text": [],
            }
        )
        targets.append(
            {
                "id": f"next:{number}",
                "split": split,
                "prompt": f"w{word:02d} w43",
                "choices": [],
                "target": f" w{word + 1:02d} w{word + 2:02d}",
                "meta": f'{{"source": "w{word:02d}"}}',
                "contamination_text": [],
            }
        )
    found = {}
    for name, rows in (("parity", choices), ("next", targets)):
        found[name] = publish_rows(folder / "tasks" / name / "items.json", rows, ITEM_SCHEMA)
        add_splits(found[name], {"train": 36, "dev": 12, "test": 12})
    return found


def add_splits(manifest: Path, splits: dict[str, int]) -> None:
    """Say in a manifest how many items each split has, as `prepare` does."""
    content = json.loads(manifest.read_text("utf-8"))
    content["summary"]["splits"] = splits
    manifest.write_text(json.dumps(content), encoding="utf-8")
