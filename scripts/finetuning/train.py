"""Fine-tune a pretrained model on several labelled sets at once and publish it as a Hugging Face folder.

    python -m scripts.finetuning.train --model results/models/llama/model.json --tasks results/tasks/boolq/items.json \\
        --checkpoints results/checkpoints --manifest results/finetuned/llama/mixed/model.json --settings "$(cat s.json)"

Every task is text: a prompt, and an answer that the model learns to give with the head it was pretrained with; a masked
model has the answer masked. Publishes `export/` and `metrics.jsonl`. State is kept in `<checkpoints>/<recipe digest>/`: a
killed run goes on from its newest whole checkpoint to the same weights, a finished one is published again in seconds.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from scripts.finetuning.recipe import Recipe
from scripts.finetuning.trainer import Metrics, Rows, Trainer, rows_of_items, write_metrics
from scripts.lib.errors import UserError
from scripts.lib.items import choose, read_items
from scripts.lib.likelihood import LanguageModel
from scripts.lib.manifest import Artefact
from scripts.lib.publish import one_writer
from scripts.lib.seeds import seed_for
from scripts.lib.step import Step, finished_state, keep_finished, republish, run_step, step_parser

MODULE = "scripts.finetuning.train"
GATE = "minimum_improvement"  # the setting that refuses a result; what was trained stays and is judged anew by another
Losses = Mapping[str, Mapping[str, Any]]


def open_tasks(step: Step, recipe: Recipe, manifests: Sequence[Path]) -> dict[str, Artefact]:
    """Open the items of every task of the recipe; a task is named by the folder of its items."""
    found = {path.parent.name: step.read("task", path) for path in sorted(manifests)}
    if sorted(found) != sorted(recipe.tasks):
        raise UserError(f"--tasks has {', '.join(found)}, but the recipe names {', '.join(recipe.tasks)}; give those.")
    return found


def split_items(tasks: dict[str, Artefact], split: str, recipe: Recipe) -> dict[str, list[dict[str, Any]]]:
    """Return the items of a split of every task; raises UserError for a task that has none."""
    items = {name: read_items(task, split) for name, task in tasks.items()}
    for name, found in items.items():
        if not found:
            raise UserError(
                f"tasks.{name} has no {split} split; leave it out of finetunings.{recipe.finetuning}.tasks."
            )
    return items


def check_rows(recipe: Recipe, train: Rows, dev: Rows) -> None:
    """Raise UserError when no answer of a task fits into the model's context."""
    for name in recipe.tasks:
        if not train[name] or not dev[name]:
            raise UserError(
                f"No answer of tasks.{name} fits into the context of {recipe.model}; leave the task out of "
                f"finetunings.{recipe.finetuning}.tasks or take a model with a longer context."
            )


def dev_losses(recipe: Recipe, metrics: Metrics) -> Losses:
    """Return what became of each task's dev loss."""
    rows = [row["dev"] for row in metrics if "dev" in row]
    return {
        name: {
            "before": rows[0][name]["loss"],
            "after": rows[-1][name]["loss"],
            "items": rows[0][name]["items"],
            "tokens": rows[0][name]["tokens"],
        }
        for name in recipe.tasks
    }


def check_dev_losses(recipe: Recipe, losses: Losses) -> None:
    """Raise UserError where a task's dev loss did not fall as far as asked."""
    for name, one in losses.items():
        least = recipe.minimum_improvement
        if least is not None and not one["after"] < one["before"] * (1 - least):
            raise UserError(
                f"Fine-tuning {recipe.finetuning} of {recipe.model} took the dev loss of {name} from {one['before']:.4f} to "
                f"{one['after']:.4f}, less than the {least:.0%} below that is asked for; change "
                f"finetunings.{recipe.finetuning}.training, or set minimum_improvement to null."
            )


def finetune(step: Step, args: argparse.Namespace) -> None:
    """Fine-tune unless the finished result lies there, and publish it."""
    recipe = Recipe.from_settings(step.settings)
    base = step.read("model", args.model)
    tasks = open_tasks(step, recipe, args.tasks)
    torch.set_num_threads(args.threads)
    step.execution = {"threads": args.threads}
    digest = step.recipe_digest(GATE)
    folder = args.checkpoints.resolve() / digest
    folder.mkdir(parents=True, exist_ok=True)
    with step.publish(records=False) as out, one_writer(folder / "training"):
        finished = finished_state(folder)
        if finished is not None:
            check_dev_losses(recipe, finished.summary["dev"])
            republish(finished, out)
            return
        model = LanguageModel.load(base.folder("export"), recipe.objective)
        items = split_items(tasks, "train", recipe)
        train = {name: rows_of_items(model, found) for name, found in items.items()}
        dev = {
            name: rows_of_items(model, choose(found, recipe.validation_items, seed_for(recipe.seed, "dev", name)))
            for name, found in split_items(tasks, "dev", recipe).items()
        }
        check_rows(recipe, train, dev)
        trainer = Trainer(recipe, model, train, dev, folder, digest)
        metrics = trainer.run()
        losses = dev_losses(recipe, metrics)
        check_dev_losses(recipe, losses)
        export = out.folder("export")
        shutil.copytree(base.folder("export"), export, dirs_exist_ok=True)
        model.network.save_pretrained(export, safe_serialization=True)
        (export / "README.md").write_text(model_card(recipe, losses), encoding="utf-8")
        write_metrics(out.file("metrics.jsonl"), metrics)
        out.rows["metrics.jsonl"] = len(metrics)
        out.summary |= {
            "model": recipe.model,
            "finetuning": recipe.finetuning,
            "objective": recipe.objective,
            "steps": recipe.steps,
            "batch": recipe.batch,
            "dev": losses,
            "train": {name: len(rows) for name, rows in train.items()},
            "too_long": {name: len(found) - len(train[name]) for name, found in items.items()},
            "epochs": trainer.order.epochs(recipe.steps),
        }
        keep_finished(folder, out)


def model_card(recipe: Recipe, losses: Losses) -> str:
    """Return the README of the export."""
    rows = "".join(
        f"| {name} | {one['before']:.4f} | {one['after']:.4f} | {one['items']} |\n" for name, one in losses.items()
    )
    return f"""---
library_name: transformers
pipeline_tag: {"text-generation" if recipe.objective == "causal" else "fill-mask"}
---
# {recipe.model}, fine-tuned: {recipe.finetuning}

The pretrained model {recipe.model} of the same run, fine-tuned by Groundwork for {recipe.steps} steps of {recipe.batch}
items on {", ".join(recipe.tasks)} together. Losses on dev items, in nats per token of the answer:

| task | before | after | items |
|---|---|---|---|
{rows}"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    parser = step_parser(__doc__)
    parser.add_argument("--model", type=Path, required=True, help="manifest of the pretrained model")
    parser.add_argument("--tasks", type=Path, nargs="+", required=True, help="manifests of the items of every task")
    parser.add_argument("--checkpoints", type=Path, required=True, help="folder for the state of unfinished runs")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads (may change last bits)")
    return run_step(MODULE, parser, finetune, argv)


if __name__ == "__main__":
    raise SystemExit(main())
