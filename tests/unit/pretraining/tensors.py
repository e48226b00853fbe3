"""Count the bytes of tensors by what they hold: what a backward pass keeps, and the states of a DeepSpeed engine.

As a program, in one process for what is kept, since ZeRO 3 replaces torch's linear layer in all of its process, and in several
for engines of layouts: python -m tests.unit.pretraining.tensors OUT.json kept
    python -m torch.distributed.run --standalone --nproc-per-node 2 -m tests.unit.pretraining.tensors OUT.json GRID...
where GRID is JSON, with the precision and what the shape has of its own beside it.
"""

from __future__ import annotations

import gc
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from deepspeed.utils import groups
from torch import nn

from scripts.lib.masking import IGNORED
from scripts.lib.optimiser import build_optimizer
from scripts.pretraining.architecture import build_model
from scripts.pretraining.engine import Engine, start_processes, stop_processes
from scripts.pretraining.grid import Grid
from scripts.pretraining.layout import lay_out
from scripts.pretraining.objective import model_inputs, token_losses
from scripts.pretraining.recipe import AUTOCAST, BEST_FIT, BF16, CONTIGUOUS, FP32, PRECISIONS, Recipe
from scripts.pretraining.trainer import engine_for
from tests.unit.pretraining import tiny

VOCABULARY = 2000
FAMILIES, DROPOUTS, SEQUENCES = ("llama", "gpt2", "bert", "modernbert"), (0.0, 0.1), (1, 3)
PACKINGS = (CONTIGUOUS, BEST_FIT)
CPU = torch.device("cpu")


def recipe(family: str = "llama", precision: str = "fp32", dropout: float = 0.0, **shape: Any) -> Recipe:
    """A model of a million parameters, which has no tensor that is most of it."""
    chosen = tiny.settings(family, precision=precision, dropout=dropout, masked_share=0.25)
    sizes = {"layers": 4, "width": 128, "heads": 4, "context": 32, "dropout": dropout}
    grouped = {"key_value_heads": 2} if family == "llama" else {}
    return Recipe.from_settings({**chosen, "architecture": {"family": family, **sizes, **grouped, **shape}})


def long_recipe(family: str, packing: str, precision: str, dropout: float = 0.0) -> Recipe:
    """Of sequences that make what attention keeps of their length tell."""
    made = recipe(family, precision, dropout, context=512)
    return replace(made, training=replace(made.training, sequence_length=512, packing=packing))


def batch(made: Recipe, sequences: int) -> tuple[Any, Any]:
    """Token ids and labels of the training length; of a masked model every fourth token is asked for."""
    tokens = np.random.default_rng(0).integers(20, VOCABULARY, (sequences, made.training.sequence_length))
    labels = tokens.copy()
    if made.objective == "masked":
        labels[:, np.arange(labels.shape[1]) % 4 > 0] = IGNORED
    return tokens, labels


def storages(tensors: Iterable[Any]) -> dict[int, int]:
    """Bytes of the memory under tensors, by address: what several share counts once."""
    real = [one for one in tensors if isinstance(one, torch.Tensor) and one.device.type == "cpu"]
    return {one.untyped_storage().data_ptr(): one.untyped_storage().nbytes() for one in real}


def kept_bytes(made: Recipe, sequences: int) -> int:
    """Bytes that the backward pass of a micro-batch keeps beside the weights, the log probabilities included."""
    model = build_model(made.architecture, VOCABULARY, 1, sparse=True)
    if made.training.precision == BF16:
        for parameter in model.parameters():
            parameter.data = parameter.data.bfloat16()
    autocast = torch.autocast("cpu", torch.bfloat16, enabled=made.training.precision == AUTOCAST)
    with autocast:
        return kept_by(lambda: token_losses(made, model, *batch(made, sequences), CPU), model)


def kept_by(forward: Callable[[], object], model: nn.Module) -> int:
    """Bytes that a forward pass keeps beside the weights of a model."""
    kept: list[torch.Tensor] = []

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        kept.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        forward()
    own = storages(model.parameters())
    return sum(size for address, size in storages(kept).items() if address not in own)


def peak_bytes(work: Callable[[], object]) -> int:
    """Most bytes of tensors that work has at a moment, beside those that were there before, by what torch's allocator tells."""
    gc.collect()  # what earlier tests left would go meanwhile, and count against the work
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        work()
    events = [event for event in profile.profiler.kineto_results.events() if event.name() == "[memory]"]
    return max(accumulate(event.nbytes() for event in sorted(events, key=lambda event: event.start_ns())))


def engine_bytes(made: Recipe, grid: Grid) -> dict[str, int]:
    """Bytes of weights, gradients and optimizer of an engine after its first update and the backward pass of the second.

    And those of activations, which the forward pass of one micro-batch keeps then, of the first or only stage. ZeRO 3 keeps
    gathered weights among them, which the backward pass does not. `buffers` are the most that one more gradient takes beside
    them all, with the bucket that ZeRO 3 has from its start.
    """
    training = made.training
    layout = lay_out(
        training.global_batch,
        training.sequence_length,
        dist.get_world_size(),
        grid.micro_batch,
        grid.zero_stage,
        sizes=grid.sizes,
        checkpointing=grid.checkpointing,
    )
    model = build_model(made.architecture, VOCABULARY, 1, sparse=True)
    engine = engine_for(layout)(model, build_optimizer(model, training.optimizer), training, layout, CPU)
    inputs, labels = batch(made, training.global_batch)

    def loss(model: Any, number: int, rows: slice) -> torch.Tensor:
        columns = engine.columns(labels.shape[1])
        losses, _ = token_losses(made, model, inputs[rows], labels[rows, columns], CPU)
        total: torch.Tensor = losses.sum() / labels.size
        return total

    def given(rows: slice) -> dict[str, torch.Tensor]:
        return model_inputs(made, inputs[rows], CPU)

    def gradient() -> None:
        engine.gradient(len(inputs), lambda number: None, loss, given)

    gradient()
    engine.update(1e-3, lambda norm: None)
    gradient()
    states = _by_role(engine)
    buckets = getattr(engine.model.optimizer, "ipg_buckets", {}).values() if grid.zero_stage == 3 else []
    states["buffers"] = peak_bytes(gradient) + sum(storages(bucket.buffer for bucket in buckets).values())
    if grid.zero_stage == 3 or (grid.pipeline > 1 and engine.model.stage_id):
        return states
    rows = slice(0, grid.micro_batch)
    if grid.pipeline == 1:
        kept = kept_by(lambda: loss(engine.forward, 0, rows), engine.model.module)
    else:  # which does not send anything, as the schedule would
        engine.model.module.coming = iter([given(rows)])
        kept = kept_by(lambda: engine.model.module(given(rows)["input_ids"]), engine.model.module)
    return states | {"activations": kept}


def _by_role(engine: Engine) -> dict[str, int]:
    found: dict[int, tuple[str, int]] = {}

    def note(role: str, tensors: Iterable[Any]) -> None:
        for address, size in storages(tensors).items():
            found.setdefault(address, (role, size))

    model, zero = engine.model.module, engine.model.optimizer
    optimizer = getattr(zero, "optimizer", zero)
    parameters = list(model.parameters())
    note("weights", [p.data for p in parameters] + [getattr(p, "ds_tensor", None) for p in parameters])
    note("gradients", [p.grad for p in parameters])
    for shares in (getattr(zero, "averaged_gradients", None) or {}).values():
        note("gradients", shares or [])
    for state in optimizer.state.values():
        note("optimizer", [value for value in state.values() if torch.is_tensor(value) and value.ndim])
    note("optimizer", getattr(zero, "fp32_partitioned_groups_flat", []))
    note("optimizer", [p for group in optimizer.param_groups for p in group["params"]])
    sizes: Counter[str] = Counter()
    for role, size in found.values():
        sizes[role] += size
    return dict(sizes)


def all_kept() -> dict[str, int]:
    """What the backward pass keeps, by family, precision, dropout and number of sequences; of long sequences by packing too."""
    return {
        f"{family} {precision} {dropout} {sequences}": kept_bytes(recipe(family, precision, dropout), sequences)
        for family in FAMILIES
        for precision in PRECISIONS
        for dropout in DROPOUTS
        for sequences in SEQUENCES
    } | {
        f"long {family} {precision} {packing}": kept_bytes(long_recipe(family, packing, precision), 1)
        for family in FAMILIES
        for precision in (FP32, AUTOCAST)
        for packing in PACKINGS
    }


def main() -> None:
    """Write what is kept, or the bytes of the first rank by layout."""
    if sys.argv[2:] == ["kept"]:
        Path(sys.argv[1]).write_text(json.dumps(all_kept()), encoding="utf-8")
        return
    start_processes()
    found = {}
    for stated in sys.argv[2:]:
        groups.mpu = None  # DeepSpeed keeps the layout of the engine before
        given = json.loads(stated)
        made = recipe(precision=given.pop("precision"), **given.pop("shape"))
        found[stated] = engine_bytes(made, Grid(**given))
        gc.collect()
    if dist.get_rank() == 0:
        Path(sys.argv[1]).write_text(json.dumps(found), encoding="utf-8")
    stop_processes()


if __name__ == "__main__":
    main()
