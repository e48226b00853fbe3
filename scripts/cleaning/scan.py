"""One compiled pass over many texts: all that the published filters count, as integers."""

from __future__ import annotations

import numpy as np

from scripts.cleaning import counts as at
from scripts.cleaning.characters import Codes
from scripts.cleaning.counts import Counts
from scripts.cleaning.english import Lexicon
from scripts.cleaning.hashing import Hashes
from scripts.cleaning.lines import measure_lines
from scripts.cleaning.phrases import join_phrases
from scripts.cleaning.prose import Wanted, measure_prose
from scripts.cleaning.repetition import (
    DUPLICATE_NGRAMS,
    TOP_NGRAMS,
    Integers,
    duplicate_ngrams,
    duplicate_paragraphs,
    top_ngrams,
)
from scripts.cleaning.split import ALPHABETIC, BLANK, WORDED, Bounds, Marks, Offsets, split
from scripts.lib.compiled import compiled

Table = np.ndarray[tuple[int, int], np.dtype[np.int64]]

SPARE = 64  # tokens


@compiled
def scan(
    codes: Codes, starts: Offsets, classes: Codes, lexicon: Lexicon, phrases: Wanted, stop_words: Hashes, table: Table
) -> None:
    """Count everything in texts that lie one after the other in `codes`.

    Text number n has the characters from `starts[n]` to before `starts[n + 1]` and gets row n of `table`, which is zero before
    and has scripts.cleaning.counts.SIZE columns.
    """
    for number in range(len(starts) - 1):
        first, last = starts[number], starts[number + 1]
        out = table[number]
        out[at.CHARACTERS] = last - first
        bounds, hashes, marks, count = tokenize(codes, first, last, classes, lexicon)
        measure_lines(codes, first, last, classes, out)
        measure_prose(codes, first, last, classes, lexicon, phrases, bounds, marks, count, out)
        _measure_words(bounds, hashes, marks, count, stop_words, out)
        found = duplicate_paragraphs(codes, first, last, classes)
        out[at.PARAGRAPHS], out[at.DUPLICATE_PARAGRAPHS], out[at.DUPLICATE_PARAGRAPH_CHARACTERS] = found


@compiled
def tokenize(
    codes: Codes, first: int, last: int, classes: Codes, lexicon: Lexicon
) -> tuple[Bounds, Hashes, Marks, int]:
    """Return the tokens of a text and how many they are; positions count from the beginning of `codes`."""
    room = (last - first) // 3 + SPARE
    while True:
        bounds, hashes, marks = np.empty((room, 2), np.int32), np.empty(room, np.uint64), np.empty(room, np.uint8)
        count = split(codes, first, last, classes, lexicon, bounds, hashes, marks)
        if count >= 0:
            count = join_phrases(codes, classes, lexicon, bounds, hashes, marks, count)
        if count >= 0:
            return bounds, hashes, marks, count
        room = last - first + SPARE if room < last - first else 2 * room


@compiled
def _measure_words(bounds: Bounds, hashes: Hashes, marks: Marks, count: int, stop_words: Hashes, out: Counts) -> None:
    """Count tokens, words and what they repeat; white space is no token here. Writes over the arrays."""
    sizes: Integers = np.empty(count, np.int32)
    kept = 0
    stops = 0
    for token in range(count):
        mark = marks[token]
        if mark & BLANK:
            continue
        size = bounds[token, 1] - bounds[token, 0]
        value = hashes[token]
        hashes[kept], sizes[kept] = value, size
        kept += 1
        out[at.ALPHABETIC] += (mark & ALPHABETIC) != 0
        if mark & WORDED:
            out[at.WORDS] += 1
            out[at.WORD_CHARACTERS] += size
        if size <= 4:
            for place in range(len(stop_words)):
                if stop_words[place] == value:
                    stops |= 1 << place
    out[at.TOKENS] = kept
    while stops:
        out[at.STOP_WORDS] += stops & 1
        stops >>= 1
    found = np.zeros(len(TOP_NGRAMS) + len(DUPLICATE_NGRAMS), np.int32)
    top_ngrams(hashes[:kept], sizes[:kept], found[: len(TOP_NGRAMS)])
    duplicate_ngrams(hashes[:kept], sizes[:kept], found[len(TOP_NGRAMS) :])
    for index in range(len(found)):
        out[at.TOP_NGRAM + index] = found[index]
