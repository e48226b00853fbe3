"""How much of a text repeats itself: n-grams of words that occurred before (Rae et al. 2021, table A1).

The numbers are those that datatrove's GopherRepetitionFilter compares: the most frequent n-gram counts with one space between its
words, the first of equally frequent ones; a 5- to 10-gram that occurred before counts without spaces and is then stepped over.
So 2- to 4-grams are equal when their words are, longer ones when their characters are, wherever words begin within them.

Few n-grams of a text repeat, and only those are looked up in tables. Which ones may repeat is told by counting hashes in cells of
one byte, many enough that two n-grams seldom meet in one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from scripts.cleaning import counts as at
from scripts.cleaning.characters import Codes
from scripts.cleaning.counts import Counts, Table
from scripts.cleaning.english import Integers
from scripts.cleaning.hashing import BASE, INVERSE, SPREAD, mixed, power_of
from scripts.cleaning.split import ALPHABETIC, BLANK, WORDED, Marks, Tokens
from scripts.lib.compiled import compiled, compiled_inner
from scripts.lib.tables import EMPTY, Hashes, capacity_for, clear, slot_of

TOP_NGRAMS = (2, 3, 4)
DUPLICATE_NGRAMS = (5, 6, 7, 8, 9, 10)
POWERS = 32  # words shorter than this find their power of the base in a table
ONE = np.uint64(1)
STOP_SLOTS = 256  # many more than stop words, so that two seldom meet
CELLS = 16  # or more for each word of a text


class Powers(NamedTuple):
    """What short words multiply by, by their length."""

    up: Hashes  # powers of the base
    down: Hashes  # of its inverse


class Words(NamedTuple):
    """The tokens of one text but white space, and room for what is found out about them."""

    hashes: Hashes
    sizes: Integers  # characters
    sums: Hashes  # by word: hash of the text before it
    inverses: Hashes  # by word: what a difference of sums is multiplied by
    ends: Integers  # by word: characters of the text before it
    cells: Marks  # 0 for no n-gram, 1 for one, 2 for more
    cell_of: Codes  # by first word of an n-gram
    places: Integers  # the first words of n-grams that may repeat, ascending
    grams: Hashes  # by place: hash of the n-gram
    slots: Integers  # by place: where it is in the table
    keys: Hashes  # of the table
    seen: Integers  # by slot: how often


@compiled
def measure_words(tokens: Tokens, stop_words: Hashes, table: Table) -> None:
    """Count the tokens and words of texts and what they repeat; white space is no token here."""
    most = 0
    for text in range(len(table)):
        most = max(most, tokens.firsts[text + 1] - tokens.firsts[text])
    words, powers = _room(most), _powers()
    stops, places = np.zeros(STOP_SLOTS, np.uint64), np.zeros(STOP_SLOTS, np.int64)
    for place in range(len(stop_words)):
        slot = slot_of(stops, stop_words[place])
        stops[slot], places[slot] = stop_words[place], 1 << place
    for text in range(len(table)):
        out = table[text]
        count = _measure_tokens(tokens, text, stops, places, words, out)
        _top_ngrams(words, count, out)
        _duplicate_ngrams(words, count, powers, out)


@compiled
def _room(most: int) -> Words:
    """Return room for texts of so many tokens."""
    capacity = capacity_for(most)
    return Words(
        np.empty(most, np.uint64),
        np.empty(most, np.int32),
        np.zeros(most + 1, np.uint64),
        np.ones(most + 1, np.uint64),
        np.zeros(most + 1, np.int32),
        np.empty(1 << _cell_bits(most), np.uint8),
        np.empty(most, np.uint32),
        np.empty(most, np.int32),
        np.empty(most, np.uint64),
        np.empty(most, np.int32),
        np.empty(capacity, np.uint64),
        np.empty(capacity, np.int32),
    )


@compiled
def _powers() -> Powers:
    up, down = np.ones(POWERS, np.uint64), np.ones(POWERS, np.uint64)
    for length in range(1, POWERS):
        up[length], down[length] = up[length - 1] * BASE, down[length - 1] * INVERSE
    return Powers(up, down)


@compiled_inner
def _measure_tokens(tokens: Tokens, text: int, stops: Hashes, places: Counts, words: Words, out: Counts) -> int:
    """Count the tokens of a text and copy them without white space; `places` has a bit by the slot of a stop word."""
    count = alphabetic = worded = characters = found = 0
    for token in range(tokens.firsts[text], tokens.firsts[text + 1]):
        mark = tokens.marks[token]
        size, value = tokens.bounds[token, 1] - tokens.bounds[token, 0], tokens.hashes[token]
        words.hashes[count], words.sizes[count] = value, size
        count += (mark & BLANK) == 0  # the next one takes the place of white space, which has no other mark and no hash
        alphabetic += (mark & ALPHABETIC) != 0
        is_word = (mark & WORDED) != 0
        worded += is_word
        characters += size * is_word
        found |= places[slot_of(stops, value)]
    out[at.TOKENS], out[at.ALPHABETIC], out[at.WORDS], out[at.WORD_CHARACTERS] = count, alphabetic, worded, characters
    while found > 0:
        out[at.STOP_WORDS] += found & 1
        found >>= 1
    return count


@compiled_inner
def _top_ngrams(words: Words, count: int, out: Counts) -> None:
    """Write the characters in the most frequent 2-, 3- and 4-gram of words.

    A longer n-gram can only repeat where a shorter one does at its first word and at its second.
    """
    found = 0
    for index in range(len(TOP_NGRAMS)):
        size = TOP_NGRAMS[index]
        if size > count:
            return
        found = _pairs(words, count) if index == 0 else _longer(words, found, size)
        _count(words, found)
        found, most, first = _repeated(words, found)
        length = size - 1
        for word in range(first, first + size):
            length += words.sizes[word]
        out[at.TOP_NGRAM + index] = most * length


@compiled_inner
def _pairs(words: Words, count: int) -> int:
    """Find the pairs of words that may repeat, and hash them; return how many there are."""
    shift = _clear_cells(words, count)
    for word in range(count - 1):
        _put_in_cell(words, word, (_pair(words, word) * BASE) >> shift)
    found = _shared(words, count - 1)
    for place in range(found):
        words.grams[place] = mixed(_pair(words, words.places[place]))
    return found


@compiled_inner
def _pair(words: Words, word: int) -> np.uint64:
    return np.uint64((words.hashes[word] ^ ONE) * SPREAD + words.hashes[word + 1])


@compiled_inner
def _clear_cells(words: Words, count: int) -> np.uint64:
    """Empty the cells for a text of `count` words; return the shift of a hash that leaves the number of a cell."""
    bits = _cell_bits(count)
    for cell in range(1 << bits):
        words.cells[cell] = 0
    return np.uint64(64 - bits)


@compiled_inner
def _cell_bits(count: int) -> int:
    bits = 6
    while (1 << bits) < CELLS * count:
        bits += 1
    return bits


@compiled_inner
def _put_in_cell(words: Words, word: int, cell: np.uint64) -> None:
    """Put the n-gram that begins with a word in a cell."""
    words.cell_of[np.uint64(word)] = cell
    words.cells[cell] = 2 if words.cells[cell] > 0 else 1


@compiled_inner
def _shared(words: Words, count: int) -> int:
    """Put the first words of n-grams that share their cell in `places`, of those before `count`; return how many there are."""
    found = 0
    for word in range(count):
        words.places[np.uint64(found)] = word
        found += words.cells[words.cell_of[np.uint64(word)]] > 1
    return found


@compiled_inner
def _longer(words: Words, found: int, size: int) -> int:
    """Turn repeated n-grams into those of `size`, one word more, that may repeat; return how many there are."""
    left = 0
    for place in range(found - 1):
        word = words.places[place]
        if words.places[place + 1] == word + 1:
            words.places[left] = word
            words.grams[left] = mixed(words.grams[place] * SPREAD + words.hashes[word + size - 1])
            left += 1
    return left


@compiled_inner
def _count(words: Words, found: int) -> None:
    """Count how often each n-gram occurs."""
    keys = words.keys[: capacity_for(found)]
    clear(keys)
    for place in range(found):
        slot = slot_of(keys, words.grams[place])
        words.seen[slot] = 1 if keys[slot] == EMPTY else words.seen[slot] + 1
        keys[slot] = words.grams[place]
        words.slots[place] = slot


@compiled_inner
def _repeated(words: Words, found: int) -> tuple[int, int, int]:
    """Leave those of the counted n-grams that occur more than once.

    Returns how many there are, how often the most frequent n-gram of the text occurs, and the first word of the earliest such.
    """
    left = first = 0
    most = 1
    for place in range(found):
        word, seen = words.places[place], words.seen[words.slots[place]]
        if seen > most:
            most, first = seen, word
        words.places[left], words.grams[left] = word, words.grams[place]
        left += seen > 1
    return left, most, first


@compiled_inner
def _duplicate_ngrams(words: Words, count: int, powers: Powers, out: Counts) -> None:
    """Write the characters in 5- to 10-grams of words that occurred before."""
    _add_up(words, count, powers)
    for index in range(len(DUPLICATE_NGRAMS)):
        size = DUPLICATE_NGRAMS[index]
        shift = _clear_cells(words, count)
        for word in range(count - size + 1):
            _put_in_cell(words, word, _gram(words, word, size) >> shift)
        found = _shared(words, count - size + 1)
        out[at.DUPLICATE_NGRAM + index] = _stepped_over(words, found, size)


@compiled_inner
def _add_up(words: Words, count: int, powers: Powers) -> None:
    """Hash the text before each word, so that the hash of any n-gram follows from two of them."""
    power = ONE
    for word in range(count):
        size = words.sizes[word]
        words.sums[word + 1] = words.sums[word] + power * words.hashes[word]
        words.ends[word + 1] = words.ends[word] + size
        if size < POWERS:
            power *= powers.up[size]
            words.inverses[word + 1] = words.inverses[word] * powers.down[size]
        else:
            power *= power_of(BASE, size)
            words.inverses[word + 1] = words.inverses[word] * power_of(INVERSE, size)


@compiled_inner
def _gram(words: Words, word: int, size: int) -> np.uint64:
    """Return the hash of the characters of `size` words."""
    first = np.uint64(word)
    return np.uint64((words.sums[first + np.uint64(size)] - words.sums[first]) * words.inverses[first])


@compiled_inner
def _stepped_over(words: Words, found: int, size: int) -> int:
    """Return the characters in n-grams that occurred before, when what lies within such a one is not looked at."""
    keys = words.keys[: capacity_for(found)]
    clear(keys)
    characters = after = 0
    for place in range(found):
        word = words.places[place]
        if word < after:
            continue
        gram = mixed(_gram(words, word, size))
        slot = slot_of(keys, gram)
        if keys[slot] == EMPTY:
            keys[slot] = gram
        else:
            after = word + size
            characters += words.ends[after] - words.ends[word]
    return characters
