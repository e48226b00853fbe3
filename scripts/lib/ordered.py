"""Shards are read as they were ordered: every part of every source, each once, and ids in the type that the vocabulary takes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from scripts.lib.errors import UserError
from scripts.lib.indexed import read_header, smallest_dtype
from scripts.lib.manifest import Artefact
from scripts.lib.matching import check_tokenizer


def check_orders(shards: Sequence[Path], orders: Sequence[Path]) -> None:
    """Raise UserError unless the order of every source of which shards are given is given too, once; by their manifests."""
    if sorted({shard.parent.resolve() for shard in shards}) != sorted(order.parent.resolve() for order in orders):
        raise UserError("--orders has to name the order of every source that --shards names, once each.")


def check_encoded(shards: Sequence[Artefact], orders: Sequence[Artefact], tokenizer: Artefact) -> None:
    """Raise UserError unless shards and orders are a tokenizer's, and the shards of each source those that were ordered."""
    for encoded in (*shards, *orders):
        check_tokenizer(encoded, tokenizer)
    for shard in shards:
        check_types(shard, int(tokenizer.summary["vocabulary"]))
    for order in orders:
        check_shards(order, shards)


def check_shards(order: Artefact, given: Sequence[Artefact]) -> None:
    """Raise UserError unless the given shards beside an order are those that were ordered, each once and in that order."""
    folder, ordered = order.manifest_path.parent.resolve(), order.summary["shards"]
    mine = [shard for shard in given if shard.manifest_path.parent.resolve() == folder]
    found = [[shard.manifest_path.stem, shard.digest] for shard in mine]
    if found == ordered:
        return
    names, expected = [name for name, _ in found], [name for name, _ in ordered]
    if names != expected:
        raise UserError(
            f"--shards gives the parts {', '.join(names)} of source {folder.name} and "
            f"{order.manifest_path} was made of {', '.join(expected)}; give these, each once and in that order."
        )
    changed = next(one[0] for one, other in zip(found, ordered, strict=True) if one != other)
    raise UserError(
        f"{order.manifest_path} was made of another shard than part {changed} beside it; run the workflow again."
    )


def check_types(shard: Artefact, vocabulary: int) -> None:
    """Raise UserError for a shard whose ids have another type than those of a vocabulary are written with.

    A smaller one cannot hold its ids, and one of the same width gives others.
    """
    wanted = smallest_dtype(vocabulary)
    for index in (path for path in shard.files if path.suffix == ".idx"):
        kind, _ = read_header(index)
        if kind != wanted:
            raise UserError(
                f"{index} says that its token ids are {kind.name}, but those of a vocabulary of {vocabulary:,} pieces are "
                f"{wanted.name}; remove {shard.manifest_path} and run the workflow again."
            )
