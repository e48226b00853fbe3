"""What texts are compared by: an exact digest, a MinHash signature over word shingles (Broder 1997), digests of paragraphs.

A shingle's hash combines the hashes of its words. Each of the permutations is a multiply-add in 64 bits of a 32-bit shingle, of
which the upper half counts (Dietzfelbinger et al. 1997: strongly universal), and the smallest over all shingles is kept.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from scripts.cleaning.folding import CODE, I64, OWN, SYMBOL, U8, U32, U64, WORD, fold, folded, folds, scan
from scripts.cleaning.mixing import mixed
from scripts.lib.compiled import compiled
from scripts.lib.seeds import seed_for

I32 = NDArray[np.int32]
Records = NDArray[np.void]
EMPTY = np.iinfo(np.uint32).max
MINIMUM_PARAGRAPH = 100  # characters; shorter ones (headings, menus) are no prose and repeat by right
PARAGRAPH = np.dtype([("number", "<i4"), ("characters", "<i4"), ("digest", "<u8")])
_LARGEST = np.iinfo(np.int64).max
_GROUP = 4  # shingles that are hashed in one pass over the permutations
_SHINGLE = np.uint64(0x9E3779B97F4A7C15)
_LANES = (np.uint64(0x2545F4914F6CDD1D), np.uint64(0xD6E8FEB86659FD93))
_SHIFT_29, _SHIFT_31, _SHIFT_32 = np.uint64(29), np.uint64(31), np.uint64(32)
_NUMBER_SIGN, _PERCENT, _AMPERSAND, _HYPHEN, _ZERO, _NINE = (np.uint32(ord(sign)) for sign in "#%&-09")
_MINUS = np.uint32(0x2212)
_SIGN = np.uint64(1 << 32)  # beyond the code points of which words are hashed
_LINE_FEED = np.uint32(10)  # with its class, which is none


def permutations(count: int, seed: int) -> tuple[U64, U64]:
    """Return odd multipliers and addends of `count` hash functions, shape [count] each."""
    generator = np.random.Generator(np.random.PCG64(seed_for(seed, "minhash")))
    multipliers = generator.integers(0, 2**64, count, dtype=np.uint64) | np.uint64(1)
    return multipliers, generator.integers(0, 2**64, count, dtype=np.uint64)


class Signatures:
    """What a batch of texts is compared by, row by row.

    `exact` is uint64 [texts, 2]: equal for texts that differ in layout, case and punctuation only; symbols are none, nor are
    # % & and the minus of a number. It is no cryptographic digest: two texts that nobody made on purpose share one with a
    chance of about 2^-128. `minhash` is uint32 [texts, permutations] and made of words alone; a text of fewer words than a
    shingle is one shingle, and an empty one all ones. Of a text without words, each character is a word. `worded` counts
    the paragraphs of a text that hold a word. `paragraphs` are the long ones of all texts in order, and `ends` tells where
    those of each text end. A paragraph is a piece between empty lines, as `scripts.cleaning.paragraphs.BREAK` parts them.
    """

    def __init__(self, texts: pa.Array, size: int, functions: tuple[U64, U64]) -> None:
        count, data = len(texts), np.frombuffer(texts.buffers()[2] or b"", np.uint8)
        offsets = np.frombuffer(texts.buffers()[1], np.int32)[texts.offset : texts.offset + count + 1].astype(np.int64)
        grown = 6 * (int(offsets[-1] - offsets[0]) if count else 0)  # 3 bytes fold to 18 code points at most
        self.exact: U64 = np.empty((count, 2), np.uint64)
        self.minhash: U32 = np.empty((count, len(functions[0])), np.uint32)
        self.worded: I32 = np.empty(count, np.int32)
        self.ends: I64 = np.empty(count, np.int64)
        long: Records = np.empty(grown // MINIMUM_PARAGRAPH + count, PARAGRAPH)
        row = 0
        while row < count:
            columns = self.exact, self.minhash, self.worded, self.ends
            row = _sign_texts(row, data, offsets, folds(), size, functions, columns, long)
            if row < count:
                codes = folded(data[offsets[row] : offsets[row + 1]].tobytes().decode("utf-8"))
                _sign(row, codes, size, functions, columns, long)
                row += 1
        self.paragraphs = long[: self.ends[-1] if count else 0]


@compiled
def _sign_texts(
    row: int,
    data: U8,
    offsets: I64,
    table: tuple[U32, U32],
    size: int,
    functions: tuple[U64, U64],
    columns: tuple[U64, U32, I32, I64],
    long: Records,
) -> int:
    """Sign the texts from `row` on; returns the first that only Unicode's own algorithm can fold, or their number."""
    while row < len(offsets) - 1:
        text = data[offsets[row] : offsets[row + 1]]
        codes = np.empty(len(text) + 1, np.uint32)
        count = fold(text, table[0], table[1], codes)
        if count < 0:
            return row
        _sign(row, codes[:count], size, functions, columns, long)
        row += 1
    return row


@compiled
def _sign(
    row: int,
    codes: U32,
    size: int,
    functions: tuple[U64, U64],
    columns: tuple[U64, U32, I32, I64],
    long: Records,
) -> None:
    """Write the row of one folded text."""
    exact, minhash, worded, ends = columns
    hashes, starts = np.empty(len(codes), np.uint64), np.empty(len(codes), np.int64)
    words = scan(codes, hashes, starts)
    ends[row], worded[row] = paragraphs(codes, starts[:words], hashes, ends[row - 1] if row else 0, long)
    if words:
        told = np.empty(len(codes), np.uint64)
        count = with_symbols(codes, starts[:words], hashes, told)
    else:
        words = count = len(codes)
        for place in range(count):
            hashes[place] = mixed(np.uint64(codes[place] & CODE))
        told = hashes
    digest(told[:count], exact[row])
    signature(hashes[:words], size, functions, minhash[row])


@compiled
def with_symbols(codes: U32, starts: I64, hashes: U64, told: U64) -> int:
    """Write the hashes of words and, between them, of symbols; returns how many there are."""
    count, word, before = 0, 0, np.uint32(0)
    for place in range(len(codes)):
        code = codes[place]
        letter = code & CODE
        if word < len(starts) and starts[word] == place:
            told[count] = hashes[word]
            word += 1
            count += 1
        elif (letter == _HYPHEN or letter == _MINUS) and not before & (WORD | OWN) and _is_digit(codes, place + 1):
            told[count] = mixed(_SIGN | _HYPHEN)
            count += 1
        elif code & SYMBOL or letter == _NUMBER_SIGN or letter == _PERCENT or letter == _AMPERSAND:
            told[count] = mixed(_SIGN | np.uint64(letter))
            count += 1
        before = code
    return count


@compiled
def _is_digit(codes: U32, place: int) -> bool:
    return bool(place < len(codes) and _ZERO <= codes[place] & CODE <= _NINE)


@compiled
def digest(hashes: U64, found: U64) -> None:
    """Write two mixed chains over the hashes of words, which differ in their start and multiplier."""
    one, other = np.uint64(len(hashes)), ~np.uint64(len(hashes))
    for value in hashes:
        one = (one ^ value) * _LANES[0]
        one ^= one >> _SHIFT_31
        other = (other ^ value) * _LANES[1]
        other ^= other >> _SHIFT_29
    found[0], found[1] = mixed(one), mixed(other)


@compiled
def signature(hashes: U64, size: int, functions: tuple[U64, U64], found: U32) -> None:
    """Write the signature of hashed words in shingles of `size`, uint32 [permutations]."""
    if len(hashes) == 0:
        found[:] = EMPTY
        return
    size = min(size, len(hashes))
    count = len(hashes) - size + 1
    shingles = np.empty((count + _GROUP - 1) // _GROUP * _GROUP, np.uint64)
    for start in range(count):
        value = np.uint64(0)
        for offset in range(size):
            value = (value ^ hashes[start + offset]) * _SHINGLE
            value ^= value >> _SHIFT_29
        shingles[start] = value >> _SHIFT_32
    shingles[count:] = shingles[count - 1]
    smallest = np.full(len(found), _LARGEST, np.int64)
    _smallest(shingles, functions[0], functions[1], smallest)
    for place in range(len(found)):
        found[place] = np.uint64(smallest[place]) >> _SHIFT_32


@compiled
def _smallest(shingles: U64, multipliers: U64, addends: U64, smallest: I64) -> None:
    """Keep the smallest hash of every function, int64 [permutations].

    The innermost loop runs over the functions, so that the compiler puts several into one vector; it knows that a shingle has
    32 bits, which saves half of each product. Hashes compare as signed numbers, which vectors do and unsigned ones do not; any
    order of the hashes is as good.
    """
    for start in range(0, len(shingles), _GROUP):
        first = np.uint64(np.uint32(shingles[start]))
        second = np.uint64(np.uint32(shingles[start + 1]))
        third = np.uint64(np.uint32(shingles[start + 2]))
        fourth = np.uint64(np.uint32(shingles[start + 3]))
        for place in range(len(smallest)):
            factor, addend = multipliers[place], addends[place]
            low = min(np.int64(first * factor + addend), np.int64(second * factor + addend))
            high = min(np.int64(third * factor + addend), np.int64(fourth * factor + addend))
            smallest[place] = min(smallest[place], min(low, high))


@compiled
def paragraphs(codes: U32, starts: I64, hashes: U64, count: int, long: Records) -> tuple[int, int]:
    """Write the long paragraphs of a text from row `count` on; returns the next row and how many hold a word at all."""
    worded, number, word, begin, place, end = 0, 0, 0, 0, 0, len(codes)
    while place < end:
        while place < end and (codes[place] != _LINE_FEED or place + 1 == end or codes[place + 1] != _LINE_FEED):
            place += 1
        value, first = np.uint64(0), word
        while word < len(starts) and starts[word] < place:
            value = (value ^ hashes[word]) * _LANES[0]
            value ^= value >> _SHIFT_31
            word += 1
        if word > first:
            worded += 1
            if place - begin >= MINIMUM_PARAGRAPH:
                long["number"][count] = number
                long["characters"][count] = place - begin
                long["digest"][count] = mixed(value)
                count += 1
        while place < end and codes[place] == _LINE_FEED:
            place += 1
        begin = place
        number += 1
    return count, worded
