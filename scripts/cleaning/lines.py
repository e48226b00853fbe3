"""Measures of lines, compiled: those of FineWeb, of Gopher and of RefinedWeb's line-wise corrections, and counts of characters.

Each function adds integers to `out` or a row of `table`, at the places that scripts.cleaning.counts names. A blank line has
white space alone.
"""

from __future__ import annotations

import numpy as np

from scripts.cleaning import counts as at
from scripts.cleaning.characters import DECIMAL, LETTER, NUMBER, SPACE, SYMBOL, TERMINAL, UNSPACED, UPPER, Codes
from scripts.cleaning.counts import Counts, Table
from scripts.cleaning.repetition import NEWLINE, add_run, duplicate_paragraphs
from scripts.cleaning.split import Offsets
from scripts.lib.compiled import compiled, compiled_inner
from scripts.lib.tables import capacity_for

SHORT_LINE = 30  # characters (FineWeb, section 3.6)
PERIOD, ELLIPSIS, HASH = map(ord, ".…#")


@compiled
def measure_lines(codes: Codes, starts: Offsets, classes: Codes, table: Table) -> None:
    """Measure lines and paragraphs of texts: text n has the characters from `starts[n]` to before `starts[n + 1]`."""
    for text in range(len(starts) - 1):
        first, last, out = starts[text], starts[text + 1], table[text]
        out[at.CHARACTERS] = last - first
        _measure_lines(codes, first, last, classes, out)
        found = duplicate_paragraphs(codes, first, last, classes)
        out[at.PARAGRAPHS], out[at.DUPLICATE_PARAGRAPHS], out[at.DUPLICATE_PARAGRAPH_CHARACTERS] = found


@compiled
def _measure_lines(codes: Codes, first: int, last: int, classes: Codes, out: Counts) -> None:
    """Measure the lines that line feeds part: duplicates, ends, lengths, and what RefinedWeb says of them."""
    feeds = 0
    for position in range(first, last):
        feeds += codes[position] == NEWLINE
    keys = np.zeros(capacity_for(feeds + 1), np.uint64)
    start = first
    for position in range(first, last + 1):
        if position < last and codes[position] != NEWLINE:
            continue
        if position > start:
            blank = _measure_line(codes, start, position, classes, out)
            out[at.PIECES] += 1
            if add_run(keys, codes, start, position):
                out[at.DUPLICATE_PIECES] += 1
                out[at.DUPLICATE_PIECE_CHARACTERS] += position - start
                if not blank:
                    out[at.DUPLICATE_LINE_CHARACTERS] += position - start
        start = position + 1
    out[at.FEEDS] = feeds
    out[at.WHITE] += feeds
    if last > first:  # splitting at line feeds leaves an empty piece at either end; the second repeats the first
        edges = int(codes[first] == NEWLINE) + int(codes[last - 1] == NEWLINE)
        out[at.PIECES] += edges
        out[at.DUPLICATE_PIECES] += edges == 2


@compiled_inner
def _measure_line(codes: Codes, first: int, last: int, classes: Codes, out: Counts) -> bool:
    """Count the characters and words of a line, and what it is; tell whether it is blank."""
    letters = capitals = digits = white = symbols = unspaced = hashes = dots = ellipses = 0
    for position in range(first, last):
        code = codes[position]
        of = classes[code]
        letters += (of & LETTER) != 0
        capitals += (of & UPPER) != 0
        digits += (of & DECIMAL) != 0
        white += (of & SPACE) != 0
        symbols += (of & SYMBOL) != 0
        unspaced += (of & (UNSPACED | LETTER)) == (UNSPACED | LETTER)
        hashes += code == HASH
        dots = dots + 1 if code == PERIOD else 0
        if dots == 3 or code == ELLIPSIS:
            ellipses += 1
            dots = 0
    out[at.LETTERS] += letters
    out[at.CAPITALS] += capitals
    out[at.DIGITS] += digits
    out[at.SYMBOLS] += symbols
    out[at.WHITE] += white
    out[at.UNSPACED_LETTERS] += unspaced
    out[at.HASHES] += hashes
    out[at.ELLIPSES] += ellipses
    if white == last - first:
        return True
    out[at.LINES] += 1
    out[at.TERMINAL_LINES] += (classes[codes[last - 1]] & TERMINAL) != 0
    out[at.SHORT_LINES] += last - first <= SHORT_LINE
    words, counter = words_of_line(codes, first, last, classes)
    upper, numeric = is_uppercase(letters, capitals), is_numeric(letters, digits)
    out[at.UPPERCASE_LINES] += upper
    out[at.NUMERIC_LINES] += numeric
    out[at.COUNTER_LINES] += counter
    out[at.SINGLE_WORD_LINES] += words == 1
    out[at.LINE_WORDS] += words
    if upper or numeric or counter or words == 1:
        out[at.POOR_LINE_WORDS] += words
    return False


@compiled_inner
def is_uppercase(letters: int, capitals: int) -> bool:
    """Tell whether more than half of the letters of a line are capitals."""
    return 2 * capitals > letters


@compiled_inner
def is_numeric(letters: int, digits: int) -> bool:
    """Tell whether a line has digits and no letter."""
    return digits > 0 and letters == 0


@compiled_inner
def words_of_line(codes: Codes, first: int, last: int, classes: Codes) -> tuple[int, bool]:
    """Return how many words a line has, and whether it is a counter: a number and one word, such as `3 likes`.

    A word here lies between white space and has a letter or number; a letter of a script without spaces is one by itself. The
    number of a counter may have one letter (`12K`) and marks within.
    """
    words = 0
    number_first = word_second = False
    position = first
    while position < last:
        letters = digits = unspaced = 0
        while position < last and not classes[codes[position]] & SPACE:
            of = classes[codes[position]]
            unspaced += (of & UNSPACED) != 0
            letters += (of & (LETTER | UNSPACED)) == LETTER
            digits += (of & (NUMBER | UNSPACED)) == NUMBER
            position += 1
        words += unspaced + (letters + digits > 0)
        if words == 1 and letters + digits > 0 and not number_first:
            number_first = digits > 0 and letters <= 1
        elif letters + digits > 0 or unspaced > 0:
            word_second = unspaced == 0 and digits == 0
        position += 1
    return words, words == 2 and number_first and word_second
