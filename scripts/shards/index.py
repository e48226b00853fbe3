"""Order the documents of a source by their keys, across its parts.

    python -m scripts.shards.index --settings '{"parts": ["0000"]}' --shards results/shards/main/main/books/0000.json \\
        --manifest results/shards/main/main/books/order.json

Writes `order.<split>.npy`: a row per document with its part, its number there and the end of its tokens in the stream
(scripts.lib.streams), so the stream of a source does not depend on how it is cut into parts. The manifest names the parts in
their order with the digests of their manifests: whoever reads the order with other shards is refused.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scripts.lib.errors import UserError
from scripts.lib.indexed import IndexedReader
from scripts.lib.manifest import Artefact
from scripts.lib.matching import TOKENIZER_DIGEST
from scripts.lib.step import Step, run_step, step_parser
from scripts.lib.streams import ORDER_DTYPE

MODULE = "scripts.shards.index"
SPLITS = ("train", "validation", "test")


def order_of(shards: Sequence[Artefact], names: Sequence[str], split: str) -> NDArray[Any]:
    """Return the order of a split; raises UserError where keys and shards do not belong together."""
    keys: list[NDArray[Any]] = []
    rows: list[NDArray[Any]] = []
    for number, (shard, part) in enumerate(zip(shards, names, strict=True)):
        reader = IndexedReader(shard.path(f"{part}.{split}.bin"), shard.path(f"{part}.{split}.idx"))
        found = np.fromfile(shard.path(f"{part}.{split}.keys"), dtype=">u8").reshape(-1, 2)
        if len(found) != len(reader):
            raise UserError(
                f"{part}.{split}.keys has {len(found)} keys for {len(reader)} documents; write the shard again."
            )
        block = np.zeros(len(reader), ORDER_DTYPE)
        block["part"], block["document"], block["end"] = number, np.arange(len(reader)), reader.sizes
        keys.append(found)
        rows.append(block)
    joined = np.concatenate(keys)
    ascending = np.lexsort((joined[:, 1], joined[:, 0]))
    order: NDArray[Any] = np.concatenate(rows)[ascending]
    check_distinct(joined[ascending], order, names, split)
    order["end"] = np.cumsum(order["end"])
    return order


def check_distinct(keys: NDArray[Any], order: NDArray[Any], names: Sequence[str], split: str) -> None:
    """Raise UserError where two documents have one key, that is one id: a shard given twice, or ids that are not unique.

    `keys` are those of `order`, ascending. Their order would depend on how the source is cut into parts.
    """
    twice = np.flatnonzero((keys[1:] == keys[:-1]).all(axis=1))
    if len(twice):
        first, second = (f"document {row['document']} of part {names[row['part']]}" for row in order[twice[0] :][:2])
        raise UserError(
            f"order.{split}.npy: {first} and {second} have the same id; name every part once and give documents unique ids."
        )


def index(step: Step, args: argparse.Namespace) -> None:
    """Publish the order of every split."""
    names = step.settings["parts"]
    if [path.stem for path in args.shards] != list(names):
        raise UserError("--shards has to name the shards of settings.parts, each once and in that order.")
    shards = [step.read("shards", path) for path in args.shards]
    tokenizers = {shard.summary[TOKENIZER_DIGEST] for shard in shards}
    if len(tokenizers) != 1:
        raise UserError(f"The shards beside {args.manifest} come from different tokenizers; run the workflow again.")
    with step.publish() as out:
        documents = 0
        for split in SPLITS:
            order = order_of(shards, names, split)
            np.save(out.file(f"order.{split}.npy"), order)
            documents += len(order)
            out.summary[split] = {"documents": len(order), "tokens": int(order["end"][-1]) if len(order) else 0}
        out.summary[TOKENIZER_DIGEST] = tokenizers.pop()
        out.summary["shards"] = [[name, shard.digest] for name, shard in zip(names, shards, strict=True)]
        out.account(incoming=documents, kept=documents)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    parser = step_parser(__doc__)
    parser.add_argument(
        "--shards", type=Path, nargs="+", required=True, help="manifests of the shards, parts ascending"
    )
    return run_step(MODULE, parser, index, argv)


if __name__ == "__main__":
    raise SystemExit(main())
