"""What the launching program tells the ranks: `job.json` in the folder of a recipe's state."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from scripts.lib.publish import write_atomic
from scripts.pretraining.layout import Layout
from scripts.pretraining.recipe import Recipe

RESULT = "result"  # folder that the ranks leave the finished model in
STATE, WEIGHTS, MEMORY = "state", "weights.safetensors", "optimizer.safetensors"  # and a state, with its two files


@dataclass(frozen=True)
class Upkeep:
    """How a run is looked after; execution, never part of the recipe.

    `keep_last` checkpoints are kept, those whose step is a multiple of `keep_every` (0: none), and those of `keep_steps`.
    Ranks that do not get on for `timeout` seconds end the run. `peak_flops` is the FLOP/s of one device at best, by which
    MFU is told, and `predicted_bytes` the tensors that a forecast counts on it (0: not told).
    """

    keep_last: int = 2
    keep_every: int = 0
    keep_steps: tuple[int, ...] = ()
    timeout: float = 1800.0
    peak_flops: float = 0.0
    predicted_bytes: int = 0


@dataclass(frozen=True)
class Job:
    """One training run: the recipe and its digest, the verified inputs, and the layout.

    `weights` are those of the sources in the mixture, `vocabulary` is the tokenizer's number of pieces, `tokenizer`
    the folder of its Hugging Face form; `sources` gives per source the `folder` of its shards and its `parts`. `start`
    is the folder of the state that a branch starts from. A run `until` a step leaves the state after it in place of a
    result; it may go on from a checkpoint of the whole run in the folder `earlier`.
    """

    recipe: Recipe
    weights: dict[str, float]
    layout: Layout
    digest: str
    vocabulary: int
    tokenizer: str
    sources: dict[str, dict[str, Any]]
    upkeep: Upkeep = field(default_factory=Upkeep)
    start: str | None = None
    until: int | None = None
    earlier: str | None = None

    @property
    def steps(self) -> int:
        """The steps after which the run ends."""
        return self.until or self.recipe.training.steps

    def write(self, folder: Path) -> Path:
        """Write the job into the folder of its state and return the file's path."""
        path = folder / "job.json"
        parts = {"recipe": self.recipe.to_json(), "layout": asdict(self.layout), "upkeep": asdict(self.upkeep)}
        write_atomic(path, json.dumps({**vars(self), **parts}).encode())
        return path

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `write` wrote."""
        data = json.loads(path.read_text("utf-8"))
        parts = {
            "recipe": Recipe.from_json(data["recipe"]),
            "layout": Layout(**data["layout"]),
            "upkeep": Upkeep(**{**data["upkeep"], "keep_steps": tuple(data["upkeep"]["keep_steps"])}),
        }
        return cls(**{**data, **parts})
