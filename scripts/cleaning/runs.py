"""Runs of words of some texts, looked up in others: what evaluation items and held-out documents are found by.

A text gives all its runs of a length that depends on its own (see `Rules`). A rolling 64-bit hash (Karp and Rabin 1987) of a few
words is looked up in a bitmap of how runs open, which stays in the cache; only there, and where a sentence begins, runs are
looked up in a table. A hit counts when the folded letters of all words agree, so no two texts are ever taken for each other.
Memory is some 80 bytes for each word indexed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scripts.cleaning.mixing import mixed
from scripts.cleaning.wording import I64, SINGLE, STARTS, U8, U32, U64, Words
from scripts.lib.compiled import compiled

BASE, LENGTH_SALT = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)
ONE, LAST_BIT = np.uint64(1), np.uint64(511)
ALL_BITS = np.uint64(0xFFFFFFFFFFFFFFFF)
UNSPACED_FACTOR = 2  # characters that tell as much as a word, in scripts written without spaces
FEWEST_WORDS = 3  # shorter texts are not looked for at all
ANYWHERE, WHOLE, TOGETHER = 0, 1, 2  # how a run has to stand to count


@dataclass(frozen=True)
class Rules:
    """How texts of different length are found; lengths in words, of which a character of an unspaced script is half a one.

    A text of at least `ngram` words is found by any run of so many of its words (Brown et al. 2020, appendix C, with 13), one
    of at least `minimum_words` by all of it. A shorter text of at least `sentence_words` is found where it is a whole line or
    sentence. A still shorter one, of at least three, has to be that too, and is only evidence together with others.
    """

    ngram: int
    minimum_words: int
    sentence_words: int

    def of(self, words: int, unspaced: int) -> tuple[int, int]:
        """Return length and manner of the runs of a text, (0, 0) for a text that is too short."""
        factor = UNSPACED_FACTOR if 2 * unspaced > words else 1
        if words >= factor * self.minimum_words:
            return min(words, factor * self.ngram), ANYWHERE
        if words >= factor * self.sentence_words:
            return words, WHOLE
        return (words, TOGETHER) if words >= factor * FEWEST_WORDS else (0, 0)


@dataclass(frozen=True)
class Hits:
    """Where runs stand, h hits in the order of the words: number of the first word, and of the run."""

    starts: I64  # [h]
    runs: I64  # [h]


class Runs:
    """An index of the runs of some texts. `mask` narrows the hashes, so that a test can have them collide."""

    def __init__(self, words: Words, rules: Rules, mask: np.uint64 = ALL_BITS) -> None:
        self.words, self._mask = words, mask
        singles = np.concatenate([[0], np.cumsum(words.flags & SINGLE != 0)])
        unspaced = np.diff(singles[words.texts]).tolist()
        found = [rules.of(*pair) for pair in zip(np.diff(words.texts).tolist(), unspaced, strict=True)]
        self.text_length = np.array([length for length, _ in found], np.int64)  # of a run; 0 for a text not looked for
        self.text_manner = np.array([manner for _, manner in found], np.uint8)
        keys, places, texts = _keys(words.hashes, words.texts, self.text_length, mask)
        order = np.argsort(keys, kind="stable")
        keys, places, texts = keys[order], places[order], texts[order]
        lengths = self.text_length[texts]
        new = _first_of_each(keys, places, lengths, words.bounds, words.letters)
        firsts = np.flatnonzero(new)
        self.entry_texts, self._entry_places = texts, places
        self._entries = np.concatenate([firsts, [len(keys)]]).astype(np.int64)  # [runs + 1]
        self.places, self.lengths = places[firsts], lengths[firsts]  # [runs], of a run's first occurrence
        self.manners = self.text_manner[texts[firsts]]
        self._keys = keys[firsts]
        self._anywhere = np.unique(self.lengths[self.manners == ANYWHERE])
        self._sentences = np.unique(self.lengths[self.manners != ANYWHERE])
        self._opening = int(self._anywhere[0]) if len(self._anywhere) else 0
        self._slots = _table(self._keys, _power_of_two(2 * len(firsts)))
        blocks = _power_of_two(len(firsts) // 32)
        self._bitmap = _openings(words.hashes, self.places, self.manners, self._opening, blocks, mask)

    def __len__(self) -> int:
        return len(self.lengths)

    def texts_of(self, run: int) -> list[int]:
        """Return the texts that hold a run, ascending, once each."""
        return sorted(set(self.entry_texts[self._entries[run] : self._entries[run + 1]].tolist()))

    def entry_runs(self) -> I64:
        """Return the run of each place where one stands in the indexed texts; `entry_texts` has the texts."""
        return np.repeat(np.arange(len(self)), np.diff(self._entries))

    def places_of(self, run: int) -> I64:
        """Return the numbers of the words with which a run begins in the indexed texts."""
        return self._entry_places[self._entries[run] : self._entries[run + 1]]

    def find(self, words: Words) -> Hits:
        """Return where runs stand in texts, each one that stands there."""
        starts, runs = _scan(
            words.hashes,
            words.flags,
            words.bounds,
            words.letters,
            words.texts,
            self.words.bounds,
            self.words.letters,
            self._keys,
            self.places,
            self.lengths,
            self.manners,
            self._slots,
            self._bitmap,
            self._opening,
            self._anywhere,
            self._sentences,
            self._mask,
        )
        order = np.lexsort((runs, starts))
        return Hits(starts[order], runs[order])


def _power_of_two(least: int) -> int:
    return 1 << max(6, (least - 1).bit_length())


@compiled
def _power(length: int) -> np.uint64:
    """Return the weight of the first word of a run, modulo 2**64."""
    power = ONE
    for _ in range(length - 1):
        power = power * BASE
    return power


@compiled
def _key(value: np.uint64, length: int, mask: np.uint64) -> np.uint64:
    return np.uint64(mixed(value + np.uint64(length) * LENGTH_SALT) & mask)


@compiled
def _keys(hashes: U64, texts: I64, lengths: I64, mask: np.uint64) -> tuple[U64, I64, I64]:
    """Return the key of every run of every text, the number of its first word, and the text's."""
    total = 0
    for text in range(len(lengths)):
        if lengths[text]:
            total += texts[text + 1] - texts[text] - lengths[text] + 1
    keys, places, owners = np.empty(total, np.uint64), np.empty(total, np.int64), np.empty(total, np.int64)
    count = 0
    for text in range(len(lengths)):
        length = lengths[text]
        if length == 0:
            continue
        power, value = _power(length), np.uint64(0)
        for word in range(texts[text], texts[text + 1]):
            start = word - length + 1
            if start > texts[text]:
                value -= hashes[start - 1] * power
            value = value * BASE + hashes[word]
            if start >= texts[text]:
                keys[count], places[count], owners[count] = _key(value, length, mask), start, text
                count += 1
    return keys, places, owners


@compiled
def _agree(one: int, bounds_1: I64, letters_1: U32, two: int, bounds_2: I64, letters_2: U32, length: int) -> bool:
    """Tell whether `length` words from word `one` and word `two` have the same letters."""
    shift = bounds_2[two] - bounds_1[one]
    for word in range(1, length + 1):
        if bounds_1[one + word] + shift != bounds_2[two + word]:
            return False
    place, end = bounds_1[one], bounds_1[one + length]
    while place < end and letters_1[place] == letters_2[place + shift]:
        place += 1
    return bool(place == end)


@compiled
def _first_of_each(keys: U64, places: I64, lengths: I64, bounds: I64, letters: U32) -> U8:
    """Mark the entries that hold another run than the entry before."""
    new = np.ones(len(keys), np.uint8)
    for entry in range(1, len(keys)):
        one, two, length = places[entry - 1], places[entry], lengths[entry]
        if keys[entry] == keys[entry - 1] and length == lengths[entry - 1]:
            if _agree(one, bounds, letters, two, bounds, letters, length):
                new[entry] = 0
    return new


@compiled
def _value(hashes: U64, start: int, length: int) -> np.uint64:
    """Return the polynomial of the words of a run, modulo 2**64."""
    value = np.uint64(0)
    for word in range(start, start + length):
        value = value * BASE + hashes[word]
    return value


@compiled
def _table(keys: U64, size: int) -> I64:
    """Return a table with linear probing from keys to the first run of each, -1 where empty."""
    slots = np.full(size, -1, np.int64)
    for run in range(len(keys)):
        if run and keys[run] == keys[run - 1]:
            continue
        slot = np.int64(keys[run] & np.uint64(size - 1))
        while slots[slot] >= 0:
            slot = (slot + 1) & (size - 1)
        slots[slot] = run
    return slots


@compiled
def _bits(key: np.uint64, blocks: int) -> tuple[int, int]:
    """Return the two bits of a key in a bitmap: both in one block of 512, which is one line of the cache."""
    block = int(key & np.uint64(blocks - 1)) << 9
    return block + int((key >> np.uint64(46)) & LAST_BIT), block + int(key >> np.uint64(55))


@compiled
def _openings(hashes: U64, places: I64, manners: U8, opening: int, blocks: int, mask: np.uint64) -> U8:
    """Return a bitmap (Bloom 1970, in blocks) of the first `opening` words of all runs that count anywhere."""
    bitmap = np.zeros(blocks * 64, np.uint8)
    for run in range(len(places)):
        if manners[run] == ANYWHERE:
            key = _key(_value(hashes, places[run], opening), opening, mask)
            for bit in _bits(key, blocks):
                bitmap[bit >> 3] |= np.uint8(1 << (bit & 7))
    return bitmap


@compiled
def _scan(
    hashes: U64,
    flags: U8,
    bounds: I64,
    letters: U32,
    texts: I64,
    own_bounds: I64,
    own_letters: U32,
    keys: U64,
    places: I64,
    lengths: I64,
    manners: U8,
    slots: I64,
    bitmap: U8,
    opening: int,
    anywhere: I64,
    sentences: I64,
    mask: np.uint64,
) -> tuple[I64, I64]:
    """Return first word and run of every hit.

    Runs that count anywhere have one of the lengths `anywhere`, none below `opening`; those that have to be a whole sentence have
    one of `sentences`.
    """
    starts, runs = np.empty(64, np.int64), np.empty(64, np.int64)
    count, slot_mask, blocks = 0, np.uint64(len(slots) - 1), len(bitmap) // 64
    power = _power(opening)
    for text in range(len(texts) - 1):
        value, first, end = np.uint64(0), texts[text], texts[text + 1]
        for start in range(first, end):
            opens = False
            if opening and start + opening <= end:
                if start == first:
                    value = _value(hashes, start, opening)
                else:
                    value = (value - hashes[start - 1] * power) * BASE + hashes[start + opening - 1]
                one, two = _bits(_key(value, opening, mask), blocks)
                opens = bitmap[one >> 3] >> (one & 7) & bitmap[two >> 3] >> (two & 7) & 1 != 0
            begins = flags[start] & STARTS != 0
            if not opens and not begins:
                continue
            for place in range(len(anywhere) + len(sentences)):
                whole = place >= len(anywhere)
                length = sentences[place - len(anywhere)] if whole else anywhere[place]
                after = start + length
                if after > end or (whole and not (begins and (after == end or flags[after] & STARTS))):
                    continue
                if not whole and not opens:
                    continue
                key = _key(_value(hashes, start, length), length, mask)
                slot = np.int64(key & slot_mask)
                while slots[slot] >= 0 and keys[slots[slot]] != key:
                    slot = (slot + 1) & np.int64(slot_mask)
                run = slots[slot]
                while 0 <= run < len(keys) and keys[run] == key:
                    fits = lengths[run] == length and whole == (manners[run] != ANYWHERE)
                    if fits and _agree(places[run], own_bounds, own_letters, start, bounds, letters, length):
                        if count == len(starts):
                            starts = np.concatenate((starts, np.empty(count, np.int64)))
                            runs = np.concatenate((runs, np.empty(count, np.int64)))
                        starts[count], runs[count] = start, run
                        count += 1
                    run += 1
    return starts[:count].copy(), runs[:count].copy()
