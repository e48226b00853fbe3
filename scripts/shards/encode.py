"""Encode the curated documents of a part with a tokenizer, a shard per split in Megatron's indexed format.

    python -m scripts.shards.encode --settings '{}' --documents results/corpora/main/documents/books/0000.json \\
        --tokenizer results/tokenizers/main.json --manifest results/shards/main/main/books/0000.json

Writes `<part>.<split>.bin` and `.idx` for train, validation and test (possibly without documents), and `<part>.<split>.keys`,
the 16 bytes by which each document is ordered. Every document ends with the token that ends a text.

A large part is encoded by the compiled encoder, while a sample of its documents is compared with sentencepiece; where an id
differs, or the encoder does not take the model, sentencepiece encodes the part. The log and the provenance say so.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from scripts.lib.documents import read_batches
from scripts.lib.indexed import IndexedWriter, smallest_dtype
from scripts.lib.manifest import Artefact
from scripts.lib.matching import TOKENIZER_DIGEST
from scripts.lib.progress import progress
from scripts.lib.sentencepiece_model import Unsuited
from scripts.lib.special_tokens import END
from scripts.lib.step import Output, Step, run_step, step_parser
from scripts.lib.streams import document_key
from scripts.lib.vocabulary import Vocabulary, model_of
from scripts.shards.engines import (
    Checked,
    DifferentIds,
    Engine,
    Reference,
    compiled_engine,
    text_bytes,
    worth_compiling,
)

log = logging.getLogger(__name__)
MODULE = "scripts.shards.encode"
SPLITS = ("train", "validation", "test")


def write_shards(
    documents: Artefact, vocabulary: Vocabulary, engine: Engine, out: Output, stem: str
) -> dict[str, dict[str, int]]:
    """Write the shards of a part; returns documents, tokens and bytes of text of every split."""
    table = documents.path(f"{documents.manifest_path.stem}.parquet")
    rows = documents.manifest["accounting"]["kept"]
    counts = {split: {"documents": 0, "tokens": 0, "bytes": 0} for split in SPLITS}
    with ExitStack() as stack:
        writers, keys = {}, {}
        for split in SPLITS:
            data, index = out.file(f"{stem}.{split}.bin"), out.file(f"{stem}.{split}.idx")
            writers[split] = stack.enter_context(IndexedWriter(data, index, smallest_dtype(vocabulary.size)))
            keys[split] = stack.enter_context(out.file(f"{stem}.{split}.keys").open("wb"))
        batches = read_batches(table, ["id", "text", "split"], 500)
        for batch in progress(batches, -(-rows // 500), "encode"):
            for split in SPLITS:
                mine = batch.filter(pc.equal(batch.column("split"), split))
                ids, sizes = engine.encode(mine.column("text"), END)
                writers[split].add_many(ids, sizes)
                keys[split].write(b"".join(map(document_key, mine.column("id").to_pylist())))
                counts[split]["documents"] += mine.num_rows
                counts[split]["tokens"] += len(ids)
                counts[split]["bytes"] += pc.sum(pc.binary_length(mine.column("text"))).as_py() or 0
    return counts


def write_checked(documents: Artefact, tokenizer: Artefact, out: Output, stem: str) -> tuple[Any, dict[str, Any]]:
    """Write the shards of a part with the fastest engine that gives the ids of sentencepiece; returns counts and engine."""
    vocabulary = Vocabulary.of(tokenizer)
    size = text_bytes(documents.path(f"{documents.manifest_path.stem}.parquet"))
    reason = f"it is done sooner with {size:,} bytes than the compiled encoder has begun"
    if worth_compiling(size):
        try:
            engine: Checked = compiled_engine(model_of(tokenizer), vocabulary)
            counts = write_shards(documents, vocabulary, engine, out, stem)
            log.info("Encoded by the compiled encoder; %d documents checked against sentencepiece.", engine.checked)
            return counts, {"engine": engine.name, "checked": engine.checked}
        except (DifferentIds, Unsuited) as error:
            reason = str(error)
            log.warning("notice: sentencepiece encodes this part, not the compiled encoder: %s.", reason)
    else:
        log.info("Encoded by sentencepiece: %s.", reason)
    reference = Reference(vocabulary)
    return write_shards(documents, vocabulary, reference, out, stem), {"engine": reference.name, "reason": reason}


def encode(step: Step, args: argparse.Namespace) -> None:
    """Publish the shards of one part."""
    documents = step.read("documents", args.documents)
    tokenizer = step.read("tokenizer", args.tokenizer)
    with step.publish() as out:
        splits, step.execution = write_checked(documents, tokenizer, out, args.manifest.stem)
        out.summary[TOKENIZER_DIGEST] = tokenizer.digest
        out.summary["splits"] = splits
        rows = documents.manifest["accounting"]["kept"]
        out.account(incoming=rows, kept=sum(one["documents"] for one in splits.values()))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    parser = step_parser(__doc__)
    parser.add_argument("--documents", type=Path, required=True, help="manifest of the curated documents of one part")
    parser.add_argument("--tokenizer", type=Path, required=True, help="manifest of the tokenizer")
    return run_step(MODULE, parser, encode, argv)


if __name__ == "__main__":
    raise SystemExit(main())
