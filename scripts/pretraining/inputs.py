"""What planning and training read: a tokenizer, and for every source of a corpus its shards and their order."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.lib.errors import UserError
from scripts.lib.manifest import Artefact
from scripts.lib.ordered import check_encoded, check_orders
from scripts.lib.schedule import optional
from scripts.lib.settings import Settings
from scripts.lib.step import Step
from scripts.pretraining.recipe import BEST_FIT, CONTIGUOUS

HF_FILE = "tokenizer_config.json"


@dataclass(frozen=True)
class Inputs:
    """Verified inputs.

    `tokenizer` is the artefact, `tokenizer_folder` that of its files and `vocabulary` its number of pieces; `sources` gives
    per source the `folder` of its shards and the names of its `parts`.
    """

    corpus: str
    tokenizer_name: str
    weights: dict[str, float]
    tokenizer: Artefact
    tokenizer_folder: Path
    vocabulary: int
    sources: dict[str, dict[str, Any]]


def add_input_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that name the inputs."""
    parser.add_argument("--tokenizer", type=Path, required=True, help="content manifest of the tokenizer")
    parser.add_argument("--shards", type=Path, nargs="+", required=True, help="manifests of the shards, every part")
    parser.add_argument("--orders", type=Path, nargs="+", required=True, help="manifests of the orders, every source")
    parser.add_argument("--packings", type=Path, nargs="*", default=[], help="manifests of the packings, where packed")


def read_inputs(step: Step, args: argparse.Namespace) -> Inputs:
    """Open and verify all inputs; the names of corpus and tokenizer and the mixture come from the settings."""
    tokenizer = step.read("tokenizer", args.tokenizer)
    shards = [step.read("shards", manifest) for manifest in args.shards]
    orders = [step.read("orders", manifest) for manifest in args.orders]
    sources = sources_of(args.shards, args.orders)
    check_encoded(shards, orders, tokenizer)
    packings = [step.read("packings", manifest) for manifest in args.packings]
    check_packings(packings, orders)
    require_packings(packings, orders, step.settings["training"])
    given = step.settings["weights"]
    return Inputs(
        corpus=str(step.settings["corpus"]),
        tokenizer_name=str(step.settings["tokenizer"]),
        weights={source: float(weight) for source, weight in plain(given).items()},
        tokenizer=tokenizer,
        tokenizer_folder=_hugging_face_folder(tokenizer),
        vocabulary=int(tokenizer.summary["vocabulary"]),
        sources=sources,
    )


def require_packings(packings: Sequence[Artefact], orders: Sequence[Artefact], training: Mapping[str, Any]) -> None:
    """Raise UserError unless a recipe that packs is given the packing of every source for its length."""
    if optional(training, "packing", CONTIGUOUS) != BEST_FIT:
        return
    length = int(training["sequence_length"])
    found = [one.manifest_path.parent.resolve() for one in packings if one.summary["sequence_length"] == length]
    if sorted(found) != sorted(order.manifest_path.parent.resolve() for order in orders):
        raise UserError(f"--packings has to name the packing for {length} tokens of every source, once each.")


def check_packings(packings: Sequence[Artefact], orders: Sequence[Artefact]) -> None:
    """Raise UserError for a packing that was made of another order than the one beside it."""
    made = {order.manifest_path.parent.resolve(): order.digest for order in orders}
    for packing in packings:
        if packing.summary["order"] != made.get(packing.manifest_path.parent.resolve()):
            raise UserError(
                f"{packing.manifest_path} was made of another order than the one beside it; run the workflow again."
            )


def sources_of(shards: Sequence[Path], orders: Sequence[Path]) -> dict[str, dict[str, Any]]:
    """Group shards by source, which is the name of their folder; its order has to lie there too."""
    sources: dict[str, dict[str, Any]] = {}
    for shard in shards:
        folder = shard.parent.resolve()
        entry = sources.setdefault(folder.name, {"folder": str(folder), "parts": []})
        if entry["folder"] != str(folder):
            raise UserError(f"--shards has two sources named {folder.name}; give the shards of one corpus.")
        entry["parts"].append(shard.name.removesuffix(".json"))
    check_orders(shards, orders)
    return sources


def plain(given: Settings | dict[str, float]) -> dict[str, float]:
    """Return numbers by name; an empty mapping of settings is a plain one already."""
    return given.plain() if isinstance(given, Settings) else given


def _hugging_face_folder(tokenizer: Artefact) -> Path:
    found = [path.parent for path in tokenizer.files if path.name == HF_FILE]
    if not found:
        raise UserError(f"{tokenizer.manifest_path} lists no {HF_FILE}; make the tokenizer again.")
    return found[0]
