"""Bring a labelled set into one form.

    python -m scripts.tasks.prepare --raw results/tasks/boolq/raw/0000.json --manifest results/tasks/boolq/items.json \\
        --settings '{"task": "boolq", "kind": "boolq"}'

Writes `items.parquet`: id, split (train, dev or test), prompt, choices, answer, target, meta (JSON) and contamination_text,
the texts by which a corpus is searched for the item. Equal ids are an error of the publisher and are quarantined.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from scripts.lib.canonical import canonical_json
from scripts.lib.documents import DocumentWriter
from scripts.lib.errors import UserError
from scripts.lib.packed import published_files
from scripts.lib.step import Step, run_step, step_parser
from scripts.tasks.readers import READERS

MODULE = "scripts.tasks.prepare"
ITEM_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("split", pa.string()),
        ("prompt", pa.string()),
        ("choices", pa.list_(pa.string())),
        ("answer", pa.int32()),
        ("target", pa.string()),
        ("meta", pa.string()),
        ("contamination_text", pa.list_(pa.string())),
    ]
)


def prepare(step: Step, args: argparse.Namespace) -> None:
    """Publish the items of a task."""
    task, reader = step.settings["task"], READERS[step.settings["kind"]]
    removed: Counter[str] = Counter()
    splits: Counter[str] = Counter()
    seen: set[str] = set()
    repeated = 0
    raws = [step.read("raw", manifest) for manifest in args.raw]
    with step.publish() as out, tempfile.TemporaryDirectory() as room:
        files = {native: path for raw in raws for path, native in published_files(raw, Path(room))}
        with DocumentWriter(out.file("items.parquet"), ITEM_SCHEMA) as writer:
            for item in reader(files, removed):
                identifier = f"{task}:{item.key}"
                if identifier in seen:
                    repeated += 1
                    continue
                seen.add(identifier)
                splits[item.split] += 1
                writer.write(
                    {
                        "id": identifier,
                        "split": item.split,
                        "prompt": item.prompt,
                        "choices": item.choices,
                        "answer": item.answer,
                        "target": item.target,
                        "meta": canonical_json(item.meta),
                        "contamination_text": [text for text in item.texts if text],
                    }
                )
        if not writer.rows:
            raise UserError(f"tasks.{task}: no file of it holds an item; check its kind and files.")
        out.rows["items.parquet"] = writer.rows
        out.summary["splits"] = dict(sorted(splits.items()))
        quarantined = {"duplicate_id": repeated} if repeated else {}
        total = writer.rows + removed.total() + repeated
        out.account(incoming=total, kept=writer.rows, removed=dict(sorted(removed.items())), quarantined=quarantined)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    parser = step_parser(__doc__)
    parser.add_argument("--raw", type=Path, nargs="*", default=[], help="manifest of the published files, if any")
    return run_step(MODULE, parser, prepare, argv)


if __name__ == "__main__":
    raise SystemExit(main())
