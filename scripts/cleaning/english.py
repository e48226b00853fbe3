"""What splitting needs to know of English beside the classes of characters: contractions, abbreviations, emoticons, units.

Everything comes from lists/english_*.txt and lies in arrays, for compiled loops: tables in open addressing by the hash of a run
of characters (scripts.cleaning.hashing).
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from scripts.cleaning.characters import entries
from scripts.cleaning.hashing import BASE, hash_text, mixed
from scripts.lib.code import data_file
from scripts.lib.compiled import compiled_inline
from scripts.lib.kept import Tables, kept
from scripts.lib.tables import Hashes, capacity_for, slot_of

Hints = np.ndarray[tuple[int], np.dtype[np.uint8]]
Integers = np.ndarray[tuple[int], np.dtype[np.int32]]
PHRASE = 0x2545F4914F6CDD1D  # odd multiplier of the hash of a sequence of tokens
HINT_BITS = 14  # so few that the processor's cache holds what tells most runs apart
HINT_SHIFT = np.uint64(64 - HINT_BITS)
AS_CASE, AS_OPENING = 1, 2  # what a hint says: a run may be a special case, the first token of a phrase


class Lexicon(NamedTuple):
    """Special cases, units and phrases as tables."""

    outlines: Hints  # by `outline`: 1 if a special case has it
    hints: Hints  # by the first HINT_BITS of a hash: bits AS_...
    keys: Hashes  # table of special cases
    cases: Integers  # by slot of `keys`: which case
    piece_starts: Integers  # by case: its first piece in `piece_sizes`; one more at the end
    piece_sizes: Integers  # characters of the pieces of all cases
    units: Hashes  # table of units of measurement, which are cut from a number before them
    phrase_firsts: Hashes  # table of the first tokens of phrases
    phrase_sizes: Integers  # by slot of `phrase_firsts`: bit n says that a phrase of n tokens begins so
    phrase_keys: Hashes  # table of phrases: sequences of tokens that together are a special case
    phrase_cases: Integers  # by slot of `phrase_keys`: which case


class Case(NamedTuple):
    """A special case: its pieces, and how the affix rules would cut it (empty where they would not)."""

    pieces: tuple[str, ...]
    cut: tuple[str, ...]

    @property
    def text(self) -> str:
        """Return the text of the case."""
        return "".join(self.pieces)


def special_cases() -> list[Case]:
    """Return the special cases of English."""
    found = []
    for line in entries(data_file("scripts/cleaning/lists/english_exceptions.txt")):
        pieces, _, cut = line.partition("\t")
        found.append(Case(tuple(pieces.split(" ")), tuple(cut.split(" ")) if cut else ()))
    return found


def units() -> list[str]:
    """Return the units that are cut from a number before them."""
    return entries(data_file("scripts/cleaning/lists/english_units.txt"))


def stop_words() -> list[str]:
    """Return Gopher's English stop words."""
    return _words(data_file("scripts/cleaning/lists/stop_words_en.txt"))


def _words(path: Path) -> list[str]:
    return [line.strip() for line in entries(path) if line.strip()]


@compiled_inline
def outline(first: int, last: int, size: int) -> np.uint64:
    """Return HINT_BITS bits of the first and last character of a run and of its size."""
    value = np.uint64(first) ^ np.uint64(last) << np.uint64(21) ^ np.uint64(size) << np.uint64(42)
    return (value * BASE) >> HINT_SHIFT


def phrase_hash(tokens: Iterable[str]) -> int:
    """Return the hash of a sequence of tokens, as the compiled loops compute it."""
    value = 0
    for token in tokens:
        value = (value * PHRASE + hash_text(token) + 1) % 2**64
    return value


def table_of(hashes: Iterable[int]) -> Hashes:
    """Return a table of the mixed hashes of some runs of characters, a quarter full so that most misses take one look."""
    given = list(hashes)
    table = np.zeros(capacity_for(2 * len(given)), np.uint64)
    for value in given:
        table[_slot(table, value)] = _key(value)
    return table


@functools.cache
def lexicon() -> Lexicon:
    """Return the tables for splitting English."""
    return Lexicon(*_tables())


@kept
def _tables() -> Tables:
    cases = special_cases()
    outlines, hints = np.zeros(1 << HINT_BITS, np.uint8), np.zeros(1 << HINT_BITS, np.uint8)
    keys = table_of(hash_text(case.text) for case in cases)
    phrases = {
        number: case.cut
        for number, case in enumerate(cases)
        if case.cut and (len(case.cut) > 1 or case.cut != case.pieces)
    }
    for case in cases:
        outlines[int(outline(ord(case.text[0]), ord(case.text[-1]), len(case.text)))] = 1
        hints[hash_text(case.text) >> int(HINT_SHIFT)] |= AS_CASE
    for cut in phrases.values():
        hints[hash_text(cut[0]) >> int(HINT_SHIFT)] |= AS_OPENING
    firsts = table_of({hash_text(cut[0]): None for cut in phrases.values()})
    sizes = np.zeros(len(firsts), np.int32)
    for cut in phrases.values():
        sizes[_slot(firsts, hash_text(cut[0]))] |= 1 << len(cut)
    phrase_keys = table_of(phrase_hash(cut) for cut in phrases.values())
    return Lexicon(
        outlines=outlines,
        hints=hints,
        keys=keys,
        cases=_numbers(keys, {number: hash_text(case.text) for number, case in enumerate(cases)}),
        piece_starts=np.cumsum([0, *(len(case.pieces) for case in cases)]).astype(np.int32),
        piece_sizes=np.array([len(piece) for case in cases for piece in case.pieces], np.int32),
        units=table_of(map(hash_text, units())),
        phrase_firsts=firsts,
        phrase_sizes=sizes,
        phrase_keys=phrase_keys,
        phrase_cases=_numbers(phrase_keys, {number: phrase_hash(cut) for number, cut in phrases.items()}),
    )


def _slot(table: Hashes, value: int) -> int:
    return slot_of(table, _key(value))


def _key(value: int) -> np.uint64:
    return np.uint64(mixed(np.uint64(value)))  # compiled code gives Python's integers back


def _numbers(table: Hashes, values: dict[int, int]) -> Integers:
    numbers = np.zeros(len(table), np.int32)
    for number, value in values.items():
        numbers[_slot(table, value)] = number
    return numbers
