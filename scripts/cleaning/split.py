"""Splitting text into words and marks of punctuation as spaCy's tokenizer of English does (spacy/tokenizer.pyx), compiled.

A run without white space is a special case, or loses prefixes and suffixes until none is left; what remains is a special case,
an address, or is cut at its infixes. Only in one thing does it differ: a letter of a script that is written without spaces
(scripts.cleaning.words) is a word, with the marks on it, so that a Chinese page has not one word a line.

Tokens lie in `bounds` (int32, n × 2: first character and the one after the last, counted from the beginning of the first text),
`hashes` (uint64) and `marks` (uint8 bits).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from scripts.cleaning.addresses import is_address
from scripts.cleaning.affixes import infix_length, prefix_length, suffix_length
from scripts.cleaning.characters import (
    ASCII_DIGIT,
    BEFORE_PERIOD,
    LETTER,
    MARK,
    PUNCTUATION,
    SENTENCE_END,
    SPACE,
    SUFFIX,
    TRIGGER,
    UNSPACED,
    UNWORDED,
    Codes,
)
from scripts.cleaning.english import AS_CASE, HINT_SHIFT, Hints, Lexicon, outline
from scripts.cleaning.hashing import BASE, OFFSET, VALUE, hash_run, mixed
from scripts.lib.compiled import compiled_inline, compiled_inner
from scripts.lib.tables import EMPTY, Hashes, slot_of

Bounds = np.ndarray[tuple[int, int], np.dtype[np.int32]]
Marks = np.ndarray[tuple[int], np.dtype[np.uint8]]
Offsets = np.ndarray[tuple[int], np.dtype[np.int64]]

BLANK = 1  # white space
ALPHABETIC = 2  # has a letter
WORDED = 4  # has a character of which words are made: not a symbol
ENDING = 8  # one character that ends a sentence
PUNCTUATED = 16  # punctuation alone
NO_CASE = -1
BLANKSPACE, PERIOD = ord(" "), ord(".")
LONGEST_CASE = 30
ALL_CLASSES = np.uint32(0xFFFFFFFF)


class Tokens(NamedTuple):
    """The tokens of some texts: those of text n are the rows from `firsts[n]` to before `firsts[n + 1]`."""

    bounds: Bounds
    hashes: Hashes
    marks: Marks
    firsts: Offsets


@compiled_inner
def split(codes: Codes, first: int, last: int, classes: Codes, lexicon: Lexicon, tokens: Tokens, begin: int) -> int:
    """Split the characters from `first` to before `last`: write the tokens from row `begin` on and return the row after them.

    There must be room for as many tokens as characters.
    """
    row = begin
    position = first
    while position < last:
        start = position
        of = classes[codes[position]]
        if of & SPACE:
            position += 1
            while position < last and classes[codes[position]] & SPACE:
                position += 1
            if codes[start] == BLANKSPACE and start > first:
                start += 1  # one space belongs to the word before it
            if start < position:
                row = put_token(start, position, np.uint64(0), BLANK, tokens, row)
            continue
        if of & UNSPACED:
            position += 1
            while position < last and classes[codes[position]] & MARK:
                position += 1
            after = put(start, position, tokens.bounds, row)
            row = describe(codes, classes, tokens, row, after)
            continue
        any_of, all_of = np.uint32(0), ALL_CLASSES
        value, power = np.uint64(0), np.uint64(1)
        while position < last:
            code = codes[position]
            of = classes[code]
            if of & (SPACE | TRIGGER):  # every letter of a script without spaces is a trigger
                break
            any_of |= of
            all_of &= of
            value += (np.uint64(code) + OFFSET) * power
            power *= BASE
            position += 1
        value *= VALUE
        end = position
        while position < last and not classes[codes[position]] & (SPACE | UNSPACED):
            position += 1
        # Three in four runs are a word without triggers, or one with a mark behind it: nothing else can be cut from these.
        plain = end > start and (not any_of & ASCII_DIGIT or classes[codes[end - 1]] & ASCII_DIGIT)
        if plain and not is_case(value, lexicon.hints, lexicon.keys):
            mark = mark_of(any_of, all_of, end - start)
            if end == position:
                row = put_token(start, end, value, mark, tokens, row)
                continue
            if end + 1 == position and _ends_word(codes, end, classes):
                if not is_case(value + hash_of(codes[end]) * power, lexicon.hints, lexicon.keys):
                    row = put_token(start, end, value, mark, tokens, row)
                    row = put_character(codes, end, classes, tokens, row)
                    continue
        if position == start + 1:
            row = put_character(codes, start, classes, tokens, row)
            continue
        after = _split_run(codes, start, position, classes, lexicon, tokens.bounds, row)
        row = describe(codes, classes, tokens, row, after)
    return row


@compiled_inline
def _ends_word(codes: Codes, position: int, classes: Codes) -> bool:
    """Tell whether the last character of a run, whose others are no triggers, is cut from it whatever they are."""
    if codes[position] == PERIOD:
        return bool(classes[codes[position - 1]] & BEFORE_PERIOD)
    return bool(classes[codes[position]] & SUFFIX)


@compiled_inner
def describe(codes: Codes, classes: Codes, tokens: Tokens, begin: int, end: int) -> int:
    """Write hashes and marks of the tokens from row `begin` to before `end`, and return `end`."""
    for row in range(begin, end):
        first, last = int(np.int64(tokens.bounds[row, 0])), int(np.int64(tokens.bounds[row, 1]))
        if last - first == 1:  # most marks of punctuation
            put_character(codes, first, classes, tokens, row)
            continue
        any_of, all_of = np.uint32(0), ALL_CLASSES
        value, power = np.uint64(0), np.uint64(1)
        for position in range(np.uint64(first), np.uint64(last)):
            code = codes[position]
            of = classes[code]
            any_of |= of
            all_of &= of
            value += (np.uint64(code) + OFFSET) * power
            power *= BASE
        if all_of & SPACE:
            tokens.hashes[row], tokens.marks[row] = np.uint64(0), BLANK
        else:
            tokens.hashes[row], tokens.marks[row] = value * VALUE, mark_of(any_of, all_of, last - first)
    return end


@compiled_inline
def mark_of(any_of: np.uint32, all_of: np.uint32, size: int) -> int:
    """Return the marks of a token but for BLANK, given the classes that any and all of its characters have."""
    mark = 0
    if any_of & LETTER:
        mark |= ALPHABETIC
    if not all_of & UNWORDED:
        mark |= WORDED
    if all_of & PUNCTUATION:
        mark |= PUNCTUATED
    if all_of & SENTENCE_END and size == 1:
        mark |= ENDING
    return mark


@compiled_inline
def is_case(value: np.uint64, hints: Hints, keys: Hashes) -> bool:
    """Tell whether a run of characters with this hash is a special case."""
    if not hints[value >> HINT_SHIFT] & AS_CASE:
        return False
    return bool(keys[slot_of(keys, mixed(value))] != EMPTY)


@compiled_inline
def hash_of(code: int) -> np.uint64:
    """Return the hash of a run of one character."""
    return (np.uint64(code) + OFFSET) * VALUE


@compiled_inline
def put_character(codes: Codes, position: int, classes: Codes, tokens: Tokens, row: int) -> int:
    """Write a token of one character with its hash and marks; return the next row."""
    of = classes[codes[position]]
    if of & SPACE:
        return put_token(position, position + 1, np.uint64(0), BLANK, tokens, row)
    return put_token(position, position + 1, hash_of(codes[position]), mark_of(of, of, 1), tokens, row)


@compiled_inline
def put_token(first: int, last: int, value: np.uint64, mark: int, tokens: Tokens, row: int) -> int:
    """Write one token with its hash and marks; return the next row."""
    tokens.bounds[row, 0], tokens.bounds[row, 1] = first, last
    tokens.hashes[row], tokens.marks[row] = value, mark
    return row + 1


@compiled_inline
def special_case(codes: Codes, first: int, last: int, lexicon: Lexicon) -> int:
    """Return the number of the special case that a run is, or NO_CASE."""
    size = last - first
    if size > LONGEST_CASE or size <= 0 or not lexicon.outlines[outline(codes[first], codes[last - 1], size)]:
        return NO_CASE
    slot = slot_of(lexicon.keys, mixed(hash_run(codes, first, last)))
    return NO_CASE if lexicon.keys[slot] == EMPTY else int(lexicon.cases[slot])


@compiled_inline
def put(first: int, last: int, bounds: Bounds, row: int) -> int:
    """Write one token; return the next row."""
    bounds[row, 0], bounds[row, 1] = first, last
    return row + 1


@compiled_inline
def put_case(first: int, case: int, lexicon: Lexicon, bounds: Bounds, row: int) -> int:
    """Write the pieces of a special case that begins at `first`; return the next row."""
    for piece in range(lexicon.piece_starts[case], lexicon.piece_starts[case + 1]):
        after = first + int(np.int64(lexicon.piece_sizes[piece]))
        row = put(first, after, bounds, row)
        first = after
    return row


@compiled_inner
def _split_run(codes: Codes, first: int, last: int, classes: Codes, lexicon: Lexicon, bounds: Bounds, row: int) -> int:
    """Split a run without white space; return the next row.

    The rows that the run may still fill hold, from the last of them back, where its suffixes begin: a suffix is a token to come.
    """
    begin, end = first, last
    case = int(np.int64(NO_CASE))
    suffixes = 0
    top = row + (last - first) - 1
    while begin < end:
        case = special_case(codes, begin, end, lexicon)
        if case != NO_CASE:
            break
        before = prefix_length(codes, begin, end, classes)
        if before > 0:
            case = special_case(codes, begin + before, end, lexicon)
            if case != NO_CASE:
                row = put(begin, begin + before, bounds, row)
                begin += before
                break
        behind = suffix_length(codes, begin + before, end, classes, lexicon.units)
        if behind > 0:
            case = special_case(codes, begin, end - behind, lexicon)
        if before > 0 and case == NO_CASE:
            row = put(begin, begin + before, bounds, row)
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
            row = put_case(begin, case, lexicon, bounds, row)
        else:
            row = _put_core(codes, begin, end, classes, bounds, row)
    while suffixes > 0:
        suffixes -= 1
        begin = int(np.int64(bounds[top - suffixes, 0]))
        after = last if suffixes == 0 else int(np.int64(bounds[top - suffixes + 1, 0]))
        row = put(begin, after, bounds, row)
    return row


@compiled_inline
def _put_core(codes: Codes, first: int, last: int, classes: Codes, bounds: Bounds, row: int) -> int:
    """Write what is left of a run between its prefixes and suffixes: an address as it is, anything else cut at infixes."""
    position = first
    while position < last and not classes[codes[position]] & TRIGGER:
        position += 1
    period = position
    while period < last and codes[period] != PERIOD:
        period += 1
    if position == last or (period < last and is_address(codes, classes, first, last)):
        return put(first, last, bounds, row)
    start = first
    while position < last:
        size = infix_length(codes, first, position, last, classes)
        if size == 0:
            position += 1
            continue
        if position > first:  # spaCy leaves an infix alone that begins the run
            if position > start:
                row = put(start, position, bounds, row)
            row = put(position, position + size, bounds, row)
            start = position + size
        position += size
    if start < last:
        row = put(start, last, bounds, row)
    return row
