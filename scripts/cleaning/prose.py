"""Measures of lines as `str.splitlines` has them, compiled: Gopher's bullets and ellipses, and C4's choice of lines.

C4 (Raffel et al. 2020, section 2.2; tensorflow_datasets/text/c4_utils.py) drops lines first and judges the document by the lines
that are left: curly brackets and `lorem ipsum` count there alone, and so do sentences. Sentences are those of spaCy's rule-based
sentencizer, as in datatrove. Two things are added for other scripts: their sentence terminals end a line too, and a letter of a
script without spaces is a word of the at least three that a line must have.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np

from scripts.cleaning import counts as at
from scripts.cleaning.characters import BREAK, LINE_END, SPACE, UNSPACED, Codes, code_points, entries
from scripts.cleaning.citations import CLOSING, OPENING, without_citations
from scripts.cleaning.counts import Counts, Table
from scripts.cleaning.english import Integers
from scripts.cleaning.split import ENDING, PUNCTUATED, Marks, Offsets, Tokens
from scripts.lib.code import data_file
from scripts.lib.compiled import compiled, compiled_inner
from scripts.lib.tables import Hashes

FEWEST_WORDS = 3
LONGEST_WORD = 1000
ASCII = 128
BITS, ONE = 64, np.uint64(1)
PERIOD, ELLIPSIS, BULLET, HYPHEN, RETURN, NEWLINE = map(ord, ".…•-\r\n")
CURLY, CAPITAL_A, CAPITAL_Z, KELVIN, SMALL_K = *map(ord, "{AZ"), 0x212A, ord("k")
LOREM, SCRIPT, POLICY = 1, 2, 4  # what a phrase is


class Wanted(NamedTuple):
    """Phrases that are looked for in lines, in either case, all at once by their beginnings (Baeza-Yates and Gonnet 1992).

    A number has as many bits for each phrase, one for each character of its beginning.
    """

    stands: Hashes  # by ASCII character: the bits where it stands; none for 0, which stands for all that is not ASCII
    bounds: Hashes  # the first bits of all phrases, the last ones of their beginnings
    begun: Integers  # by phrase: the characters of its beginning
    starts: Integers  # by phrase: its first character in `codes`; one more at the end
    codes: Codes  # in lower case
    kinds: Integers  # by phrase: LOREM, SCRIPT or POLICY


@functools.cache
def wanted() -> Wanted:
    """Return the phrases by which C4 drops lines and documents."""
    policies = entries(data_file("scripts/cleaning/lists/policy_phrases_en.txt"))
    phrases = {"lorem ipsum": LOREM, "javascript": SCRIPT, **dict.fromkeys(map(str.strip, policies), POLICY)}
    width = BITS // len(phrases)
    stands, bounds = [0] * ASCII, [0, 0]
    for number, phrase in enumerate(phrases):
        bits = range(number * width, number * width + len(phrase[:width]))
        bounds = [bounds[0] | 1 << bits[0], bounds[1] | 1 << bits[-1]]
        for bit, character in zip(bits, phrase, strict=False):
            for code in {ord(character), ord(character.upper())}:
                stands[code] |= 1 << bit
    sizes = np.array([len(phrase) for phrase in phrases], np.int32)
    return Wanted(
        np.array(stands, np.uint64),
        np.array(bounds, np.uint64),
        np.minimum(sizes, np.int32(width)),
        np.cumsum([0, *sizes]).astype(np.int32),
        code_points("".join(phrases)),
        np.array(list(phrases.values()), np.int32),
    )


class Edited(NamedTuple):
    """Lines from which something was cut, one after the other, so that they have to be split into tokens again."""

    codes: Codes
    starts: Offsets  # by line: its first character; one more at the end
    owners: Offsets  # by line: the text it belongs to
    size: Offsets  # how many lines


def no_lines(characters: int) -> Edited:
    """Return room for all lines of texts with so many characters that have the least number of words."""
    lines = characters // (2 * FEWEST_WORDS - 1) + 2
    starts, owners = np.empty(lines, np.int64), np.empty(lines, np.int64)
    starts[0] = 0
    return Edited(np.empty(characters, np.uint32), starts, owners, np.zeros(1, np.int64))


@compiled
def measure_prose(
    codes: Codes, starts: Offsets, classes: Codes, phrases: Wanted, tokens: Tokens, table: Table, edited: Edited
) -> None:
    """Measure the lines of texts that are split into tokens, but for the sentences of the lines that are put in `edited`."""
    for text in range(len(starts) - 1):
        _measure_text(codes, starts, classes, phrases, tokens, text, table[text], edited)


@compiled_inner
def _measure_text(
    codes: Codes,
    starts: Offsets,
    classes: Codes,
    phrases: Wanted,
    tokens: Tokens,
    text: int,
    out: Counts,
    edited: Edited,
) -> None:
    token = tokens.firsts[text]
    start, last = starts[text], starts[text + 1]
    while start < last:
        end = start
        while end < last and not classes[codes[np.uint64(end)]] & BREAK:
            end += 1
        out[at.BROKEN_LINES] += 1
        left, right = start, end
        while left < right and classes[codes[left]] & SPACE:
            left += 1
        while right > left and classes[codes[right - 1]] & SPACE:
            right -= 1
        start = end + 1
        if end + 1 < last and codes[end] == RETURN and codes[end + 1] == NEWLINE:
            start += 1
        if left == right:
            continue
        out[at.BULLET_LINES] += codes[left] == BULLET or codes[left] == HYPHEN
        dotted = _ends_in_dots(codes, left, right)
        out[at.ELLIPSIS_LINES] += dotted or codes[right - 1] == ELLIPSIS
        kept = codes[right - 1] == CLOSING or (classes[codes[right - 1]] & LINE_END and not dotted)
        if kept and _enough_words(codes, left, right, classes):
            token = _measure_c4(codes, left, right, classes, phrases, tokens, token, text, out, edited)


@compiled_inner
def _ends_in_dots(codes: Codes, first: int, last: int) -> bool:
    if last - first < 3:
        return False
    return bool(codes[last - 1] == PERIOD and codes[last - 2] == PERIOD and codes[last - 3] == PERIOD)


@compiled_inner
def _measure_c4(
    codes: Codes,
    first: int,
    last: int,
    classes: Codes,
    phrases: Wanted,
    tokens: Tokens,
    token: int,
    text: int,
    out: Counts,
    edited: Edited,
) -> int:
    """Add what C4 counts in a line of words enough without white space at its ends, if C4 keeps it.

    The first token of the line comes at `token` or after; returns from where to look for that of the next line.
    """
    line, left, right = codes, first, last
    number = edited.size[0]
    cited = False
    curly = 0
    for place in range(np.uint64(first), np.uint64(last)):  # unsigned: no place has to be looked at for its sign
        cited |= codes[place] == OPENING
        curly += codes[place] == CURLY
    if cited:
        left = edited.starts[number]
        right = without_citations(codes, first, last, classes, edited.codes, left)
        cited = right - left < last - first
        if cited:
            line = edited.codes
        else:
            left, right = first, last
    if right == left or not classes[line[right - 1]] & LINE_END or _ends_in_dots(line, left, right):
        return token
    kinds = _look_for(line, left, right, phrases)
    out[at.LOREM_IPSUM] += (kinds & LOREM) != 0
    if kinds & SCRIPT:
        return token
    out[at.CURLY_BRACKETS] += curly
    if kinds & POLICY:
        return token
    if cited:
        edited.starts[number + 1], edited.owners[number] = right, text
        edited.size[0] = number + 1
        return token
    while tokens.bounds[np.uint64(token), 0] < first:
        token += 1
    begin, end = token, tokens.firsts[text + 1]
    while token < end and tokens.bounds[np.uint64(token), 1] <= last:
        token += 1
    out[at.C4_SENTENCES] += _sentences(tokens.marks, begin, token)
    return token


@compiled
def measure_edited(tokens: Tokens, edited: Edited, table: Table) -> None:
    """Add the sentences of the edited lines, which are split into tokens as if each were a text."""
    for line in range(edited.size[0]):
        table[edited.owners[line], at.C4_SENTENCES] += _sentences(
            tokens.marks, tokens.firsts[line], tokens.firsts[line + 1]
        )


@compiled_inner
def _enough_words(codes: Codes, first: int, last: int, classes: Codes) -> bool:
    """Tell whether a line has words enough, none of them too long."""
    words = size = 0
    for position in range(first, last):
        of = classes[codes[position]]
        if of & SPACE or of & UNSPACED:
            words += (size > 0) + ((of & UNSPACED) != 0)
            size = 0
            if words >= FEWEST_WORDS and last - position <= LONGEST_WORD:
                return True  # no word can be too long any more
        else:
            size += 1
            if size > LONGEST_WORD:
                return False
    return words + (size > 0) >= FEWEST_WORDS


@compiled_inner
def _lower(code: int) -> int:
    """Return the lower case of a character as far as it is ASCII: nothing else is looked for."""
    if CAPITAL_A <= code <= CAPITAL_Z:
        return code + 32
    return SMALL_K if code == KELVIN else code


@compiled_inner
def _look_for(codes: Codes, first: int, last: int, phrases: Wanted) -> int:
    """Return the kinds of phrases in a line."""
    kinds = 0
    begins, ends = phrases.bounds[0], phrases.bounds[1]
    matched = np.uint64(0)  # a bit for each beginning of a beginning that ends here
    for position in range(first, last):
        code = codes[np.uint64(position)]
        if code >= ASCII:
            code = np.uint32(SMALL_K if code == KELVIN else 0)
        matched = ((matched << ONE) | begins) & phrases.stands[code]
        if matched & ends:
            for phrase in range(len(phrases.kinds)):
                if _is_phrase(codes, position + 1 - phrases.begun[phrase], first, last, phrases, phrase):
                    kinds |= phrases.kinds[phrase]
    return kinds


@compiled_inner
def _is_phrase(codes: Codes, position: int, first: int, last: int, phrases: Wanted, phrase: int) -> bool:
    begin, end = phrases.starts[phrase], phrases.starts[phrase + 1]
    if position < first or position + end - begin > last:
        return False
    for place in range(begin, end):
        if _lower(codes[position + place - begin]) != phrases.codes[place]:
            return False
    return True


@compiled_inner
def _sentences(marks: Marks, begin: int, end: int) -> int:
    """Return the sentences of some tokens: one begins with what follows an end and is not punctuation."""
    sentences, ended = 1, False
    for token in range(np.uint64(begin), np.uint64(end)):
        mark = marks[token]
        if mark & ENDING:
            ended = True
        elif ended and not mark & PUNCTUATED:
            sentences += 1
            ended = False
    return sentences
