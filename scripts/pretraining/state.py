"""The state after a step in a plain form: what a branch is given.

`weights.safetensors` holds the fp32 weights by the names of parameters, `optimizer.safetensors` what the optimiser
remembers as `KEY/NAME`: AdamW's two moments and its number of updates, Muon's momentum.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from scripts.pretraining.job import MEMORY, WEIGHTS
from scripts.pretraining.shares import UPDATES, VALUES, Source, open_tensors


class Plain:
    """A state in a folder; memory holds what is asked for alone."""

    def __init__(self, folder: Path) -> None:
        self._weights, self._memory = open_tensors(folder / WEIGHTS), open_tensors(folder / MEMORY)
        self._keys: dict[str, list[str]] = defaultdict(list)
        for entry in sorted(self._memory.keys()):
            key, _, name = entry.partition("/")
            self._keys[name].append(key)

    def keys(self, name: str) -> list[str]:
        """Return what the optimiser remembers of a parameter."""
        return self._keys[name]

    def read(self, key: str, name: str, start: int, size: int) -> Tensor:
        """Return elements of a parameter."""
        whole: Tensor = self._weights.get_tensor(name) if key == VALUES else self._memory.get_tensor(f"{key}/{name}")
        return whole.view(-1)[start : start + size]

    def updates(self, name: str) -> Tensor:
        """Return what AdamW has counted for a parameter."""
        count: Tensor = self._memory.get_tensor(f"{UPDATES}/{name}")
        return count


def write_plain(source: Source, shapes: Mapping[str, torch.Size], folder: Path) -> None:
    """Write the state of parameters of these shapes into a folder."""
    weights, memory = {}, {}
    for name, shape in shapes.items():
        size = shape.numel()
        weights[name] = source.read(VALUES, name, 0, size).view(shape)
        for key in source.keys(name):
            kept = source.updates(name) if key == UPDATES else source.read(key, name, 0, size).view(shape)
            memory[f"{key}/{name}"] = kept
    folder.mkdir(parents=True, exist_ok=True)
    save_file(weights, folder / WEIGHTS)
    save_file(memory, folder / MEMORY)
