"""What the launching program tells the ranks: `job.json` in the folder of a recipe's state."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from scripts.lib.publish import write_atomic
from scripts.pretraining.layout import Layout
from scripts.pretraining.recipe import Recipe

RESULT = "result"  # folder that the ranks leave the finished model in
FAILURE = "failure.txt"  # the sentence for the user when they cannot go on


@dataclass(frozen=True)
class Job:
    """One training run: the recipe and its digest, the verified inputs, and the layout.

    `weights` are those of the sources in the mixture, `vocabulary` is the tokenizer's number of pieces, `tokenizer`
    the folder of its Hugging Face form; `sources` gives per source the `folder` of its shards and its `parts`.
    """

    recipe: Recipe
    weights: dict[str, float]
    layout: Layout
    digest: str
    vocabulary: int
    tokenizer: str
    sources: dict[str, dict[str, Any]]

    def write(self, folder: Path) -> Path:
        """Write the job into the folder of its state and return the file's path."""
        path = folder / "job.json"
        write_atomic(
            path, json.dumps({**vars(self), "recipe": self.recipe.to_json(), "layout": asdict(self.layout)}).encode()
        )
        return path

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `write` wrote."""
        data = json.loads(path.read_text("utf-8"))
        return cls(**{**data, "recipe": Recipe.from_json(data["recipe"]), "layout": Layout(**data["layout"])})
