"""One rank of a training run. Started by `scripts.pretraining.launch` through torch.distributed.run; by hand:

    python -m torch.distributed.run --standalone --nproc-per-node 2 -m scripts.pretraining.worker FOLDER/job.json

The folder of the job file holds the checkpoints and receives `result/`.
"""

from __future__ import annotations

import logging
import math
import os
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from transformers import AutoTokenizer

from scripts.lib import checkpoints
from scripts.lib.errors import UserError
from scripts.lib.optimiser import build_optimizer
from scripts.lib.pieces import piece_bytes, word_continuations
from scripts.lib.progress import progress
from scripts.lib.publish import one_writer
from scripts.lib.schedule import learning_rate
from scripts.lib.seeds import seed_for
from scripts.lib.seen import Seen
from scripts.pretraining.architecture import build_model
from scripts.pretraining.data import TrainingData
from scripts.pretraining.engine import Engine, start_processes, stop_processes
from scripts.pretraining.evaluate import validation
from scripts.pretraining.export import write_result
from scripts.pretraining.job import FAILURE, RESULT, Job
from scripts.pretraining.metrics import Metrics
from scripts.pretraining.objective import inputs_and_labels, predicted_tokens, token_losses

log = logging.getLogger(__name__)
PROBE_SEQUENCES = 2


class Trainer:
    """The training loop: step s sees batch s with learning rate s, whatever happened before."""

    def __init__(self, job: Job, folder: Path, device: torch.device) -> None:
        self.job, self.folder, self.recipe = job, folder, job.recipe
        self.data = TrainingData(self.recipe, job.weights, job.sources)
        model = build_model(self.recipe.architecture, job.vocabulary, self.recipe.seed, sparse=True)
        self.probe = [p for p in model.parameters() if p.ndim > 1][-1]
        optimizer = build_optimizer(model, self.recipe.training.optimizer)
        self.engine = Engine(model, optimizer, self.recipe.training, job.layout, device)
        pieces = read_pieces(job)
        self.token_bytes, self.continues = piece_bytes(pieces), word_continuations(pieces)
        self.metrics = Metrics(folder, self.engine.rank == 0)
        self.seen = Seen()

    def run(self) -> None:
        """Train from the newest whole checkpoint to the end, and write the result."""
        first = self._resume()
        steps = self.recipe.training.steps
        show = progress if self.engine.rank == 0 else (lambda items, total, label: items)
        for step in show(range(first, steps), steps - first, f"training {self.recipe.model}"):
            self._train_step(step, watch=step == first or self._evaluates(step + 1))
            if self._evaluates(step + 1):
                self._evaluate(step + 1)
            if (step + 1) % self.recipe.training.checkpoint_every == 0 or step + 1 == steps:
                self._save(step + 1)
        self.data.require_seen(self.seen, steps)
        probe, weights = self._logits_probe(), self.engine.weights()
        if self.engine.rank == 0:
            write_result(self.job, weights, probe, self.data, self.folder)
            self.seen.save(self.folder / RESULT)
        dist.barrier()

    def _logits_probe(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return a few sequences of the first step and the trained model's logits for them."""
        tokens = torch.from_numpy(self.data.batch(0)[:PROBE_SEQUENCES, :-1].copy()).to(self.engine.device)
        self.engine.model.eval()
        with torch.no_grad():
            return tokens, self.engine.model(input_ids=tokens).logits.float()

    def _evaluates(self, done: int) -> bool:
        training = self.recipe.training
        return done % training.evaluate_every == 0 or done == training.steps

    def _train_step(self, step: int, watch: bool) -> None:
        started, training = time.monotonic(), self.recipe.training
        batch, sources = self.data.draw(step)
        self.seen.add(step, batch, sources)
        inputs, labels = inputs_and_labels(self.recipe, batch, step, self.job.vocabulary, self.continues)
        count = max(predicted_tokens(labels), 1)
        self.engine.model.train()
        total = torch.zeros((), dtype=torch.float64, device=self.engine.device)
        for number, rows in self.job.layout.micro_batches(self.engine.rank):
            torch.manual_seed(seed_for(self.recipe.seed, "dropout", str(step), str(number)) >> 1)
            losses, _ = token_losses(self.recipe, self.engine.model, inputs[rows], labels[rows], self.engine.device)
            total += losses.detach().double().sum()
            last = number // self.job.layout.processes == self.job.layout.accumulation - 1
            self.engine.accumulate(losses.sum() / count, last)
        loss = float(self.engine.total(total)) / count
        self._require_finite("loss", loss, step)
        before = self._probe() if watch else None
        rate = learning_rate(training.schedule, training.optimizer.learning_rate, training.steps, step)
        norm = self.engine.update(rate, lambda value: self._require_finite("gradient norm", value, step))
        if before is not None and rate > 0 and norm > 0 and torch.equal(before, self._probe()):
            raise UserError(
                f"Training of {self.recipe.model} stopped at step {step}: the update left the weights unchanged; "
                "raise training.optimizer.learning_rate or use training.precision fp32."
            )
        tokens = self.seen.tokens.total()
        self.metrics.add({"step": step + 1, "tokens": tokens, "loss": loss, "lr": rate, "grad_norm": norm})
        if self.engine.rank == 0:
            speed = training.global_batch * training.sequence_length / (time.monotonic() - started)
            log.info("step %d of %d: loss %.4f, %.0f tokens/s", step + 1, training.steps, loss, speed)

    def _require_finite(self, what: str, value: float, step: int) -> None:
        if not math.isfinite(value):
            raise UserError(
                f"Training of {self.recipe.model} stopped at step {step}: the {what} is {value}; "
                "lower training.optimizer.learning_rate or lengthen its warmup; the step's documents (source/part:number) "
                f"are {self.data.documents(step)}."
            )

    def _probe(self) -> torch.Tensor:
        with self.engine.whole([self.probe]):
            return self.probe.detach().clone()

    def _evaluate(self, done: int) -> None:
        result = validation(self.job, self.engine, self.data, self.token_bytes, self.continues)
        self.metrics.add({"step": done, "validation": result})
        if self.engine.rank == 0:
            for source, values in result.items():
                log.info("validation of %s after step %d: loss %.4f", source, done, values["loss"])

    def _resume(self) -> int:
        """Return the number of updates that are done; rank 0 chooses the checkpoint for all."""
        chosen = [checkpoints.newest(self.folder, self.job.digest) if self.engine.rank == 0 else None]
        dist.broadcast_object_list(chosen)
        found = chosen[0]
        if found is None:
            return 0
        layout = {"zero_stage": self.job.layout.zero_stage, "processes": self.job.layout.processes}
        same_share = not layout["zero_stage"] or layout == found.layout
        if found.layout["zero_stage"] != layout["zero_stage"] or not same_share:
            raise UserError(
                f"The checkpoint {found.path.name} of {self.recipe.model} was written by {found.layout['processes']} "
                f"processes with ZeRO stage {found.layout['zero_stage']}; go on with these, or remove {self.folder}."
            )
        self.engine.load(found.path)
        self.metrics.restore(found.path)
        self.seen = Seen.load(found.path)
        log.info("resuming after step %d", found.step)
        return found.step

    def _save(self, done: int) -> None:
        path = checkpoints.pending_path(self.folder, done)
        if self.engine.rank == 0:
            checkpoints.prepare(path)
        dist.barrier()
        self.engine.save(path)
        if self.engine.rank == 0:
            self.metrics.save(path)
            self.seen.save(path)
            layout = {"zero_stage": self.job.layout.zero_stage, "processes": self.job.layout.processes}
            checkpoints.commit(path, done, self.job.digest, layout)
        dist.barrier()


def read_pieces(job: Job) -> list[str]:
    """Return the piece of each id of the tokenizer."""
    pieces: list[str] = AutoTokenizer.from_pretrained(job.tokenizer).convert_ids_to_tokens(list(range(job.vocabulary)))
    return pieces


def end_with_launcher() -> None:
    """End this process as soon as the launcher is gone, however it died: it holds the other end of standard input."""

    def watch() -> None:
        while os.read(0, 1):
            pass
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def work(job_path: Path) -> None:
    """Train as one of the ranks; rank 0 leaves the sentence for the user where the launcher finds it."""
    folder = job_path.parent
    device = start_processes()
    try:
        Trainer(Job.load(job_path), folder, device).run()
    except UserError as error:
        if dist.get_rank() == 0:
            (folder / FAILURE).write_text(str(error), encoding="utf-8")
        raise
    stop_processes()


def main(argv: Sequence[str] | None = None) -> int:
    """Run one rank; returns 1 after an error that the user can mend."""
    arguments: list[Any] = list(sys.argv[1:] if argv is None else argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr, force=True)
    if not sys.stdin.isatty():
        end_with_launcher()
    path = Path(arguments[0])
    try:
        if os.environ.get("RANK", "0") != "0":
            work(path)
        else:
            with one_writer(path.parent / "training"):
                work(path)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
