"""Train a tokenizer on a bounded sample of a corpus and publish it as a sentencepiece model and a Hugging Face tokenizer.

    python -m scripts.tokenizer.train --documents results/corpora/main/documents/books/0000.json \\
        --checkpoints results/checkpoints --manifest results/tokenizers/main.json --settings '{"seed": 1, "corpus": "main",
        "algorithm": "bpe", "vocabulary": 8192, "sample_bytes": 20000000, "character_coverage": 0.9995, "weights": {},
        "language_weights": {}, "user_symbols": []}'

Text is taken as it is (identity normalisation; no prefix; white space and newlines kept), digits stand alone and what has no
piece is spelled in bytes, so every text comes back exactly (but U+2581, by which sentencepiece spells a space). Both forms must
give equal ids on the sample and on nasty strings before anything is published. Training is bit-stable: one thread, sentences in
a fixed order; the scores of a unigram model are sums in floating point, of which only whole steps are kept.
"""

from __future__ import annotations

import argparse
import io
import logging
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import regex
import sentencepiece

from scripts.lib.errors import UserError
from scripts.lib.manifest import Artefact
from scripts.lib.nasty import NASTY
from scripts.lib.progress import progress
from scripts.lib.special_tokens import BEGIN, END, PAD, SPECIAL_COUNT, SPECIAL_TOKENS, UNKNOWN
from scripts.lib.step import Output, Step, finished_state, keep_finished, republish, run_step, step_parser
from scripts.lib.vocabulary import Vocabulary
from scripts.tokenizer.export import check_equal_ids, write_fast_tokenizer
from scripts.tokenizer.memory import megabytes
from scripts.tokenizer.sample import sample_texts
from scripts.tokenizer.unigram import OPENING, whole_steps

log = logging.getLogger(__name__)
MODULE = "scripts.tokenizer.train"
LINE_CHARACTERS = 4000  # sentencepiece drops longer "sentences"
CHECKED = 2000  # texts of the sample on which both forms are compared
DIGIT = r"[\p{Nd}--[0-9\uff10-\uff19]]"  # where the Hugging Face form cuts; sentencepiece's `split_digits` knows the rest only


@dataclass(frozen=True)
class Recipe:
    """What decides the pieces, next to the documents; `corpus` is named where it has no text."""

    seed: int
    corpus: str
    algorithm: str
    vocabulary: int
    sample_bytes: int
    character_coverage: float
    weights: dict[str, float]
    language_weights: dict[str, float]
    user_symbols: list[str]

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Self:
        """Read the settings of the step, leaf by leaf: one that is not named here is refused when the result is published."""
        weights, language_weights = settings["weights"], settings["language_weights"]
        return cls(
            seed=int(settings["seed"]),
            corpus=str(settings["corpus"]),
            algorithm=str(settings["algorithm"]),
            vocabulary=int(settings["vocabulary"]),
            sample_bytes=int(settings["sample_bytes"]),
            character_coverage=float(settings["character_coverage"]),
            weights={source: float(weights[source]) for source in sorted(weights)},
            language_weights={language: float(language_weights[language]) for language in sorted(language_weights)},
            user_symbols=list(settings["user_symbols"]),
        )


def lines_of(text: str, opening: str = "") -> Iterator[str]:
    """Yield the lines of a text with their newlines, cut so that no piece is trained over a cut.

    They are cut where they are too long for the trainer, around each `DIGIT`, and after each `opening`.
    """
    cut = regex.compile(f"({DIGIT}|(?<={regex.escape(opening)}))" if opening else f"({DIGIT})", regex.VERSION1)
    for line in text.splitlines(keepends=True):
        for some in cut.split(line):
            for start in range(0, len(some), LINE_CHARACTERS):
                yield some[start : start + LINE_CHARACTERS]


def check_memory(size: int, memory: int | None) -> None:
    """Log how much memory training on `size` bytes takes; raises UserError when the job may use less (both in MB)."""
    needed = megabytes(size)
    log.info("Training on %.1f MB of text takes about %d MB of memory.", size / 1e6, needed)
    if memory is not None and needed > memory:
        raise UserError(
            f"sample_bytes of {size:,} takes about {needed:,} MB of memory and this job may use {memory:,}; lower it, or raise "
            "mem_mb of the rule tokenizer in your profile."
        )


def train_model(texts: dict[str, list[str]], recipe: Recipe) -> bytes:
    """Return the trained sentencepiece model. Raises UserError for a vocabulary that the sample does not support."""
    opening = OPENING if recipe.algorithm == "unigram" else ""
    everything = [text for name in sorted(texts) for text in texts[name]]
    sentences = (line for text in progress(everything, len(everything), "sample") for line in lines_of(text, opening))
    symbols: dict[str, Any] = {"user_defined_symbols": recipe.user_symbols} if recipe.user_symbols else {}
    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=sentences,
            model_writer=model,
            model_type=recipe.algorithm,
            vocab_size=recipe.vocabulary,
            character_coverage=recipe.character_coverage,
            byte_fallback=True,
            split_digits=True,
            normalization_rule_name="identity",
            remove_extra_whitespaces=False,
            add_dummy_prefix=False,
            allow_whitespace_only_pieces=True,
            max_sentence_length=16 * LINE_CHARACTERS,
            num_threads=1,
            shuffle_input_sentence=False,
            train_extremely_large_corpus=False,
            unk_id=UNKNOWN,
            bos_id=BEGIN,
            eos_id=END,
            pad_id=PAD,
            control_symbols=list(SPECIAL_TOKENS[PAD + 1 :]),
            minloglevel=2,
            **symbols,
        )
    except (RuntimeError, OSError) as error:
        raise UserError(_training_problem(str(error), recipe.vocabulary)) from None
    return whole_steps(model.getvalue()) if recipe.algorithm == "unigram" else model.getvalue()


def _training_problem(message: str, vocabulary: int) -> str:
    largest = re.search(r"value <= (\d+)", message)
    if largest:
        return (
            f"vocabulary is {vocabulary}, but the sample supports at most {largest[1]}; lower it or raise sample_bytes."
        )
    if "smaller than required_chars" in message or "required_chars" in message:
        smallest = re.findall(r"\d+", message)
        return (
            f"vocabulary is {vocabulary}, too small for special tokens, bytes, user symbols and the characters of the sample "
            f"({smallest[-1]}); raise it."
        )
    return f"The tokenizer cannot be trained on this sample ({message.splitlines()[-1].strip()}); check the corpus."


def measures(vocabulary: Vocabulary, processor: Any, texts: dict[str, list[str]]) -> dict[str, Any]:
    """Return bytes per token and fertility (tokens per white-space word) of each source, and the unused pieces."""
    used: Counter[int] = Counter()
    sources = {}
    for name in sorted(texts):
        size = tokens = words = 0
        for text in progress(texts[name], len(texts[name]), f"pieces in {name}"):
            ids = vocabulary.encode(text)
            used.update(ids)
            size, tokens, words = size + len(text.encode("utf-8")), tokens + len(ids), words + len(text.split())
        if tokens:
            sources[name] = {
                "bytes": size,
                "tokens": tokens,
                "bytes_per_token": round(size / tokens, 4),
                "fertility": round(tokens / max(words, 1), 4),
            }
    pieces = range(SPECIAL_COUNT, processor.get_piece_size())
    unused = sum(1 for number in pieces if number not in used and not processor.is_byte(number))
    return {"sources": sources, "unused_pieces": unused, "vocabulary": processor.get_piece_size()}


def make_tokenizer(
    sources: dict[str, list[Artefact]], recipe: Recipe, out: Output, name: str, memory: int | None
) -> None:
    """Train, export, compare, and stage the result."""
    texts = sample_texts(sources, recipe.sample_bytes, recipe.seed, recipe.weights, recipe.language_weights)
    if not any(texts.values()):
        raise UserError(f"Corpus {recipe.corpus!r} has no training text for a tokenizer; loosen its filters.")
    size = sum(len(text.encode("utf-8")) for those in texts.values() for text in those)
    check_memory(size, memory)
    folder = out.folder(name)
    model = folder / "tokenizer.model"
    model.write_bytes(train_model(texts, recipe))
    processor: Any = sentencepiece.SentencePieceProcessor(model_file=str(model))
    lines = [f"{processor.id_to_piece(i)}\t{processor.get_score(i):g}\n" for i in range(processor.get_piece_size())]
    (folder / "tokenizer.vocab").write_text("".join(lines), encoding="utf-8")
    fast = write_fast_tokenizer(model.read_bytes(), folder)
    vocabulary = Vocabulary(model)
    checked = [text for name in sorted(texts) for text in texts[name]][
        :: max(1, -(-sum(map(len, texts.values())) // CHECKED))
    ]
    out.summary.update(measures(vocabulary, processor, texts))
    nasty = [*NASTY, *recipe.user_symbols, "".join(recipe.user_symbols)] if recipe.user_symbols else NASTY
    out.summary["checked_texts"] = check_equal_ids(vocabulary, fast, [*nasty, *checked])
    documents = sum(map(len, texts.values()))
    out.account(incoming=documents, kept=documents)


def train(step: Step, args: argparse.Namespace) -> None:
    """Publish the tokenizer, from the checkpoint folder when it was finished before."""
    recipe = Recipe.from_settings(step.settings)
    sources: dict[str, list[Artefact]] = {}
    for path in args.documents:
        sources.setdefault(path.parent.name, []).append(step.read("documents", path))
    kept = args.checkpoints / step.recipe_digest()
    finished = finished_state(kept)
    with step.publish() as out:
        if finished is not None:
            republish(finished, out)
        else:
            make_tokenizer(sources, recipe, out, args.manifest.stem, args.memory)
            keep_finished(kept, out)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    parser = step_parser(__doc__)
    parser.add_argument("--documents", type=Path, nargs="+", required=True, help="manifests of curated documents")
    parser.add_argument("--checkpoints", type=Path, required=True, help="folder where finished results are kept")
    parser.add_argument("--memory", type=int, metavar="MB", help="what this job may use")
    return run_step(MODULE, parser, train, argv)


if __name__ == "__main__":
    raise SystemExit(main())
