"""How many devices do what: data x tensor x pipeline x sequence. Execution only, never part of a recipe."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from scripts.lib.errors import UserError
from scripts.pretraining.layout import Sizes, check_parallel
from scripts.pretraining.recipe import Recipe


@dataclass(frozen=True)
class Grid:
    """A layout over devices; the global batch is `data` x `micro_batch` x accumulation, whatever the other sizes.

    `tensor` devices share the matrices of a layer (Shoeybi et al. 2019), `pipeline` devices the layers, `sequence`
    devices the tokens of a sequence (Jacobs et al. 2023); ZeRO shares states among `data` x `sequence` devices
    (Rajbhandari et al. 2020). `checkpointing` keeps the input of each layer and computes the rest again (Chen et al. 2016),
    `offload` keeps ZeRO's share of the optimiser in the memory of the host (Ren et al. 2021).
    """

    data: int = 1
    tensor: int = 1
    pipeline: int = 1
    sequence: int = 1
    zero_stage: int = 0
    micro_batch: int = 1
    checkpointing: bool = False
    offload: bool = False

    @property
    def sizes(self) -> Sizes:
        """How many devices share what of a model."""
        return Sizes(self.tensor, self.pipeline, self.sequence)

    @property
    def devices(self) -> int:
        """The number of devices."""
        return self.data * self.tensor * self.pipeline * self.sequence

    @property
    def sharing(self) -> int:
        """The number of devices that ZeRO shares states among."""
        return self.data * self.sequence

    def accumulation(self, global_batch: int) -> int:
        """Micro-batches of one device in an update."""
        return global_batch // (self.data * self.micro_batch)

    def described(self, global_batch: int) -> str:
        """Say the layout in words."""
        sizes = f"data {self.data} x tensor {self.tensor} x pipeline {self.pipeline} x sequence {self.sequence}"
        again = ", layers computed again" if self.checkpointing else ""
        again += ", optimizer in the host's memory" if self.offload else ""
        return (
            f"{sizes}, ZeRO {self.zero_stage}, micro-batch {self.micro_batch}, "
            f"accumulation {self.accumulation(global_batch)}{again}"
        )


def check_grid(grid: Grid, recipe: Recipe) -> None:
    """Raise UserError for a layout that does not divide the model or the batch."""
    check_parallel(recipe, grid.sizes, grid.zero_stage, grid.offload)
    training = recipe.training
    smallest, size = training.batches.smallest, grid.data * grid.micro_batch
    if size < 1 or smallest % size:
        key = "training.global_batch" if smallest == training.global_batch else "training.batch_warmup.from"
        raise UserError(
            f"--micro-batch x data: {size} does not divide {key} of {recipe.model}, {smallest}; choose a divisor."
        )


def divisors(number: int, most: int | None = None) -> list[int]:
    """Return the divisors of a number up to `most`, ascending."""
    return [size for size in range(1, min(number, most or number) + 1) if number % size == 0]


def grids(recipe: Recipe, devices: int, per_machine: int, sequence: int = 1) -> Iterator[Grid]:
    """Yield the layouts over exactly `devices` devices that a recipe can be trained with, simplest first.

    Tensor parallelism stays within a machine. The tokens of a sequence are shared by `sequence` devices, and nothing is left to
    the host.
    """
    shape, smallest = recipe.architecture, recipe.training.batches.smallest
    for tensor in divisors(shape.key_value_heads, per_machine):
        for pipeline in divisors(shape.layers):
            sizes = Sizes(tensor, pipeline, sequence)
            data, rest = divmod(devices, sizes.together)
            if rest or not data or smallest % data:
                continue
            stages = [stage for stage in range(4) if can_train(recipe, sizes, stage)]
            for micro_batch in reversed(divisors(smallest // data)):
                for zero_stage in stages:
                    for checkpointing in (False, True):
                        yield Grid(data, tensor, pipeline, sequence, zero_stage, micro_batch, checkpointing)


def can_train(recipe: Recipe, sizes: Sizes, zero_stage: int) -> bool:
    """Return whether ranks can share a model and its states so: what training would refuse is not to be proposed."""
    try:
        check_parallel(recipe, sizes, zero_stage)
    except UserError:
        return False
    return True
