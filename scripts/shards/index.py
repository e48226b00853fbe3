"""Order the documents of a source by their keys, across its parts.

    python -m scripts.shards.index --settings '{"parts": ["0000"]}' --shards results/shards/main/main/books/0000.json \\
        --manifest results/shards/main/main/books/order.json

Writes `order.<split>.npy`: a row per document with its part, its number and first token there, and the end of its tokens in the
stream (scripts.lib.streams), so the stream of a source does not depend on how it is cut into parts. The manifest names the parts
in their order with the digests of their manifests: whoever reads the order with other shards is refused.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scripts.lib.arrays import ArrayWriter
from scripts.lib.errors import UserError
from scripts.lib.indexed import IndexedReader
from scripts.lib.manifest import Artefact
from scripts.lib.matching import TOKENIZER_DIGEST
from scripts.lib.step import Step, run_step, step_parser
from scripts.lib.streams import KEY_BYTES, ORDER_DTYPE

MODULE = "scripts.shards.index"
SPLITS = ("train", "validation", "test")
BLOCK = 1 << 22  # documents that are sorted together, in some 400 MB


def order_of(shards: Sequence[Artefact], names: Sequence[str], split: str) -> Iterator[NDArray[Any]]:
    """Yield the order of a split, block by block; raises UserError where keys and shards do not belong together.

    A block holds the documents with keys in one stretch of all keys. Keys are hashes, so stretches of equal length have about
    equally many, and memory does not grow with the source, but every part's keys are read once for each stretch.
    """
    documents = sum(
        shard.path(f"{part}.{split}.keys").stat().st_size for shard, part in zip(shards, names, strict=True)
    )
    stretches = max(1, -(-documents // (KEY_BYTES * BLOCK)))
    tokens = 0
    for number in range(stretches):
        low, high = ((number + more) * 2**64 // stretches for more in (0, 1))
        order = stretch_of(shards, names, split, low, high - 1)
        order["end"] = tokens + np.cumsum(order["end"])
        tokens = int(order["end"][-1]) if len(order) else tokens
        yield order


def stretch_of(shards: Sequence[Artefact], names: Sequence[str], split: str, low: int, high: int) -> NDArray[Any]:
    """Return the documents whose keys begin with 64 bits from `low` up to and with `high`, in order, with their sizes as ends."""
    keys: list[NDArray[Any]] = []
    rows: list[NDArray[Any]] = []
    for number, (shard, part) in enumerate(zip(shards, names, strict=True)):
        reader = IndexedReader(shard.path(f"{part}.{split}.bin"), shard.path(f"{part}.{split}.idx"))
        found = np.fromfile(shard.path(f"{part}.{split}.keys"), dtype=">u8").reshape(-1, 2)
        if len(found) != len(reader):
            raise UserError(
                f"{part}.{split}.keys has {len(found)} keys for {len(reader)} documents; write the shard again."
            )
        mine = np.flatnonzero((found[:, 0] >= np.uint64(low)) & (found[:, 0] <= np.uint64(high)))
        block = np.zeros(len(mine), ORDER_DTYPE)
        block["part"], block["document"], block["end"] = number, mine, reader.sizes[mine]
        block["begin"] = reader.pointers[mine] // reader.dtype.itemsize
        keys.append(found[mine])
        rows.append(block)
    joined, order = np.concatenate(keys), np.concatenate(rows)
    first = joined[:, 0].astype(np.uint64)
    ascending = np.argsort(first)  # the first halves nearly always differ, and this is 8 times as fast as both halves
    if np.any(np.diff(first[ascending]) == 0):
        ascending = np.lexsort((joined[:, 1], first))
        check_distinct(joined[ascending], order[ascending], names, split)
    return order.take(ascending)  # which is 8 times as fast as an index in brackets


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
            tokens = 0
            with ArrayWriter(out.file(f"order.{split}.npy"), ORDER_DTYPE) as writer:
                for order in order_of(shards, names, split):
                    writer.add(order)
                    tokens = int(order["end"][-1]) if len(order) else tokens
            documents += writer.items
            out.summary[split] = {"documents": writer.items, "tokens": tokens}
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
