"""MinHash signatures (Broder 1997) over word shingles, in numpy.

A shingle's hash combines the hashes of its words; each of the permutations is a multiply-add in 64 bits of which the upper
half counts (Dietzfelbinger et al. 1997), and the smallest value over all shingles is kept.
"""

from __future__ import annotations

import hashlib
import unicodedata
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from scripts.cleaning.words import words
from scripts.lib.seeds import seed_for

U32 = NDArray[np.uint32]
U64 = NDArray[np.uint64]
CHUNK = 4096  # shingles times permutations stays a few megabytes
MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
EMPTY = np.iinfo(np.uint32).max


def normalised_words(text: str) -> list[str]:
    """Return the words by which documents are compared: compatibility forms and case folded, no punctuation."""
    return words(unicodedata.normalize("NFKC", text).casefold())


def exact_digest(found: Sequence[str]) -> bytes:
    """Return the 16-byte digest of normalised words; equal for texts that differ in layout, case and punctuation only."""
    return hashlib.blake2b(" ".join(found).encode("utf-8"), digest_size=16).digest()


def permutations(count: int, seed: int) -> tuple[U64, U64]:
    """Return odd multipliers and addends of `count` hash functions, shape [count] each."""
    generator = np.random.Generator(np.random.PCG64(seed_for(seed, "minhash")))
    multipliers = generator.integers(0, 2**64, count, dtype=np.uint64) | np.uint64(1)
    return multipliers, generator.integers(0, 2**64, count, dtype=np.uint64)


def shingle_hashes(found: Sequence[str], size: int) -> U64:
    """Return the distinct hashes of all runs of `size` words; a shorter text is one shingle."""
    if not found:
        return np.zeros(0, np.uint64)
    single = np.fromiter((zlib.crc32(word.encode("utf-8")) for word in found), np.uint64, len(found))
    size = min(size, len(found))
    hashes = np.zeros(len(found) - size + 1, np.uint64)
    for offset in range(size):
        hashes = (hashes ^ single[offset : offset + len(hashes)]) * MULTIPLIER
        hashes ^= hashes >> np.uint64(29)
    return np.unique(hashes)


def signature(hashes: U64, functions: tuple[U64, U64]) -> U32:
    """Return the signature, shape [permutations]; all ones for a text without words."""
    multipliers, addends = functions
    smallest = np.full(len(multipliers), EMPTY, np.uint32)
    for start in range(0, len(hashes), CHUNK):
        block = hashes[start : start + CHUNK, None] * multipliers[None, :] + addends[None, :]
        smallest = np.minimum(smallest, (block >> np.uint64(32)).astype(np.uint32).min(axis=0))
    return smallest
