"""The markup of well-formed HTML, as UTF-8 bytes: tags with what their attributes tell, comments, raw text, references."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from scripts.lib.compiled import compiled_inner
from scripts.sources.pagetags import A_HIDDEN, CONCEALED, FNV_MASK, FNV_OFFSET, FNV_PRIME, TABLE_SIZE, fnv

Bytes = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.int64]

_CLASS, _ID, _ROLE, _STYLE, _HIDDEN, _ARIA, _HREF = (
    fnv(name) for name in ("class", "id", "role", "style", "hidden", "aria-hidden", "href")
)
_HEADERLINK, _ANCHOR = fnv("headerlink"), fnv("anchor")
WIDTH, ONE = np.uint64(32), np.uint64(1)  # bytes compared at once
MARK_LINK = 1 << 62  # a hint: a link that only marks a heading


@compiled_inner
def next_of(page: Bytes, at: int, byte: int) -> int:
    """Return where a byte comes next from `at` on, or the size of the page; many bytes are compared at once."""
    place, size = np.uint64(at), np.uint64(len(page))
    while place + WIDTH <= size:
        met = False
        for offset in range(WIDTH):
            met |= page[place + offset] == byte
        if met:
            break
        place += WIDTH
    while place < size and page[place] != byte:
        place += ONE
    return int(np.int64(place))


@compiled_inner
def look_up(table: Numbers, key: int) -> int:
    """Return the value of a hash in an open-addressing table, or -1."""
    slot = key % TABLE_SIZE
    while table[0, slot] != -1:
        if table[0, slot] == key:
            return int(table[1, slot])
        slot = (slot + 1) % TABLE_SIZE
    return -1


@compiled_inner
def word_hints(page: Bytes, begin: int, end: int, words: Numbers) -> int:
    """Return the hints of the words of an attribute, which digits, marks and a change to upper case part."""
    found, token, whole, length, lower = 0, FNV_OFFSET, FNV_OFFSET, 0, False
    for at in range(begin, end + 1):
        byte = page[at] if at < end else 32
        upper = 65 <= byte <= 90
        letter = upper or 97 <= byte <= 122
        if length and (not letter or (upper and lower)):
            value = look_up(words, token)
            if value > 0:
                found |= value
            token, length = FNV_OFFSET, 0
        if letter:
            token = ((token ^ (byte | 32)) * FNV_PRIME) & FNV_MASK
            length += 1
        lower = letter and not upper
        if byte <= 32:
            if whole in (_HEADERLINK, _ANCHOR):
                found |= MARK_LINK
            whole = FNV_OFFSET
        else:
            whole = ((whole ^ byte) * FNV_PRIME) & FNV_MASK
    return found


@compiled_inner
def conceals(page: Bytes, begin: int, end: int) -> bool:
    """Tell whether a style has display: none or visibility: hidden."""
    for at in range(begin, end - 4):
        if page[at] == 58:  # a colon
            value = at + 1
            while value < end and page[value] <= 32:
                value += 1
            if value + 4 <= end and page[at - 1] == 121:  # displaY, visibilitY
                first, second = page[value] | 32, page[value + 1] | 32
                if (first == 110 and second == 111 and page[at - 2] == 97) or (first == 104 and second == 105):
                    return True
    return False


@compiled_inner
def attribute_hints(page: Bytes, key: int, begin: int, end: int, words: Numbers) -> int:
    """Return what an attribute tells of its element."""
    if key in (_CLASS, _ID, _ROLE):
        return word_hints(page, begin, end, words)
    if key == _HIDDEN or (key == _STYLE and conceals(page, begin, end)):
        return CONCEALED
    return A_HIDDEN if key == _ARIA and end > begin and page[begin] == 116 else 0


@compiled_inner
def read_tag(page: Bytes, at: int, words: Numbers) -> tuple[int, int, int, int]:
    """Read a start tag whose name begins at `at`: position after it, hash of the name, hints, whether it has an address."""
    size, name, address = len(page), FNV_OFFSET, 0
    while at < size and page[at] != 32 and page[at] != 62:
        name = ((name ^ page[at]) * FNV_PRIME) & FNV_MASK
        at += 1
    hints = max(look_up(words, name), 0)
    while at + 1 < size and page[at] != 62:
        # A space, and a name whose first character may be any.
        key = ((FNV_OFFSET ^ page[at + 1]) * FNV_PRIME) & FNV_MASK
        at += 2
        while at < size and page[at] != 61 and page[at] != 32 and page[at] != 62:
            key = ((key ^ page[at]) * FNV_PRIME) & FNV_MASK
            at += 1
        begin = at
        if at + 1 < size and page[at] == 61 and page[at + 1] == 34:
            begin = at + 2
            at = next_of(page, begin, 34)
        hints |= attribute_hints(page, key, begin, at, words)
        address |= key == _HREF
        at += at < size and page[at] == 34
    return at + 1, name, hints, address


@compiled_inner
def after_comment(page: Bytes, at: int) -> int:
    """Return the position after a comment or declaration that begins at `at`."""
    size = len(page)
    comment = at + 3 < size and page[at + 2] == 45 and page[at + 3] == 45
    at += 4 if comment else 1
    while at < size and not (page[at] == 62 and (not comment or (page[at - 1] == 45 and page[at - 2] == 45))):
        at += 1
    return at + 1


@compiled_inner
def raw_end(page: Bytes, at: int, name: int, script: bool) -> int:
    """Return where the text of a raw element ends: at its end tag, which a script may hold within a comment."""
    size, inside, nested = len(page), False, False
    while at < size:
        if not inside:
            at = next_of(page, at, 60)
        if at == size:
            break
        if page[at] == 60:
            slash = at + 1 < size and page[at + 1] == 47
            key, after = FNV_OFFSET, at + (2 if slash else 1)
            while after < size and (97 <= (page[after] | 32) <= 122):
                key = ((key ^ (page[after] | 32)) * FNV_PRIME) & FNV_MASK
                after += 1
            if key == name and slash:
                if not nested:
                    return at
                nested = False
            elif key == name and script and inside:
                nested = True
            elif script and at + 3 < size and page[at + 1] == 33 and page[at + 2] == 45 and page[at + 3] == 45:
                inside = True
        elif inside and page[at] == 62 and page[at - 1] == 45 and page[at - 2] == 45:
            inside, nested = False, False
        at += 1
    return size


@compiled_inner
def entity(page: Bytes, at: int) -> tuple[int, int]:
    """Return the character of a reference at `at` and its length; a parser writes no others than these."""
    rest = len(page) - at
    if rest >= 4 and page[at + 2] == 116 and page[at + 3] == 59:
        if page[at + 1] == 108:
            return 60, 4
        if page[at + 1] == 103:
            return 62, 4
    if rest >= 5 and page[at + 1] == 97 and page[at + 2] == 109 and page[at + 3] == 112 and page[at + 4] == 59:
        return 38, 5
    if rest >= 6 and page[at + 1] == 110 and page[at + 2] == 98 and page[at + 3] == 115 and page[at + 4] == 112:
        return 32, 6
    return 38, 1
