"""Whether a run of characters is an address of the web or of mail: the language of Diego Perini's expression.

The expression (https://gist.github.com/dperini/729294, MIT License) is the one by which spaCy keeps addresses whole: an optional
scheme, optional user information, a public IPv4 address or a name of at least two labels, an optional port, an optional rest.
"""

from __future__ import annotations

from scripts.cleaning.characters import ALPHA_LOWER, ASCII_DIGIT, DECIMAL, HOST, WORD, Codes
from scripts.lib.compiled import compiled_inner

PERIOD, SLASH, COLON, AT, HYPHEN, UNDERSCORE = ord("."), ord("/"), ord(":"), ord("@"), ord("-"), ord("_")
QUESTION, HASH, PLUS, ZERO = ord("?"), ord("#"), ord("+"), ord("0")
LABEL = 64  # characters of a label at most
TOP_LEVEL = (2, 63)


@compiled_inner
def is_address(codes: Codes, classes: Codes, first: int, last: int) -> bool:
    """Tell whether the characters from `first` to before `last`, none of them white space, are an address."""
    if _follows(codes, classes, first, last):
        return True
    scheme = _after_scheme(codes, classes, first, last)
    if scheme > 0 and _follows(codes, classes, scheme, last):
        return True
    for position in range(first + 1, last):
        if codes[position] == AT and _follows(codes, classes, position + 1, last):
            return True
    return False


@compiled_inner
def _after_scheme(codes: Codes, classes: Codes, first: int, last: int) -> int:
    """Return where `scheme://` ends, or 0."""
    position = first
    while position < last and codes[position] != COLON:
        code = codes[position]
        if not (classes[code] & WORD or code == PLUS or code == HYPHEN or code == PERIOD):
            return 0
        position += 1
    if position - first < 2 or position + 2 >= last:
        return 0
    return position + 3 if codes[position + 1] == SLASH and codes[position + 2] == SLASH else 0


@compiled_inner
def _follows(codes: Codes, classes: Codes, first: int, last: int) -> bool:
    """Tell whether a host stands at `first`, and a port or rest or nothing after it."""
    end = first
    dots = 0
    while end < last:
        code = codes[end]
        if code == COLON or code == SLASH or code == QUESTION or code == HASH:
            break
        dots += code == PERIOD
        end += 1
    if dots == 0 or not _ends(codes, classes, end, last):
        return False
    return _is_name(codes, classes, first, end) or (dots == 3 and _is_number(codes, classes, first, end))


@compiled_inner
def _ends(codes: Codes, classes: Codes, position: int, last: int) -> bool:
    """Tell whether a port of 2 to 5 digits or none stands at `position`, and then nothing or a path, query or fragment."""
    if position < last and codes[position] == COLON:
        begin = position + 1
        position = begin
        while position < last and classes[codes[position]] & DECIMAL:
            position += 1
        if not 2 <= position - begin <= 5:
            return False
    if position == last:
        return True
    code = codes[position]
    return bool(code == SLASH or code == QUESTION or code == HASH)


@compiled_inner
def _is_name(codes: Codes, classes: Codes, first: int, last: int) -> bool:
    """Tell whether labels joined by periods, of 1 to 64 characters, end in a top level of 2 to 63 lower-case letters."""
    start = first
    for position in range(first, last):
        code = codes[position]
        if code != PERIOD:
            if not (classes[code] & (HOST | ALPHA_LOWER) or code == UNDERSCORE or code == HYPHEN):
                return False
            continue
        if not 1 <= position - start <= LABEL:
            return False
        for inside in range(start, position):
            edge = inside == start or inside == position - 1
            one = codes[inside]
            if not classes[one] & HOST and (edge or (one != UNDERSCORE and one != HYPHEN)):
                return False
        start = position + 1
    if start == first or not TOP_LEVEL[0] <= last - start <= TOP_LEVEL[1]:
        return False
    for position in range(start, last):
        if not classes[codes[position]] & ALPHA_LOWER:
            return False
    return True


@compiled_inner
def _is_number(codes: Codes, classes: Codes, first: int, last: int) -> bool:
    """Tell whether four numbers joined by periods are a public IPv4 address, neither of a network nor for broadcast."""
    value0, value1, place, start = 0, 0, 0, first
    for position in range(first, last + 1):
        if position < last and codes[position] != PERIOD:
            continue
        value = _octet(codes, classes, start, position, place == 0 or place == 3)
        if value < 0 or (place == 0 and value > 223) or (place == 3 and value == 255):
            return False
        if place == 0:
            value0 = value
        elif place == 1:
            value1 = value
        place += 1
        start = position + 1
    private = value0 == 10 or value0 == 127 or (value0 == 169 and value1 == 254) or (value0 == 192 and value1 == 168)
    return not (private or (value0 == 172 and 16 <= value1 <= 31))


@compiled_inner
def _octet(codes: Codes, classes: Codes, first: int, last: int, no_zero: bool) -> int:
    """Return the value of one to three digits as the expression takes them, or -1."""
    size = last - first
    if not 1 <= size <= 3:
        return -1
    value = 0
    for position in range(first, last):
        if not classes[codes[position]] & ASCII_DIGIT:
            return -1
        value = value * 10 + (codes[position] - ZERO)
    if value > 255 or (no_zero and codes[first] == ZERO):
        return -1
    return value if size < 3 or codes[first] != ZERO else -1
