"""How large an update is beside the weights: the norms of both over all matrices and over those of each kind, in any layout.

Each rank counts the elements that its optimiser updates (in fp32, also where the model computes in bf16), and sums of squares
add up over ranks. Vectors are left out: biases start at 0, where a ratio says nothing, and the gains of norms start at 1,
which would outweigh the matrices of a small model.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import torch
from torch import Tensor

from scripts.pretraining.engine import Engine
from scripts.pretraining.shares import flats, pieces

TAG = "update_to_weight"
CHUNK = 4_000_000  # elements at a time, so that a device needs no room for a second copy of its weights


class UpdateSize:
    """The weights before an update, in the memory of the host; every rank has to make it and to ask it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._before = [values.to("cpu", copy=True) for _, values in _own_elements(engine)]

    def ratios(self) -> dict[str, float]:
        """Return the norm of the update over that of the weights before it: of all matrices, and of each kind by its tag.

        A kind that began at zero has no ratio at its first update.
        """
        shapes = self._engine.shapes()
        kinds = sorted({kind_of(name) for name, shape in shapes.items() if len(shape) > 1})
        squares = torch.zeros(len(kinds), 2, dtype=torch.float64, device=self._engine.device)
        for (kind, now), before in zip(_own_elements(self._engine), self._before, strict=True):
            for new, held in zip(now.split(CHUNK), before.split(CHUNK), strict=True):
                old = held.to(new.device)
                norms = torch.stack([(new - old).norm(), old.norm()])
                squares[kinds.index(kind)] += norms.to(squares).square()
        update, weight = self._engine.total(squares).sqrt().T
        found = zip(kinds, (update / weight).tolist(), weight.tolist(), strict=True)
        whole = float(update.norm() / weight.norm())
        return {TAG: whole} | {f"{TAG}/{kind}": ratio for kind, ratio, size in found if size}


def kind_of(name: str) -> str:
    """Return the name of a parameter without the number of its layer: what the layers have alike is of one kind."""
    return re.sub(r"\.\d+\.", ".", name)


def _own_elements(engine: Engine) -> Iterator[tuple[str, Tensor]]:
    """Yield the kind and, flat, the elements of each matrix that this rank alone counts: together the ranks count each once."""
    held, layout = flats(engine), engine.layout
    for piece in pieces(engine):
        if engine.stored(piece.name) is None or len(engine.shapes()[piece.name]) < 2:
            continue
        own = held[piece.flat][0].detach().reshape(-1)[piece.place : piece.place + piece.size]
        if not layout.zero_stage:  # all ranks with the same weights hold all of the piece
            own = own.tensor_split(layout.sharing)[layout.replica(engine.rank)]
        yield kind_of(piece.name), own
