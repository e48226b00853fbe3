"""Pack the training documents of a source into samples of one length, best-fit (scripts.lib.packing).

    python -m scripts.shards.pack --settings '{"sequence_length": 256}' --order results/shards/main/main/books/order.json \\
        --manifest results/shards/main/main/books/pack-256.json

Writes `pack-<length>.pieces.npy`, the pieces of documents in the order of the source's stream with their samples, and
`.samples.npy` and `.offsets.npy`, which find the pieces of a sample.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scripts.lib.arrays import ArrayWriter
from scripts.lib.packing import BLOCK, PIECE_DTYPE, index_block, pack
from scripts.lib.progress import progress
from scripts.lib.step import Step, run_step, step_parser
from scripts.lib.streams import load_order

MODULE = "scripts.shards.pack"


def write_packing(ends: NDArray[Any], length: int, pieces: Path, samples: Path, offsets: Path) -> int:
    """Write the three files of a packing, block by block, and return its number of samples. `ends` are those of the documents."""
    begin = made = 0
    with (
        ArrayWriter(pieces, PIECE_DTYPE) as of_stream,
        ArrayWriter(samples, np.int64) as of_samples,
        ArrayWriter(offsets, np.int64) as of_offsets,
    ):
        of_offsets.add(np.zeros(1, np.int64))
        for block in progress(pack(ends, length), -(-len(ends) // BLOCK), "pack"):
            by_sample, starts = index_block(block, length, begin, made)
            of_samples.add(by_sample + of_stream.items)
            of_offsets.add(starts[1:] + of_stream.items)
            of_stream.add(block)
            begin, made = begin + int(block["size"].sum(dtype=np.int64)), made + len(starts) - 1
    if len(ends) and begin != int(ends[-1]):
        raise AssertionError("a packing has to hold every token once")
    return made


def document_sizes(ends: NDArray[Any]) -> Iterator[NDArray[np.int64]]:
    """Yield how many tokens documents have, block by block."""
    for start in range(0, len(ends), BLOCK):
        yield np.diff(ends[start : start + BLOCK], prepend=ends[start - 1] if start else 0)


def publish_packing(step: Step, args: argparse.Namespace) -> None:
    """Publish the packing; documents without tokens are in no sample."""
    order = step.read("order", args.order)
    length = int(step.settings["sequence_length"])
    ends = load_order(order.path("order.train.npy"))["end"]
    tokens = int(ends[-1]) if len(ends) else 0
    with step.publish() as out:
        paths = [out.file(f"{args.manifest.stem}.{kind}.npy") for kind in ("pieces", "samples", "offsets")]
        samples = write_packing(ends, length, *paths)
        empty = sum(int(np.count_nonzero(sizes == 0)) for sizes in document_sizes(ends))
        room = samples * length
        out.summary |= {
            "sequence_length": length,
            "samples": samples,
            "tokens": tokens,
            "padding": room - tokens,
            "filled": round(tokens / room, 6) if room else None,
            "cut_documents": sum(int(np.count_nonzero(sizes > length)) for sizes in document_sizes(ends)),
            "order": order.digest,
        }
        out.account(incoming=len(ends), kept=len(ends) - empty, removed={"empty": empty} if empty else {})


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    parser = step_parser(__doc__)
    parser.add_argument("--order", type=Path, required=True, help="manifest of the order of the source's documents")
    return run_step(MODULE, parser, publish_packing, argv)


if __name__ == "__main__":
    raise SystemExit(main())
