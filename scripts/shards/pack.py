"""Pack the training documents of a source into samples of one length, best-fit (scripts.lib.packing).

    python -m scripts.shards.pack --settings '{"sequence_length": 256}' --order results/shards/main/main/books/order.json \\
        --manifest results/shards/main/main/books/pack-256.json

Writes `pack-<length>.pieces.npy`, the pieces of documents in the order of the source's stream with their samples, and
`.samples.npy` and `.offsets.npy`, which find the pieces of a sample.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from scripts.lib.packing import BLOCK, PIECE_DTYPE, Packing, pack
from scripts.lib.progress import progress
from scripts.lib.step import Step, run_step, step_parser
from scripts.lib.streams import load_order

MODULE = "scripts.shards.pack"


def publish_packing(step: Step, args: argparse.Namespace) -> None:
    """Publish the packing; documents without tokens are in no sample."""
    order = step.read("order", args.order)
    length = int(step.settings["sequence_length"])
    ends = load_order(order.path("order.train.npy"))["end"]
    with step.publish() as out:
        blocks = progress(pack(ends, length), -(-len(ends) // BLOCK), "pack")
        packing = Packing.of(np.concatenate([np.zeros(0, PIECE_DTYPE), *blocks]), length)
        arrays = {"pieces": packing.pieces, "samples": packing.by_sample, "offsets": packing.offsets}
        for kind, values in arrays.items():
            np.save(out.file(f"{args.manifest.stem}.{kind}.npy"), values)
        sizes = np.diff(ends, prepend=0)
        tokens, empty = int(sizes.sum()), int(np.count_nonzero(sizes == 0))
        room = packing.samples * length
        out.summary |= {
            "sequence_length": length,
            "samples": packing.samples,
            "tokens": tokens,
            "padding": room - tokens,
            "filled": round(tokens / room, 6) if room else None,
            "cut_documents": int(np.count_nonzero(sizes > length)),
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
