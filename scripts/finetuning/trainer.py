"""The fine-tuning loop: step s sees batch s with learning rate s, whatever happened before.

Every example counts the same: its loss is the mean over the tokens of its answer, and a step's loss is the mean over its
examples, so that a task with long answers does not drown one with a word. One process, fp32.
"""

from __future__ import annotations

import contextlib
import logging
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from scripts.finetuning.data import ItemOrder
from scripts.finetuning.recipe import Recipe
from scripts.lib import checkpoints
from scripts.lib.canonical import canonical_json
from scripts.lib.errors import UserError
from scripts.lib.items import Item, wanted
from scripts.lib.likelihood import AnswerTooLong, LanguageModel, Row, batches
from scripts.lib.optimiser import build_optimizer, set_learning_rate
from scripts.lib.progress import progress
from scripts.lib.schedule import learning_rate
from scripts.lib.seeds import seed_for

log = logging.getLogger(__name__)
STATE = "state.pt"
Rows = Mapping[str, Sequence[Row]]
Metrics = list[dict[str, Any]]


class Trainer:
    """A model that is being fine-tuned. `train` and `dev` give the rows of each task (`rows_of_items`)."""

    def __init__(self, recipe: Recipe, model: LanguageModel, train: Rows, dev: Rows, folder: Path, digest: str) -> None:
        self.recipe, self.model, self.folder, self.digest = recipe, model, folder, digest
        self.order = ItemOrder(train, recipe.tasks, recipe.batch, recipe.seed)
        self.dev = dev
        self.optimizer = build_optimizer(model.network, recipe.optimizer)
        self.metrics: Metrics = []

    def run(self) -> Metrics:
        """Train from the newest whole checkpoint to the end and return the rows of metrics."""
        first = self._resume()
        recipe = self.recipe
        if first == 0:
            self._evaluate(0)
        for step in progress(range(first, recipe.steps), recipe.steps - first, f"fine-tuning {recipe.model}"):
            loss = self._train_step(step)
            done = step + 1
            self.metrics.append({"step": done, "loss": loss})
            log.info("step %d of %d: loss %.4f", done, recipe.steps, loss)
            if done % recipe.evaluate_every == 0 or done == recipe.steps:
                self._evaluate(done)
            if done % recipe.checkpoint_every == 0 or done == recipe.steps:
                self._save(done)
        return self.metrics

    def _train_step(self, step: int) -> float:
        recipe, network = self.recipe, self.model.network
        rows = [row for _, row in self.order.batch(step)]
        network.train()
        self.optimizer.zero_grad(set_to_none=True)
        total = 0.0
        for number, batch in enumerate(batches(rows)):
            torch.manual_seed(seed_for(recipe.seed, "dropout", str(step), str(number)) >> 1)
            sums, counts = self.model.losses([rows[place] for place in batch])
            loss = (sums / counts).sum() / len(rows)
            loss.backward()
            total += float(loss.detach())
        if not math.isfinite(total):
            raise UserError(
                f"Fine-tuning {recipe.finetuning} of {recipe.model} stopped at step {step}: the loss is {total}; lower "
                f"finetunings.{recipe.finetuning}.training.optimizer.learning_rate or lengthen its warmup."
            )
        torch.nn.utils.clip_grad_norm_(network.parameters(), recipe.gradient_clipping or float("inf"))
        rate = learning_rate(recipe.schedule, recipe.optimizer.learning_rate, recipe.steps, step)
        set_learning_rate(self.optimizer, rate)
        self.optimizer.step()
        return total

    def _evaluate(self, done: int) -> None:
        found = {}
        for name, rows in self.dev.items():
            tokens = sum(sum(label >= 0 for label in row.labels) for row in rows)
            nats = float(self.model.nats(rows).sum())
            found[name] = {"loss": nats / tokens, "items": len(rows), "tokens": tokens}
            log.info("dev loss of %s after step %d: %.4f nats per answer token", name, done, found[name]["loss"])
        self.metrics.append({"step": done, "dev": found})

    def _resume(self) -> int:
        """Return the number of steps that are done."""
        found = checkpoints.newest(self.folder, self.digest)
        if found is None:
            return 0
        state = torch.load(found.path / STATE, map_location=self.model.device, weights_only=True)
        self.model.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.metrics = state["metrics"]
        log.info("resuming after step %d", found.step)
        return found.step

    def _save(self, done: int) -> None:
        path = checkpoints.pending_path(self.folder, done)
        checkpoints.prepare(path)
        state = {
            "network": self.model.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "metrics": self.metrics,
        }
        torch.save(state, path / STATE)
        checkpoints.commit(path, done, self.digest, {})


def rows_of_items(model: LanguageModel, items: Sequence[Item]) -> list[Row]:
    """Return what the model is asked for each item; items whose answer does not fit into its context are left out."""
    rows = []
    for item in items:
        with contextlib.suppress(AnswerTooLong):
            rows += model.rows(item["prompt"], wanted(item), ended=item["target"] is not None)
    return rows


def write_metrics(path: Path, metrics: Metrics) -> None:
    """Write the rows as JSON lines."""
    path.write_text("".join(canonical_json(row) + "\n" for row in metrics), encoding="utf-8")
