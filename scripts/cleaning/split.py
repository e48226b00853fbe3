"""Splitting text into words and marks of punctuation as spaCy's tokenizer of English does (spacy/tokenizer.pyx), compiled.

A run without white space is a special case, or loses prefixes and suffixes until none is left; what remains is a special case,
an address, or is cut at its infixes. Only in one thing does it differ: a letter of a script that is written without spaces (Han,
Kana, Thai, Lao, Khmer, Myanmar) is a word, with the marks on it, so that a Chinese page has not one word a line.

Tokens lie in `bounds` (int32, n × 2: first character and the one after the last), `hashes` (uint64) and `marks` (uint8 bits).
"""

from __future__ import annotations

import numpy as np

from scripts.cleaning.addresses import is_address
from scripts.cleaning.affixes import infix_length, prefix_length, suffix_length
from scripts.cleaning.characters import (
    ASCII_DIGIT,
    LETTER,
    MARK,
    PUNCTUATION,
    SENTENCE_END,
    SPACE,
    TRIGGER,
    UNSPACED,
    UNWORDED,
    Codes,
)
from scripts.cleaning.english import FIRSTS, Lexicon
from scripts.cleaning.hashing import EMPTY, Hashes, hash_run, mixed, slot_of
from scripts.lib.compiled import compiled

Bounds = np.ndarray[tuple[int, int], np.dtype[np.int32]]
Marks = np.ndarray[tuple[int], np.dtype[np.uint8]]
Offsets = np.ndarray[tuple[int], np.dtype[np.int64]]

BLANK = 1  # white space
ALPHABETIC = 2  # has a letter
WORDED = 4  # has a character of which words are made: not a symbol
ENDING = 8  # one character that ends a sentence
PUNCTUATED = 16  # punctuation alone
NO_CASE = -1
PERIOD = ord(".")
LONGEST_CASE = 30


@compiled
def split(
    codes: Codes, first: int, last: int, classes: Codes, lexicon: Lexicon, bounds: Bounds, hashes: Hashes, marks: Marks
) -> int:
    """Split the characters from `first` to before `last`; return the number of tokens, or -1 where they have no room.

    Room for as many tokens as characters is always enough.
    """
    count = 0
    position = first
    room = len(hashes)
    while position < last:
        start = position
        seen = np.uint32(0)
        if classes[codes[position]] & SPACE:
            while position < last and classes[codes[position]] & SPACE:
                position += 1
            if codes[start] == 32 and start > first:
                start += 1  # one space belongs to the word before it
            if start < position:
                if count >= room:
                    return -1
                bounds[count, 0], bounds[count, 1] = start, position
                hashes[count], marks[count] = 0, BLANK
                count += 1
            continue
        while position < last:
            of = classes[codes[position]]
            if of & SPACE:
                break
            seen |= of
            position += 1
        if count + (position - start) > room:
            return -1
        plain = not seen & TRIGGER and (not seen & ASCII_DIGIT or classes[codes[position - 1]] & ASCII_DIGIT)
        if plain:
            case = special_case(codes, start, position, lexicon)
            if case == NO_CASE:
                count = _put(codes, start, position, classes, bounds, hashes, marks, count)
            else:
                count = put_case(codes, start, case, classes, lexicon, bounds, hashes, marks, count)
        elif seen & UNSPACED:
            count = _split_unspaced(codes, start, position, classes, lexicon, bounds, hashes, marks, count)
        else:
            count = _split_run(codes, start, position, classes, lexicon, bounds, hashes, marks, count)
    return count


@compiled
def special_case(codes: Codes, first: int, last: int, lexicon: Lexicon) -> int:
    """Return the number of the special case that a run is, or NO_CASE."""
    size = last - first
    if size > LONGEST_CASE or size <= 0 or not (lexicon.lengths[codes[first] % FIRSTS] >> size) & 1:
        return NO_CASE
    slot = slot_of(lexicon.keys, mixed(hash_run(codes, first, last)))
    return NO_CASE if lexicon.keys[slot] == EMPTY else lexicon.cases[slot]


@compiled
def _put(
    codes: Codes, first: int, last: int, classes: Codes, bounds: Bounds, hashes: Hashes, marks: Marks, count: int
) -> int:
    """Add one token."""
    any_of, all_of = np.uint32(0), np.uint32(0xFFFFFFFF)
    for position in range(first, last):
        of = classes[codes[position]]
        any_of |= of
        all_of &= of
    mark = 0
    if any_of & LETTER:
        mark |= ALPHABETIC
    if not all_of & UNWORDED:
        mark |= WORDED
    if all_of & PUNCTUATION:
        mark |= PUNCTUATED
    if last - first == 1 and all_of & SENTENCE_END:
        mark |= ENDING
    bounds[count, 0], bounds[count, 1] = first, last
    hashes[count], marks[count] = hash_run(codes, first, last), mark
    return count + 1


@compiled
def put_case(
    codes: Codes,
    first: int,
    case: int,
    classes: Codes,
    lexicon: Lexicon,
    bounds: Bounds,
    hashes: Hashes,
    marks: Marks,
    count: int,
) -> int:
    """Add the pieces of a special case."""
    for piece in range(lexicon.piece_starts[case], lexicon.piece_starts[case + 1]):
        after = first + lexicon.piece_sizes[piece]
        count = _put(codes, first, after, classes, bounds, hashes, marks, count)
        first = after
    return count


@compiled
def _split_unspaced(
    codes: Codes,
    first: int,
    last: int,
    classes: Codes,
    lexicon: Lexicon,
    bounds: Bounds,
    hashes: Hashes,
    marks: Marks,
    count: int,
) -> int:
    """Split a run with letters of scripts without spaces: each is a token, what lies between is split as a run."""
    position = first
    while position < last:
        start = position
        if classes[codes[position]] & UNSPACED:
            position += 1
            while position < last and classes[codes[position]] & MARK:
                position += 1
            count = _put(codes, start, position, classes, bounds, hashes, marks, count)
            continue
        while position < last and not classes[codes[position]] & UNSPACED:
            position += 1
        count = _split_run(codes, start, position, classes, lexicon, bounds, hashes, marks, count)
    return count


@compiled
def _split_run(
    codes: Codes,
    first: int,
    last: int,
    classes: Codes,
    lexicon: Lexicon,
    bounds: Bounds,
    hashes: Hashes,
    marks: Marks,
    count: int,
) -> int:
    """Split a run without white space.

    The rows of `bounds` that the run may still fill hold, from the end, where its suffixes begin: a suffix is a token to come.
    """
    begin, end = first, last
    case = NO_CASE
    suffixes = 0
    top = count + (last - first) - 1
    while begin < end:
        case = special_case(codes, begin, end, lexicon)
        if case != NO_CASE:
            break
        before = prefix_length(codes, begin, end, classes)
        if before > 0:
            case = special_case(codes, begin + before, end, lexicon)
            if case != NO_CASE:
                count = _put(codes, begin, begin + before, classes, bounds, hashes, marks, count)
                begin += before
                break
        behind = suffix_length(codes, begin + before, end, classes, lexicon.units)
        if behind > 0:
            case = special_case(codes, begin, end - behind, lexicon)
        if before > 0 and case == NO_CASE:
            count = _put(codes, begin, begin + before, classes, bounds, hashes, marks, count)
            begin += before
        if behind > 0:
            end -= behind
            bounds[top - suffixes, 0] = end
            suffixes += 1
            if case != NO_CASE:
                break
        if before == 0 and behind == 0:
            break
    if begin < end:
        if case != NO_CASE:
            count = put_case(codes, begin, case, classes, lexicon, bounds, hashes, marks, count)
        else:
            count = _put_core(codes, begin, end, classes, bounds, hashes, marks, count)
    while suffixes > 0:
        suffixes -= 1
        begin = bounds[top - suffixes, 0]
        after = last if suffixes == 0 else bounds[top - suffixes + 1, 0]
        count = _put(codes, begin, after, classes, bounds, hashes, marks, count)
    return count


@compiled
def _put_core(
    codes: Codes, first: int, last: int, classes: Codes, bounds: Bounds, hashes: Hashes, marks: Marks, count: int
) -> int:
    """Add what is left of a run between its prefixes and suffixes: an address as it is, anything else cut at infixes."""
    triggers = periods = 0
    for position in range(first, last):
        triggers += (classes[codes[position]] & TRIGGER) != 0
        periods += codes[position] == PERIOD
    if triggers == 0 or (periods > 0 and is_address(codes, classes, first, last)):
        return _put(codes, first, last, classes, bounds, hashes, marks, count)
    start = position = first
    while position < last:
        size = infix_length(codes, first, position, last, classes)
        if size == 0:
            position += 1
            continue
        if position > first:  # spaCy leaves an infix alone that begins the run
            if position > start:
                count = _put(codes, start, position, classes, bounds, hashes, marks, count)
            count = _put(codes, position, position + size, classes, bounds, hashes, marks, count)
            start = position + size
        position += size
    if start < last:
        count = _put(codes, start, last, classes, bounds, hashes, marks, count)
    return count
