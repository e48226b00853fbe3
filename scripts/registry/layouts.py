"""The layouts of trainings that are about to run, looked at before any job, since a training comes last and text takes days."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from scripts.lib.errors import UserError
from scripts.pretraining.layout import Sizes, check_parallel, lay_out
from scripts.pretraining.recipe import Recipe


def check_layout(rule: str, settings: str, resources: Mapping[str, Any]) -> None:
    """Raise UserError where a training, with the settings and the resources of its job, would refuse its layout."""
    recipe = Recipe.from_settings(json.loads(settings))
    whole = ("processes", "zero_stage", "offload", "compile", "micro_batch_tokens")
    given = {name: int(resources[name]) for name in whole}
    sizes = Sizes(*(int(resources[f"{shared}_parallel"]) for shared in ("tensor", "pipeline", "sequence")))
    training = recipe.training
    try:
        check_parallel(recipe, sizes, given["zero_stage"], bool(given["offload"]), bool(given["compile"]))
        lay_out(
            training.global_batch,
            training.sequence_length,
            given["processes"],
            micro_batch_tokens=given["micro_batch_tokens"],
            smallest=training.batches.smallest,
            sizes=sizes,
        )
    except UserError as error:
        raise UserError(f"the resources of {rule} do not suit {recipe.model}: {error}") from None
