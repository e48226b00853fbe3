"""What training a model will need on stated devices: memory by part, time, energy, money; and a layout that fits.

    python -m scripts.pretraining.forecast --settings "$(cat settings.json)" --vocabulary 32768 \\
        --device h100 --devices 8 --zero-stage 1

Reads no data: `python -m scripts.registry.forecast presets/llama-7b.yaml ...` does the same from a configuration. It exits
with 1 and a layout that fits when the stated one does not. Devices and layout are execution: nothing of this is kept. With
`--options` the forecast goes to the log, and printed is what `train` is told of it: a better formula trains no model anew.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from scripts.lib.errors import UserError
from scripts.lib.manifest import open_artefact
from scripts.lib.schedule import require
from scripts.lib.settings import Settings
from scripts.pretraining.cost import Cost, cost
from scripts.pretraining.devices import Device, Rates, device, rates
from scripts.pretraining.grid import Grid, check_grid, divisors, grids
from scripts.pretraining.layout import MICRO_BATCH_TOKENS, Sizes, add_memory_arguments, check_parallel, lay_out
from scripts.pretraining.memory import Memory, memory
from scripts.pretraining.recipe import Recipe
from scripts.pretraining.size import OPTIMAL_TOKENS_PER_PARAMETER, flops_per_token, parameters

NONE = "none"
GB, MOST_DEVICES = 1e9, 4096
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Forecast:
    """A recipe on a layout of devices, and what it needs there."""

    recipe: Recipe
    vocabulary: int
    device: Device
    grid: Grid
    memory: Memory
    cost: Cost

    @property
    def fits(self) -> bool:
        """Whether the tensors fit into a device."""
        return self.memory.total <= self.device.usable

    def to_json(self) -> dict[str, Any]:
        """A plain form."""
        training = self.recipe.training
        accumulation = self.grid.accumulation(training.global_batch)
        layout = {**asdict(self.grid), "devices": self.grid.devices, "accumulation": accumulation}
        held = {**asdict(self.memory), "total": self.memory.total, "usable": self.device.usable, "fits": self.fits}
        money = {**asdict(self.cost), "step": {**asdict(self.cost.step), "total": self.cost.step.total}}
        return {"model": self.recipe.model, "device": self.device.name, "layout": layout, "memory": held, "cost": money}


def forecast(recipe: Recipe, vocabulary: int, grid: Grid, on: Device, stated: Rates) -> Forecast:
    """Return what a layout needs. Raises UserError for one that does not divide the model."""
    check_grid(grid, recipe)
    held = memory(recipe, vocabulary, grid, fused_dropout=on.kind == "gpu")
    return Forecast(recipe, vocabulary, on, grid, held, cost(recipe, vocabulary, grid, on, stated))


def proposal(recipe: Recipe, vocabulary: int, devices: int, on: Device, stated: Rates) -> Forecast | None:
    """Return the fastest layout that fits, the simplest of equals.

    Only where no other fits the tokens of sequences are shared, which pays for long ones, or the optimizer is on the host.
    """
    plain = list(grids(recipe, devices, on.machine))
    shares = [size for size in divisors(recipe.architecture.key_value_heads) if size > 1]
    shared = [grid for size in shares for grid in grids(recipe, devices, on.machine, size)]
    left = [replace(grid, offload=True) for grid in plain + shared if grid.zero_stage and grid.pipeline == 1]
    for some in (plain, shared, left):
        best: Forecast | None = None
        for grid in some:
            found = forecast(recipe, vocabulary, grid, on, stated)
            if found.fits and (best is None or found.cost.step.total < 0.999 * best.cost.step.total):
                best = found
        if best is not None:
            return best
    return None


def refuse_what_does_not_fit(found: Forecast, stated: Rates) -> None:
    """Raise UserError with layouts that fit, for one that does not."""
    if found.fits:
        return
    grid, on, batch = found.grid, found.device, found.recipe.training.global_batch
    parts = ", ".join(f"{name} {size / GB:.1f}" for name, size in asdict(found.memory).items() if size)
    raise UserError(
        f"{found.recipe.model} does not fit on {grid.devices} x {on.name} with {grid.described(batch)}: "
        f"it takes {found.memory.total / GB:.1f} GB of {on.usable / GB:.1f} GB a device ({parts}). "
        + remedy(found.recipe, found.vocabulary, grid.devices, on, stated)
    )


def remedy(recipe: Recipe, vocabulary: int, devices: int, on: Device, stated: Rates) -> str:
    """Say which layout with the same global batch fits, on these devices or on the fewest that do."""
    batch = recipe.training.global_batch
    sizes = divisors(recipe.architecture.key_value_heads)  # of groups that share sequences
    if not any(next(grids(recipe, devices, on.machine, size), None) for size in sizes):
        return f"No layout shares its {recipe.training.batches.smallest} sequences among {devices} devices; choose a divisor."
    found = proposal(recipe, vocabulary, devices, on, stated)
    if found is not None:
        return f"Use {found.grid.described(batch)}: {found.cost.step.total:.3g} s a step."
    more = devices * 2
    while more <= min(MOST_DEVICES, batch * recipe.architecture.layers):
        found = proposal(recipe, vocabulary, more, on, stated)
        if found is not None:
            return f"No layout of {devices} does; {more} would, with {found.grid.described(batch)}."
        more *= 2
    return "No layout does; choose a larger device, a smaller model or shorter sequences."


def described(found: Forecast) -> str:
    """Return a forecast in lines for people."""
    recipe, grid, on, spent = found.recipe, found.grid, found.device, found.cost
    training, held = recipe.training, found.memory
    count = sum(parameters(recipe.architecture, found.vocabulary).values())
    each = flops_per_token(recipe.architecture, found.vocabulary, training.sequence_length)
    parts = ", ".join(f"{name} {size / GB:.2f}" for name, size in asdict(held).items() if size)
    seconds = ", ".join(f"{name} {1000 * value:.1f}" for name, value in asdict(spent.step).items() if value)
    lines = [
        f"{recipe.model}: {count:,} parameters, {training.tokens:,} tokens, {training.tokens / count:.1f} a parameter "
        f"(compute-optimal: about {OPTIMAL_TOKENS_PER_PARAMETER}), {each * training.tokens:.3g} FLOP",
        f"  layout  {grid.devices} x {on.name}: {grid.described(training.global_batch)}",
        f"  memory  {held.total / GB:.2f} GB of {on.usable / GB:.1f} GB usable a device ({parts})",
        f"  step    {1000 * spent.step.total:.1f} ms ({seconds}), {spent.tokens_per_second:,.0f} tokens/s, MFU {spent.mfu:.1%}",
        f"  run     {spent.days:.3g} days, {spent.device_hours:,.1f} device hours, {spent.energy:,.1f} kWh, "
        f"{spent.carbon:,.1f} kg CO2e, {'no price stated' if spent.money is None else f'{spent.money:,.2f} in money'}",
    ]
    return "\n".join(lines)


def add_layout_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that name devices, layout and rates."""
    parser.add_argument(
        "--device", default=NONE, help="a name of scripts/pretraining/devices.yaml, or none: no forecast"
    )
    parser.add_argument("--devices", type=int, default=1, help="how many of them (default 1)")
    parser.add_argument("--tensor", type=int, default=1, help="devices that share the matrices of a layer")
    parser.add_argument("--pipeline", type=int, default=1, help="devices that share the layers")
    parser.add_argument("--sequence", type=int, default=1, help="devices that share the tokens of a sequence")
    parser.add_argument(
        "--zero-stage", type=int, choices=range(4), default=0, help="what is shared among data-parallel devices"
    )
    add_memory_arguments(parser)
    parser.add_argument(
        "--micro-batch", type=int, help="sequences of one device at once (default: as many as fit the next)"
    )
    parser.add_argument(
        "--micro-batch-tokens", type=int, default=MICRO_BATCH_TOKENS, help="tokens of one device at once"
    )
    parser.add_argument("--propose", action="store_true", help="leave the layout open: look for the fastest that fits")
    parser.add_argument("--machines", type=int, help="refuse devices that do not fit into so many machines")
    parser.add_argument("--price", type=float, help="money for an hour of one device (default: not reckoned)")
    parser.add_argument("--pue", type=float, help="power usage effectiveness (default: that of devices.yaml)")
    parser.add_argument("--carbon", type=float, help="kg of CO2 equivalent per kWh (default: that of devices.yaml)")
    parser.add_argument("--json", action="store_true", help="print JSON")


def stated_grid(recipe: Recipe, args: argparse.Namespace) -> Grid:
    """Return the layout of the command line, the micro-batch as training would choose it. Raises UserError."""
    inside = args.tensor * args.pipeline * args.sequence
    if inside < 1 or args.devices % inside:
        raise UserError(
            f"--devices: {args.devices} cannot be divided into tensor {args.tensor} x pipeline {args.pipeline} x "
            f"sequence {args.sequence}; choose a multiple of {inside}."
        )
    training = recipe.training
    layout = lay_out(
        training.global_batch,
        training.sequence_length,
        args.devices,
        args.micro_batch,
        micro_batch_tokens=args.micro_batch_tokens,
        smallest=training.batches.smallest,
        sizes=Sizes(args.tensor, args.pipeline, args.sequence),
    )
    return Grid(
        layout.data,
        args.tensor,
        args.pipeline,
        args.sequence,
        args.zero_stage,
        layout.micro_batch,
        bool(args.checkpointing),
        bool(args.offload),
    )


def look_ahead(recipe: Recipe, vocabulary: int, args: argparse.Namespace) -> Forecast | None:
    """Return the forecast that the command line asks for, or None without a device.

    Raises UserError for what does not fit into the devices, and with `--machines` for devices that do not fit into these.
    """
    require(args.devices > 0, f"--devices: {args.devices} is too little; give at least 1.")
    if args.device == NONE:
        grid = stated_grid(recipe, args)
        check_parallel(recipe, grid.sizes, grid.zero_stage, grid.offload)
        return None
    on, stated = device(args.device), rates(args.price, args.pue, args.carbon)
    if args.propose:
        found = proposal(recipe, vocabulary, args.devices, on, stated)
        if found is None:
            raise UserError(
                f"{recipe.model} does not fit on {args.devices} x {on.name}. "
                + remedy(recipe, vocabulary, args.devices, on, stated)
            )
    else:
        found = forecast(recipe, vocabulary, stated_grid(recipe, args), on, stated)
    refuse_too_few_machines(recipe, on, args.devices, args.machines)
    refuse_what_does_not_fit(found, stated)
    return found


def train_options(recipe: Recipe, vocabulary: int, found: Forecast | None, args: argparse.Namespace) -> str:
    """Return the peak of a device, by which training tells MFU, and the predicted bytes of one, as options of `train`."""
    if found is None:  # on a CPU, whose speed nobody knows
        held = memory(recipe, vocabulary, stated_grid(recipe, args), fused_dropout=False)
        return f"--peak-flops 0 --predicted-bytes {held.total}"
    return f"--peak-flops {found.device.peak[recipe.training.computes_in]:.6g} --predicted-bytes {found.memory.total}"


def refuse_too_few_machines(recipe: Recipe, on: Device, devices: int, machines: int | None) -> None:
    """Raise UserError for devices that do not fit into the machines that a run is given, if that is known."""
    if machines is not None and devices > machines * on.machine:
        raise UserError(
            f"{recipe.model} is to be trained on {devices} x {on.name}, and {machines} x {on.machine} is what the machines of "
            f"the job hold; give it nodes={-(-devices // on.machine)}, or fewer processes."
        )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument(
        "--settings", required=True, metavar="JSON", help="the settings of the model, as the rule gives them"
    )
    size = parser.add_mutually_exclusive_group(required=True)
    size.add_argument("--vocabulary", type=int, help="number of the tokenizer's pieces")
    size.add_argument("--tokenizer", type=Path, help="content manifest of the tokenizer")
    parser.add_argument("--options", action="store_true", help="print what training is told of the forecast")
    add_layout_arguments(parser)
    args = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr, force=True)
    try:
        recipe = Recipe.from_settings(Settings.parse(args.settings))
        vocabulary = args.vocabulary if args.tokenizer is None else open_artefact(args.tokenizer).summary["vocabulary"]
        require(vocabulary > 0, f"--vocabulary: {vocabulary} is no number of pieces; give at least 1.")
        found = look_ahead(recipe, vocabulary, args)
        if args.options:
            log.info("%s", "nothing is forecast without a device" if found is None else described(found))
            print(train_options(recipe, vocabulary, found, args))
        else:
            show(found, args.json)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def show(found: Forecast | None, as_json: bool) -> None:
    """Print a forecast."""
    if found is not None:
        print(json.dumps(found.to_json(), indent=2) if as_json else described(found))


if __name__ == "__main__":
    raise SystemExit(main())
