"""What every character is, as bits of one number: a table over all code points, built once in a process.

Categories are those of the Unicode database of Python (UAX #44), scripts those of the `regex` module, and the classes by
which English is split into words come from lists/english_characters.txt.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import regex

from scripts.lib.code import data_file
from scripts.lib.kept import Tables, kept
from scripts.lib.unspaced import SCRIPTS

Codes = np.ndarray[tuple[int], np.dtype[np.uint32]]

LETTER = 1 << 0  # str.isalpha: any category L
SPACE = 1 << 1  # str.isspace
BREAK = 1 << 2  # where str.splitlines breaks
MARK = 1 << 3  # category M, and the mark that parts the syllables of Tibetan
DECIMAL = 1 << 4  # category Nd: \d
PUNCTUATION = 1 << 5  # category P
SYMBOL = 1 << 6  # categories P and S
UPPER = 1 << 7  # category Lu
NUMBER = 1 << 8  # category N
UNSPACED = 1 << 9  # a letter or number of a script written without spaces between words
UNWORDED = 1 << 10  # of which no word is made (lists/punctuation.txt)
TERMINAL = 1 << 11  # ends a sentence in any script (lists/sentence_terminals.txt)
LINE_END = 1 << 12  # ends a line of prose: . ? ! " ' and what ends a sentence in other scripts
WORD = 1 << 13  # \w
ASCII_DIGIT = 1 << 14
HOST = 1 << 15  # of which names of hosts are made
TRIGGER = 1 << 16  # may be cut from a word or within it

# The classes of lists/english_characters.txt.
ALPHA = 1 << 17
ALPHA_LOWER = 1 << 18
ALPHA_UPPER = 1 << 19
QUOTE = 1 << 20
ICON = 1 << 21
PREFIX = 1 << 22
SUFFIX = 1 << 23
CURRENCY = 1 << 24
BEFORE_PERIOD = 1 << 25
SENTENCE_END = 1 << 26
_ENGLISH = {
    "alpha": ALPHA,
    "alpha_lower": ALPHA_LOWER,
    "alpha_upper": ALPHA_UPPER,
    "quote": QUOTE,
    "icon": ICON,
    "prefix": PREFIX,
    "suffix": SUFFIX,
    "currency": CURRENCY,
    "before_period": BEFORE_PERIOD,
    "sentence_end": SENTENCE_END,
}

INFIXES = "+-*^.,–—~:<>=/…"
SYLLABLE_ENDS = (
    "\u0f0b\u0f0c"  # of Tibetan, as frequent as letters: of category P, but no more punctuation than a vowel sign is
)
SIZE = sys.maxunicode + 1
LONGEST_STRING = 1 << 28  # characters; numpy has no strings of twice as many
SURROGATES = range(0xD800, 0xE000)


def code_points(text: str) -> Codes:
    """Return the code points of a text; a lone surrogate stands for itself, as in Python.

    numpy holds a string as its code points, and copies one in a tenth of the time that encoding takes.
    """
    if not text:
        return np.empty(0, np.uint32)
    if len(text) > LONGEST_STRING:
        middle = len(text) // 2
        return np.concatenate([code_points(text[:middle]), code_points(text[middle:])])
    return np.array([text]).view(np.uint32)


def entries(path: Path) -> list[str]:
    """Return the lines of a list, without comments and empty ones."""
    lines = path.read_text("utf-8").split("\n")
    return [line for line in lines if line and not line.startswith("#")]


def parse_ranges(words: Iterable[str]) -> list[int]:
    """Return the code points of hexadecimal numbers and ranges (`0041-005A 00C0`)."""
    found: list[int] = []
    for word in words:
        first, _, last = word.partition("-")
        found.extend(range(int(first, 16), int(last or first, 16) + 1))
    return found


def sentence_terminals() -> list[int]:
    """Return the code points that end a sentence in any script."""
    return parse_ranges(entries(data_file("scripts/cleaning/lists/sentence_terminals.txt")))


def line_ends() -> list[int]:
    """Return the code points that end a line of prose in any script."""
    return [*sentence_terminals(), *map(ord, "\"'」』")]


def character_classes() -> Codes:
    """Return the classes of all code points, uint32 by code point; the array is read-only."""
    (table,) = _classes()
    table.setflags(write=False)
    return table


@kept
def _classes() -> Tables:
    table = np.zeros(SIZE, np.uint32)
    _categories(table)
    everything = "".join(" " if code in SURROGATES else chr(code) for code in range(SIZE))
    for bit, pattern in ((DECIMAL, r"\d+"), (WORD, r"\w+"), (SPACE, r"\s+")):
        for match in re.finditer(pattern, everything):
            table[match.start() : match.end()] |= np.uint32(bit)
    table[SURROGATES.start : SURROGATES.stop] &= np.uint32(~SPACE & 0xFFFFFFFF)
    for match in regex.finditer(f"[{SCRIPTS}]+", everything):
        run = table[match.start() : match.end()]
        run[(run & (LETTER | NUMBER)) != 0] |= np.uint32(UNSPACED)
    _lists(table)
    cut = PREFIX | SUFFIX | ICON | CURRENCY | UNSPACED
    table[(table & cut) != 0] |= np.uint32(TRIGGER)
    return (table,)


def _categories(table: Codes) -> None:
    bits = {"L": LETTER, "M": MARK, "N": NUMBER, "P": PUNCTUATION | SYMBOL, "S": SYMBOL, "Z": 0, "C": 0}
    found = map(unicodedata.category, map(chr, range(SIZE)))
    table[:] = np.fromiter((bits[name[0]] | (UPPER if name == "Lu" else 0) for name in found), np.uint32, SIZE)


def _lists(table: Codes) -> None:
    for line in entries(data_file("scripts/cleaning/lists/english_characters.txt")):
        name, *words = line.split(" ")
        table[parse_ranges(words)] |= np.uint32(_ENGLISH[name])
    unworded = data_file("scripts/cleaning/lists/punctuation.txt")
    terminals = sentence_terminals()
    given = {
        UNWORDED: [*terminals, *parse_ranges(word for line in entries(unworded) for word in line.split())],
        TERMINAL: terminals,
        LINE_END: line_ends(),
        BREAK: [*range(0x0A, 0x0E), *range(0x1C, 0x1F), 0x85, 0x2028, 0x2029],
        ASCII_DIGIT: range(ord("0"), ord("9") + 1),
        HOST: [code for code in range(0xFFFF + 1) if code >= 0xA1 or (chr(code).isalnum() and code < 0x80)],
        TRIGGER: [ord(character) for character in INFIXES],
    }
    syllables = [ord(character) for character in SYLLABLE_ENDS]
    table[syllables] = (table[syllables] & np.uint32(~(PUNCTUATION | SYMBOL) & 0xFFFFFFFF)) | np.uint32(MARK)
    for bit, codes in given.items():
        table[list(codes)] |= np.uint32(bit)
