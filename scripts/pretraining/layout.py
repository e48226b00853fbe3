"""How a recipe is laid out over processes: execution only, never part of the recipe digest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from scripts.lib.errors import UserError
from scripts.pretraining.recipe import Recipe

BUCKET = 50_000_000  # elements that ZeRO reduces at once; its default would take 2 GB on a CPU
MICRO_BATCH_TOKENS = 16384


@dataclass(frozen=True)
class Layout:
    """processes = pipeline x data x tensor, global batch = data x micro_batch x accumulation.

    `tensor` neighbouring ranks share the matrices of the model, the stages of a `pipeline` its layers; both work on the
    same micro-batches. Smaller batches, while training warms up, accumulate less often. `threads` are those of one
    process on a CPU.
    """

    processes: int
    micro_batch: int
    accumulation: int
    zero_stage: int
    threads: int
    tensor: int = 1
    pipeline: int = 1

    @property
    def data(self) -> int:
        """Return how many groups of ranks work on micro-batches of their own."""
        return self.processes // (self.tensor * self.pipeline)

    def place(self, rank: int) -> int:
        """Return which of these groups a rank belongs to."""
        return rank // self.tensor % self.data

    def stage(self, rank: int) -> int:
        """Return the stage of the pipeline that a rank belongs to."""
        return rank // (self.tensor * self.data)

    def speaks(self, rank: int) -> bool:
        """Return whether the loss that a rank finds is counted: once a group, on the last stage, which alone knows it."""
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
    tensor: int = 1,
    pipeline: int = 1,
) -> Layout:
    """Derive the accumulation; without `micro_batch` the largest one within `micro_batch_tokens`. Raises UserError.

    `smallest` is the smallest batch of a run that warms up: what can share it can share all.
    """
    together = tensor * pipeline
    if together < 1 or processes % together:
        raise UserError(
            f"--processes: {processes} cannot be divided into groups of --tensor {tensor} x --pipeline {pipeline}; "
            "choose a multiple"
        )
    if tensor > 1 and pipeline > 1:
        raise UserError(f"--pipeline: {pipeline} cannot be run together with --tensor {tensor}; use one of them")
    data, least = processes // together, smallest or global_batch
    if data < 1 or least % data:
        key = "training.global_batch" if least == global_batch else "training.batch_warmup.from"
        raise UserError(
            f"{key}: {least} sequences cannot be shared by {processes} processes"
            + (f" in groups of {together}" if together > 1 else "")
            + "; choose a number of processes that divides it"
        )
    share = least // data
    if micro_batch is None:
        most = max(micro_batch_tokens // sequence_length, 1)
        micro_batch = max(size for size in range(1, min(share, most) + 1) if share % size == 0)
    if micro_batch < 1 or share % micro_batch:
        raise UserError(
            f"--micro-batch: {micro_batch} does not divide the {share} sequences of one process; choose a divisor"
        )
    return Layout(processes, micro_batch, global_batch // (data * micro_batch), zero_stage, threads, tensor, pipeline)


def check_parallel(recipe: Recipe, tensor: int, pipeline: int, zero_stage: int) -> None:
    """Raise UserError for ranks that cannot share the matrices or the layers of a model."""
    shape, name = recipe.architecture, recipe.model
    divided = (
        ("--tensor", tensor, "key_value_heads", shape.key_value_heads),
        ("--tensor", tensor, "feed_forward", shape.feed_forward),
        ("--pipeline", pipeline, "layers", shape.layers),
    )
    for option, size, key, whole in divided:
        if size < 1 or whole % size:
            raise UserError(
                f"{option}: {size} does not divide architecture.{key} of {name}, {whole}; choose a divisor."
            )
    if tensor > 1 and recipe.training.optimizer.name == "muon":
        raise UserError(
            f"training.optimizer.name of {name} is muon, which needs whole matrices, and --tensor {tensor} cuts them up; "
            "train with --tensor 1 or with adamw."
        )
    if pipeline == 1:
        return
    if recipe.objective != "causal":
        raise UserError(
            f"--pipeline: {name} is a masked model, and only causal ones are cut into stages here; use --pipeline 1."
        )
    if zero_stage != 1:
        why = "shares gradients, which a pipeline adds up over its micro-batches"
        if zero_stage == 0:
            why = "lets DeepSpeed clip the gradient of each stage by itself, which trains another model"
        raise UserError(f"--zero-stage: {zero_stage} {why}; use 1 with --pipeline {pipeline}.")
