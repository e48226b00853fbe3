"""Models that start from a kept step of another one: what is refused, and where their reading of the data begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from scripts.lib.batch_warmup import Batches
from scripts.lib.errors import UserError
from scripts.pretraining.recipe import Architecture

Models = Mapping[str, Mapping[str, Any]]
ORDER = ("corpus", "tokenizer", "weights", "temperature")  # what the order of samples follows from, with the seed
TRAINED_ORDER = ("sequence_length", "packing")


def check_branch(name: str, models: Models) -> None:
    """Raise UserError where the step that a model starts from cannot be had, or is no start for it."""
    model, key = models[name], f"models.{name}.from"
    start = model["from"]
    if start is None:
        return
    if start["model"] not in models:
        known = ", ".join(models)
        raise UserError(
            f"{key}.model names {start['model']!r}, which is not under models (there: {known}); correct it."
        )
    _refuse_circle(name, models)
    trunk, step = models[start["model"]], start["step"]
    steps, every = trunk["training"]["steps"], trunk["training"]["checkpoint_every"]
    if step > steps:
        raise UserError(f"{key}.step is {step}, but {start['model']!r} has {steps} steps; name one of them.")
    if step % every and step != steps:
        raise UserError(
            f"{key}.step is {step}, which {start['model']!r} does not keep: it saves every {every} steps "
            f"(training.checkpoint_every) and at its end, step {steps}; name one of these."
        )
    for leaf, own, other in _have_to_agree(model, trunk):
        if own != other:
            raise UserError(
                f"models.{name}.{leaf} is {own!r}, but {start['model']!r}, which it starts from, has {other!r}; "
                "give both the same."
            )


def _refuse_circle(name: str, models: Models) -> None:
    seen, start = [name], models[name]["from"]
    while start is not None and start["model"] in models:
        if start["model"] in seen:
            way = " -> ".join([*seen, start["model"]])
            raise UserError(f"models.{name}.from goes round in a circle ({way}); let one of them start from scratch.")
        seen.append(start["model"])
        start = models[start["model"]]["from"]


def _have_to_agree(model: Mapping[str, Any], trunk: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """Return leaf and value of both of all that weights and the optimiser's memory depend on."""
    own, other = (asdict(Architecture.from_settings(one["architecture"])) for one in (model, trunk))
    found = [(leaf, model[leaf], trunk[leaf]) for leaf in ("objective", "tokenizer")]
    found += [(f"architecture.{leaf}", own[leaf], other[leaf]) for leaf in own]
    names = [one["training"]["optimizer"]["name"] for one in (model, trunk)]
    return [*found, ("training.optimizer.name", *names)]


def first_batch(name: str, models: Models) -> int:
    """Return the batch of its order that a model's first step takes.

    A branch that reads samples in the order of its trunk goes on where that stopped; batches may differ in size, and what
    does not fill one is left out. Every other model reads its order from the start.
    """
    model = models[name]
    start = model["from"]
    if start is None:
        return 0
    trunk = models[start["model"]]
    same = all(model[key] == trunk[key] for key in ORDER)
    if not same or any(model["training"][key] != trunk["training"][key] for key in TRAINED_ORDER):
        return 0
    sizes = Batches.from_settings(trunk["training"])
    samples = first_batch(start["model"], models) * sizes.global_batch + sizes.before(int(start["step"]))
    return -(-samples // int(model["training"]["global_batch"]))
