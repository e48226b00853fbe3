"""Measures of lines, compiled: those of FineWeb, of Gopher and of RefinedWeb's line-wise corrections, and counts of characters.

Each function adds integers to `out` or a row of `table`, at the places that scripts.cleaning.counts names. A blank line has
white space alone.
"""

from __future__ import annotations

import numpy as np

from scripts.cleaning import counts as at
from scripts.cleaning.characters import DECIMAL, LETTER, NUMBER, SPACE, SYMBOL, TERMINAL, UNSPACED, UPPER, Codes
from scripts.cleaning.counts import Counts, Table
from scripts.cleaning.recurrence import NEWLINE, Seen, add_run, duplicate_paragraphs, nothing_seen
from scripts.cleaning.split import Offsets
from scripts.lib.compiled import compiled, compiled_inner
from scripts.lib.tables import Hashes

SHORT_LINE = 30  # characters (FineWeb, section 3.6)
PERIOD, ELLIPSIS, HASH = map(ord, ".…#")
ASCII = 128

# What a character adds to the counts of its line: a number with a field for each count, so that one addition does for all.
FIELD = 7  # bits
FULL = (1 << FIELD) - 1  # characters after which a field may be full
_SHIFTS = (np.uint64(FIELD * number) for number in range(9))
LETTERS, CAPITALS, DIGITS, SYMBOLS, WHITE, UNSPACED_LETTERS, ALONE, WORDED, HASHES = _SHIFTS
ONE, MASK = np.uint64(1), np.uint64(FULL)


@compiled
def measure_lines(codes: Codes, starts: Offsets, classes: Codes, table: Table) -> None:
    """Measure lines and paragraphs of texts: text n has the characters from `starts[n]` to before `starts[n + 1]`."""
    ascii_adds = np.empty(ASCII, np.uint64)
    for code in range(ASCII):
        ascii_adds[code] = _adds(code, classes)
    for text in range(len(starts) - 1):
        first, last, out = starts[text], starts[text + 1], table[text]
        out[at.CHARACTERS] = last - first
        _measure_lines(codes, first, last, classes, ascii_adds, out)
        out[at.ELLIPSES] = _ellipses(codes, first, last)
        found = duplicate_paragraphs(codes, first, last, classes)
        out[at.PARAGRAPHS], out[at.DUPLICATE_PARAGRAPHS], out[at.DUPLICATE_PARAGRAPH_CHARACTERS] = found


@compiled_inner
def _adds(code: int, classes: Codes) -> np.uint64:
    """Return what a character adds to the counts of its line."""
    of = classes[code]
    alone = np.uint64((of & UNSPACED) != 0)
    letter = np.uint64((of & LETTER) != 0)
    worded = np.uint64((of & (LETTER | NUMBER)) != 0)
    adds = letter << LETTERS
    adds |= np.uint64((of & UPPER) != 0) << CAPITALS
    adds |= np.uint64((of & DECIMAL) != 0) << DIGITS
    adds |= np.uint64((of & SYMBOL) != 0) << SYMBOLS
    adds |= np.uint64((of & SPACE) != 0) << WHITE
    adds |= (letter & alone) << UNSPACED_LETTERS
    adds |= alone << ALONE
    adds |= (worded & ~alone) << WORDED
    return adds | (np.uint64(code == HASH) << HASHES)


@compiled
def _measure_lines(codes: Codes, first: int, last: int, classes: Codes, ascii_adds: Hashes, out: Counts) -> None:
    """Measure the lines that line feeds part: duplicates, ends, lengths, and what RefinedWeb says of them."""
    feeds = 0
    for position in range(np.uint64(first), np.uint64(last)):  # unsigned: no place has to be looked at for its sign
        feeds += codes[position] == NEWLINE
    _measure_pieces(codes, first, last, classes, ascii_adds, nothing_seen(feeds + 1), out)
    out[at.FEEDS] = feeds
    out[at.WHITE] += feeds


@compiled_inner
def _measure_pieces(
    codes: Codes, first: int, last: int, classes: Codes, ascii_adds: Hashes, seen: Seen, out: Counts
) -> None:
    """Measure each line, and whether it was there before."""
    start = first
    while start < last:
        if codes[start] == NEWLINE:
            start += 1
            continue
        end, blank = _measure_line(codes, start, last, classes, ascii_adds, out)
        out[at.PIECES] += 1
        if add_run(seen, codes, start, end):
            out[at.DUPLICATE_PIECES] += 1
            out[at.DUPLICATE_PIECE_CHARACTERS] += end - start
            if not blank:
                out[at.DUPLICATE_LINE_CHARACTERS] += end - start
        start = end + 1
    if last > first:  # splitting at line feeds leaves an empty piece at either end; the second repeats the first
        edges = int(codes[first] == NEWLINE) + int(codes[last - 1] == NEWLINE)
        out[at.PIECES] += edges
        out[at.DUPLICATE_PIECES] += edges == 2


@compiled_inner
def _measure_line(
    codes: Codes, first: int, last: int, classes: Codes, ascii_adds: Hashes, out: Counts
) -> tuple[int, bool]:
    """Count the characters and words of the line that begins at `first`, and what it is; return its end, and whether it is blank.

    A word is counted at its first letter or number; letters of scripts without spaces are words by themselves.
    """
    letters = capitals = digits = white = words = 0
    begun = np.uint64(0)  # whether the word has had its first letter or number
    position = first
    while position < last and codes[position] != NEWLINE:
        counted = np.uint64(0)
        stop = min(last, position + FULL)
        while position < stop:
            code = codes[np.uint64(position)]
            if code == NEWLINE:
                break
            adds = ascii_adds[code] if code < ASCII else _adds(code, classes)
            counted += adds
            worded = (adds >> WORDED) & ONE
            words += int(np.int64(worded & ~begun))
            begun = (begun | worded) & ~(adds >> WHITE)
            position += 1
        letters += _field(counted, LETTERS)
        capitals += _field(counted, CAPITALS)
        digits += _field(counted, DIGITS)
        white += _field(counted, WHITE)
        words += _field(counted, ALONE)
        out[at.SYMBOLS] += _field(counted, SYMBOLS)
        out[at.UNSPACED_LETTERS] += _field(counted, UNSPACED_LETTERS)
        out[at.HASHES] += _field(counted, HASHES)
    out[at.LETTERS] += letters
    out[at.CAPITALS] += capitals
    out[at.DIGITS] += digits
    out[at.WHITE] += white
    size = position - first
    if white == size:
        return position, True
    out[at.LINES] += 1
    out[at.TERMINAL_LINES] += (classes[codes[position - 1]] & TERMINAL) != 0
    out[at.SHORT_LINES] += size <= SHORT_LINE
    upper, numeric = is_uppercase(letters, capitals), is_numeric(letters, digits)
    counter = words == 2 and words_of_line(codes, first, position, classes)[1]
    out[at.UPPERCASE_LINES] += upper
    out[at.NUMERIC_LINES] += numeric
    out[at.COUNTER_LINES] += counter
    out[at.SINGLE_WORD_LINES] += words == 1
    out[at.LINE_WORDS] += words
    if upper or numeric or counter or words == 1:
        out[at.POOR_LINE_WORDS] += words
    return position, False


@compiled_inner
def _field(counted: np.uint64, field: np.uint64) -> int:
    return int(np.int64((counted >> field) & MASK))


@compiled_inner
def _ellipses(codes: Codes, first: int, last: int) -> int:
    """Return how many ellipses there are, of one character or of three periods."""
    likely = first < last and codes[first] == ELLIPSIS
    for place in range(np.uint64(first + 1), np.uint64(last)):
        likely |= (codes[place] == ELLIPSIS) | ((codes[place] == PERIOD) & (codes[place - ONE] == PERIOD))
    if not likely:
        return 0
    dots = ellipses = 0
    for position in range(first, last):
        code = codes[position]
        dots = dots + 1 if code == PERIOD else 0
        if dots == 3 or code == ELLIPSIS:
            ellipses += 1
            dots = 0
    return ellipses


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
