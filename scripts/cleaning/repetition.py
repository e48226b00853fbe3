"""How much of a text repeats itself: lines, paragraphs and n-grams of words that occurred before (Rae et al. 2021, table A1).

The numbers are those that datatrove's GopherRepetitionFilter compares: the most frequent n-gram counts with one space between its
words, the first of equally frequent ones; a 5- to 10-gram that occurred before counts without spaces and is then stepped over.
"""

from __future__ import annotations

import numpy as np

from scripts.cleaning import counts as at
from scripts.cleaning.characters import SPACE, Codes
from scripts.cleaning.counts import Counts, Table
from scripts.cleaning.english import Integers
from scripts.cleaning.hashing import BASE, INVERSE, SPREAD, hash_run, mixed, power_of
from scripts.cleaning.split import ALPHABETIC, BLANK, WORDED, Tokens
from scripts.lib.compiled import compiled, compiled_inner
from scripts.lib.tables import EMPTY, Hashes, capacity_for, clear, slot_of

LONGEST_STOP_WORD = 4
TOP_NGRAMS = (2, 3, 4)
DUPLICATE_NGRAMS = (5, 6, 7, 8, 9, 10)
POWERS = 32  # words shorter than this find their power of the base in a table
NEWLINE = ord("\n")
ONE = np.uint64(1)


@compiled
def measure_words(tokens: Tokens, stop_words: Hashes, table: Table) -> None:
    """Count the tokens and words of texts and what they repeat; white space is no token here."""
    most = 0
    for text in range(len(table)):
        most = max(most, tokens.firsts[text + 1] - tokens.firsts[text])
    hashes, sizes = np.empty(most, np.uint64), np.empty(most, np.int32)
    for text in range(len(table)):
        out = table[text]
        count = _measure_tokens(tokens, text, stop_words, hashes, sizes, out)
        _top_ngrams(hashes, sizes, count, out)
        _duplicate_ngrams(hashes, sizes, count, out)


@compiled_inner
def _measure_tokens(tokens: Tokens, text: int, stop_words: Hashes, hashes: Hashes, sizes: Integers, out: Counts) -> int:
    """Count the tokens of a text, and copy their hashes and lengths."""
    count = alphabetic = words = characters = stops = 0
    for token in range(tokens.firsts[text], tokens.firsts[text + 1]):
        mark = tokens.marks[token]
        if mark & BLANK:
            continue
        size = tokens.bounds[token, 1] - tokens.bounds[token, 0]
        value = tokens.hashes[token]
        hashes[count], sizes[count] = value, size
        count += 1
        alphabetic += (mark & ALPHABETIC) != 0
        if mark & WORDED:
            words += 1
            characters += size
        if size <= LONGEST_STOP_WORD:
            for place in range(len(stop_words)):
                if stop_words[place] == value:
                    stops |= 1 << place
    out[at.TOKENS], out[at.ALPHABETIC], out[at.WORDS], out[at.WORD_CHARACTERS] = count, alphabetic, words, characters
    for place in range(len(stop_words)):
        out[at.STOP_WORDS] += (stops >> place) & 1
    return count


@compiled
def _top_ngrams(hashes: Hashes, sizes: Integers, count: int, out: Counts) -> None:
    """Write the characters in the most frequent 2-, 3- and 4-gram of words, given their hashes and lengths."""
    capacity = capacity_for(count)
    keys = np.empty(capacity, np.uint64)
    seen = np.empty(capacity, np.int32)
    firsts = np.empty(capacity, np.int32)
    grams = np.zeros(count, np.uint64)
    for index in range(len(TOP_NGRAMS)):
        size = TOP_NGRAMS[index]
        clear(keys)
        most, earliest = 0, 0
        for word in range(count):
            if size == 2:
                grams[word] = (hashes[word] ^ ONE) * SPREAD
            if word + size > count:
                continue
            gram = mixed(grams[word] + hashes[word + size - 1])
            grams[word] = gram * SPREAD
            slot = slot_of(keys, gram)
            if keys[slot] == EMPTY:
                keys[slot], seen[slot], firsts[slot] = gram, 0, word
            seen[slot] += 1
            if seen[slot] > most or (seen[slot] == most and firsts[slot] < earliest):
                most, earliest = seen[slot], firsts[slot]
        length = size - 1
        if most > 0:
            for word in range(earliest, earliest + size):
                length += sizes[word]
        out[at.TOP_NGRAM + index] = most * length


@compiled
def _duplicate_ngrams(hashes: Hashes, sizes: Integers, count: int, out: Counts) -> None:
    """Write the characters in 5- to 10-grams of words that occurred before."""
    up, down = np.ones(POWERS, np.uint64), np.ones(POWERS, np.uint64)
    for length in range(1, POWERS):
        up[length], down[length] = up[length - 1] * BASE, down[length - 1] * INVERSE
    sums, inverses = np.zeros(count + 1, np.uint64), np.ones(count + 1, np.uint64)
    lengths = np.zeros(count + 1, np.int32)
    power = np.uint64(1)
    for word in range(count):
        size = sizes[word]
        sums[word + 1] = sums[word] + power * hashes[word]
        lengths[word + 1] = lengths[word] + size
        if size < POWERS:
            power *= up[size]
            inverses[word + 1] = inverses[word] * down[size]
        else:
            power *= power_of(BASE, size)
            inverses[word + 1] = inverses[word] * power_of(INVERSE, size)
    keys = np.empty(capacity_for(count), np.uint64)
    for index in range(len(DUPLICATE_NGRAMS)):
        size = DUPLICATE_NGRAMS[index]
        clear(keys)
        characters = word = 0
        while word + size <= count:
            gram = mixed((sums[word + size] - sums[word]) * inverses[word])
            slot = slot_of(keys, gram)
            if keys[slot] == EMPTY:
                keys[slot] = gram
                word += 1
            else:
                characters += lengths[word + size] - lengths[word]
                word += size
        out[at.DUPLICATE_NGRAM + index] = characters


@compiled
def duplicate_paragraphs(codes: Codes, first: int, last: int, classes: Codes) -> tuple[int, int, int]:
    """Return how many paragraphs there are, how many occurred before, and their characters.

    Paragraphs are what two or more line feeds part, in the text without white space at its ends.
    """
    while first < last and classes[codes[first]] & SPACE:
        first += 1
    while last > first and classes[codes[last - 1]] & SPACE:
        last -= 1
    parts = 1
    for position in range(first + 1, last):
        parts += codes[position] == NEWLINE and codes[position - 1] == NEWLINE
    if parts == 1:
        return 1, 0, 0
    keys = np.zeros(capacity_for(parts), np.uint64)
    paragraphs = duplicates = characters = 0
    start = position = first
    while position <= last:
        if position < last and not (codes[position] == NEWLINE and codes[position + 1] == NEWLINE):
            position += 1
            continue
        paragraphs += 1
        if add_run(keys, codes, start, position):
            duplicates += 1
            characters += position - start
        while position < last and codes[position] == NEWLINE:
            position += 1
        start = position
        if position == last:
            break
    return paragraphs, duplicates, characters


@compiled_inner
def add_run(keys: Hashes, codes: Codes, first: int, last: int) -> bool:
    """Add a run of characters to a table; tell whether it was there."""
    key = mixed(hash_run(codes, first, last) + np.uint64(last - first))
    slot = slot_of(keys, key)
    known = bool(keys[slot] != EMPTY)
    keys[slot] = key
    return known
