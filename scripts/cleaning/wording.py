"""The words of texts as numbers with their places, such that the same wording gives the same words however it is set.

Letters are compatibility-decomposed and case folded; marks that writers leave out (accents, vowel points) and invisible
characters go. All punctuation parts words, hyphens and apostrophes within them, too, since others write a space or a dash there:
"well-known", "well known" and "well @-@ known" are two words, and so are "don't", "don t" and the "do n't" of the Penn Treebank.
A hyphen at the end of a line joins what it parts, so "re-\\nwrapped" is "rewrapped"; or it stands for the rest of a word or
within one ("pre-\\nand post-war", "well-\\nknown"), which no rule tells: `apart` reads it so. Scripts written without spaces have
a word per character (see scripts.cleaning.words). A word is known by a 64-bit hash (FNV-1a with a finaliser) and by its folded
letters.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import regex
from numpy.typing import NDArray

from scripts.cleaning.characters import SYLLABLE_ENDS
from scripts.cleaning.mixing import mixed
from scripts.lib.compiled import compiled, compiled_inner
from scripts.lib.unspaced import SCRIPTS

U8 = NDArray[np.uint8]
U32 = NDArray[np.uint32]
U64 = NDArray[np.uint64]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
I8 = NDArray[np.int8]
LETTER, MARK, UNSPACED, SPACE, LINE_END, APOSTROPHE, HYPHEN, COMMA, BREAK, SOFT_HYPHEN = range(10)
STARTS, SINGLE = 1, 2  # flags of a word: a line or sentence starts with it; it is a character of an unspaced script
AFTER_HYPHEN, AFTER_LINE_END = 16, 17  # what may stand between two halves of a word, beyond HYPHEN and SOFT_HYPHEN
CODE_POINTS = 0x110000
UNKNOWN = -1
FNV_OFFSET, FNV_PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)
COMMA_CODE = np.uint32(0x2C)

_UNSPACED = regex.compile(f"[{SCRIPTS}]")
_OPTIONAL = regex.compile(  # accents, Hebrew points, Arabic vowels and the stroke that only stretches a word
    r"[\u0300-\u036F\u0483-\u0487\u0591-\u05C7\u0610-\u061A\u0640\u064B-\u065F\u0670\u06D6-\u06ED\u1AB0-\u1AFF\u1DC0-\u1DFF"
    r"\u20D0-\u20FF\uFE20-\uFE2F]"
)
_INVISIBLE = regex.compile(r"[\p{Cf}\p{Default_Ignorable_Code_Point}]")
_SPECIAL = {
    **dict.fromkeys("'\u2018\u2019\u201b\u02bc\u00b4`", APOSTROPHE),
    **dict.fromkeys("-\u2010\u2011", HYPHEN),
    "\u00ad": SOFT_HYPHEN,  # invisible but at the end of a line
    **dict.fromkeys("\n\v\f\x85\u2028\u2029", LINE_END),
    **dict.fromkeys(",\u060c\u3001", COMMA),
    **dict.fromkeys(SYLLABLE_ENDS, SPACE),  # within sentences, not between them
    "\t": BREAK,  # between the columns of a table
}


@dataclass(frozen=True)
class Words:
    """The words of some texts one after another; n words, d texts, places are code points of the joined texts."""

    hashes: U64  # [n]
    starts: I64  # [n]
    stops: I64  # [n]
    flags: U8  # [n] of STARTS and SINGLE
    bounds: I64  # [n + 1] where the letters of each word begin
    letters: U32  # folded
    texts: I64  # [d + 1] number of the first word of each text
    places: I64  # [d + 1] where each text begins


def _kind(character: str) -> int:
    if character in _SPECIAL:
        return _SPECIAL[character]
    category = unicodedata.category(character)
    if category[0] == "M":
        return MARK
    if category[0] in "PS":
        return BREAK
    if category[0] == "Z" or category == "Cc":
        return SPACE
    return UNSPACED if _UNSPACED.match(character) else LETTER


def _folded(character: str) -> list[tuple[int, int]]:
    """Return code point and kind of each character that one stands for; none for what is invisible."""
    if character in _SPECIAL:
        return [(ord(character), _SPECIAL[character])]
    decomposed = unicodedata.normalize("NFKD", character).casefold()
    return [
        (ord(one), _kind(one))
        for one in unicodedata.normalize("NFKD", decomposed)
        if one in _SPECIAL or not (_OPTIONAL.match(one) or _INVISIBLE.match(one))
    ]


class Folding:
    """What every code point stands for, looked up once and when it is first met."""

    def __init__(self) -> None:
        self.first = np.zeros(CODE_POINTS, np.int32)  # where its characters begin in `pool`
        self.length = np.full(CODE_POINTS, UNKNOWN, np.int8)
        self.pool = np.zeros(0, np.uint32)
        self.kinds = np.zeros(0, np.uint8)

    def _lengths(self, codes: U32) -> I8:
        """Return how many characters each code point stands for, after looking up the new ones."""
        lengths = self.length[codes]
        if len(codes) and int(lengths.min()) < 0:
            new = np.unique(codes[lengths == UNKNOWN])
            found = [_folded(chr(code)) for code in new.tolist()]
            sizes = np.array([len(one) for one in found], np.int64)
            self.length[new] = sizes
            self.first[new] = len(self.pool) + np.cumsum(sizes) - sizes
            flat = np.array([pair for one in found for pair in one], np.int64).reshape(-1, 2)
            self.pool = np.concatenate([self.pool, flat[:, 0].astype(np.uint32)])
            self.kinds = np.concatenate([self.kinds, flat[:, 1].astype(np.uint8)])
            lengths = self.length[codes]
        return lengths

    def words(self, texts: Sequence[str], apart: bool = False) -> Words:
        """Return the words of texts, in order; with `apart`, hyphens at the ends of lines join nothing."""
        places = np.zeros(len(texts) + 1, np.int64)
        np.cumsum([len(text) for text in texts], out=places[1:])
        joined = bytearray("".join(texts).encode("utf-32-le", "surrogatepass"))
        codes = np.frombuffer(joined, np.uint32)
        size = int(self._lengths(codes).sum(dtype=np.int64))
        return Words(*_split(codes, places, self.first, self.length, self.pool, self.kinds, size, apart), places)


def joined(parts: Sequence[Words]) -> Words:
    """Return the words of several batches of texts as those of one."""
    counts = np.cumsum([0, *(len(part.hashes) for part in parts)])
    letters = np.cumsum([0, *(len(part.letters) for part in parts)])
    places = np.cumsum([0, *(int(part.places[-1]) for part in parts)])

    def glued(name: str, shifts: NDArray[np.int64], last: int) -> I64:
        shifted = [getattr(part, name)[:-1] + shift for part, shift in zip(parts, shifts, strict=False)]
        return np.concatenate([*shifted, [last]]).astype(np.int64)

    def chained(name: str, shifts: NDArray[np.int64]) -> I64:
        return np.concatenate([getattr(part, name) + shift for part, shift in zip(parts, shifts, strict=False)])

    return Words(
        hashes=np.concatenate([part.hashes for part in parts]),
        starts=chained("starts", places),
        stops=chained("stops", places),
        flags=np.concatenate([part.flags for part in parts]),
        bounds=glued("bounds", letters, int(letters[-1])),
        letters=np.concatenate([part.letters for part in parts]),
        texts=glued("texts", counts, int(counts[-1])),
        places=glued("places", places, int(places[-1])),
    )


@compiled_inner
def _negates(codes: U32) -> bool:
    """Tell whether a text begins with n't, which the Penn Treebank parts from its verb."""
    return bool(
        len(codes) > 2
        and codes[0] in (0x6E, 0x4E)  # n, N
        and codes[1] in (0x27, 0x2019)  # apostrophes
        and codes[2] in (0x74, 0x54)  # t, T
    )


@compiled
def _split(
    codes: U32, places: I64, first: I32, length: I8, pool: U32, kinds: U8, size: int, apart: bool
) -> tuple[U64, I64, I64, U8, I64, U32, I64]:
    """Return hashes, starts, stops, flags, bounds, letters and texts of the words; `size` is the number of folded characters."""
    hashes, starts, stops = np.empty(size, np.uint64), np.empty(size, np.int64), np.empty(size, np.int64)
    flags, bounds, letters = np.zeros(size, np.uint8), np.empty(size + 1, np.int64), np.empty(size, np.uint32)
    texts = np.empty(len(places), np.int64)
    count, written = 0, 0
    for text in range(len(places) - 1):
        texts[text] = count
        inside, pending, fresh, value = False, 0, True, FNV_OFFSET
        for place in range(places[text], places[text + 1]):
            code = codes[place]
            for entry in range(first[code], first[code] + length[code]):
                kind = kinds[entry]
                if kind <= UNSPACED:
                    single = inside and flags[count] & SINGLE != 0
                    joins = inside and kind != UNSPACED and (kind == MARK or not single)
                    joins = joins and pending in (0, SOFT_HYPHEN, AFTER_LINE_END)
                    if inside and not joins:
                        hashes[count] = mixed(value)
                        count += 1
                        fresh = fresh or pending == AFTER_LINE_END or (pending == APOSTROPHE and kind == UNSPACED)
                    if not joins:
                        inside, value = True, FNV_OFFSET
                        starts[count], bounds[count] = place, written
                        flags[count] = (STARTS if fresh else 0) | (SINGLE if kind == UNSPACED else 0)
                    pending, fresh = 0, False
                    letters[written] = pool[entry]
                    written += 1
                    value = (value ^ np.uint64(pool[entry])) * FNV_PRIME
                    stops[count] = place + 1
                    continue
                if kind == SOFT_HYPHEN and (pending or not inside):
                    continue
                if inside and flags[count] & SINGLE == 0:  # what may stand within a word
                    if pending in (0, SOFT_HYPHEN) and kind in (HYPHEN, APOSTROPHE, SOFT_HYPHEN):
                        pending = kind
                        continue
                    if kind in (SPACE, LINE_END) and pending == 0 and _negates(codes[place + 1 : places[text + 1]]):
                        continue  # as if "do n't" were "don't"
                    if kind == SPACE and pending in (HYPHEN, SOFT_HYPHEN, AFTER_HYPHEN, AFTER_LINE_END):
                        pending = pending if pending == AFTER_LINE_END else AFTER_HYPHEN
                        continue
                    if kind == LINE_END and (
                        pending == SOFT_HYPHEN or (pending in (HYPHEN, AFTER_HYPHEN) and not apart)
                    ):
                        pending = AFTER_LINE_END
                        continue
                if inside:
                    hashes[count] = mixed(value)
                    count += 1
                    inside = False
                fresh = fresh or kind in (BREAK, LINE_END, APOSTROPHE, HYPHEN)
                fresh = fresh or pending in (AFTER_LINE_END, APOSTROPHE)
                if code == COMMA_CODE and place + 1 < places[text + 1]:  # as in "1,what a film,0", not as in prose
                    after = codes[place + 1]
                    fresh = fresh or (length[after] > 0 and kinds[first[after]] <= UNSPACED)
                pending = 0
        if inside:
            hashes[count] = mixed(value)
            count += 1
    texts[-1] = count
    bounds[count] = written
    return (
        hashes[:count].copy(),
        starts[:count].copy(),
        stops[:count].copy(),
        flags[:count].copy(),
        bounds[: count + 1].copy(),
        letters[:written].copy(),
        texts,
    )
