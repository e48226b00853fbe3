"""Texts as they are compared: compatibility forms and case folded, cut into words, each word a 64-bit hash.

The text is what `normalised` returns and a word is what `scripts.cleaning.words.words` says; both are found here by compiled
passes. A folded text is an array of code points that carry their class in the upper byte.
"""

from __future__ import annotations

import sys
import unicodedata

import numpy as np
import regex
from numpy.typing import NDArray

from scripts.cleaning.mixing import mixed
from scripts.cleaning.words import words
from scripts.lib.compiled import compiled
from scripts.lib.kept import Tables, kept
from scripts.lib.unspaced import SCRIPTS

U8 = NDArray[np.uint8]
U32 = NDArray[np.uint32]
U64 = NDArray[np.uint64]
I64 = NDArray[np.int64]

CODE = (1 << 21) - 1  # the bits of the code point; the class stands above them
WORD, OWN, MARK, PUNCTUATION, SYMBOL, JOINER = (1 << bit for bit in range(24, 30))
_SEVERAL = 1 << 30  # folds to several code points or none: the bits of the code point are a row of the expansions
_CONTEXT = 1 << 31  # may compose or change places with its neighbours
_CLASSES = {
    WORD: rf"[\p{{L}}\p{{M}}\p{{N}}--[{SCRIPTS}]]+",
    OWN: rf"[{SCRIPTS}]+",
    MARK: r"\p{M}+",
    PUNCTUATION: r"\p{P}+",
    SYMBOL: r"\p{S}+",
    JOINER: r"['’\-.@/]+",
}
INVISIBLE = r"\p{Default_Ignorable_Code_Point}"  # soft hyphens, zero-width spaces and joiners, variation selectors
_ALIKE = {**dict.fromkeys(map(ord, "\u2018\u2019\u02bc"), "'"), 0x2010: "-"}  # U+2011 is U+2010 in NFKC
_TABLED = 0x30000  # no code point from here on is folded
_LONGEST = 18  # code points to which one code point folds (U+FDFA)
_PRIME = np.uint64(0x100000001B3)
_OFFSET = np.uint64(0xCBF29CE484222325)


def normalised(text: str) -> str:
    """Return the text as it is compared: NFKC, case folded, without what is invisible, apostrophes and hyphens as in ASCII."""
    visible: str = regex.sub(INVISIBLE, "", unicodedata.normalize("NFKC", text).casefold())
    return visible.translate(_ALIKE)


def classes() -> U32:
    """Return all code points with their classes, uint32 [0x110000]."""
    (found,) = _classes()
    return found


@kept
def _classes() -> Tables:
    found = np.arange(sys.maxunicode + 1, dtype=np.uint32)
    planes = "".join(map(chr, range(sys.maxunicode + 1)))
    for bit, pattern in _CLASSES.items():
        for match in regex.finditer(pattern, planes, regex.VERSION1):
            found[match.start() : match.end()] |= np.uint32(bit)
    return (found,)


def folds() -> tuple[U32, U32]:
    """Return to what each code point folds by itself, uint32 [_TABLED], and the longer expansions, [rows, 1 + _LONGEST].

    A text is folded code point by code point where none of them can compose with its predecessor or be reordered: where none
    decomposes into something that begins with a combining class or with the second half of a composition.
    """
    table, rows = _folds()
    return table, rows


@kept
def _folds() -> Tables:
    table = np.empty(_TABLED, np.uint32)
    rows: list[list[int]] = []
    seconds = _seconds()
    parts = normalised("\n".join(map(chr, range(_TABLED)))).split("\n")
    del parts[ord("\n")]  # the line feed itself came out as two empty parts
    for code, part in enumerate(parts):
        first = unicodedata.normalize("NFKD", chr(code))[0]
        if first in seconds or unicodedata.combining(first):
            table[code] = _CONTEXT
        elif len(part) == 1:
            table[code] = classes()[ord(part)]
        else:
            table[code] = _SEVERAL | len(rows)
            row = [len(part), *(int(classes()[ord(letter)]) for letter in part)]
            rows.append(row + [0] * (1 + _LONGEST - len(row)))
    table[ord("\n")] = classes()[ord("\n")]
    return table, np.array(rows, np.uint32)


def _seconds() -> set[str]:
    """Return the code points that compose with one before them."""
    found = {chr(code) for code in [*range(0x1161, 0x1176), *range(0x11A8, 0x11C3)]}  # vowels and finals of Hangul
    for code in range(_TABLED):
        pair = unicodedata.decomposition(chr(code)).split()
        if len(pair) == 2 and not pair[0].startswith("<"):
            found.add(chr(int(pair[1], 16)))
    return found


def folded(text: str) -> U32:
    """Return the folded text: code points with their classes, uint32. Line feeds stay, and none comes from anything else."""
    data = np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8)
    table, rows = folds()
    codes = np.empty(len(data) + 1, np.uint32)
    count = fold(data, table, rows, codes)
    if count >= 0:
        return codes[:count]
    found: U32 = classes()[np.frombuffer(normalised(text).encode("utf-32-le", "surrogatepass"), np.uint32)]
    return found


def normalised_words(text: str) -> list[str]:
    """Return the words of the folded text."""
    return words(normalised(text))


def word_hashes(codes: U32) -> tuple[U64, I64]:
    """Return the hashes of the words of a folded text and where they start, uint64 and int64 [words]."""
    hashes, starts = np.empty(len(codes), np.uint64), np.empty(len(codes), np.int64)
    count = scan(codes, hashes, starts)
    return hashes[:count], starts[:count]


@compiled
def fold(data: U8, table: U32, rows: U32, codes: U32) -> int:
    """Write the folded code points of UTF-8 text; returns how many, or -1 where Unicode's own algorithm is needed."""
    count, place, end = 0, 0, len(data)
    while place < end:
        byte = np.int64(data[place])
        if byte < 0x80:
            codes[count] = table[byte]
            count += 1
            place += 1
            continue
        length = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
        code = byte & (0xFF >> (length + 1))
        for offset in range(1, length):
            code = (code << 6) | (np.int64(data[place + offset]) & 0x3F)
        place += length
        if code >= _TABLED:
            return -1
        value = np.int64(table[code])
        if value & _CONTEXT:
            return -1
        if not value & _SEVERAL:
            codes[count] = value
            count += 1
            continue
        row = rows[value & CODE]
        if count + np.int64(row[0]) + (end - place) > len(codes):
            return -1  # it grows beyond what was set aside
        for letter in range(1, 1 + np.int64(row[0])):
            codes[count] = row[letter]
            count += 1
    return count


@compiled
def scan(codes: U32, hashes: U64, starts: I64) -> int:
    """Write hash (FNV-1a over code points, then mixed) and start of every word; returns how many there are."""
    count, place, end = 0, 0, len(codes)
    while place < end:
        start, first = place, codes[place]
        value = (_OFFSET ^ np.uint64(first & CODE)) * _PRIME
        place += 1
        if first & OWN:
            while place < end and codes[place] & MARK:
                value = (value ^ np.uint64(codes[place] & CODE)) * _PRIME
                place += 1
            if place == start + 1 and first & (PUNCTUATION | SYMBOL):
                continue
        elif first & WORD:
            while place < end:
                code = codes[place]
                if not code & WORD and not (code & JOINER and place + 1 < end and codes[place + 1] & WORD):
                    break
                value = (value ^ np.uint64(code & CODE)) * _PRIME
                place += 1
        elif first & (PUNCTUATION | SYMBOL):
            while place < end and codes[place] & first & (PUNCTUATION | SYMBOL):
                place += 1
            continue
        else:
            continue
        hashes[count] = mixed(value)
        starts[count] = start
        count += 1
    return count
