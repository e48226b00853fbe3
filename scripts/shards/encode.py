"""Encode the curated documents of a part with a tokenizer, a shard per split in Megatron's indexed format.

    python -m scripts.shards.encode --settings '{}' --documents results/corpora/main/documents/books/0000.json \\
        --tokenizer results/tokenizers/main.json --manifest results/shards/main/main/books/0000.json

Writes `<part>.<split>.bin` and `.idx` for train, validation and test (possibly without documents), and `<part>.<split>.keys`,
the 16 bytes by which each document is ordered. Every document ends with the token that ends a text.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from scripts.lib.documents import read_batches
from scripts.lib.indexed import IndexedWriter, smallest_dtype
from scripts.lib.progress import progress
from scripts.lib.special_tokens import END
from scripts.lib.step import Step, run_step, step_parser
from scripts.lib.streams import document_key
from scripts.lib.vocabulary import Vocabulary

MODULE = "scripts.shards.encode"
SPLITS = ("train", "validation", "test")


def encode(step: Step, args: argparse.Namespace) -> None:
    """Publish the shards of one part."""
    documents = step.read("documents", args.documents)
    tokenizer = step.read("tokenizer", args.tokenizer)
    vocabulary = Vocabulary.of(tokenizer)
    stem = args.manifest.stem
    texts = {split: 0 for split in SPLITS}
    counts = {split: 0 for split in SPLITS}
    rows = documents.manifest["accounting"]["kept"]
    with step.publish() as out:
        with ExitStack() as stack:
            writers, keys = {}, {}
            for split in SPLITS:
                data, index = out.file(f"{stem}.{split}.bin"), out.file(f"{stem}.{split}.idx")
                writers[split] = stack.enter_context(IndexedWriter(data, index, smallest_dtype(vocabulary.size)))
                keys[split] = stack.enter_context(out.file(f"{stem}.{split}.keys").open("wb"))
            batches = read_batches(documents.path(f"{args.documents.stem}.parquet"), ["id", "text", "split"], 500)
            for batch in progress(batches, -(-rows // 500), "encode"):
                columns = (batch.column(name).to_pylist() for name in ("id", "text", "split"))
                for identifier, text, split in zip(*columns, strict=True):
                    writers[split].add(np.array([*vocabulary.encode(text), END], dtype=np.int64))
                    keys[split].write(document_key(identifier))
                    texts[split] += len(text.encode("utf-8"))
                    counts[split] += 1
        out.summary["tokenizer"] = tokenizer.digest
        out.summary["splits"] = {
            split: {"documents": counts[split], "tokens": writers[split].tokens, "bytes": texts[split]}
            for split in SPLITS
        }
        out.account(incoming=rows, kept=sum(counts.values()))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    parser = step_parser(__doc__)
    parser.add_argument("--documents", type=Path, required=True, help="manifest of the curated documents of one part")
    parser.add_argument("--tokenizer", type=Path, required=True, help="manifest of the tokenizer")
    return run_step(MODULE, parser, encode, argv)


if __name__ == "__main__":
    raise SystemExit(main())
