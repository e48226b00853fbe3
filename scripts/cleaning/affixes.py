"""What is cut from the ends of a run of characters and within it: spaCy's prefixes, suffixes and infixes of English, compiled.

Each function tells how many characters the expression of spacy/lang/en/punctuation.py and spacy/lang/punctuation.py would take at
that place (0: none), with its look-behinds and look-aheads confined to the run.
"""

from __future__ import annotations

from scripts.cleaning.characters import (
    ALPHA,
    ALPHA_LOWER,
    ALPHA_UPPER,
    ASCII_DIGIT,
    BEFORE_PERIOD,
    CURRENCY,
    ICON,
    PREFIX,
    QUOTE,
    SUFFIX,
    TRIGGER,
    Codes,
)
from scripts.cleaning.hashing import hash_run, mixed
from scripts.lib.compiled import compiled_inline
from scripts.lib.tables import EMPTY, Hashes, slot_of

PERIOD, ELLIPSIS, COMMA, PLUS, HYPHEN, STAR, CARET, TILDE = map(ord, ".…,+-*^~")
EN_DASH, EM_DASH, COLON, LESS, GREATER, EQUAL, SLASH = map(ord, "–—:<>=/")
DOLLAR, LETTER_U, LETTER_S, LETTER_C, LETTER_A, SMALL_S = map(ord, "$USCAs")
APOSTROPHE, RIGHT_QUOTE, DEGREE = map(ord, "'’°")
LONGEST_UNIT = 10


@compiled_inline
def prefix_length(codes: Codes, first: int, last: int, classes: Codes) -> int:
    """Return the length of the prefix of a run (not empty)."""
    code = codes[first]
    of = classes[code]
    if of & PREFIX:
        return 1
    if code == PERIOD:
        size = 1
        while first + size < last and codes[first + size] == PERIOD:
            size += 1
        return size if size > 1 else 0
    if code == PLUS:
        return 0 if first + 1 < last and classes[codes[first + 1]] & ASCII_DIGIT else 1
    return _dollar_length(codes, first, last)


@compiled_inline
def _dollar_length(codes: Codes, first: int, last: int) -> int:
    """Return the length of US$, C$ or A$ at `first`, or 0."""
    code = codes[first]
    if code == LETTER_U:
        return 3 if first + 2 < last and codes[first + 1] == LETTER_S and codes[first + 2] == DOLLAR else 0
    if code == LETTER_C or code == LETTER_A:
        return 2 if first + 1 < last and codes[first + 1] == DOLLAR else 0
    return 0


@compiled_inline
def suffix_length(codes: Codes, first: int, last: int, classes: Codes, units: Hashes) -> int:
    """Return the length of the suffix of a run: the longest, since the expression is searched for from the left."""
    if first >= last:
        return 0
    end = last - 1
    code = codes[end]
    if code == PERIOD:
        return _period_suffix(codes, first, last, classes)
    if code == ELLIPSIS:
        return 2 if end > first and codes[end - 1] == ELLIPSIS else 1
    if classes[codes[end]] & SUFFIX:
        return 1
    if end == first:
        return 0
    before = codes[end - 1]
    if (code == SMALL_S or code == LETTER_S) and (before == APOSTROPHE or before == RIGHT_QUOTE):
        return 2
    if classes[codes[end - 1]] & ASCII_DIGIT and (code == PLUS or classes[codes[end]] & CURRENCY):
        return 1
    if code == DOLLAR:
        for size in range(2, 4):
            start = last - size
            if start > first and classes[codes[start - 1]] & ASCII_DIGIT:
                if _dollar_length(codes, start, last) == size:
                    return size
        return 0
    return _unit_suffix(codes, first, last, classes, units)


@compiled_inline
def _period_suffix(codes: Codes, first: int, last: int, classes: Codes) -> int:
    start = last - 1
    while start > first and codes[start - 1] == PERIOD:
        start -= 1
    if start < last - 1:
        return last - start
    if start == first:
        return 0
    if classes[codes[start - 1]] & BEFORE_PERIOD:
        return 1
    if start - 1 == first:
        return 0
    before = codes[start - 1]
    if before < 128 and codes[start - 2] == DEGREE and (before | 32) in (ord("f"), ord("c"), ord("k")):
        return 1
    return 1 if classes[codes[start - 1]] & ALPHA_UPPER and classes[codes[start - 2]] & ALPHA_UPPER else 0


@compiled_inline
def _unit_suffix(codes: Codes, first: int, last: int, classes: Codes, units: Hashes) -> int:
    """Return the length of the unit of measurement that follows the last digit, if one does up to the end."""
    for size in range(0, LONGEST_UNIT + 1):
        digit = last - 1 - size
        if digit < first:
            return 0
        if classes[codes[digit]] & ASCII_DIGIT:
            if size == 0:
                return 0
            slot = slot_of(units, mixed(hash_run(codes, digit + 1, last)))
            return 0 if units[slot] == EMPTY else size
    return 0


@compiled_inline
def infix_length(codes: Codes, first: int, position: int, last: int, classes: Codes) -> int:
    """Return the length of the infix at `position` of the run from `first` to before `last`."""
    code = codes[position]
    of = classes[code]
    if not of & TRIGGER:
        return 0
    if code == ELLIPSIS or of & ICON:
        return 1
    if code == PERIOD:
        size = 1
        while position + size < last and codes[position + size] == PERIOD:
            size += 1
        if size > 1:
            return size
    if position == first or position + 1 == last:
        return 0
    before, after = classes[codes[position - 1]], classes[codes[position + 1]]
    if code == PERIOD:
        return 1 if before & (ALPHA_LOWER | QUOTE) and after & (ALPHA_UPPER | QUOTE) else 0
    if code == COMMA:
        return 1 if before & ALPHA and after & ALPHA else 0
    if code == PLUS or code == HYPHEN or code == STAR or code == CARET:
        if before & ASCII_DIGIT and (after & ASCII_DIGIT or codes[position + 1] == HYPHEN):
            return 1
    if not before & (ALPHA | ASCII_DIGIT):
        return 0
    if code == COLON or code == LESS or code == GREATER or code == EQUAL or code == SLASH:
        return 1 if after & ALPHA else 0
    if code == HYPHEN or code == EN_DASH or code == EM_DASH or code == TILDE:
        return _hyphen_length(codes, position, last, classes)
    return 0


@compiled_inline
def _hyphen_length(codes: Codes, position: int, last: int, classes: Codes) -> int:
    """Return the length of a hyphen or dash (- – — -- --- —— ~) that a letter follows, or 0."""
    code = codes[position]
    longest = 3 if code == HYPHEN else 2 if code == EM_DASH else 1
    size = 1
    while size < longest and position + size < last and codes[position + size] == code:
        size += 1
    return size if position + size < last and classes[codes[position + size]] & ALPHA else 0
