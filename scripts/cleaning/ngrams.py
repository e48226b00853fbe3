"""Hashed word n-grams: a text as counts in a fixed number of buckets, without a vocabulary (Weinberger et al. 2009).

Every run of 1 to `longest` words has a 64-bit hash made of the hashes of its words, and falls into the bucket that the hash's
upper half points to. The value of a bucket is the square root of its share of all n-grams of the text, so every text has length 1
and a word that is everywhere weighs less than its count. Buckets come in the order in which the text first fills them, so sums
over them have one order.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scripts.cleaning.folding import folded, word_hashes
from scripts.lib.compiled import compiled

U64 = NDArray[np.uint64]
I64 = NDArray[np.int64]
I32 = NDArray[np.int32]
F32 = NDArray[np.float32]

START = np.uint64(0x243F6A8885A308D3)
MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
HALF = np.uint64(32)
CHARACTERS_PER_WORD = 40  # a text is cut at this many times the words that are looked at before it is split


@dataclass(frozen=True)
class Features:
    """What a classifier looks at: runs of 1 to `ngrams` of the first `words` words of a text, in `buckets` buckets."""

    ngrams: int
    buckets: int
    words: int


def first_words(text: str, limit: int) -> U64:
    """Return the hashes of the first `limit` words of a text, uint64 [words]; case and compatibility forms are folded."""
    return word_hashes(folded(text[: limit * CHARACTERS_PER_WORD]))[0][:limit]


@compiled
def count_ngrams(words: U64, longest: int, counts: I32, distinct: I64) -> int:
    """Count the n-grams of a text and return how many buckets they fill.

    `counts`, int32 [buckets], must be zero and holds the counts afterwards; `distinct`, int64 [longest * words], holds the
    buckets that are not empty, in the order in which they were first filled.
    """
    buckets = np.uint64(len(counts))
    filled = 0
    for start in range(len(words)):
        key = START
        for position in range(start, min(start + longest, len(words))):
            key = (key ^ words[position]) * MULTIPLIER
            key ^= key >> HALF
            bucket = np.int64(((key >> HALF) * buckets) >> HALF)
            if counts[bucket] == 0:
                distinct[filled] = bucket
                filled += 1
            counts[bucket] += np.int32(1)
    return filled


@compiled
def unit_vector(counts: I32, distinct: I64, filled: int, buckets: I32, values: F32) -> None:
    """Write the buckets and the square roots of their shares of all n-grams, and set the counts back to zero."""
    total = 0
    for position in range(filled):
        total += counts[distinct[position]]
    for position in range(filled):
        bucket = distinct[position]
        buckets[position] = np.int32(bucket)
        values[position] = np.float32(math.sqrt(counts[bucket] / total))
        counts[bucket] = np.int32(0)


@compiled
def weigh(counts: I32, distinct: I64, filled: int, weights: F32) -> float:
    """Return the product of the weights and the unit vector of the counts, and set the counts back to zero."""
    product, total = 0.0, 0
    for position in range(filled):
        bucket = distinct[position]
        product += math.sqrt(counts[bucket]) * float(weights[bucket])
        total += counts[bucket]
        counts[bucket] = np.int32(0)
    return product / math.sqrt(total)


class Vectoriser:
    """Turns texts into unit vectors of hashed n-grams; holds the memory that each of them needs in turn."""

    def __init__(self, features: Features) -> None:
        self.features = features
        self._counts = np.zeros(features.buckets, np.int32)
        self._distinct = np.zeros(features.ngrams * features.words, np.int64)

    def vector(self, words: U64) -> tuple[I32, F32]:
        """Return the buckets that the words fill and their values, of length 1; both empty for no words."""
        filled = count_ngrams(words, self.features.ngrams, self._counts, self._distinct)
        buckets, values = np.empty(filled, np.int32), np.empty(filled, np.float32)
        unit_vector(self._counts, self._distinct, filled, buckets, values)
        return buckets, values

    def product(self, words: U64, weights: F32) -> float:
        """Return the product of weights, float32 [buckets], and the unit vector of some words, at least one."""
        filled = count_ngrams(words, self.features.ngrams, self._counts, self._distinct)
        return weigh(self._counts, self._distinct, filled, weights)
