"""Texts as they are compared: compatibility forms and case folded, cut into words, each word a 64-bit hash.

A word is what `scripts.cleaning.words.words` says, found here by a compiled scan over code points. Nearly all of it is spent on
text that is ASCII: that is folded by its bytes; any other text goes once through Unicode's NFKC and case folding.
"""

from __future__ import annotations

import functools
import sys
import unicodedata
from typing import Any

import numpy as np
import regex
from numpy.typing import NDArray

from scripts.cleaning.words import UNSPACED
from scripts.lib.compiled import compiled

U8 = NDArray[np.uint8]
U64 = NDArray[np.uint64]
I64 = NDArray[np.int64]
Codes = NDArray[Any]  # uint8 (ASCII) or uint32 code points

WORD, OWN, MARK, PUNCTUATION, SYMBOL, JOINER = 1, 2, 4, 8, 16, 32
_CLASSES = {
    WORD: rf"[\p{{L}}\p{{M}}\p{{N}}--[{UNSPACED}]]+",
    OWN: rf"[{UNSPACED}]+",
    MARK: r"\p{M}+",
    PUNCTUATION: r"\p{P}+",
    SYMBOL: r"\p{S}+",
    JOINER: r"['’\-.@/]+",
}
_PRIME = np.uint64(0x100000001B3)
_OFFSET = np.uint64(0xCBF29CE484222325)
_MIX_1 = np.uint64(0xFF51AFD7ED558CCD)
_MIX_2 = np.uint64(0xC4CEB9FE1A85EC53)
_HALF = np.uint64(33)


@functools.cache
def classes() -> U8:
    """Return the classes of all code points as bits, uint8 [0x110000]."""
    found = np.zeros(sys.maxunicode + 1, np.uint8)
    planes = "".join(map(chr, range(sys.maxunicode + 1)))
    for bit, pattern in _CLASSES.items():
        for match in regex.finditer(pattern, planes, regex.VERSION1):
            found[match.start() : match.end()] |= bit
    return found


def folded(text: str) -> Codes:
    """Return the code points of a text after NFKC and case folding: uint8 for ASCII, else uint32.

    Line feeds stay where they are, since no other character becomes one.
    """
    if text.isascii():
        return np.frombuffer(text.encode("ascii").lower(), np.uint8)
    text = unicodedata.normalize("NFKC", text).casefold()
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def word_hashes(codes: Codes) -> tuple[U64, I64]:
    """Return the hashes of the words of a folded text and where they start, uint64 and int64 [words]."""
    hashes, starts = np.empty(len(codes), np.uint64), np.empty(len(codes), np.int64)
    count = _scan(codes, classes(), hashes, starts)
    return hashes[:count], starts[:count]


@compiled
def mixed(value: np.uint64) -> np.uint64:
    """Return a value with every bit spread over all bits (the finaliser of MurmurHash3, Appleby)."""
    value ^= value >> _HALF
    value *= _MIX_1
    value ^= value >> _HALF
    value *= _MIX_2
    return value ^ (value >> _HALF)


@compiled
def _scan(codes: Codes, classes: U8, hashes: U64, starts: I64) -> int:
    """Write hash (FNV-1a over code points, then mixed) and start of every word; returns how many there are."""
    count, place, end = 0, 0, len(codes)
    while place < end:
        first = classes[codes[place]]
        start = place
        value = _OFFSET
        if first & OWN:
            value = (value ^ np.uint64(codes[place])) * _PRIME
            place += 1
            while place < end and classes[codes[place]] & MARK:
                value = (value ^ np.uint64(codes[place])) * _PRIME
                place += 1
            if place == start + 1 and first & (PUNCTUATION | SYMBOL):
                continue
        elif first & WORD:
            while True:
                while place < end and classes[codes[place]] & WORD:
                    value = (value ^ np.uint64(codes[place])) * _PRIME
                    place += 1
                joined = place + 1 < end and classes[codes[place]] & JOINER and classes[codes[place + 1]] & WORD
                if not joined:
                    break
                value = (value ^ np.uint64(codes[place])) * _PRIME
                place += 1
        elif first & (PUNCTUATION | SYMBOL):
            kind = first & (PUNCTUATION | SYMBOL)
            while place < end and classes[codes[place]] & kind:
                place += 1
            continue
        else:
            place += 1
            continue
        hashes[count] = mixed(value)
        starts[count] = start
        count += 1
    return count
