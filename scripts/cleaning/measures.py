"""What the published filters measure of a document: one value per column, no thresholds.

Sources: Gopher (Rae et al. 2021, appendix A1), C4 (Raffel et al. 2020, section 2.2), FineWeb (Penedo et al. 2024, section 3.6).
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Sequence

from scripts.cleaning.words import is_punctuation, sentences, tokens, unspaced_ratio
from scripts.lib.code import data_file

Measures = dict[str, float | int]
ELLIPSES = ("...", "…")
BULLETS = ("•", "-", "*", "‣", "◦", "–")
TERMINAL = (".", "!", "?", '"', "'", "”", "’", "。", "！", "？", "…")
SHORT_LINE = 30  # characters (FineWeb)
TOP_NGRAMS = (2, 3, 4)
DUPLICATE_NGRAMS = (5, 6, 7, 8, 9, 10)
_PARAGRAPH = re.compile(r"\n{2,}")


@functools.cache
def _listed(which: str) -> frozenset[str]:
    files = {
        "stop words": data_file("scripts/cleaning/lists/stop_words_en.txt"),
        "policies": data_file("scripts/cleaning/lists/policy_phrases_en.txt"),
    }
    lines = files[which].read_text("utf-8").splitlines()
    return frozenset(line.strip() for line in lines if line.strip() and not line.startswith("#"))


@functools.cache
def _terminals() -> frozenset[str]:
    """The characters that end a sentence in any script (FineWeb counts them all, and no quotes)."""
    lines = data_file("scripts/cleaning/lists/sentence_terminals.txt").read_text("utf-8").splitlines()
    return frozenset(chr(int(line, 16)) for line in lines if line.strip() and not line.startswith("#"))


def measure(text: str) -> Measures:
    """Return all measures of a text."""
    found = tokens(text)
    lines = [line for line in text.split("\n") if line.strip()]
    return {
        "characters": len(text),
        **_quality(text, found, lines),
        **_repetition(text, found),
        **_c4(text, lines),
        **_fineweb(text, found, lines),
        "unspaced_ratio": unspaced_ratio(text),
    }


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
    "unspaced_ratio",
)

COUNTS = frozenset({"characters", "words", "stop_words", "curly_brackets", "lorem_ipsum", "c4_sentences"})


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _quality(text: str, found: Sequence[str], lines: Sequence[str]) -> Measures:
    words = [token for token in found if not is_punctuation(token)]
    count = len(words)
    stop_words = _listed("stop words")
    return {
        "words": count,
        "mean_word_length": _share(sum(map(len, words)), count),
        "hash_ratio": _share(text.count("#"), len(found)),
        "ellipsis_ratio": _share(sum(text.count(mark) for mark in ELLIPSES), len(found)),
        "bullet_line_ratio": _share(sum(line.lstrip().startswith(BULLETS) for line in lines), len(lines)),
        "ellipsis_line_ratio": _share(sum(line.rstrip().endswith(ELLIPSES) for line in lines), len(lines)),
        "alphabetic_word_ratio": _share(sum(any(map(str.isalpha, token)) for token in found), len(found)),
        "stop_words": len(stop_words.intersection(words)),
    }


def _duplicates(pieces: Sequence[str]) -> tuple[int, int]:
    """Return how many pieces repeat an earlier one, and their characters."""
    seen: set[str] = set()
    number = characters = 0
    for piece in pieces:
        if piece in seen:
            number += 1
            characters += len(piece)
        else:
            seen.add(piece)
    return number, characters


def _repetition(text: str, found: Sequence[str]) -> Measures:
    result: Measures = {}
    lines = [line for line in text.strip().split("\n") if line]
    for name, pieces in (("line", lines), ("paragraph", _PARAGRAPH.split(text.strip()))):
        number, characters = _duplicates(pieces)
        result[f"duplicate_{name}_ratio"] = _share(number, len(pieces))
        result[f"duplicate_{name}_character_ratio"] = _share(characters, len(text))
    for size in TOP_NGRAMS:
        result[f"top_{size}_gram_ratio"] = _share(_top_ngram_characters(found, size), len(text))
    for size in DUPLICATE_NGRAMS:
        result[f"duplicate_{size}_gram_ratio"] = _share(_duplicate_ngram_characters(found, size), len(text))
    return result


def _top_ngram_characters(found: Sequence[str], size: int) -> int:
    """Return the characters covered by the most frequent n-gram, the first among equals, with spaces between its words."""
    counts = Counter(zip(*(found[start:] for start in range(size)), strict=False))
    if not counts:
        return 0
    (gram, most) = counts.most_common(1)[0]
    return most * (sum(map(len, gram)) + size - 1)


def _duplicate_ngram_characters(found: Sequence[str], size: int) -> int:
    """Return the characters in n-grams that occurred before, each position counted once."""
    seen: set[tuple[str, ...]] = set()
    characters = position = 0
    while position <= len(found) - size:
        gram = tuple(found[position : position + size])
        if gram in seen:
            characters += sum(map(len, gram))
            position += size
        else:
            seen.add(gram)
            position += 1
    return characters


def _c4(text: str, lines: Sequence[str]) -> Measures:
    """C4 drops lines first, then counts sentences in what is left."""
    kept = []
    policies = _listed("policies")
    for line in lines:
        lowered = line.lower()
        plain = line.rstrip().endswith(TERMINAL) and not line.rstrip().endswith(ELLIPSES)
        if plain and len(line.split()) >= 3 and "javascript" not in lowered:
            if not any(phrase in lowered for phrase in policies):
                kept.append(line)
    return {
        "curly_brackets": text.count("{"),
        "lorem_ipsum": text.lower().count("lorem ipsum"),
        "c4_sentences": sum(map(sentences, kept)),
    }


def _fineweb(text: str, found: Sequence[str], lines: Sequence[str]) -> Measures:
    _, duplicated = _duplicates(lines)
    return {
        "punctuated_line_ratio": _share(sum(line[-1] in _terminals() for line in lines), len(lines)),
        "short_line_ratio": _share(sum(len(line) <= SHORT_LINE for line in lines), len(lines)),
        "fineweb_duplicate_character_ratio": _share(duplicated, len(text.replace("\n", ""))),
        "newline_ratio": _share(text.count("\n"), len(found)),
    }
