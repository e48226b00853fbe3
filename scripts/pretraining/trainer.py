"""The training loop of one rank, which reads like that of one process; what depends on the layout is in the engine."""

from __future__ import annotations

import logging
import math
import time
from pathlib import Path
from typing import Any, NoReturn

import torch
import torch.distributed as dist

from scripts.lib.optimiser import build_optimizer
from scripts.lib.pieces import piece_bytes, word_continuations
from scripts.lib.progress import progress
from scripts.lib.seeds import seed_for
from scripts.pretraining import failures
from scripts.pretraining.architecture import build_model
from scripts.pretraining.averaging import Averager
from scripts.pretraining.data import TrainingData
from scripts.pretraining.engine import Engine
from scripts.pretraining.evaluate import validation
from scripts.pretraining.export import write_result
from scripts.pretraining.exported_tokenizer import exported_tokenizer
from scripts.pretraining.job import RESULT, STATE, Job
from scripts.pretraining.layout import Layout
from scripts.pretraining.metrics import Metrics
from scripts.pretraining.objective import inputs_and_labels, model_inputs, predicted_tokens, training_losses
from scripts.pretraining.presence import Presence
from scripts.pretraining.sampling import continuation, prompt_of
from scripts.pretraining.saving import Saver
from scripts.pretraining.shares import restore, strays
from scripts.pretraining.size import flops_per_token
from scripts.pretraining.spikes import SpikeWatch
from scripts.pretraining.state import Plain, write_plain
from scripts.pretraining.update_size import TAG, UpdateSize

log = logging.getLogger(__name__)
PROBE_SEQUENCES = 2


class Trainer:
    """The training loop: step s sees batch s with learning rate s, whatever happened before."""

    def __init__(self, job: Job, folder: Path, device: torch.device, presence: Presence | None = None) -> None:
        self.job, self.folder, self.recipe = job, folder, job.recipe
        self.data = TrainingData(self.recipe, job.weights, job.sources)
        shape = self.recipe.architecture
        own = job.layout.layers(dist.get_rank(), shape.layers)
        model = build_model(shape, job.vocabulary, self.recipe.seed, sparse=True, layers=own)
        optimizer = build_optimizer(model, self.recipe.training.optimizer)
        self.engine = engine_for(job.layout)(model, optimizer, self.recipe.training, job.layout, device)
        self.presence = presence or Presence(self.engine.rank)
        self.tokenizer: Any = exported_tokenizer(model.config, Path(job.tokenizer))
        pieces = self.tokenizer.convert_ids_to_tokens(list(range(job.vocabulary)))
        self.token_bytes, self.continues = piece_bytes(pieces), word_continuations(pieces)
        self.metrics = Metrics(folder, self.engine.rank == 0)
        self.averager = Averager(self.recipe.training, self.engine)
        self.saver = Saver(job, folder, self.engine, self.metrics, self.averager)
        self.spikes = SpikeWatch(self.recipe.training.spikes)

    def run(self) -> bool:
        """Train from the newest whole checkpoint to the end, and write the result, or the state after an earlier step.

        Returns whether it came to the end; otherwise it was asked to stop and saved.
        """
        try:
            return self._run()
        finally:
            self.saver.settle()

    def _run(self) -> bool:
        first, rows = self.saver.resume()
        self.spikes.restore(rows)
        training, last = self.recipe.training, self.job.steps
        if first == 0 and self.job.start:
            restore(self.engine, Plain(Path(self.job.start)))
        if first == 0 and training.spikes.action == "rollback":
            self._save(0)  # to have something to go back to
        show = progress if self.engine.rank == 0 else (lambda items, total, label: items)
        for step in show(range(first, last), last - first, f"training {self.recipe.model}"):
            stop = self._train_step(step, watch=step == first or self._evaluates(step + 1))
            done = step + 1
            self.averager.after(done)
            if self._evaluates(done):
                self._evaluate(done)
            if stop or done % training.checkpoint_every == 0 or done == last:
                self._save(done)
            if stop and done < last:
                self.saver.wait()
                if self.engine.rank == 0:
                    log.info("asked to stop: saved after step %d of %d", done, last)
                return False
        self.saver.wait()
        if self.job.until:
            self._write_state()
        else:
            self._finish()
        return True

    def _write_state(self) -> None:
        """Write the state that branches start from, and what was fed up to there."""
        self.presence.note("writing the state")
        found, shapes = self.saver.newest(), self.engine.shapes()
        if self.engine.rank == 0:
            write_plain(self.saver.shares(found), shapes, self.folder / STATE)
            self.saver.seen.save(self.folder / STATE)
        dist.barrier()

    def _finish(self) -> None:
        """Write the result: of the averaged weights, where the recipe asks for an average."""
        self.data.require_seen(self.saver.seen, self.recipe.training.steps)
        average = self.recipe.training.average.kind
        if average != "none":
            self.averager.apply()
            self._evaluate(self.recipe.training.steps, averaged=average)
        self.presence.note("writing the result")
        probe, weights = self._logits_probe(), self.engine.weights()
        if self.engine.rank == 0:
            write_result(self.job, weights, probe, self.data, self.folder, self.presence.go_on)
            self.saver.seen.save(self.folder / RESULT)
        self.presence.note("waiting for the result")
        dist.barrier()

    def _logits_probe(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return a few sequences of the first step and the trained model's logits for them."""
        tokens = torch.from_numpy(self.data.batch(0)[:PROBE_SEQUENCES, :-1].copy()).to(self.engine.device)
        self.engine.model.eval()
        with torch.no_grad():
            return tokens, self.engine.logits(tokens).float()

    def _evaluates(self, done: int) -> bool:
        training = self.recipe.training
        return not self.job.until and (done % training.evaluate_every == 0 or done == training.steps)

    def _train_step(self, step: int, watch: bool) -> bool:
        """Do one update; return whether some rank was asked to stop. `watch` looks whether the weights move."""
        started, training = time.monotonic(), self.recipe.training
        loss, sums, stop = self._gradient(step)

        def require_finite(norm: float) -> None:
            if not math.isfinite(norm):
                self._stop_not_finite("gradient norm", norm, step, sums)

        if not math.isfinite(loss):
            self._stop_not_finite("loss", loss, step, sums)
        score = self.spikes.score(loss)
        looked = time.monotonic()
        before = UpdateSize(self.engine) if watch and score is None else None
        started += time.monotonic() - looked  # watching is no part of the speed
        rate = training.learning_rate(step)
        self.presence.note(f"step {step}: update")
        norm = self.engine.update(rate, require_finite, move=score is None)
        seconds = time.monotonic() - started
        if before is not None:
            self._require_reached(before, step, moves=rate > 0 and norm > 0)
        tokens = self.saver.seen.tokens.total()
        row: dict[str, Any] = {"step": step + 1, "tokens": tokens, "loss": loss, "lr": rate, "grad_norm": norm}
        if score is not None:
            row["spike"] = self._leave_out(step, score)
        self.metrics.add(row)
        speed = training.batches.size(step) * training.sequence_length / seconds
        used = self._utilisation(speed)
        self.metrics.observe(step + 1, {"tokens_per_second": speed, **used, **self.engine.peak_memory()})
        if self.engine.rank == 0:
            shown = "".join(f", MFU {value:.1%}" for value in used.values())
            log.info("step %d of %d: loss %.4f, %.0f tokens/s%s", step + 1, training.steps, loss, speed, shown)
        return stop

    def _require_reached(self, before: UpdateSize, step: int, moves: bool) -> None:
        """Note the size of an update; raise UserError for one that did not move the weights, or not those that are in use."""
        ratios = before.ratios()
        if moves and ratios[TAG] == 0:  # over all ranks, since the share of one may rightly stay
            raise failures.unchanged(self.job, step)
        astray = torch.tensor(strays(self.engine), device=self.engine.device)
        if count := int(self.engine.total(astray)):
            raise failures.astray(self.job, step, count)
        self.metrics.observe(step + 1, ratios)

    def _utilisation(self, speed: float) -> dict[str, float]:
        """Return the model FLOPs utilisation of all devices at a number of tokens a second, where their peak is known."""
        peak = self.job.upkeep.peak_flops * self.job.layout.processes
        shape, length = self.recipe.architecture, self.recipe.training.sequence_length
        return {"mfu": speed * flops_per_token(shape, self.job.vocabulary, length) / peak} if peak else {}

    def _gradient(self, step: int) -> tuple[float, list[tuple[int, torch.Tensor]], bool]:
        """Accumulate the gradient of a step.

        Dropout is seeded by step, micro-batch, stage and part of the sequence. Ranks that share matrices draw the same numbers:
        what they hold alike is dropped out alike, and attention scores of their heads have the same mask on every rank.
        So masks repeat at one size of micro-batch and one number of tensor and sequence ranks and stages.
        Returns its loss over all ranks, the sums of each of this rank's micro-batches (nats, and what is minimised), and
        whether some rank was asked to stop.
        """
        batch, sources = self.data.draw(step)
        self.saver.seen.add(step, batch, sources)
        place, among = self.recipe.place(step)
        inputs, labels = inputs_and_labels(self.recipe, batch, place, self.job.vocabulary, self.continues, among.start)
        count = max(predicted_tokens(labels), 1)
        self.engine.model.train()
        total = torch.zeros(2, dtype=torch.float64, device=self.engine.device)
        sums: list[tuple[int, torch.Tensor]] = []
        layout, rank, columns = self.job.layout, self.engine.rank, self.engine.columns(labels.shape[1])
        earlier = among.start // layout.micro_batch
        marks = {"stage": layout.stage(rank), "part": layout.part(rank)}
        salt = [str(place), *(f"{what} {number}" for what, number in marks.items() if number)]
        # Of a pipeline only the last stage comes to its loss, and notes are counted to tell who is behind.
        counted = self.presence.note if layout.pipeline == 1 else self.presence.go_on

        def begin(number: int) -> None:
            self.presence.note(f"step {step}: forward")
            torch.manual_seed(seed_for(self.recipe.seed, "dropout", *salt, str(earlier + number)) >> 1)

        def loss_of(model: Any, number: int, rows: slice) -> torch.Tensor:
            minimised, nats = training_losses(
                self.recipe, model, inputs[rows], labels[rows, columns], self.engine.device
            )
            sums.append((number, torch.stack([nats, minimised.detach().to(nats)])))
            if layout.speaks(rank):
                total[0] += nats
            counted(f"step {step}: backward")
            return minimised / count

        def given(rows: slice) -> dict[str, torch.Tensor]:
            return model_inputs(self.recipe, inputs[rows], self.engine.device)

        self.engine.gradient(len(batch), begin, loss_of, given)
        total[1] = float(self.presence.asked_to_stop())
        self.presence.note(f"step {step}: the loss of all ranks")
        summed, stop = self.engine.total(total).tolist()
        return summed / count, sums, stop > 0

    def _stop_not_finite(self, what: str, value: float, step: int, sums: list[tuple[int, torch.Tensor]]) -> NoReturn:
        """Raise UserError that names the ranks and documents of the micro-batches whose sums are not finite.

        Where all are, the gradient of any may be at fault. Every rank has to call it.
        """
        layout, sequences = self.job.layout, self.recipe.training.batches.size(step)
        everywhere: list[list[int]] = [[] for _ in range(layout.processes)]
        dist.all_gather_object(everywhere, [number for number, found in sums if not found.isfinite().all()])
        if not any(everywhere):
            worked = (layout.micro_batches(rank, sequences) for rank in range(layout.processes))
            everywhere = [[number for number, _ in passes] for passes in worked]
        numbers = sorted({number for rank in everywhere for number in rank})
        rows = [
            row for number in numbers for row in range(number * layout.micro_batch, (number + 1) * layout.micro_batch)
        ]
        ranks = [rank for rank, found in enumerate(everywhere) if found]
        raise failures.not_finite(self.job, step, what, value, ranks, self.data.documents(step, rows))

    def _leave_out(self, step: int, score: float) -> dict[str, Any]:
        """Say that the update of a step was left out, go back where the recipe says so; return what the metrics note."""
        if self.spikes.exhausted:
            raise failures.too_many_spikes(self.job, step, score)
        spike: dict[str, Any] = {"z": score}
        if self.recipe.training.spikes.action == "rollback":
            spike["to"], rows = self.saver.go_back()
            self.spikes.restore(rows)
        log.warning("step %d: the loss lies %.1f robust deviations above the last ones: %s", step, score, spike)
        return spike

    def _evaluate(self, done: int, **marks: str) -> None:
        def note(source: str) -> None:
            self.presence.note(f"step {done - 1}: validation of {source}")

        result = validation(self.job, self.engine, self.data, self.token_bytes, self.continues, note)
        self.presence.note(f"step {done - 1}: a sample")
        self.metrics.add({"step": done, "validation": result, **self._sample(), **marks})
        if self.engine.rank == 0:
            for source, values in result.items():
                log.info("validation of %s after step %d: loss %.4f", source, done, values["loss"])

    def _sample(self) -> dict[str, dict[str, str]]:
        """Return what a causal model writes now behind a prompt that is always the same."""
        if self.recipe.objective != "causal":
            return {}
        prompt = prompt_of(self.job, self.data)
        parts = {"prompt": prompt, "text": continuation(self.job, self.engine, prompt)}
        return {"sample": {name: self.tokenizer.decode(ids, skip_special_tokens=True) for name, ids in parts.items()}}

    def _save(self, done: int) -> None:
        self.presence.note(f"saving after step {done}")
        self.saver.save(done)


def engine_for(layout: Layout) -> type[Engine]:
    """Return the kind of engine that a layout takes; what stages need of DeepSpeed is read for them alone."""
    if layout.pipeline == 1:
        return Engine
    from scripts.pretraining.pipeline import PipelinedEngine

    return PipelinedEngine
