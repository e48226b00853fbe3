"""How a recipe is laid out over processes: execution only, never part of the recipe digest."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from scripts.lib.errors import UserError
from scripts.pretraining.recipe import BF16, Recipe

BUCKET = 50_000_000  # elements that ZeRO reduces at once; its default would take 2 GB on a CPU
MICRO_BATCH_TOKENS = 16384


@dataclass(frozen=True)
class Sizes:
    """How many ranks share what: the matrices of layers (`tensor`), the layers (`pipeline`), the tokens of a sequence."""

    tensor: int = 1
    pipeline: int = 1
    sequence: int = 1

    @property
    def together(self) -> int:
        """The ranks that work on the same micro-batches."""
        return self.tensor * self.pipeline * self.sequence


@dataclass(frozen=True)
class Layout:
    """processes = pipeline x data x sequence x tensor, global batch = data x micro_batch x accumulation.

    `tensor` neighbouring ranks share the matrices of the model, `sequence` such groups the tokens of each sequence, the
    stages of a `pipeline` its layers; all of them work on the same micro-batches. Smaller batches, while training warms up,
    accumulate less often. `threads` are those of one process on a CPU. With `checkpointing` each layer keeps its input alone
    and is computed again in the backward pass; with `offload` ZeRO's share of the optimiser is in the host's memory.
    `compiled` layers are machine code of their own, which may change last bits.
    """

    processes: int
    micro_batch: int
    accumulation: int
    zero_stage: int
    threads: int
    tensor: int = 1
    pipeline: int = 1
    sequence: int = 1
    checkpointing: bool = False
    offload: bool = False
    compiled: bool = False

    @property
    def data(self) -> int:
        """Return how many groups of ranks work on micro-batches of their own."""
        return self.processes // (self.tensor * self.pipeline * self.sequence)

    @property
    def sharing(self) -> int:
        """Return how many ranks have the same weights, among which ZeRO shares states."""
        return self.data * self.sequence

    def replica(self, rank: int) -> int:
        """Return the number of a rank among those that have the same weights."""
        return rank // self.tensor % self.sharing

    def place(self, rank: int) -> int:
        """Return which of the groups with micro-batches of their own a rank belongs to."""
        return self.replica(rank) // self.sequence

    def stage(self, rank: int) -> int:
        """Return the stage of the pipeline that a rank belongs to."""
        return rank // (self.tensor * self.sharing)

    def layers(self, rank: int, count: int) -> range | None:
        """Return which of `count` layers the stage of a rank has, None for all of them."""
        each = count // self.pipeline
        return None if self.pipeline == 1 else range(self.stage(rank) * each, (self.stage(rank) + 1) * each)

    def part(self, rank: int) -> int:
        """Return which part of the tokens of each sequence a rank has."""
        return self.replica(rank) % self.sequence

    def columns(self, rank: int, length: int) -> slice:
        """Return which tokens of sequences of `length` a rank has."""
        each = length // self.sequence
        return slice(self.part(rank) * each, (self.part(rank) + 1) * each)

    def speaks(self, rank: int) -> bool:
        """Return whether the loss that a rank finds is counted: for each token once, on the last stage, which alone knows it."""
        return rank % self.tensor == 0 and self.stage(rank) == self.pipeline - 1

    def micro_batches(self, rank: int, sequences: int) -> Iterator[tuple[int, slice]]:
        """Number and rows in a batch of `sequences` of each micro-batch that `rank` works on, one per accumulation step.

        A slice depends on its number among all micro-batches only: with an equal micro-batch the same rows
        meet in one slice, however many processes share the work.
        """
        for accumulated in range(sequences // (self.data * self.micro_batch)):
            number = accumulated * self.data + self.place(rank)
            yield number, slice(number * self.micro_batch, (number + 1) * self.micro_batch)


def lay_out(
    global_batch: int,
    sequence_length: int,
    processes: int,
    micro_batch: int | None = None,
    zero_stage: int = 0,
    threads: int = 1,
    micro_batch_tokens: int = MICRO_BATCH_TOKENS,
    smallest: int | None = None,
    sizes: Sizes | None = None,
    checkpointing: bool = False,
    offload: bool = False,
    compiled: bool = False,
) -> Layout:
    """Derive the accumulation; without `micro_batch` the largest one within `micro_batch_tokens` of a rank. Raises UserError.

    `smallest` is the smallest batch of a run that warms up: what can share it can share all.
    """
    sizes = sizes or Sizes()
    if sizes.together < 1 or processes % sizes.together:
        raise UserError(
            f"--processes: {processes} cannot be divided into groups of --tensor {sizes.tensor} x --pipeline "
            f"{sizes.pipeline} x --sequence {sizes.sequence}; choose a multiple"
        )
    data, least = processes // sizes.together, smallest or global_batch
    if data < 1 or least % data:
        key = "training.global_batch" if least == global_batch else "training.batch_warmup.from"
        raise UserError(
            f"{key}: {least} sequences cannot be shared by {processes} processes"
            + (f" in groups of {sizes.together}" if sizes.together > 1 else "")
            + "; choose a number of processes that divides it"
        )
    share = least // data
    if micro_batch is None:
        most = max(micro_batch_tokens * sizes.sequence // sequence_length, 1)
        micro_batch = max(size for size in range(1, min(share, most) + 1) if share % size == 0)
    if micro_batch < 1 or share % micro_batch:
        raise UserError(
            f"--micro-batch: {micro_batch} does not divide the {share} sequences of one process; choose a divisor"
        )
    return Layout(
        processes,
        micro_batch,
        global_batch // (data * micro_batch),
        zero_stage,
        threads,
        sizes.tensor,
        sizes.pipeline,
        sizes.sequence,
        checkpointing,
        offload,
        compiled,
    )


def add_memory_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that trade time for memory of a device; 0 and 1 are how a rule says them."""
    flag: dict[str, Any] = {"type": int, "choices": (0, 1), "nargs": "?", "const": 1, "default": 0}
    parser.add_argument("--checkpointing", **flag, help="1: compute layers again in the backward pass")
    parser.add_argument("--offload", **flag, help="1: keep ZeRO's share of the optimizer in the memory of the host")


def check_parallel(
    recipe: Recipe, sizes: Sizes, zero_stage: int, offload: bool = False, compiled: bool = False
) -> None:
    """Raise UserError for ranks that cannot share the matrices, the layers or the tokens of a model, or its states."""
    _require_divisors(recipe, sizes)
    name, muon = recipe.model, recipe.training.optimizer.name == "muon"
    if muon and (sizes.tensor > 1 or zero_stage):
        by = f"--tensor {sizes.tensor}" if sizes.tensor > 1 else f"--zero-stage {zero_stage}"
        raise UserError(
            f"training.optimizer.name of {name} is muon, which needs whole matrices, and {by} cuts them up; train with "
            "--tensor 1 and --zero-stage 0, or with adamw."
        )
    if recipe.training.precision == BF16 and not zero_stage:
        raise UserError(
            f"training.precision of {name} is bf16, for which --zero-stage 0 keeps no weights in fp32 that small updates could "
            "add up in, and trains another model; use --zero-stage 1 to 3, or bf16-autocast."
        )
    if offload and not zero_stage:
        raise UserError(
            "--offload: what DeepSpeed moves to the host is ZeRO's share of the optimiser, and --zero-stage 0 shares none; "
            "use 1 to 3."
        )
    if compiled and (zero_stage == 3 or sizes.together > 1):
        raise UserError(
            "--compile: only layers that a rank holds whole, for all tokens of a sequence, are compiled; use --zero-stage 0 to 2 "
            "without --tensor, --pipeline and --sequence, or --compile 0."
        )
    if sizes.pipeline == 1:
        return
    if recipe.objective != "causal":
        raise UserError(
            f"--pipeline: {name} is a masked model, and only causal ones are cut into stages here; use --pipeline 1."
        )
    if offload:
        raise UserError(
            "--offload: DeepSpeed's pipeline adds up gradients outside of the code that brings them to the host; use "
            "--pipeline 1."
        )
    if zero_stage != 1:
        why = "shares gradients, which a pipeline adds up over its micro-batches"
        if zero_stage == 0:
            why = "lets DeepSpeed clip the gradient of each stage by itself, which trains another model"
        raise UserError(f"--zero-stage: {zero_stage} {why}; use 1 with --pipeline {sizes.pipeline}.")


def _require_divisors(recipe: Recipe, sizes: Sizes) -> None:
    shape = recipe.architecture
    heads, length = shape.key_value_heads, recipe.training.sequence_length
    divided = (
        ("--tensor", sizes.tensor, "architecture.key_value_heads", heads),
        ("--tensor", sizes.tensor, "architecture.feed_forward", shape.feed_forward),
        ("--pipeline", sizes.pipeline, "architecture.layers", shape.layers),
        ("--sequence", sizes.sequence, "training.sequence_length", length),
        ("--tensor x --sequence", sizes.tensor * sizes.sequence, "architecture.key_value_heads", heads),
    )
    for option, size, key, whole in divided:
        if size < 1 or whole % size:
            raise UserError(f"{option}: {size} does not divide {key} of {recipe.model}, {whole}; choose a divisor.")
