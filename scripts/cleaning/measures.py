"""What the published filters measure of a document: one value per column, no thresholds, in one compiled pass.

Sources: Gopher (Rae et al. 2021, appendix A1), C4 (Raffel et al. 2020, section 2.2), FineWeb (Penedo et al. 2024, section 3.6),
RefinedWeb (Penedo et al. 2023, appendix G.2: its line-wise corrections). Of the first three the numbers are those that the
filters of datatrove 0.10.1 compare with their thresholds. Stated differences: scripts without spaces between words have a word
per letter (scripts.cleaning.split), sentence terminals of other scripts end a line for C4 too, and an empty text repeats nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from scripts.cleaning import counts as at
from scripts.cleaning.repetition import DUPLICATE_NGRAMS, TOP_NGRAMS
from scripts.cleaning.scan import count_all

Measures = dict[str, float | int]
Document = dict[str, Any]
Column = np.ndarray[tuple[int], np.dtype[np.int64]] | np.ndarray[tuple[int], np.dtype[np.float64]]
Numbers = np.ndarray[Any, np.dtype[np.int64]]
BATCH_CHARACTERS = 250_000
BATCH_TEXTS = 1_000

MEASURED = (
    "characters",
    "words",
    "mean_word_length",
    "hash_ratio",
    "ellipsis_ratio",
    "bullet_line_ratio",
    "ellipsis_line_ratio",
    "alphabetic_word_ratio",
    "stop_words",
    "duplicate_line_ratio",
    "duplicate_line_character_ratio",
    "duplicate_paragraph_ratio",
    "duplicate_paragraph_character_ratio",
    "top_2_gram_ratio",
    "top_3_gram_ratio",
    "top_4_gram_ratio",
    "duplicate_5_gram_ratio",
    "duplicate_6_gram_ratio",
    "duplicate_7_gram_ratio",
    "duplicate_8_gram_ratio",
    "duplicate_9_gram_ratio",
    "duplicate_10_gram_ratio",
    "curly_brackets",
    "lorem_ipsum",
    "c4_sentences",
    "punctuated_line_ratio",
    "short_line_ratio",
    "fineweb_duplicate_character_ratio",
    "newline_ratio",
    "uppercase_line_ratio",
    "numeric_line_ratio",
    "counter_line_ratio",
    "single_word_line_ratio",
    "poor_line_word_ratio",
    "symbol_character_ratio",
    "uppercase_character_ratio",
    "digit_character_ratio",
    "whitespace_character_ratio",
    "unspaced_ratio",
)

COUNTS = frozenset({"characters", "words", "stop_words", "curly_brackets", "lorem_ipsum", "c4_sentences"})


# Every share: the part and the whole, both as counted. Duplicate n-grams and the like are characters.
RATIOS: dict[str, tuple[int, int]] = {
    "mean_word_length": (at.WORD_CHARACTERS, at.WORDS),
    "hash_ratio": (at.HASHES, at.TOKENS),
    "ellipsis_ratio": (at.ELLIPSES, at.TOKENS),
    "bullet_line_ratio": (at.BULLET_LINES, at.BROKEN_LINES),
    "ellipsis_line_ratio": (at.ELLIPSIS_LINES, at.BROKEN_LINES),
    "alphabetic_word_ratio": (at.ALPHABETIC, at.TOKENS),
    "duplicate_line_ratio": (at.DUPLICATE_PIECES, at.PIECES),
    "duplicate_line_character_ratio": (at.DUPLICATE_PIECE_CHARACTERS, at.CHARACTERS),
    "duplicate_paragraph_ratio": (at.DUPLICATE_PARAGRAPHS, at.PARAGRAPHS),
    "duplicate_paragraph_character_ratio": (at.DUPLICATE_PARAGRAPH_CHARACTERS, at.CHARACTERS),
    **{f"top_{size}_gram_ratio": (at.TOP_NGRAM + index, at.CHARACTERS) for index, size in enumerate(TOP_NGRAMS)},
    **{
        f"duplicate_{size}_gram_ratio": (at.DUPLICATE_NGRAM + index, at.CHARACTERS)
        for index, size in enumerate(DUPLICATE_NGRAMS)
    },
    "punctuated_line_ratio": (at.TERMINAL_LINES, at.LINES),
    "short_line_ratio": (at.SHORT_LINES, at.LINES),
    "newline_ratio": (at.FEEDS, at.TOKENS),
    "uppercase_line_ratio": (at.UPPERCASE_LINES, at.LINES),
    "numeric_line_ratio": (at.NUMERIC_LINES, at.LINES),
    "counter_line_ratio": (at.COUNTER_LINES, at.LINES),
    "single_word_line_ratio": (at.SINGLE_WORD_LINES, at.LINES),
    "poor_line_word_ratio": (at.POOR_LINE_WORDS, at.LINE_WORDS),
    "symbol_character_ratio": (at.SYMBOLS, at.CHARACTERS),
    "uppercase_character_ratio": (at.CAPITALS, at.CHARACTERS),
    "digit_character_ratio": (at.DIGITS, at.CHARACTERS),
    "whitespace_character_ratio": (at.WHITE, at.CHARACTERS),
    "unspaced_ratio": (at.UNSPACED_LETTERS, at.LETTERS),
}
NUMBERS = {
    "characters": at.CHARACTERS,
    "words": at.WORDS,
    "stop_words": at.STOP_WORDS,
    "curly_brackets": at.CURLY_BRACKETS,
    "lorem_ipsum": at.LOREM_IPSUM,
    "c4_sentences": at.C4_SENTENCES,
}


def measure(text: str) -> Measures:
    """Return all measures of a text."""
    return {name: column[0].item() for name, column in measure_all([text]).items()}


def measure_all(texts: Sequence[str]) -> dict[str, Column]:
    """Return a column per measure (int64 or float64) of some texts, in their order."""
    counted = count_all(texts).T
    columns: dict[str, Column] = {name: counted[place] for name, place in NUMBERS.items()}
    parts, wholes = zip(*RATIOS.values(), strict=True)
    columns.update(zip(RATIOS, _shares(counted[list(parts)], counted[list(wholes)]), strict=True))
    inside = counted[at.CHARACTERS] - counted[at.FEEDS]
    columns["fineweb_duplicate_character_ratio"] = _shares(counted[at.DUPLICATE_LINE_CHARACTERS], inside)
    return {name: columns[name] for name in MEASURED}


def batches(documents: Iterable[Document]) -> Iterator[list[Document]]:
    """Yield documents in batches of bounded size by their texts, in order; a batch has at least one."""
    batch: list[Document] = []
    characters = 0
    for document in documents:
        batch.append(document)
        characters += len(document["text"])
        if characters >= BATCH_CHARACTERS or len(batch) == BATCH_TEXTS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def _shares(parts: Numbers, wholes: Numbers) -> Any:
    """Return parts / wholes, 0 where there is no whole."""
    return np.where(wholes > 0, parts / np.maximum(wholes, 1), 0.0)
