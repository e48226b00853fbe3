"""Card numbers and bank accounts."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator

from scripts.cleaning.personal.checks import luhn, mod_97
from scripts.cleaning.personal.labels import REACH, labels, labels_before
from scripts.cleaning.personal.scan import ACCOUNT, NUMBER, Scanned
from scripts.lib.code import data_file

# First digits of the schemes (ISO/IEC 7812 issuer identification) with the lengths of their numbers.
_SCHEMES: tuple[tuple[range, tuple[int, ...]], ...] = (
    (range(1800_00, 1801_00), (15,)),  # JCB
    (range(2131_00, 2132_00), (15,)),
    (range(2200_00, 2205_00), (16, 17, 18, 19)),  # Mir
    (range(2205_00, 2206_00), (16,)),  # Borica
    (range(2221_00, 2721_00), (16,)),  # Mastercard
    (range(3000_00, 3060_00), (14, 16)),  # Diners Club
    (range(3095_00, 3096_00), (14, 16)),
    (range(3400_00, 3500_00), (15,)),  # American Express
    (range(3528_00, 3590_00), (16, 17, 18, 19)),  # JCB
    (range(3600_00, 3700_00), (14, 16)),  # Diners Club
    (range(3700_00, 3800_00), (15,)),  # American Express
    (range(3800_00, 4000_00), (14, 16)),  # Diners Club
    (range(4000_00, 5000_00), (13, 16, 19)),  # Visa
    (range(5000_00, 5100_00), (12, 13, 14, 15, 16, 17, 18, 19)),  # Maestro, Dankort, Elo, Verve
    (range(5100_00, 5600_00), (16,)),  # Mastercard
    (range(5600_00, 5900_00), (12, 13, 14, 15, 16, 17, 18, 19)),  # Maestro
    (range(6000_00, 7000_00), (12, 13, 14, 15, 16, 17, 18, 19)),  # Discover, UnionPay, Maestro, RuPay, Troy, Verve
    (range(8100_00, 8200_00), (16, 17, 18, 19)),  # UnionPay
    (range(8200_00, 8300_00), (16,)),  # RuPay
    (range(8600_00, 8601_00), (16,)),  # Uzcard
    (range(9792_00, 9793_00), (16,)),  # Troy
    (range(9860_00, 9861_00), (16,)),  # Humo
)
_SHAPES = frozenset({(4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 1), (4, 4, 4, 2), (4, 4, 4, 3), (4, 4, 4, 4, 3)})
_SHAPES_NAMED = frozenset(
    {(6, 13), (6, 10), (4, 12), (4, 5, 6), (4, 4, 4, 4, 1), (4, 4, 4, 4, 2), (4, 4, 5), (8, 4, 4), (8, 8)}
)
NEAR = 14  # characters between a number and a word by which it is something else
_CHIP = "89"  # telecommunication: of a SIM card itself (ITU-T E.118)
_LONG = 16  # digits in a row that need no word near them; more are mostly numbers of posts and records
_GROUP = re.compile(r"\d+")
_TRACK, _TRACK_2 = re.compile(r"%B$"), re.compile(r"[=D]\d{7}")  # a magnetic stripe's fields (ISO/IEC 7813)
_ADDRESS = re.compile(r"://|[A-Za-z0-9]\.[A-Za-z]{2,63}(?::\d{1,5})?[/?]")  # of a page, up to its path
_ADDRESS_END = re.compile(r"[^\s,;|\"'<>]*$")
_BELOW_ONE = re.compile(r"(?<!\d)0,$")
_SEPARATOR = re.compile(r" ?[-–./] ?| {1,3}| ?\n ?")


def _in_scheme(digits: str) -> bool:
    first = int(digits[:6])
    return any(first in numbers and len(digits) in lengths for numbers, lengths in _SCHEMES)


def cards(scanned: Scanned) -> Iterator[tuple[int, int]]:
    """Yield card numbers, in groups as on cards or in a row, passing Luhn's check.

    They are of a scheme's range and length, or a word for cards stands right before them.
    """
    text = scanned.text
    for start, end in scanned.places.get(NUMBER, ()):
        if end - start < 12:
            continue
        groups = [match.span() for match in _GROUP.finditer(text, start, end)]
        first = 0
        while first < len(groups):
            used = _card(text, groups, first)
            if used:
                yield groups[first][0], groups[first + used - 1][1]
            first += used or 1


def _card(text: str, groups: list[tuple[int, int]], first: int) -> int:
    """Return how many groups from `first` on make a card number, or 0."""
    if text[groups[first][0]] == "0":
        return 0
    digits = ""
    shape: tuple[int, ...] = ()
    best = 0
    separator = ""
    for count, (start, end) in enumerate(groups[first : first + 5], 1):
        if count > 1:
            between = text[groups[first + count - 2][1] : start]
            kind = between.strip(" ") or " "
            if not _SEPARATOR.fullmatch(between) or (separator and kind not in (separator, "\n") and separator != "\n"):
                break
            separator = kind if kind != "\n" or not separator else separator
        digits += text[start:end]
        shape += (end - start,)
        if len(digits) > 19:
            break
        if len(digits) >= 12 and _is_card(text, digits, shape, groups[first][0], end):
            best = count
    return best


def _is_card(text: str, digits: str, shape: tuple[int, ...], start: int, end: int) -> bool:
    if len(set(digits)) < 2 or not luhn(digits) or not _stands_alone(text, start, end):
        return False
    grouped = shape in _SHAPES
    if not grouped and len(shape) > 1 and shape not in _SHAPES_NAMED:
        return False
    before = labels_before(text, start)
    if not _in_scheme(digits):
        told = next((label for label in before if label.kind != "number"), None)
        return told is not None and told.kind == "card" and told.end >= start - NEAR and not digits.startswith(_CHIP)
    for label in before:
        if label.kind == "card":
            return True
        if label.end < start - (4 if grouped else NEAR):
            break
        if label.kind in ("reference", "phone") or label.kind.startswith("id."):
            return False
    if any(label.kind == "card" for label in before + labels(text, end, end + NEAR)):
        return True
    alone = len(shape) == 1 and (len(digits) == _LONG or digits[:2] in ("34", "37"))
    return grouped or (alone and not _in_address(text, start))


def _in_address(text: str, start: int) -> bool:
    """Tell whether a number stands in the path or query of a page's address, where most are numbers of posts and groups."""
    before = _ADDRESS_END.search(text, max(0, start - REACH), start)
    return before is not None and _ADDRESS.search(before[0]) is not None


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Tell whether no letter or digit touches a number, and it is no decimal fraction and no piece of one."""
    before, after = text[max(0, start - 3) : start], text[end : end + 2]
    if _TRACK.search(text, max(0, start - 2), start) or _TRACK_2.match(text, end):
        return True
    touched = any(side and side.isascii() and (side.isalnum() or side == "_") for side in (before[-1:], after[:1]))
    fraction = (before[-1:] == "." and before[-2:-1].isdigit()) or (after[:1] == "." and after[1:].isdigit())
    # No other comma parts a fraction: columns of comma-separated values touch, and so many digits seldom follow a decimal sign.
    fraction = fraction or (_BELOW_ONE.search(before) is not None and after[:1] != ",")
    return not touched and not fraction and after[:1] not in ("%", "°") and before[-1:] not in ("$", "€", "£", "+")


@functools.cache
def _formats() -> dict[str, re.Pattern[str]]:
    """Return what follows an IBAN's first four characters, by country, its groups parted or not."""
    classes = {"n": r"\d", "a": "[A-Za-z]", "c": "[A-Za-z0-9]"}
    formats: dict[str, re.Pattern[str]] = {}
    for line in data_file("scripts/cleaning/lists/iban_formats.tsv").read_text("utf-8").splitlines():
        if not line.startswith("#"):
            country, _, form = line.partition("\t")
            parts = [classes[kind] for count, kind in re.findall(r"(\d+)(\w)", form) for _ in range(int(count))]
            formats[country] = re.compile(r"[ .–-]{0,3}\n? ?".join(["", *parts]))
    return formats


def ibans(scanned: Scanned) -> Iterator[tuple[int, int]]:
    """Yield IBANs: of their country's form and length, passing modulus 97, in groups or not."""
    return (span for span, valid in _accounts(scanned) if valid)


def broken_ibans(scanned: Scanned) -> Iterator[tuple[int, int]]:
    """Yield what has the form of an IBAN and wrong check digits: no number within is one of another kind."""
    return (span for span, valid in _accounts(scanned) if not valid)


def _accounts(scanned: Scanned) -> Iterator[tuple[tuple[int, int], bool]]:
    """Yield what has the form of an IBAN, and whether its check digits are right."""
    text = scanned.text
    for start, digits in scanned.places.get(ACCOUNT, ()):
        country = text[start:digits]
        if country.endswith(" ") and not (country.isupper() and text[digits + 2 : digits + 3] == " "):
            continue  # any "no" before a number
        form = _formats().get(country.strip().upper())
        match = form.match(text, digits + 2) if form else None
        if match is None or (text[match.end() : match.end() + 1].isalnum() and text[match.end()].isascii()):
            continue
        compact = "".join(character for character in text[start : match.end()] if character.isalnum())
        before = text[max(0, start - 4) : start]
        if not (before[-1:].isascii() and before[-1:].isalnum()) or before.upper() == "IBAN":
            yield (start, match.end()), mod_97(compact)
