"""The integers that one pass over a text counts, by their place in an array of int64."""

from __future__ import annotations

import numpy as np

Counts = np.ndarray[tuple[int], np.dtype[np.int64]]
Table = np.ndarray[tuple[int, int], np.dtype[np.int64]]  # a row for each text

(
    CHARACTERS,
    TOKENS,  # words and marks of punctuation
    ALPHABETIC,  # tokens with a letter
    WORDS,  # tokens with a character of which words are made
    WORD_CHARACTERS,
    STOP_WORDS,  # how many of the stop words occur
    LETTERS,
    CAPITALS,
    DIGITS,
    SYMBOLS,
    WHITE,
    UNSPACED_LETTERS,  # letters of scripts without spaces between words
    HASHES,
    ELLIPSES,
    FEEDS,  # line feeds
    LINES,  # between line feeds, not blank
    TERMINAL_LINES,
    SHORT_LINES,
    DUPLICATE_LINE_CHARACTERS,
    PIECES,  # between runs of line feeds, blank or not
    DUPLICATE_PIECES,
    DUPLICATE_PIECE_CHARACTERS,
    UPPERCASE_LINES,
    NUMERIC_LINES,
    COUNTER_LINES,
    SINGLE_WORD_LINES,
    LINE_WORDS,
    POOR_LINE_WORDS,
    BROKEN_LINES,  # between line boundaries of any kind, as str.splitlines has them
    BULLET_LINES,
    ELLIPSIS_LINES,
    CURLY_BRACKETS,
    LOREM_IPSUM,
    C4_SENTENCES,
    PARAGRAPHS,
    DUPLICATE_PARAGRAPHS,
    DUPLICATE_PARAGRAPH_CHARACTERS,
    TOP_NGRAM,  # the first of three: 2-, 3- and 4-grams
    _TOP_3,
    _TOP_4,
    DUPLICATE_NGRAM,  # the first of six: 5- to 10-grams
    *_DUPLICATES,
) = range(46)
SIZE = _DUPLICATES[-1] + 1
