"""The state after a step in a plain form that any layout can start from: what a branch is given.

`weights.safetensors` holds the fp32 weights by the names of parameters, `optimizer.safetensors` what the optimiser
remembers as `KEY/NAME`: AdamW's two moments and its number of updates, Muon's momentum. ZeRO cuts the moments of all
parameters into pieces of flat tensors; DeepSpeed puts them together and takes them apart again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from scripts.lib.optimiser import holders
from scripts.pretraining.engine import Engine
from scripts.pretraining.job import MEMORY, WEIGHTS

UPDATES, MOMENTS = "step", ("exp_avg", "exp_avg_sq")  # as AdamW calls them, which alone goes with ZeRO 1 to 3


def save_state(engine: Engine, folder: Path) -> None:
    """Write weights and the optimiser's memory into a folder; every rank has to call it."""
    memory, weights = remembered(engine), engine.weights()
    if engine.rank == 0:
        folder.mkdir(parents=True, exist_ok=True)
        save_file({name: weights[name].contiguous() for name, _ in engine.named_parameters()}, folder / WEIGHTS)
        save_file(memory, folder / MEMORY)


@torch.no_grad()  # type: ignore[untyped-decorator]
def load_weights(model: nn.Module, folder: Path) -> None:
    """Give a model that no engine holds yet the weights of a state."""
    weights = load_file(folder / WEIGHTS)
    for name, parameter in model.named_parameters():
        parameter.copy_(weights[name])


def remembered(engine: Engine) -> dict[str, Tensor]:
    """Return what the optimiser remembers of every parameter, as `KEY/NAME` on the CPU.

    Every rank has to call it, and rank 0 alone is given it, since it is twice the size of the weights.
    """
    found: dict[str, Tensor] = {}
    if not engine.layout.zero_stage:
        names = {parameter: name for name, parameter in engine.named_parameters()}
        for holder in holders(engine.optimizer) if engine.rank == 0 else ():
            for parameter, kept in holder.state.items():
                found |= {f"{key}/{names[parameter]}": _plain(torch.as_tensor(value)) for key, value in kept.items()}
        return found
    from deepspeed.utils import safe_get_full_optimizer_state

    updates = next(iter(engine.optimizer.state.values()))[UPDATES]
    _link(engine)
    for name, parameter in engine.named_parameters():
        for key in MOMENTS:
            moment = safe_get_full_optimizer_state(parameter, key)
            if engine.rank == 0:
                found[f"{key}/{name}"] = _plain(moment.reshape(_shape(parameter)))
        if engine.rank == 0:
            found[f"{UPDATES}/{name}"] = _plain(torch.as_tensor(updates))
    return found


def remember(engine: Engine, folder: Path) -> None:
    """Give the optimiser of an engine that made no update yet the memory of a state; every rank has to call it."""
    memory = load_file(folder / MEMORY)
    if not engine.layout.zero_stage:
        names = {parameter: name for name, parameter in engine.named_parameters()}
        for holder in holders(engine.optimizer):
            for parameter in (one for group in holder.param_groups for one in group["params"]):
                holder.state[parameter] = _memory_of(memory, names[parameter], parameter.device)
        return
    updates = next(value for key, value in memory.items() if key.startswith(f"{UPDATES}/"))
    for flat in _flat(
        engine
    ):  # each its own number of updates: shared, one step of the optimiser would count several times
        moments = {key: torch.zeros_like(flat, requires_grad=False) for key in MOMENTS}
        engine.optimizer.state[flat] = {UPDATES: updates.clone().to(flat.device), **moments}
    _link(engine)
    for name, parameter in engine.named_parameters():
        for key in MOMENTS:
            _put(engine, parameter, memory[f"{key}/{name}"].to(engine.device), key)


def _plain(value: Tensor) -> Tensor:
    return value.detach().to("cpu", copy=True).contiguous()


def _shape(parameter: nn.Parameter) -> torch.Size:
    """Return the shape of a whole parameter; ZeRO 3 leaves an empty one in its place."""
    shape: torch.Size = getattr(parameter, "ds_shape", parameter.shape)
    return shape


def _memory_of(memory: dict[str, Tensor], name: str, device: torch.device) -> dict[str, Tensor]:
    keyed = (key.partition("/") for key in memory)
    return {key: memory[f"{key}/{name}"].clone().to(device) for key, _, owner in keyed if owner == name}


def _flat(engine: Engine) -> list[Tensor]:
    """Return this rank's pieces of the flat weights, which the optimiser takes for its parameters."""
    zero: Any = engine.model.optimizer
    pieces = (
        zero.fp32_partitioned_groups_flat if engine.layout.zero_stage == 3 else zero.single_partition_of_fp32_groups
    )
    return list(pieces)


def _link(engine: Engine) -> None:
    """Let parameters find their pieces in the optimiser's memory, which ZeRO 1 and 2 do at the first update alone."""
    if engine.layout.zero_stage == 3:
        return
    from deepspeed.utils import lazy_init_hp_params_optimizer_state

    zero: Any = engine.model.optimizer
    for parameters, flat in zip(zero.bit16_groups, _flat(engine), strict=True):
        lazy_init_hp_params_optimizer_state(parameters, flat, engine.optimizer.state)


def _put(engine: Engine, parameter: nn.Parameter, value: Tensor, key: str) -> None:
    """Put this rank's piece of a whole moment into its place."""
    from deepspeed.utils import safe_set_full_optimizer_state, safe_set_local_optimizer_state

    if engine.layout.zero_stage < 3:
        safe_set_full_optimizer_state(parameter, value, key)
        return
    size, start = parameter.ds_tensor.numel(), parameter.ds_tensor.numel() * engine.rank
    piece = torch.zeros(size, device=value.device)  # the last one may be longer than what is left
    own = value.flatten()[start : start + size]
    piece[: own.numel()] = own
    safe_set_local_optimizer_state(parameter, piece, key)
