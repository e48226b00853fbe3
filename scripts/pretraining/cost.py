"""Time, energy, carbon and money of a training run, from its FLOPs, its layout and the table of devices.

A step takes the matrices' time at the device's efficiency, the all-reduces of tensor parallelism and the exchanges of
sequence parallelism (nothing can be done meanwhile), the pipeline's bubble, and what data parallelism has to send beyond
what fits under the computation.
"""

from __future__ import annotations

from dataclasses import dataclass

from scripts.pretraining.devices import Device, Rates
from scripts.pretraining.grid import Grid
from scripts.pretraining.memory import BFLOAT16, FLOAT32, held_parameters
from scripts.pretraining.recipe import FP32, Recipe
from scripts.pretraining.size import flops_per_token

SECONDS_A_DAY, SECONDS_AN_HOUR = 86400, 3600
JOULES_A_KWH = 3.6e6


@dataclass(frozen=True)
class Step:
    """Seconds of one update by what they go to; `communication` is what cannot be hidden."""

    computation: float
    recomputation: float
    communication: float
    bubble: float

    @property
    def total(self) -> float:
        """The whole step."""
        return self.computation + self.recomputation + self.communication + self.bubble


@dataclass(frozen=True)
class Cost:
    """What a run takes: seconds, MFU by `size.flops_per_token`, device hours, kWh, kg of CO2 equivalent, money."""

    step: Step
    tokens_per_second: float
    mfu: float
    days: float
    device_hours: float
    energy: float
    carbon: float
    money: float | None


def cost(recipe: Recipe, vocabulary: int, grid: Grid, device: Device, rates: Rates) -> Cost:
    """Return time and cost of the whole run."""
    training = recipe.training
    step = step_time(recipe, vocabulary, grid, device, training.global_batch)
    sizes = training.batches.runs(training.steps)
    seconds = sum(count * step_time(recipe, vocabulary, grid, device, size).total for count, size in sizes)
    tokens = training.global_batch * training.sequence_length
    flops = flops_per_token(recipe.architecture, vocabulary, training.sequence_length) * tokens
    hours = seconds / SECONDS_AN_HOUR * grid.devices
    energy = seconds * grid.devices * device.watts * rates.power_usage_effectiveness / JOULES_A_KWH
    return Cost(
        step=step,
        tokens_per_second=tokens / step.total,
        mfu=flops / (step.total * grid.devices * device.peak[training.computes_in]),
        days=seconds / SECONDS_A_DAY,
        device_hours=hours,
        energy=energy,
        carbon=energy * rates.carbon,
        money=None if rates.price is None else hours * rates.price,
    )


def step_time(recipe: Recipe, vocabulary: int, grid: Grid, device: Device, batch: int) -> Step:
    """Return the predicted time of one update of `batch` sequences."""
    training = recipe.training
    tokens = batch * training.sequence_length
    flops = flops_per_token(recipe.architecture, vocabulary, training.sequence_length) * tokens
    speed = device.peak[training.computes_in] * device.efficiency[training.computes_in]
    computation = flops / (speed * grid.devices)
    again = computation / 3 if grid.checkpointing else 0.0  # the forward pass is a third of the three
    waiting = tensor_time(recipe, grid, device, batch) + sequence_time(recipe, grid, device, batch)
    waiting += max(0.0, data_time(recipe, vocabulary, grid, device, batch) - computation - again)
    accumulation = grid.accumulation(batch)
    idle = (grid.pipeline - 1) / accumulation  # of the time at work (Narayanan et al. 2021)
    return Step(computation, again, waiting, idle * (computation + again + waiting))


def tensor_time(recipe: Recipe, grid: Grid, device: Device, batch: int) -> float:
    """Seconds of the all-reduces of tensor parallelism: two a layer forward, two backward, two when it is computed again."""
    if grid.tensor == 1:
        return 0.0
    shape, training = recipe.architecture, recipe.training
    size = FLOAT32 if training.computes_in == FP32 else BFLOAT16
    tokens = batch // grid.data * training.sequence_length // grid.sequence
    reduced = (6 if grid.checkpointing else 4) * shape.layers // grid.pipeline * tokens * shape.width * size
    return all_reduce_time(reduced, grid.tensor, device)


def sequence_time(recipe: Recipe, grid: Grid, device: Device, batch: int) -> float:
    """Seconds of the exchanges of sequence parallelism: queries, keys, values and outputs of a layer, as often as reduced above.

    A device keeps its own part and sends the others once, which is half of what an all-reduce of as much would send.
    """
    if grid.sequence == 1:
        return 0.0
    shape, training = recipe.architecture, recipe.training
    size = FLOAT32 if training.computes_in == FP32 else BFLOAT16
    tokens = batch // grid.data * training.sequence_length // grid.sequence
    width = 2 * shape.width + 2 * shape.width // shape.heads * shape.key_value_heads
    layers, passes = shape.layers // grid.pipeline, 3 if grid.checkpointing else 2
    exchanged = passes * layers * tokens * width * size // grid.tensor
    return all_reduce_time(exchanged / 2, grid.sequence, device, grid.tensor)


def data_time(recipe: Recipe, vocabulary: int, grid: Grid, device: Device, batch: int) -> float:
    """Seconds of the traffic of data parallelism in one update: gradients once, with ZeRO 3 the weights of every micro-batch.

    A reduction of gradients and a gathering of weights each send half of what an all-reduce sends.
    """
    if grid.sharing == 1:
        return 0.0
    held = FLOAT32 * held_parameters(recipe, vocabulary, grid)
    rounds = 1.0
    if grid.zero_stage == 3:
        rounds = 1.5 * grid.accumulation(batch)
    elif grid.zero_stage == 2:
        rounds = 0.5 + 0.5 * grid.accumulation(batch)
    return all_reduce_time(rounds * held, grid.sharing, device, grid.tensor)


def all_reduce_time(size: float, devices: int, device: Device, beside: int = 1) -> float:
    """Seconds of rings over `devices` of a group; each device of it stands for `beside` of its machine.

    Between machines there is a ring for each network card, and a card a device (Patarasuk and Yuan 2009; NCCL).
    """
    link = device.inside
    if devices * beside > device.machine:
        link = min(link, device.between * max(device.machine // beside, 1))
    return 2 * (devices - 1) / devices * size / link
