"""One compiled pass over a text that finds the few places where personal data could be; only those are looked at closely.

Digits of all scripts, full-width forms, the spaces and hyphens of typesetting are folded to ASCII, one code point to one, so
that places in the folded text are places in the text.
"""

from __future__ import annotations

import functools
import unicodedata
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scripts.lib.compiled import compiled

OTHER, DIGIT, LETTER, HEX, JOINER, NEWLINE, PLUS, AT, COLON = range(9)
EMAIL, NUMBER, COLONS, ACCOUNT, CODE = range(5)
_PLANE = 0x10000
_STOP, _SPACE, _N, _QUOTE, _UNDERSCORE, _HYPHEN, _PLUS, _OPEN, _CLOSE, _TILDE = map(ord, '. n"_-+[}~')
_HYPHENS = "\u2010\u2011\u2012\u2212\ufe63\uff0d"
Codes = NDArray[np.uint32]
Places = NDArray[np.int64]


@dataclass(frozen=True)
class Scanned:
    """The folded text and where something could be: per kind of place, `(start, end)` in order."""

    text: str
    places: dict[int, list[tuple[int, int]]]


@functools.cache
def _tables() -> tuple[Codes, NDArray[np.uint8]]:
    """Return what each code point of the basic plane is folded to, and the class of what it is folded to."""
    folds = np.arange(_PLANE, dtype=np.uint32)
    for code in range(128, _PLANE):
        character = chr(code)
        category = unicodedata.category(character)
        if category == "Nd":
            folds[code] = ord("0") + unicodedata.decimal(character)
        elif 0xFF01 <= code <= 0xFF5E:
            folds[code] = code - 0xFEE0
        elif category == "Zs":
            folds[code] = ord(" ")
        elif code == 0xFE6B:
            folds[code] = ord("@")
        elif character in _HYPHENS:
            folds[code] = ord("-")
    classes = np.zeros(128, dtype=np.uint8)
    groups = {
        DIGIT: "0123456789",
        LETTER: "GHIJKLMNOPQRSTUVWXYZghijklmnopqrstuvwxyz",
        HEX: "ABCDEFabcdef",
        JOINER: " -./()",
        NEWLINE: "\n",
        PLUS: "+",
        AT: "@",
        COLON: ":",
    }
    for number, characters in groups.items():
        classes[[ord(character) for character in characters]] = number
    full = np.zeros(_PLANE, dtype=np.uint8)
    ascii_now = folds < 128
    full[ascii_now] = classes[folds[ascii_now]]
    full[0x2013] = JOINER  # an en dash stays one, since it also stands between years and pages
    return folds, full


@compiled
def _account(kinds: NDArray[np.uint8], place: int) -> bool:
    """Tell whether eleven letters and digits follow, four separators apart at most: as many as the shortest IBAN has."""
    count = 0
    gap = 0
    while place < len(kinds) and count < 11:
        kind = kinds[place]
        if kind in (DIGIT, LETTER, HEX):
            count += 1
            gap = 0
        elif (kind in (JOINER, NEWLINE)) and gap < 4:
            gap += 1
        else:
            return False
        place += 1
    return count == 11


@compiled
def _letters_before(kinds: NDArray[np.uint8], place: int) -> int:
    """Return how many letters, seven at most, end at a place."""
    count = 0
    while count < 7 and place - count > 0 and LETTER <= kinds[place - count - 1] <= HEX:
        count += 1
    return count


@compiled
def _code_kind(codes: Codes, kinds: NDArray[np.uint8], i: int) -> int:
    """Return what a digit may begin the second part of: an IBAN, an identity code of letters and digits, or nothing (-1)."""
    if i + 4 >= len(kinds):
        return -1
    letters = _letters_before(kinds, i)
    if kinds[i + 1] == DIGIT:
        glued = letters > 5 and (codes[i - 3] | 32) == _N  # IBANDE89…
        alone = letters == 2 and (i < 3 or kinds[i - 3] != DIGIT)
        apart = letters == 0 and i > 2 and codes[i - 1] == _SPACE and _letters_before(kinds, i - 1) == 2  # NO 93 8601…
        if (alone or glued or apart) and _account(kinds, i + 2):
            return ACCOUNT
        parted = letters == 0 and i > 1 and kinds[i - 1] == JOINER and LETTER <= kinds[i - 2] <= HEX
        if (letters == 6 or parted) and LETTER <= kinds[i + 2] <= HEX and kinds[i + 3] == DIGIT:
            return CODE
    if letters == 5 and kinds[i + 3] == DIGIT and LETTER <= kinds[i + 4] <= HEX:
        return CODE
    return -1


@compiled
def _colons(kinds: NDArray[np.uint8], at: int) -> tuple[int, int, int]:
    """Return start, end and number of colons of the run of hexadecimal digits and colons around the colon at a place."""
    start = at
    while start > 0 and at - start < 5 and (kinds[start - 1] == DIGIT or kinds[start - 1] == HEX):
        start -= 1
    end = at
    colons = 0
    while end < len(kinds) and (kinds[end] == DIGIT or kinds[end] == HEX or kinds[end] == COLON):
        colons += kinds[end] == COLON
        end += 1
    return start, end, colons


@compiled
def _beside_at(codes: Codes, kinds: NDArray[np.uint8], place: int) -> bool:
    """Tell whether a character may stand beside the @ of an address."""
    kind = kinds[place]
    code = codes[place]
    word = kind in (DIGIT, LETTER, HEX) or code > 127
    return word or code in (_QUOTE, _UNDERSCORE, _HYPHEN, _PLUS, _OPEN, _CLOSE, _TILDE)


@compiled
def _find(codes: Codes, kinds: NDArray[np.uint8], out: Places) -> int:
    """Write `(kind, start, end)` of every place into `out`; return how many there are.

    A number is a run of digits that are at most three separators apart, with one line end among them at most; it counts
    from six digits on, and from four where three full stops part them.
    """
    found = 0
    start = -1  # of the number at hand
    last = 0  # its last digit
    digits = 0
    stops = 0
    lines = 0
    seen = 0  # end of the last run with colons
    for i in range(len(kinds) + 1):
        kind = OTHER if i == len(kinds) else kinds[i]
        if kind == DIGIT:
            if start < 0:
                start, digits, stops = i, 0, 0
            stops += i - last == 2 and digits > 0 and codes[i - 1] == _STOP
            last = i
            lines = 0
            digits += 1
            other = _code_kind(codes, kinds, i) if digits == 1 or kinds[i - 1] != DIGIT else -1
            if other >= 0:
                begin = i - 2 - (codes[i - 1] == _SPACE) if other == ACCOUNT else i
                out[found, 0], out[found, 1], out[found, 2] = other, begin, i
                found += 1
            continue
        lines += kind == NEWLINE
        if start >= 0 and ((kind != JOINER and kind != NEWLINE) or i - last > 3 or lines > 1):
            if digits >= 6 or stops >= 3:
                out[found, 0], out[found, 1], out[found, 2] = NUMBER, start, last + 1
                found += 1
            start = -1
        if kind == COLON and i >= seen:
            begin, seen, colons = _colons(kinds, i)
            if colons >= 2 and i - begin <= 4:
                out[found, 0], out[found, 1], out[found, 2] = COLONS, begin, seen
                found += 1
        if (
            kind == AT
            and 0 < i < len(kinds) - 3
            and _beside_at(codes, kinds, i - 1)
            and _beside_at(codes, kinds, i + 1)
        ):
            out[found, 0], out[found, 1], out[found, 2] = EMAIL, i, i + 1
            found += 1
    return found


@compiled
def _fold(codes: Codes, folds: Codes, classes: NDArray[np.uint8], kinds: NDArray[np.uint8]) -> bool:
    """Fold code points in place and write their classes; return whether any changed."""
    changed = False
    for i in range(len(codes)):
        code = codes[i]
        if code >= _PLANE:
            kinds[i] = OTHER
            continue
        kinds[i] = classes[code]
        if folds[code] != code:
            codes[i] = folds[code]
            changed = True
    return changed


def scan(text: str) -> Scanned:
    """Return the places of a text that deserve a closer look."""
    codes = np.frombuffer(bytearray(text.encode("utf-32-le", "surrogatepass")), dtype=np.uint32)
    kinds = np.empty(len(codes), dtype=np.uint8)
    changed = _fold(codes, *_tables(), kinds)
    out = np.empty((len(codes) + 8, 3), dtype=np.int64)
    found = _find(codes, kinds, out)
    places: dict[int, list[tuple[int, int]]] = {}
    for kind, start, end in out[:found].tolist():
        places.setdefault(kind, []).append((start, end))
    if changed and found:
        text = codes.tobytes().decode("utf-32-le", "surrogatepass")
    return Scanned(text, places)
