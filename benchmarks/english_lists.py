"""Write the lists by which English is split into words, from an installed spaCy, whose rules they are.

    pip install --target PEERS spacy==3.8.18
    PYTHONPATH=.:PEERS python -m benchmarks.english_lists

Writes scripts/cleaning/lists/english_*.txt. Needed only when the splitting shall follow a newer spaCy.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from itertools import groupby
from pathlib import Path

import spacy
from spacy.lang import char_classes as classes
from spacy.pipeline import Sentencizer
from spacy.tokenizer import Tokenizer

from scripts.lib.code import ROOT

LISTS = ROOT / "scripts" / "cleaning" / "lists"
LICENCE = (
    f"# From spaCy {spacy.__version__} (https://github.com/explosion/spaCy), tokenizer of English.\n"
    "# MIT License, Copyright (C) 2016-2024 ExplosionAI GmbH, 2016 spaCy GmbH, 2015 Matthew Honnibal.\n"
    "# Written by benchmarks/english_lists.py.\n"
)


def ranges(belongs: Callable[[str], bool]) -> str:
    """Return the code points of a class as hexadecimal ranges."""
    found = [code for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000 and belongs(chr(code))]
    runs = []
    for _, group in groupby(enumerate(found), lambda pair: pair[1] - pair[0]):
        codes = [code for _, code in group]
        runs.append(f"{codes[0]:04X}" if len(codes) == 1 else f"{codes[0]:04X}-{codes[-1]:04X}")
    return " ".join(runs)


def characters(tokenizer: Tokenizer) -> str:
    """Return the character classes: a name and its ranges on each line."""
    suffix_of_period = next(
        part
        for part in tokenizer.suffix_search.__self__.pattern.split(r")\.$|")
        if r"(?<=[0-9" in part and "%²" in part
    )
    before = re.compile("[" + suffix_of_period.rpartition("(?<=[")[2])

    def of(pattern: str) -> Callable[[str], bool]:
        return lambda character: re.fullmatch(f"[{pattern}]", character) is not None

    def affix(find: Callable[[str], int], text: str, but: str) -> Callable[[str], bool]:
        return lambda one: not one.isspace() and one not in but and find(text.format(one)) == 1

    table: dict[str, Callable[[str], bool]] = {
        "alpha": of(classes.ALPHA),
        "alpha_lower": of(classes.ALPHA_LOWER),
        "alpha_upper": of(classes.ALPHA_UPPER),
        "quote": of(classes.CONCAT_QUOTES),
        "icon": of(classes.CONCAT_ICONS),
        "prefix": affix(tokenizer.find_prefix, "{}x", "+"),
        "suffix": affix(tokenizer.find_suffix, "x{}", "."),
        "currency": lambda character: character in {part.removeprefix("\\") for part in classes.LIST_CURRENCY},
        "before_period": lambda character: before.fullmatch(character) is not None,
        "sentence_end": lambda character: character in Sentencizer.default_punct_chars,
    }
    return "".join(f"{name} {ranges(belongs)}\n" for name, belongs in table.items())


def exceptions(tokenizer: Tokenizer) -> str:
    """Return the special cases: the pieces of each, and after a tab those of the affix rules where they cut it at all."""
    bare = Tokenizer(
        tokenizer.vocab,
        rules={},
        prefix_search=tokenizer.prefix_search,
        suffix_search=tokenizer.suffix_search,
        infix_finditer=tokenizer.infix_finditer,
        url_match=tokenizer.url_match,
    )
    lines = []
    for text, rule in sorted(tokenizer.rules.items()):
        if any(map(str.isspace, text)):
            continue
        pieces = " ".join(piece["ORTH"] if "ORTH" in piece else piece[65] for piece in rule)
        cut = tokenizer.find_prefix(text) or tokenizer.find_infix(text) or tokenizer.find_suffix(text)
        lines.append(pieces + ("\t" + " ".join(token.text for token in bare(text)) if cut else "") + "\n")
    return "".join(lines)


def write(path: Path, content: str) -> None:
    """Write a list under its licence."""
    path.write_text(LICENCE + content, encoding="utf-8")


def main() -> None:
    """Write all lists."""
    tokenizer = spacy.blank("en").tokenizer
    write(LISTS / "english_characters.txt", characters(tokenizer))
    write(LISTS / "english_exceptions.txt", exceptions(tokenizer))
    units = sorted({unit for unit in classes.UNITS.split("|") if unit})
    write(LISTS / "english_units.txt", "".join(unit + "\n" for unit in units))


if __name__ == "__main__":
    main()
