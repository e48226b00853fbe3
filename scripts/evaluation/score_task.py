"""Score a model on a labelled set, without training on it or after fine-tuning.

    python -m scripts.evaluation.score_task --model results/models/llama/model.json --task results/tasks/boolq/items.json \\
        --manifest results/evaluations/llama/zero_shot/boolq.json --settings '{"model": "llama", "objective": "causal",
        "finetuning": null, "task": "boolq", "kind": "boolq", "items": 300, "seed": 1}'

Publishes `<task>.items.parquet`, what the model made of every item, and in the manifest the measures with 95 % bootstrap
intervals over items, the chance level, and the score of a baseline that reads nothing.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import torch

from scripts.evaluation.measures import METHODS
from scripts.lib.documents import DocumentWriter
from scripts.lib.errors import UserError
from scripts.lib.items import choose, held_out_split, read_items
from scripts.lib.likelihood import LanguageModel
from scripts.lib.seeds import seed_for
from scripts.lib.step import Step, run_step, step_parser

MODULE = "scripts.evaluation.score_task"
SCORED_SCHEMA = pa.schema([(name, pa.string()) for name in ("id", "prompt", "answer", "right", "detail")])


def score(step: Step, args: argparse.Namespace) -> None:
    """Score the held-out items of a task and publish what came out."""
    settings = step.settings
    model, task = step.read("model", args.model), step.read("task", args.task)
    torch.set_num_threads(args.threads)
    step.execution = {"threads": args.threads}
    split = held_out_split(task)
    seed = seed_for(settings["seed"], "scores", settings["task"])
    items = choose(read_items(task, split), settings["items"], seed)
    if len(items) < 2:
        raise UserError(f"Task {settings['task']} has {len(items)} item to score on; an interval needs two or more.")
    method = METHODS[settings["kind"]]
    result = method(
        LanguageModel.load(model.folder("export"), settings["objective"]), items, read_items(task, "train"), seed
    )
    available = task.summary["splits"][split]
    with step.publish() as out:
        name = f"{args.manifest.stem}.items.parquet"
        with DocumentWriter(out.file(name), SCORED_SCHEMA) as writer:
            for row in result.rows:
                writer.write({**row, "detail": json.dumps(row["detail"], sort_keys=True)})
        out.rows[name] = writer.rows
        out.summary |= {
            "model": settings["model"],
            "finetuning": settings["finetuning"],
            "task": settings["task"],
            "split": split,
            "items": len(items),
            "available": available,
            "measures": result.measures,
            "groups": result.groups,
            "examples": result.examples,
        }
        left = {"beyond_sample": available - len(items)} if available > len(items) else {}
        out.account(incoming=available, kept=len(items), removed=left)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    parser = step_parser(__doc__)
    parser.add_argument("--model", type=Path, required=True, help="manifest of a pretrained or fine-tuned model")
    parser.add_argument("--task", type=Path, required=True, help="manifest of the items of the task")
    parser.add_argument("--threads", type=int, default=1, help="threads of the computation")
    return run_step(MODULE, parser, score, argv)


if __name__ == "__main__":
    raise SystemExit(main())
