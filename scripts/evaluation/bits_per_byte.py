"""Score a model on the held-out documents of its corpus: bits per byte of every source, beside a unigram model.

    python -m scripts.evaluation.bits_per_byte --model results/models/tiny/model.json \\
        --tokenizer results/tokenizers/t.json --shards results/shards/main/t/books/0000.json \\
        --orders results/shards/main/t/books/order.json \\
        --manifest results/evaluations/tiny/bits_per_byte.json --settings '{"model": "tiny", "seed": 1,
        "objective": "causal", "documents": 100, "minimum_improvement": 0.1, "masked_share": 0.15}'

Each document is scored on its own, in windows of the model's context that follow one another, so that no document helps
another. Bits per byte (Gao et al. 2020) is the loss in bits over the UTF-8 bytes of the text, hence comparable between
tokenizers. A masked model is scored by its loss in nats at masked positions, drawn by document, since it gives no
probability of a whole text. Intervals are 95 % bootstrap over documents. The unigram model has the counts of the train
split with one added.
"""

from __future__ import annotations

import argparse
import heapq
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional
from transformers import AutoTokenizer

from scripts.evaluation.statistics import ratio_interval, unigram_nats
from scripts.lib.errors import UserError
from scripts.lib.indexed import IndexedReader
from scripts.lib.likelihood import KINDS, asking
from scripts.lib.manifest import Artefact
from scripts.lib.masking import IGNORED, mask_tokens
from scripts.lib.matching import check_tokenizer
from scripts.lib.ordered import check_encoded, check_orders
from scripts.lib.pieces import piece_bytes
from scripts.lib.progress import progress
from scripts.lib.seeds import seed_for
from scripts.lib.special_tokens import END
from scripts.lib.step import Step, run_step, step_parser

MODULE = "scripts.evaluation.bits_per_byte"
I64 = NDArray[np.int64]
F64 = NDArray[np.float64]


@dataclass(frozen=True)
class Scored:
    """One document: nats of the model and of the unigram model over its predicted tokens, and their number and bytes."""

    nats: float
    unigram: float
    tokens: int
    bytes: int


@dataclass(frozen=True)
class Scorer:
    """A model and what is needed to score documents with it."""

    model: Any
    objective: str
    context: int
    vocabulary: int
    token_bytes: I64
    unigram: F64
    seed: int
    masked_share: float

    def windows(self, ids: I64, number: int) -> Iterator[tuple[I64, I64]]:
        """Yield inputs and labels [1, length] of a document; the token that ends a document stands before its first."""
        stream = np.concatenate([[END], ids])
        for start in range(0, len(stream) - 1, self.context):
            window = stream[start : start + self.context + 1]
            if self.objective == "causal":
                yield window[None, :-1], window[None, 1:]
            else:
                samples = np.array([number], dtype=np.int64)
                yield mask_tokens(
                    window[None, 1:],
                    seed=self.seed,
                    step=start,
                    samples=samples,
                    vocabulary=self.vocabulary,
                    rate=self.masked_share,
                )

    def score(self, ids: I64, number: int) -> Scored:
        """Score one document, given by its token ids without the special token at its end."""
        nats = unigram = 0.0
        tokens = size = 0
        for inputs, labels in self.windows(ids, number):
            rows, places = np.nonzero(labels != IGNORED)
            wanted = labels[rows, places]
            if len(wanted) == 0:
                continue
            with torch.no_grad(), asking(self.model, torch.from_numpy(rows), torch.from_numpy(places)):
                logits = self.model(input_ids=torch.from_numpy(inputs)).logits.float()
            nats += float(functional.cross_entropy(logits, torch.from_numpy(wanted), reduction="sum"))
            unigram += float(self.unigram[wanted].sum())
            tokens += len(wanted)
            size += int(self.token_bytes[wanted].sum())
        return Scored(nats, unigram, tokens, size)


def reader(shard: Artefact, split: str) -> IndexedReader:
    """Open the shard of a split of one part."""
    stem = shard.manifest_path.stem
    return IndexedReader(shard.path(f"{stem}.{split}.bin"), shard.path(f"{stem}.{split}.idx"))


def by_source(shards: Sequence[Artefact]) -> dict[str, list[Artefact]]:
    """Group the shards of parts by source, which is the name of their folder; sources by name, parts ascending."""
    groups: dict[str, list[Artefact]] = {}
    for shard in sorted(shards, key=lambda item: (item.manifest_path.parent.name, item.manifest_path.stem)):
        groups.setdefault(shard.manifest_path.parent.name, []).append(shard)
    return groups


def drawn(shards: Sequence[IndexedReader], most: int, seed: int, source: str) -> list[I64]:
    """Return the ids of at most `most` documents of a source, those whose content hashes lowest; no others stay in memory."""
    documents = (np.asarray(shard[number][:-1], dtype=np.int64) for shard in shards for number in range(len(shard)))
    keyed = ((seed_for(seed, source, ids.tobytes().hex()), place, ids) for place, ids in enumerate(documents))
    return [ids for _, _, ids in heapq.nsmallest(most, keyed)]


def counts(shards: Sequence[Artefact], vocabulary: int) -> I64:
    """Return how often each token id occurs in the train split, shape [vocabulary]."""
    total = np.zeros(vocabulary, dtype=np.int64)
    for shard in shards:
        ids = reader(shard, "train").ids
        for start in range(0, len(ids), 1 << 22):
            total += np.bincount(ids[start : start + (1 << 22)], minlength=vocabulary)
    return total


def summarise(documents: Sequence[Scored], objective: str, seed: int) -> dict[str, Any]:
    """Return the score of some documents: bits per byte, or nats per masked token, with interval and baseline."""
    nats = np.array([one.nats for one in documents])
    unigram = np.array([one.unigram for one in documents])
    tokens = np.array([one.tokens for one in documents], dtype=np.float64)
    size = np.array([one.bytes for one in documents], dtype=np.float64)
    over = size * math.log(2) if objective == "causal" else tokens
    low, high = ratio_interval(nats, over, seed)
    return {
        "unit": "bits per byte" if objective == "causal" else "nats per masked token",
        "score": float(nats.sum() / over.sum()),
        "low": low,
        "high": high,
        "unigram": float(unigram.sum() / over.sum()),
        "improvement": float(1 - nats.sum() / unigram.sum()),
        "documents": len(documents),
        "tokens": int(tokens.sum()),
        "bytes": int(size.sum()),
    }


def load(model: Artefact, tokenizer: Artefact, settings: Any, shards: Sequence[Artefact]) -> Scorer:
    """Load the exported model and count the unigram baseline."""
    objective = settings["objective"]
    network = KINDS[objective].from_pretrained(model.folder("export"), dtype=torch.float32).eval()
    loaded = AutoTokenizer.from_pretrained(tokenizer.folder(tokenizer.manifest_path.stem))
    pieces = piece_bytes(loaded.convert_ids_to_tokens(list(range(len(loaded)))))
    return Scorer(
        network,
        objective,
        network.config.max_position_embeddings,
        len(loaded),
        pieces,
        unigram_nats(counts(shards, len(loaded))),
        settings["seed"],
        settings["masked_share"],
    )


def evaluate(step: Step, args: argparse.Namespace) -> None:
    """Score the validation documents of every source and publish the scores."""
    settings = step.settings
    model = step.read("model", args.model)
    tokenizer = step.read("tokenizer", args.tokenizer)
    shards = [step.read("shards", path) for path in args.shards]
    orders = [step.read("orders", path) for path in args.orders]
    check_tokenizer(model, tokenizer)
    check_orders(args.shards, args.orders)
    check_encoded(shards, orders, tokenizer)
    torch.set_num_threads(args.threads)
    scorer = load(model, tokenizer, settings, shards)
    scores: dict[str, Any] = {}
    everything: list[Scored] = []
    kept: dict[str, int] = {}
    left: dict[tuple[str, str], int] = {}
    for source, parts in by_source(shards).items():
        shards_of_source = [reader(part, "validation") for part in parts]
        available = sum(map(len, shards_of_source))
        chosen = [ids for ids in drawn(shards_of_source, settings["documents"], scorer.seed, source) if len(ids)]
        scored = [scorer.score(ids, number) for number, ids in enumerate(progress(chosen, len(chosen), source))]
        scored = [one for one in scored if one.tokens and one.bytes]
        kept[source] = len(scored)
        left[source, "beyond_sample"] = max(available - settings["documents"], 0)
        left[source, "nothing_to_score"] = available - left[source, "beyond_sample"] - len(scored)
        if scored:
            scores[source] = summarise(scored, scorer.objective, seed_for(scorer.seed, "interval", source))
            everything += scored
    if not everything:
        raise UserError("No source has validation documents; raise corpora.*.split.validation.")
    scores_all = summarise(everything, scorer.objective, seed_for(scorer.seed, "interval"))
    least = settings["minimum_improvement"]
    if least is not None and scores_all["improvement"] < least:
        raise UserError(
            f"Model {settings['model']} scores {scores_all['score']:.3f} {scores_all['unit']}, only "
            f"{scores_all['improvement']:.1%} better than a unigram model's {scores_all['unigram']:.3f}; train it longer, or "
            f"lower evaluation.minimum_improvement ({least:.0%})."
        )
    with step.publish() as out:
        out.summary.update({"model": settings["model"], "all": scores_all, "sources": scores})
        out.account_sources(kept, left)
        path = out.file(f"{args.manifest.stem}.scores.json")
        path.write_text(json.dumps({"all": scores_all, "sources": scores}, indent=1, sort_keys=True), encoding="utf-8")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    parser = step_parser(__doc__)
    parser.add_argument("--model", type=Path, required=True, help="manifest of the model")
    parser.add_argument("--tokenizer", type=Path, required=True, help="manifest of its tokenizer")
    parser.add_argument("--shards", type=Path, nargs="+", required=True, help="manifests of the shards of its corpus")
    parser.add_argument("--orders", type=Path, nargs="+", required=True, help="manifests of their orders, every source")
    parser.add_argument("--threads", type=int, default=1, help="threads of the computation")
    return run_step(MODULE, parser, evaluate, argv)


if __name__ == "__main__":
    raise SystemExit(main())
