"""Compare the tokenizers of a corpus on documents that none of them was trained on.

    python -m scripts.tokenizer.compare --documents results/corpora/main/documents/books/0000.json \\
        --tokenizers results/tokenizers/main.json results/tokenizers/small.json \\
        --manifest results/corpora/main/tokenizers.json --settings '{"corpus": "main", "tokenizers": ["main", "small"]}'

Measures of each tokenizer, over all documents and for each source and language: bytes per token; fertility, the tokens of a word
between white space (Ács 2019); premium, how many times as many tokens a character takes as one of all documents does (after
Petrov et al. 2023, who have parallel texts). Over all: pieces that no document uses, the share of documents that come back
exactly, and the Rényi efficiency of order 2.5 (Zouhar et al. 2023), the higher the better for a model of equal size.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from scripts.lib.documents import read_batches
from scripts.lib.errors import UserError
from scripts.lib.manifest import Artefact
from scripts.lib.pieces import BYTE
from scripts.lib.special_tokens import SPECIAL_COUNT
from scripts.lib.step import Step, run_step, step_parser
from scripts.lib.streams import document_key
from scripts.lib.vocabulary import Vocabulary
from scripts.tokenizer.sample import UNDETERMINED

MODULE = "scripts.tokenizer.compare"
SOURCE_BYTES = 1_000_000  # of each source, so that a comparison takes seconds
RENYI_ORDER = 2.5  # the order that agrees best with the quality of translations, Zouhar et al. 2023
Document = tuple[bytes, str, str]  # key, language, text


@dataclass
class Sample:
    """The first documents of a source in the order of their keys, up to a number of bytes but at least one document."""

    limit: int
    documents: list[Document] = field(default_factory=list)
    seen: int = 0
    _held: int = 0

    def add(self, document: Document) -> None:
        """Take a document along if it is among the first."""
        self.seen += 1
        self.documents.append(document)
        self._held += len(document[2].encode("utf-8"))
        if (
            self._held > self.limit
        ):  # since it was last trimmed, so that one long text does not sort all at each document
            self.trim()

    def trim(self) -> None:
        """Leave the first documents only."""
        self.documents.sort()
        sizes = np.cumsum([len(text.encode("utf-8")) for _, _, text in self.documents])
        kept = max(1, int(np.searchsorted(sizes, self.limit, side="right")))
        self.documents = self.documents[:kept]
        self._held = 0


@dataclass
class Tally:
    """Counts of a group of documents."""

    documents: int = 0
    bytes: int = 0
    characters: int = 0
    words: int = 0
    tokens: int = 0

    def add(self, text: str, tokens: int) -> None:
        """Count a document."""
        self.documents += 1
        self.bytes += len(text.encode("utf-8"))
        self.characters += len(text)
        self.words += len(text.split())
        self.tokens += tokens

    def measures(self, whole: Tally) -> dict[str, Any]:
        """Return the measures of the group beside those of all documents."""
        premium = self.tokens * whole.characters / max(self.characters * whole.tokens, 1)
        return {
            "documents": self.documents,
            "bytes": self.bytes,
            "tokens": self.tokens,
            "bytes_per_token": round(self.bytes / max(self.tokens, 1), 4),
            "fertility": round(self.tokens / max(self.words, 1), 4),
            "premium": round(premium, 4),
        }


def held_out(sources: dict[str, list[Artefact]], limit: int) -> tuple[str, dict[str, list[Document]], int]:
    """Return which documents are compared on, the sample of each source, and how many such documents there are.

    They are those of the splits for validation and test; where no source has any, those for training.
    """
    for kind in ("held out", "training"):
        samples = {name: Sample(limit) for name in sorted(sources)}
        for name, parts in sources.items():
            for part in parts:
                for row in rows_of(part, kind == "training"):
                    samples[name].add((document_key(row["id"]), row["language"] or UNDETERMINED, row["text"]))
        if any(one.seen for one in samples.values()):
            break
    for one in samples.values():
        one.trim()
    return kind, {name: one.documents for name, one in samples.items()}, sum(one.seen for one in samples.values())


def rows_of(part: Artefact, training: bool) -> Iterator[dict[str, Any]]:
    """Yield the documents of a part for training or all others; no other text becomes Python's."""
    for batch in read_batches(part.path(f"{part.manifest_path.stem}.parquet"), ["id", "language", "split", "text"]):
        trained = pc.equal(batch["split"], "train")
        yield from batch.filter(trained if training else pc.invert(trained)).to_pylist()


def renyi_efficiency(counts: NDArray[np.int64], order: float = RENYI_ORDER) -> float:
    """Return the Rényi entropy of a distribution of tokens over the most that so many kinds of tokens can have.

    Zouhar et al. 2023, "Tokenization and the Noiseless Channel"; 1 when all tokens are equally frequent.
    """
    shares = counts[counts > 0] / max(int(counts.sum()), 1)
    if len(counts) < 2 or not len(shares):
        return 0.0
    entropy = np.log(np.sum(shares**order)) / (1 - order)
    return float(entropy / np.log(len(counts)))


def measure(vocabulary: Vocabulary, sources: dict[str, list[Document]]) -> dict[str, Any]:
    """Return all measures of one tokenizer."""
    counts = np.zeros(vocabulary.size, np.int64)
    whole, exact = Tally(), 0
    groups: dict[str, dict[str, Tally]] = {"sources": {}, "languages": {}}
    for source, documents in sources.items():
        for _, language, text in documents:
            ids = vocabulary.encode(text)
            np.add.at(counts, ids, 1)
            exact += vocabulary.decode(ids) == text
            for tally in (
                whole,
                groups["sources"].setdefault(source, Tally()),
                groups["languages"].setdefault(language, Tally()),
            ):
                tally.add(text, len(ids))
    usable = counts[SPECIAL_COUNT:]
    return {
        "vocabulary": vocabulary.size,
        "unused_pieces": sum(
            not counts[number] and not BYTE.fullmatch(piece)
            for number, piece in enumerate(vocabulary.pieces())
            if number >= SPECIAL_COUNT
        ),
        "round_trip": round(exact / max(whole.documents, 1), 6),
        "renyi_efficiency": round(renyi_efficiency(usable), 4),
        "all": whole.measures(whole),
        **{kind: {name: one.measures(whole) for name, one in sorted(found.items())} for kind, found in groups.items()},
    }


def compare(step: Step, args: argparse.Namespace) -> None:
    """Publish the comparison."""
    names = [path.stem for path in args.tokenizers]
    if names != step.settings["tokenizers"]:
        raise UserError(
            f"The tokenizers given are {', '.join(names)}, not those of the settings; run the workflow again."
        )
    sources: dict[str, list[Artefact]] = {}
    for path in args.documents:
        sources.setdefault(path.parent.name, []).append(step.read("documents", path))
    kind, documents, seen = held_out(sources, SOURCE_BYTES)
    compared = sum(map(len, documents.values()))
    with step.publish() as out:
        out.summary["corpus"] = step.settings["corpus"]
        out.summary["documents"] = kind
        out.summary["tokenizers"] = {
            name: measure(Vocabulary.of(step.read("tokenizer", path)), documents)
            for name, path in zip(names, args.tokenizers, strict=True)
        }
        out.account(incoming=seen, kept=compared, removed={"beyond_the_sample": seen - compared})


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    parser = step_parser(__doc__)
    parser.add_argument("--documents", type=Path, nargs="+", required=True, help="manifests of curated documents")
    parser.add_argument(
        "--tokenizers", type=Path, nargs="+", required=True, help="manifests of the tokenizers, by name"
    )
    return run_step(MODULE, parser, compare, argv)


if __name__ == "__main__":
    raise SystemExit(main())
