"""The measures of scripts.cleaning.measures in plain, slow Python: regular expressions, strings and dictionaries."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

import regex

from scripts.cleaning.characters import SYLLABLE_ENDS, entries, parse_ranges, sentence_terminals
from scripts.cleaning.english import stop_words
from scripts.lib.code import data_file
from scripts.lib.unspaced import SCRIPTS
from tests.unit.cleaning.oracle_words import SPACE, split

CITATION = re.compile(r"\[\d*]|\[edit]|\[citation needed]")


def category(character: str) -> str:
    """Return the category of a character; the mark that ends a syllable of Tibetan is as one that stands on a letter."""
    return "Mn" if character in SYLLABLE_ENDS else unicodedata.category(character)


@functools.cache
def terminals() -> tuple[str, ...]:
    return tuple(map(chr, sentence_terminals()))


@functools.cache
def symbols() -> frozenset[str]:
    words = [word for line in entries(data_file("scripts/cleaning/lists/punctuation.txt")) for word in line.split()]
    return frozenset([*terminals(), *map(chr, parse_ranges(words))])


@functools.cache
def sentence_ends() -> frozenset[str]:
    lines = entries(data_file("scripts/cleaning/lists/english_characters.txt"))
    (line,) = (line for line in lines if line.startswith("sentence_end "))
    return frozenset(map(chr, parse_ranges(line.split()[1:])))


def share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def measure(text: str) -> dict[str, float]:
    """Return all measures of a text."""
    tokens = [text[start:end] for start, end in split(text) if not text[start].isspace()]
    lines = [line for line in text.split("\n") if line.strip()]
    return {
        "characters": len(text),
        **quality(text, tokens),
        **repetition(text, tokens),
        **c4(text),
        **fineweb(text, tokens, lines),
        **refinedweb(lines),
        **characters(text),
    }


def quality(text: str, tokens: Sequence[str]) -> dict[str, float]:
    words = [token for token in tokens if any(character not in symbols() for character in token)]
    lines = text.splitlines()
    return {
        "words": len(words),
        "mean_word_length": share(sum(map(len, words)), len(words)),
        "hash_ratio": share(text.count("#"), len(tokens)),
        "ellipsis_ratio": share(text.count("...") + text.count("…"), len(tokens)),
        "bullet_line_ratio": share(sum(line.lstrip().startswith(("•", "-")) for line in lines), len(lines)),
        "ellipsis_line_ratio": share(sum(line.rstrip().endswith(("...", "…")) for line in lines), len(lines)),
        "alphabetic_word_ratio": share(sum(any(map(str.isalpha, token)) for token in tokens), len(tokens)),
        "stop_words": len(set(stop_words()) & set(tokens)),
    }


def duplicates(pieces: Iterable[str]) -> tuple[int, int]:
    """Return how many pieces repeat an earlier one, and their characters."""
    seen: set[str] = set()
    number = size = 0
    for piece in pieces:
        if piece in seen:
            number += 1
            size += len(piece)
        seen.add(piece)
    return number, size


def repetition(text: str, tokens: Sequence[str]) -> dict[str, float]:
    found: dict[str, float] = {}
    parts = {"line": re.split(r"\n+", text), "paragraph": re.split(r"\n{2,}", text.strip())}
    for name, pieces in parts.items():
        number, size = duplicates(pieces)
        found[f"duplicate_{name}_ratio"] = share(number, len(pieces))
        found[f"duplicate_{name}_character_ratio"] = share(size, len(text))
    for size in (2, 3, 4):
        grams = Counter(" ".join(tokens[start : start + size]) for start in range(len(tokens) - size + 1))
        (gram, most) = grams.most_common(1)[0] if grams else ("", 0)
        found[f"top_{size}_gram_ratio"] = share(len(gram) * most, len(text))
    for size in range(5, 11):
        seen: set[str] = set()
        position = repeated = 0
        while position <= len(tokens) - size:
            gram = "".join(tokens[position : position + size])
            if gram in seen:
                repeated += len(gram)
                position += size
            else:
                seen.add(gram)
                position += 1
        found[f"duplicate_{size}_gram_ratio"] = share(repeated, len(text))
    return found


def c4(text: str) -> dict[str, float]:
    ends = (*terminals(), '"', "'", "」", "』")
    policies = entries(data_file("scripts/cleaning/lists/policy_phrases_en.txt"))
    curly = lorem = sentences = 0
    for line in map(str.strip, text.splitlines()):
        unspaced = rf"(?=[\p{{L}}\p{{N}}])[{SCRIPTS}]"
        words = regex.sub(unspaced, lambda match: f" {match[0]} ", line).split()
        edited = CITATION.sub("", line)
        pieces = [len(piece) for piece in regex.split(rf"{SPACE}|{unspaced}", line)]
        if len(words) < 3 or max(pieces) > 1000 or not edited.endswith(ends) or edited.endswith("..."):
            continue
        lowered = edited.lower()
        lorem += "lorem ipsum" in lowered
        if "javascript" in lowered:
            continue
        curly += edited.count("{")
        if not any(policy in lowered for policy in policies):
            sentences += count_sentences(edited)
    return {"curly_brackets": curly, "lorem_ipsum": lorem, "c4_sentences": sentences}


def count_sentences(line: str) -> int:
    count, ended = 1, False
    for start, end in split(line):
        token = line[start:end]
        if token in sentence_ends():
            ended = True
        elif ended and not all(category(character)[0] == "P" for character in token):
            count += 1
            ended = False
    return count


def fineweb(text: str, tokens: Sequence[str], lines: Sequence[str]) -> dict[str, float]:
    ends = terminals()
    return {
        "punctuated_line_ratio": share(sum(line.endswith(ends) for line in lines), len(lines)),
        "short_line_ratio": share(sum(len(line) <= 30 for line in lines), len(lines)),
        "fineweb_duplicate_character_ratio": share(duplicates(lines)[1], len(text.replace("\n", ""))),
        "newline_ratio": share(text.count("\n"), len(tokens)),
    }


def refinedweb(lines: Sequence[str]) -> dict[str, float]:
    kinds: Counter[str] = Counter()
    for line in lines:
        letters = sum(map(str.isalpha, line))
        words = line_words(line)
        number = bool(words) and any(map(numeric, words[0])) and sum(map(str.isalpha, words[0])) <= 1
        is_kind = {
            "uppercase": 2 * sum(category(one) == "Lu" for one in line) > letters,
            "numeric": letters == 0 and any(category(one) == "Nd" for one in line),
            "counter": len(words) == 2 and number and not any(map(numeric, words[1])) and not any(map(unspaced, words)),
            "single_word": len(words) == 1,
        }
        kinds.update(name for name, is_it in is_kind.items() if is_it)
        kinds["words"] += len(words)
        kinds["poor"] += len(words) if any(is_kind.values()) else 0
    names = ("uppercase", "numeric", "counter", "single_word")
    return {f"{name}_line_ratio": share(kinds[name], len(lines)) for name in names} | {
        "poor_line_word_ratio": share(kinds["poor"], kinds["words"])
    }


def numeric(character: str) -> bool:
    return category(character)[0] == "N"


def unspaced(word: str) -> bool:
    return regex.match(rf"(?=[\p{{L}}\p{{N}}])[{SCRIPTS}]", word) is not None


def line_words(line: str) -> list[str]:
    """Return what white space parts and has a letter or number, a letter of a script without spaces by itself."""
    words: list[str] = []
    for chunk in line.split():
        single = [character for character in chunk if unspaced(character)]
        rest = "".join(character for character in chunk if not unspaced(character))
        words += single + ([rest] if any(one.isalpha() or numeric(one) for one in rest) else [])
    return words


def characters(text: str) -> dict[str, float]:
    categories = [category(character) for character in text]
    letters = [character for character in text if character.isalpha()]
    size = len(text)
    return {
        "symbol_character_ratio": share(sum(one[0] in "PS" for one in categories), size),
        "uppercase_character_ratio": share(sum(one == "Lu" for one in categories), size),
        "digit_character_ratio": share(sum(one == "Nd" for one in categories), size),
        "whitespace_character_ratio": share(sum(map(str.isspace, text)), size),
        "unspaced_ratio": share(sum(map(unspaced, letters)), len(letters)),
    }
