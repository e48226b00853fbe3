"""Lines that are no prose, and phrases of navigation in short lines (RefinedWeb: Penedo et al. 2023, appendix G.2).

A line is poor when more than half of its letters are capitals, when it has digits and no letters, when it is a counter
(`3 likes`) or one word: what scripts.cleaning.measures counts as poor. The phrases stand in lists/line_phrases_en.txt.
"""

from __future__ import annotations

import functools
import re

import numpy as np
from numpy.typing import NDArray

from scripts.cleaning.characters import DECIMAL, LETTER, SPACE, UPPER, Codes, character_classes, code_points, entries
from scripts.cleaning.lines import is_numeric, is_uppercase, words_of_line
from scripts.cleaning.recurrence import NEWLINE
from scripts.lib.code import data_file
from scripts.lib.compiled import compiled, compiled_inner

U8 = NDArray[np.uint8]
I64 = NDArray[np.int64]

SHORT = 10  # words of a line from which phrases are cut
PARTING = r"[\s|:>»›/•·\-–—]"  # what stands between a phrase and the rest of its line
PROSE, UPPERCASE, NUMERIC, COUNTER, SINGLE_WORD = range(5)
NAMES = ("prose", "uppercase", "numeric", "counter", "single_word")


def kinds_of_lines(text: str, lines: int) -> tuple[list[int], list[int]]:
    """Return what each of the lines between the line feeds of a text is, and how many words it has; blank ones have none."""
    kinds, words = np.zeros(lines, np.uint8), np.zeros(lines, np.int64)
    _kinds(code_points(text), character_classes(), kinds, words)
    return kinds.tolist(), words.tolist()


@functools.cache
def _phrases() -> re.Pattern[str]:
    places: dict[str, list[str]] = {"begin": [], "end": [], "any": []}
    for line in entries(data_file("scripts/cleaning/lists/line_phrases_en.txt")):
        place, _, phrase = line.partition(" ")
        places[place].append(re.escape(phrase))
    begin, end, anywhere = (rf"(?<!\w)(?:{'|'.join(one)})(?!\w)" for one in places.values())
    return re.compile(rf"^(?:\W*{begin})+{PARTING}*|{PARTING}{{0,8}}{end}\W*$|{anywhere}", re.IGNORECASE)


def without_phrases(line: str) -> str:
    """Return a line without the phrases; as it is where it has none."""
    return _phrases().sub("", line)


@compiled
def _kinds(codes: Codes, classes: Codes, kinds: U8, words: I64) -> None:
    start = line = 0
    for position in range(len(codes) + 1):
        if position == len(codes) or codes[position] == NEWLINE:
            kinds[line], words[line] = _kind(codes, start, position, classes)
            start = position + 1
            line += 1


@compiled_inner
def _kind(codes: Codes, first: int, last: int, classes: Codes) -> tuple[int, int]:
    """Return what a line is, and its words."""
    letters = capitals = digits = white = 0
    for position in range(first, last):
        of = classes[codes[position]]
        letters += (of & LETTER) != 0
        capitals += (of & UPPER) != 0
        digits += (of & DECIMAL) != 0
        white += (of & SPACE) != 0
    if white == last - first:
        return PROSE, 0
    words, counter = words_of_line(codes, first, last, classes)
    if is_uppercase(letters, capitals):
        return UPPERCASE, words
    if is_numeric(letters, digits):
        return NUMERIC, words
    if counter:
        return COUNTER, words
    return (SINGLE_WORD if words == 1 else PROSE), words
