"""What a token teaches: our recipe beside nanoGPT's, on the same corpus, with as many parameters and tokens, over several seeds.

    python -m benchmarks.loss_per_token --results results --model llama

Ours is a model of `config.yaml`, trained by `scripts.pretraining.worker`. nanoGPT's model (`benchmarks.training_peers`) has as
many layers, and the smallest width that gives it at least as many parameters. It is trained with the rates of nanoGPT's
`train.py`, with those of its small run (`config/train_shakespeare_char.py`), and with our learning rates, which were chosen on
this corpus. All see as many tokens in batches of one size; all are scored on the same windows of held-out documents, by one
function, after the last step.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
import yaml
from torch import nn

from benchmarks.training import be_rank, job_over, write_tokens
from benchmarks.training_peers import NanoGPT, optimizer_of, random_windows
from scripts.lib.pieces import piece_bytes, word_continuations
from scripts.pretraining.architecture import model_config
from scripts.pretraining.data import TrainingData
from scripts.pretraining.engine import start_processes
from scripts.pretraining.exported_tokenizer import exported_tokenizer
from scripts.pretraining.job import Job
from scripts.pretraining.objective import inputs_and_labels, token_losses
from scripts.pretraining.recipe import Architecture, Recipe
from scripts.pretraining.size import parameters
from scripts.pretraining.trainer import Trainer

OURS = "groundwork"


@dataclass(frozen=True)
class Rates:
    """Learning rate at its highest and at the end, and the second momentum; warmup is a twentieth, then a cosine."""

    highest: float
    last: float
    beta2: float

    def rate(self, step: int, steps: int) -> float:
        """Return the learning rate of a step, as nanoGPT's `get_lr`."""
        warmup = max(steps // 20, 1)
        if step < warmup:
            return self.highest * (step + 1) / (warmup + 1)
        share = (step - warmup) / max(steps - warmup, 1)
        return self.last + (self.highest - self.last) * (1 + math.cos(math.pi * share)) / 2


def rivals(job: Job) -> dict[str, Rates]:
    """Return the ways to train nanoGPT's model, by name."""
    settings, final = job.recipe.training.optimizer, job.recipe.training.schedule.final
    own = Rates(settings.learning_rate, settings.learning_rate * final, settings.beta2)
    return {
        "nanoGPT, rates of train.py": Rates(6e-4, 6e-5, 0.95),
        "nanoGPT, rates of its small run": Rates(1e-3, 1e-4, 0.99),
        "nanoGPT, our rates": own,
    }


def make_job(results: Path, model: str, seed: int, threads: int) -> Job:
    """Return the job of a model of `config.yaml` over a finished run's shards."""
    config = yaml.safe_load(Path("config.yaml").read_text("utf-8"))
    entry = config["models"][model]
    named = {key: entry[key] for key in ("objective", "architecture", "training")}
    recipe = Recipe.from_settings({"model": model, "seed": seed, **named})
    steps = recipe.training.steps
    recipe = replace(recipe, training=replace(recipe.training, evaluate_every=steps, checkpoint_every=steps))
    tokenizer = results / "tokenizers" / entry["tokenizer"]
    return job_over(recipe, tokenizer, results / "shards" / entry["corpus"] / entry["tokenizer"], 1, threads)


def shape_of(job: Job) -> Architecture:
    """Return the shape of nanoGPT's model: the smallest width with at least our number of parameters."""
    ours = job.recipe.architecture
    wanted = sum(parameters(ours, job.vocabulary).values())
    shape = replace(ours, family="gpt2", key_value_heads=ours.heads, dropout=0.0, initial_deviation=0.02)
    while True:
        shape = replace(shape, feed_forward=4 * shape.width)
        model = NanoGPT(shape, shape.padded_vocabulary(job.vocabulary), bias=False)
        if count(model) >= wanted:
            return shape
        shape = replace(shape, width=shape.width + shape.heads)


def count(model: nn.Module) -> int:
    """Return the number of parameters."""
    return sum(parameter.numel() for parameter in model.parameters())


def score(job: Job, model: Any) -> dict[str, tuple[float, float]]:
    """Return bits and bytes of the held-out windows of every source; `model` returns what has `logits`."""
    config = model_config(job.recipe.architecture, job.vocabulary)
    tokenizer = exported_tokenizer(config, Path(job.tokenizer))
    pieces = tokenizer.convert_ids_to_tokens(list(range(job.vocabulary)))
    table, continues = torch.from_numpy(piece_bytes(pieces)), word_continuations(pieces)
    data = TrainingData(job.recipe, job.weights, job.sources)
    found: dict[str, tuple[float, float]] = {}
    for source in data.sources:
        tokens = data.validation(source, job.recipe.training.evaluate_sequences)
        inputs, labels = inputs_and_labels(job.recipe, tokens, -1, job.vocabulary, continues)
        bits = size = 0.0
        for row in range(len(inputs)):
            one = slice(row, row + 1)
            with torch.no_grad():
                losses, wanted = token_losses(job.recipe, model, inputs[one], labels[one], torch.device("cpu"))
            bits += float(losses.double().sum()) / math.log(2)
            size += float(table[wanted[wanted >= 0]].sum())
        found[source] = bits, size
    return found


def train_ours(job: Job, folder: Path) -> Any:
    """Train with ours and return the model that it exported."""
    from transformers import AutoModelForCausalLM

    be_rank(0, 1, folder, job.layout.threads)
    assert Trainer(job, folder, start_processes()).run()
    exported = next(folder.rglob("config.json")).parent
    return AutoModelForCausalLM.from_pretrained(exported).eval()


def train_nano_gpt(job: Job, rates: Rates, tokens: Path) -> Any:
    """Train nanoGPT's model with its loop and return it."""
    training, shape, seed = job.recipe.training, shape_of(job), job.recipe.seed
    torch.manual_seed(seed)
    model = NanoGPT(shape, shape.padded_vocabulary(job.vocabulary), bias=False)
    settings = replace(training.optimizer, learning_rate=rates.highest, beta1=0.9, beta2=rates.beta2, weight_decay=0.1)
    recipe = replace(job.recipe, training=replace(training, optimizer=settings))
    optimizer = optimizer_of(model, replace(job, recipe=recipe))
    for step in range(training.steps):
        for group in optimizer.param_groups:
            group["lr"] = rates.rate(step, training.steps)
        given, wanted = random_windows(tokens, training.sequence_length, training.global_batch)
        model(given, wanted).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    model.eval()
    return lambda input_ids, **_: SimpleNamespace(logits=model.logits(input_ids))


def run(name: str, job: Job, tokens: Path, answer: Path) -> None:
    """Train and score one; be a process."""
    torch.set_num_threads(job.layout.threads)
    with tempfile.TemporaryDirectory() as folder:
        model = train_ours(job, Path(folder)) if name == OURS else train_nano_gpt(job, rivals(job)[name], tokens)
        answer.write_text(json.dumps(score(job, model)), "utf-8")


def bits_per_byte(scored: Mapping[str, tuple[float, float]]) -> float:
    """Return bits per byte over all sources."""
    return sum(bits for bits, _ in scored.values()) / sum(size for _, size in scored.values())


def main() -> None:
    """Train all with every seed and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=Path("results"), help="results of a finished run")
    parser.add_argument("--model", default="llama", help="a causal model of config.yaml")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    job = make_job(args.results, args.model, 1, args.threads)
    training, shape = job.recipe.training, shape_of(job)
    theirs = count(NanoGPT(shape, shape.padded_vocabulary(job.vocabulary), bias=False))
    print(
        f"{args.model}: {sum(parameters(job.recipe.architecture, job.vocabulary).values()):,} parameters; nanoGPT's: {theirs:,} "
        f"(width {shape.width}); {training.steps * training.global_batch * training.sequence_length:,} tokens each"
    )
    found: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        tokens, answer = Path(folder) / "tokens.bin", Path(folder) / "answer.json"
        write_tokens(job, tokens)
        for name in (OURS, *rivals(job)):
            for seed in args.seeds:
                own = make_job(args.results, args.model, seed, args.threads)
                began = time.monotonic()
                process = multiprocessing.get_context("spawn").Process(target=run, args=(name, own, tokens, answer))
                process.start()
                process.join()
                assert process.exitcode == 0, name
                value = bits_per_byte(json.loads(answer.read_text("utf-8")))
                found.setdefault(name, []).append(value)
                print(f"seed {seed}, {name}: {value:.4f} bits per byte ({time.monotonic() - began:.0f} s)", flush=True)
    show(found)


def show(found: Mapping[str, list[float]]) -> None:
    """Print means, spreads and differences; the noise is the standard error of the difference of two means."""
    print(
        "\n| recipe | bits per byte (mean) | standard deviation | above ours | in standard errors |\n|---|--:|--:|--:|--:|"
    )
    for name, values in found.items():
        mean, spread = statistics.mean(values), statistics.stdev(values)
        above = mean - statistics.mean(found[OURS])
        error = math.sqrt((spread**2 + statistics.variance(found[OURS])) / len(values))
        beside = ["", ""] if name == OURS else [f"{above:+.4f}", f"{above / error:.1f}"]
        print(f"| {name} | {mean:.4f} | {spread:.4f} | {beside[0]} | {beside[1]} |")


if __name__ == "__main__":
    main()
