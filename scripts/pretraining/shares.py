"""What the ranks write of weights and optimiser into a checkpoint, in a form that any layout can go on from.

Each rank writes the flat tensors that its optimiser updates and what the optimiser remembers of them, as `KEY/NUMBER` in
`share-RANK.safetensors` (without ZeRO the first rank alone, parameter by parameter), and beside it in `share-RANK.json` which
elements of which parameter stand where. Whoever goes on reads the elements that it holds itself, from whatever files have
them: bit for bit what was written. DeepSpeed's own conversion of ZeRO 3 lets all groups of parameters share one number of
updates and one weight decay; here each flat tensor has its own number, and decay comes from the recipe.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import astuple, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from scripts.lib.checkpoints import Write
from scripts.lib.optimiser import holders
from scripts.pretraining.engine import Engine
from scripts.pretraining.tensor_parallel import Cut, share_name

VALUES, UPDATES = "values", "step"  # the weights themselves; how many updates, which AdamW alone counts


@dataclass(frozen=True)
class Piece:
    """`size` elements of the parameter `name` from `start` on stand in flat tensor `flat` of a rank from `place` on."""

    name: str
    start: int
    size: int
    flat: int
    place: int


class Source(Protocol):
    """A state by the names of parameters."""

    def keys(self, name: str) -> list[str]:
        """Return what the optimiser remembers of a parameter; nothing before the first update."""

    def read(self, key: str, name: str, start: int, size: int) -> Tensor:
        """Return elements of a parameter's weights (VALUES) or of what is remembered of it, flat and on the CPU."""

    def updates(self, name: str) -> Tensor:
        """Return what AdamW has counted for a parameter."""


class Shares:
    """The state in a checkpoint, from the shares of `ranks`; memory holds what is asked for alone."""

    def __init__(self, folder: Path, ranks: Collection[int]) -> None:
        self._places: dict[str, list[tuple[Piece, list[str], Any]]] = defaultdict(list)
        for table in sorted(folder.glob("share-*.json")):
            if int(table.stem.removeprefix("share-")) not in ranks:
                continue
            share, file = json.loads(table.read_text("utf-8")), open_tensors(table.with_suffix(".safetensors"))
            for piece in (Piece(*entry) for entry in share["pieces"]):
                self._places[piece.name].append((piece, share["keys"][piece.flat], file))

    def keys(self, name: str) -> list[str]:
        """Return what the optimiser remembers of a parameter."""
        return self._places[name][0][1]

    def read(self, key: str, name: str, start: int, size: int) -> Tensor:
        """Return elements of a parameter. Raises AssertionError unless they stand in the shares exactly once."""
        found, there = torch.empty(size), 0
        for piece, _, file in self._places[name]:
            first, last = max(start, piece.start), min(start + size, piece.start + piece.size)
            if first < last:
                place = piece.place + first - piece.start
                found[first - start : last - start] = file.get_slice(f"{key}/{piece.flat}")[
                    place : place + last - first
                ]
                there += last - first
        if there != size:
            raise AssertionError(f"the shares hold {there} of {size} elements of {key} of {name}")
        return found

    def updates(self, name: str) -> Tensor:
        """Return what AdamW has counted for a parameter."""
        piece, _, file = self._places[name][0]
        count: Tensor = file.get_tensor(f"{UPDATES}/{piece.flat}").clone()  # one file gives one tensor to all who ask
        return count


def open_tensors(path: Path) -> Any:
    """Open a file of tensors, of which only what is asked for is read."""
    return safe_open(path, "pt")


class Joined:
    """The state in a checkpoint of ranks that shared matrices, so many a group: whole parameters of known shapes."""

    def __init__(self, shares: Shares, cuts: Mapping[str, Cut], shapes: Mapping[str, torch.Size], ranks: int) -> None:
        self._shares, self._cuts, self._shapes, self._ranks = shares, cuts, shapes, ranks

    def _first(self, name: str) -> str:
        return share_name(name, 0) if name in self._cuts else name

    def keys(self, name: str) -> list[str]:
        """Return what the optimiser remembers of a parameter."""
        return self._shares.keys(self._first(name))

    def read(self, key: str, name: str, start: int, size: int) -> Tensor:
        """Return elements of a parameter."""
        if name not in self._cuts:
            return self._shares.read(key, name, start, size)
        cut, shape = self._cuts[name], self._shapes[name]
        own = cut.share(torch.empty(shape, device="meta"), self._ranks, 0).shape
        names = [share_name(name, rank) for rank in range(self._ranks)]
        whole = cut.joined([self._shares.read(key, one, 0, own.numel()).view(own) for one in names])
        return whole.reshape(-1)[start : start + size]

    def updates(self, name: str) -> Tensor:
        """Return what AdamW has counted for a parameter."""
        return self._shares.updates(self._first(name))


class Own:
    """What tensor parallelism leaves a rank of the whole parameters of a state."""

    def __init__(self, engine: Engine, source: Source) -> None:
        self._engine, self._source = engine, source

    def keys(self, name: str) -> list[str]:
        """Return what the optimiser remembers of a parameter."""
        return self._source.keys(name)

    def read(self, key: str, name: str, start: int, size: int) -> Tensor:
        """Return elements of this rank's share of a parameter."""
        layout, shape = self._engine.layout, self._engine.shapes()[name]
        cut = self._engine.cuts.get(name)
        if cut is None:
            return self._source.read(key, name, start, size)
        whole = self._source.read(key, name, 0, shape.numel()).view(shape)
        own = cut.share(whole, layout.tensor, self._engine.rank % layout.tensor)
        return own.reshape(-1)[start : start + size]

    def updates(self, name: str) -> Tensor:
        """Return what AdamW has counted for a parameter."""
        return self._source.updates(name)


def snapshot(engine: Engine) -> Write:
    """Copy this rank's share into the memory of the host; return what writes the copy into a folder.

    Without ZeRO only the first of the ranks that hold the same has one. What several ranks hold alike one of them names.
    """
    if not engine.layout.zero_stage and engine.layout.replica(engine.rank):
        return lambda folder: None
    tensors: dict[str, Tensor] = {}
    keys = []
    for number, (flat, memory) in enumerate(flats(engine)):
        keys.append(sorted(memory))
        tensors |= {f"{key}/{number}": _copy(value) for key, value in {VALUES: flat, **memory}.items()}
    named = ((engine.stored(piece.name), piece) for piece in pieces(engine))
    stored = [astuple(replace(piece, name=name)) for name, piece in named if name is not None]
    table = {"pieces": stored, "keys": keys}
    return partial(_write, f"share-{engine.rank:05d}", tensors, json.dumps(table))


def _copy(value: Tensor) -> Tensor:
    plain = value.detach()
    return (plain.reshape(-1) if plain.dim() else plain).to("cpu", copy=True)


def _write(stem: str, tensors: dict[str, Tensor], table: str, folder: Path) -> None:
    save_file(tensors, folder / f"{stem}.safetensors")
    (folder / f"{stem}.json").write_text(table, "utf-8")


@torch.no_grad()  # type: ignore[untyped-decorator]
def restore(engine: Engine, source: Source) -> None:
    """Give an engine the weights and the optimiser's memory of a state of whole parameters; every rank has to call it."""
    if engine.layout.tensor > 1:
        source = Own(engine, source)
    held, own, zero = flats(engine), pieces(engine), engine.model.optimizer
    shared = engine.layout.zero_stage == 3
    if shared:
        zero.checkpoint_event_prologue()  # no rank holds a parameter whole
    parameters = dict(engine.named_parameters())
    for piece in own:
        flat, memory = held[piece.flat]
        values = source.read(VALUES, piece.name, piece.start, piece.size)
        flat.detach().view(-1)[piece.place : piece.place + piece.size] = values
        if shared:
            parameters[piece.name].ds_tensor.view(-1)[: piece.size] = values
        _remember(flat, memory, source, piece)
    if shared:
        zero.checkpoint_event_epilogue()  # small ones are whole on every rank again
    elif engine.layout.zero_stage:
        for name, parameter in parameters.items():
            parameter.copy_(source.read(VALUES, name, 0, parameter.numel()).view_as(parameter))


def _remember(flat: Tensor, memory: dict[str, Tensor], source: Source, piece: Piece) -> None:
    """Put what is remembered of a piece into the memory of the flat tensor that it stands in."""
    keys = source.keys(piece.name)
    for key in memory.keys() - set(keys):
        del memory[key]
    for key in keys:
        if key == UPDATES:  # each flat tensor its own: shared, one step of the optimiser would count several times
            memory[key] = source.updates(piece.name).to(flat.device, copy=True)
            continue
        if key not in memory:
            memory[key] = torch.zeros_like(flat, requires_grad=False)
        memory[key].view(-1)[piece.place : piece.place + piece.size] = source.read(
            key, piece.name, piece.start, piece.size
        )


def strays(engine: Engine) -> int:
    """Return how many elements of this rank's share are not those that its model computes with, which are rounded in bf16."""
    stage, held = engine.layout.zero_stage, flats(engine)
    if not stage:  # the optimiser updates what the model computes with
        return 0
    parameters, found = dict(engine.named_parameters()), 0
    for piece in pieces(engine):
        weights: Any = parameters[piece.name]
        own = weights.ds_tensor.view(-1)[: piece.size] if stage == 3 else _elements(weights, piece.start, piece.size)
        updated = _elements(held[piece.flat][0], piece.place, piece.size)
        found += int(torch.count_nonzero(own != updated.to(own)))
    return found


def _elements(values: Tensor, start: int, size: int) -> Tensor:
    return values.detach().reshape(-1)[start : start + size]


def flats(engine: Engine) -> list[tuple[Tensor, dict[str, Tensor]]]:
    """Return what the optimiser updates on this rank, and what it remembers of each: parameters, or ZeRO's flat tensors."""
    if not engine.layout.zero_stage:
        kept = {
            parameter: holder.state
            for holder in holders(engine.optimizer)
            for group in holder.param_groups
            for parameter in group["params"]
        }
        return [(parameter, kept[parameter][parameter]) for _, parameter in engine.named_parameters()]
    zero: Any = engine.model.optimizer
    shares = (
        zero.fp32_partitioned_groups_flat if engine.layout.zero_stage == 3 else zero.single_partition_of_fp32_groups
    )
    return [(flat, engine.optimizer.state[flat]) for flat in shares]


def pieces(engine: Engine) -> list[Piece]:
    """Return which elements of which parameters stand where in the flat tensors of this rank."""
    named, zero = engine.named_parameters(), engine.model.optimizer
    if not engine.layout.zero_stage:
        return [Piece(name, 0, parameter.numel(), number, 0) for number, (name, parameter) in enumerate(named)]
    found = []
    for name, parameter in named:
        if engine.layout.zero_stage == 3:  # equal parts of every parameter; the last one may be padded
            flat, place, length = zero.grad_position[zero.get_param_id(parameter)]
            start = length * engine.layout.replica(engine.rank)
            found.append(Piece(name, start, min(length, parameter.ds_numel - start), flat, place))
        elif (part := parameter._hp_mapping) is not None:  # parameters end to end, cut into equal parts
            inside, outside = part.lp_fragment_address, part.hp_fragment_address
            found.append(Piece(name, inside.start, inside.numel, part.param_group_index, outside.start))
    return [piece for piece in found if piece.size > 0]
