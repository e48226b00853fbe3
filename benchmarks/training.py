"""Speed of training beside nanoGPT's loop, a plain Hugging Face loop and HF Trainer: equal models, threads and batch, in turn.

    pip install --target PEERS --no-deps accelerate==1.15.0
    PYTHONPATH=.:PEERS python -m benchmarks.training \\
        --tokenizer results/tokenizers/english-small --shards results/shards/english/english-small

Each trains in a process of its own that lives as long as the benchmark: a round is a few steps of one after the other, in an
order that changes from round to round, and what is compared are the times of one round. Ours is `scripts.pretraining.trainer`
with all that it does in a step: the batch by its place in the order, the record of what was fed, checks, metrics and log. In the
same rounds one process only multiplies matrices of the model's shapes, forward and backward. Ours is told of memory what every
job of the workflow is; export the same (scripts/registry/job_environment.py) to tell the others, too. The last table has two
processes that share a batch beside two that train at the same time, each for itself, on half of it.
"""

from __future__ import annotations

import argparse
import logging
import os
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.entrants import Entrant, Times, middle, ratio, timed
from benchmarks.training_peers import Loop, Turn, peers
from scripts.lib.manifest import open_artefact
from scripts.pretraining.data import open_streams
from scripts.pretraining.engine import start_processes
from scripts.pretraining.inputs import sources_of
from scripts.pretraining.job import Job
from scripts.pretraining.layout import lay_out
from scripts.pretraining.presence import FOLDER, IN_FILE, Presence
from scripts.pretraining.recipe import Architecture, Recipe
from scripts.pretraining.size import flops_per_token, matmul_parameters, parameters
from scripts.pretraining.trainer import Trainer
from scripts.registry.job_environment import MEMORY

OURS, PRODUCTS = "groundwork", "matrix products"
TOGETHER, ALONE = "two processes, one batch", "two processes, each for itself"
STEPS = 1_000_000  # of the recipe: nobody comes to its end
READ = 1 << 20  # tokens at once


class InTurn(Presence):
    """A rank's presence that waits for its turn before each update, so that rounds are whole steps."""

    def __init__(self, rank: int, turn: Turn) -> None:
        super().__init__(rank)
        self._turn = turn

    def note(self, words: str) -> None:
        """Note it; wait where a round has ended."""
        super().note(words)
        if words.endswith(": update"):
            self._turn()


def be_rank(rank: int, count: int, folder: Path, threads: int) -> None:
    """Tell this process that it is one of `count` ranks that meet in a folder, as the launcher does."""
    place = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": count, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": IN_FILE}
    os.environ |= {name: str(value) for name, value in place.items()}
    os.environ |= {FOLDER: str(folder), "OMP_NUM_THREADS": str(threads)}


def groundwork(job: Job, tokens: Path, turn: Turn, *, folder: Path, rank: int, count: int) -> None:
    """Train with ours, as one of `count` ranks that meet in a folder."""
    be_rank(rank, count, folder, job.layout.threads)
    logging.basicConfig(level=logging.INFO, filename=folder / "log", format="%(message)s", force=True)
    Trainer(job, folder, start_processes(), InTurn(rank, turn)).run()


def ours(tokens: Path, count: int = 1) -> list[Loop]:
    """Return the ranks of a run of ours."""
    folder = Path(tempfile.mkdtemp(dir=tokens.parent))
    return [partial(groundwork, folder=folder, rank=rank, count=count) for rank in range(count)]


def matrices(shape: Architecture, vocabulary: int) -> list[tuple[int, int]]:
    """Return the size of every matrix that each token is multiplied with."""
    d, f, grouped = shape.width, shape.feed_forward, shape.width // shape.heads * shape.key_value_heads
    layer = [(d, 3 * d), (d, d), (d, f), (f, d)]
    if shape.family == "llama":
        layer = [(d, d), (d, grouped), (d, grouped), (d, d), (d, f), (d, f), (f, d)]
    found = layer * shape.layers + [(d, shape.padded_vocabulary(vocabulary))]
    assert sum(one * other for one, other in found) == matmul_parameters(shape, vocabulary)
    return found


def products(job: Job, tokens: Path, turn: Turn) -> None:
    """Multiply the matrices of a step: for the output, and for the gradients of input and weights."""
    rows = job.recipe.training.global_batch * job.recipe.training.sequence_length
    sizes = matrices(job.recipe.architecture, job.vocabulary)
    made = {size: [torch.randn(shape) for shape in ((rows, size[0]), size, (rows, size[1]))] for size in set(sizes)}
    space = {size: [torch.empty_like(one) for one in parts] for size, parts in made.items()}
    while True:
        turn()
        for size in sizes:
            given, weight, out = made[size]
            torch.mm(given, weight, out=space[size][2])
            torch.mm(out, weight.T, out=space[size][0])
            torch.mm(given.T, out, out=space[size][1])


def needed_flops(job: Job) -> float:
    """Return the operations a token takes with half of what flops_per_token counts for attention: the rest is masked."""
    shape = job.recipe.architecture
    products = 6 * matmul_parameters(shape, job.vocabulary)
    return (flops_per_token(shape, job.vocabulary, job.recipe.training.sequence_length) + products) / 2


def show(job: Job, seconds: Mapping[str, Sequence[Times]], steps: int) -> None:
    """Print speeds, our speed beside theirs, and the share of the products' speed."""
    training, shape = job.recipe.training, job.recipe.architecture
    tokens = steps * training.global_batch * training.sequence_length
    each = 6 * matmul_parameters(shape, job.vocabulary)
    peak = each * tokens / middle(seconds[PRODUCTS], 0)
    flops = needed_flops(job)
    print(f"\n{job.layout.threads} threads; matrix products alone: {peak / 1e9:.1f} GFLOP/s\n")
    print("| program | tokens/s | ours is, by the clock | ours is, by CPU time | share of the products' FLOP/s |")
    print("|---|--:|--:|--:|--:|")
    for name, times in seconds.items():
        if name == PRODUCTS:
            continue
        speed = tokens / middle(times, 0)
        beside = ["", ""] if name == OURS else [ratio(seconds[OURS], times, kind) for kind in (0, 1)]
        print(f"| {name} | {speed:,.0f} | {beside[0]} | {beside[1]} | {speed * flops / peak:.1%} |", flush=True)


def job_over(recipe: Recipe, tokenizer: Path, folder: Path, processes: int, threads: int) -> Job:
    """Return the job of a recipe over a folder of shards, all sources by their size."""
    manifests = sorted(folder.glob("*/[0-9]*.json"))
    shards = [path for path in manifests if not path.name.endswith(".provenance.json")]
    training = recipe.training
    return Job(
        recipe=recipe,
        weights={},
        layout=lay_out(training.global_batch, training.sequence_length, processes, threads=threads),
        digest="benchmark",
        vocabulary=int(open_artefact(tokenizer.with_name(f"{tokenizer.name}.json")).summary["vocabulary"]),
        tokenizer=str(tokenizer.resolve()),
        sources=sources_of(shards, sorted({shard.with_name("order.json") for shard in shards})),
    )


def recipe_over(architecture: Mapping[str, Any], length: int, batch: int, **training: Any) -> Recipe:
    """Return the recipe of a causal model that trains for as long as it is let: no checkpoint, no validation."""
    often = {"steps": STEPS, "evaluate_every": STEPS, "checkpoint_every": STEPS}
    sizes = {"sequence_length": length, "global_batch": batch}
    rates = {"optimizer": {"learning_rate": 1e-3}, "schedule": {"warmup": 100}}
    given = {"architecture": dict(architecture), "training": {**often, **sizes, **rates, **training}}
    return Recipe.from_settings({"model": "benchmark", "seed": 1, "objective": "causal", **given})


def make_job(args: argparse.Namespace, batch: int, processes: int, threads: int) -> Job:
    """Return what ours is told; the others read model, batch and rates from it."""
    architecture = {name: getattr(args, name) for name in ("family", "layers", "width", "heads")} | {
        "key_value_heads": args.key_value_heads if args.family == "llama" else None,
        "context": args.length,
    }
    recipe = recipe_over(architecture, args.length, batch)
    return job_over(recipe, args.tokenizer, args.shards, processes, threads)


def one_process(args: argparse.Namespace, tokens: Path, threads: int) -> None:
    """Compare all loops in one process each."""
    job = make_job(args, args.batch, 1, threads)
    others = {**peers(args.family), PRODUCTS: products}
    loops = {OURS: ours(tokens), **{name: [loop] for name, loop in others.items()}}

    def entrant(name: str) -> Entrant:
        return Entrant(loops[name], job, tokens, args.steps, MEMORY if name == OURS else {})

    makers = {name: partial(entrant, name) for name in loops}
    show(job, timed(makers, args.rounds), args.steps)


def two_processes(args: argparse.Namespace, tokens: Path) -> None:
    """Compare two processes that share a batch with two that do not, one thread each."""
    shared, own = make_job(args, args.batch, 2, 1), make_job(args, args.batch // 2, 1, 1)
    makers = {
        TOGETHER: lambda: Entrant(ours(tokens, 2), shared, tokens, args.steps, MEMORY),
        ALONE: lambda: Entrant([*ours(tokens), *ours(tokens)], own, tokens, args.steps, MEMORY),
    }
    seconds = timed(makers, args.rounds)
    amount = args.steps * args.batch * args.length
    print("\n| ours | tokens/s | its time beside that of two alone |\n|---|--:|--:|")
    for name, times in seconds.items():
        beside = ratio(seconds[ALONE], times, 0) if name == TOGETHER else ""
        print(f"| {name} | {amount / middle(times, 0):,.0f} | {beside} |", flush=True)


def write_tokens(job: Job, path: Path) -> None:
    """Write the training tokens of all sources into one file."""
    with path.open("wb") as stream:
        for source in open_streams(job.sources, "train").values():
            for start in range(0, source.tokens, READ):
                source.read(start, min(start + READ, source.tokens)).astype(np.uint16).tofile(stream)


def main() -> None:
    """Run the comparisons and print their tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokenizer", type=Path, required=True, help="folder of a tokenizer")
    parser.add_argument(
        "--shards", type=Path, required=True, help="folder of the shards of a corpus with that tokenizer"
    )
    parser.add_argument("--family", choices=("gpt2", "llama"), default="gpt2", help="nanoGPT has no model for llama")
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--width", type=int, default=384)
    parser.add_argument("--heads", type=int, default=6)
    parser.add_argument("--key-value-heads", type=int, help="of llama (default: as many as heads)")
    parser.add_argument("--length", type=int, default=256, help="tokens of a sequence")
    parser.add_argument("--batch", type=int, default=8, help="sequences of a step, all at once")
    parser.add_argument("--threads", type=int, nargs="*", default=[1, 2], help="tables with so many threads")
    parser.add_argument("--processes", action=argparse.BooleanOptionalAction, default=True, help="the last table")
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--steps", type=int, default=3, help="of a round")
    args = parser.parse_args()
    job = make_job(args, args.batch, 1, 1)
    count = sum(parameters(job.recipe.architecture, job.vocabulary).values())
    print(
        f"{args.family}, {count:,} parameters, {args.rounds} rounds of {args.steps} steps of {args.batch} x {args.length} tokens"
    )
    with tempfile.TemporaryDirectory() as folder:
        tokens = Path(folder) / "tokens.bin"
        write_tokens(job, tokens)
        for threads in args.threads:
            one_process(args, tokens, threads)
        if args.processes:
            two_processes(args, tokens)


if __name__ == "__main__":
    main()
