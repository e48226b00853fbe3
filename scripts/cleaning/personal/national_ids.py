"""Identity numbers that countries give to persons, by form, date of birth and check digits.

A form that few other numbers have is enough by itself; a plain run of digits is one only near a word that says so. Where
two countries' rules accept a number, the one that is named near it has it, else the first of the table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from scripts.cleaning.personal import checks
from scripts.cleaning.personal.labels import Label, labels, labels_before
from scripts.cleaning.personal.scan import CODE, NUMBER, Scanned

AFTER = 24  # characters behind a number in which it may be named: 529.982.247-25 (CPF)
_COMPACT = re.compile(r"[^0-9A-Za-z]")


@dataclass(frozen=True)
class Form:
    """How a country's number is written; `alone`: this form needs no word near it; `common`: but one may rule it out."""

    country: str
    pattern: re.Pattern[str]
    valid: Callable[[str], bool]
    alone: bool
    common: bool


def _form(country: str, pattern: str, valid: Callable[[str], bool], alone: bool = True, common: bool = False) -> Form:
    return Form(country, re.compile(pattern, re.ASCII), valid, alone, common)


def _any(number: str) -> bool:
    return True


def _not_repeated(digits: str) -> bool:
    return len(set(digits)) > 2


_SSN = r"(?!000|666|9)\d{3}%s(?!00)\d{2}%s(?!0000)\d{4}"
_NINO = r"(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]"
_S = "[ .-]?"

# Forms that begin with the digits of a number (or letters right before them).
FORMS = (
    _form(
        "FR",
        rf"[1-478](?P<fr>{_S})\d{{2}}(?P=fr)\d{{2}}(?P=fr)(?:\d{{2}}|2[ABab])(?P=fr)\d{{3}}(?P=fr)\d{{3}}{_S}\d{{2}}",
        checks.french,
    ),
    _form(
        "FR",
        rf"[1-478]{_S}\d{{2}}{_S}\d{{2}}{_S}(?:\d{{2}}|2[ABab]){_S}\d{{3}}{_S}\d{{3}}{_S}\d{{2}}",
        checks.french,
        alone=False,
    ),
    _form("CN", r"\d{6}[ -]?(?:18|19|20)\d{6}[ -]?\d{3}[\dXx]", checks.chinese),
    _form("BR", r"\d{3}\.\d{3}\.\d{3}[-./]\d{2}", checks.brazilian),
    _form("BE", r"\d{2}[ .]\d{2}[ .]\d{2}[ -]\d{3}[ .-]\d{2}", checks.belgian),
    _form("FI", r"\d{6}[-+A-FU-Y]\d{3}[0-9A-FHJ-NPR-Y]", checks.finnish),
    _form("FI", r"\d{6}[a-fu-y]\d{3}[0-9a-fhj-npr-y]", checks.finnish, alone=False),
    _form("SE", r"(?:18|19|20)?\d{6}[-+]\d{4}", checks.swedish, common=True),
    _form("ES", r"(?:\d{8}|\d{2}\.\d{3}\.\d{3}|\d{2} \d{3} \d{3})[ -]?[A-HJ-NP-TV-Z]", checks.spanish, common=True),
    _form("ES", r"[XYZ][ -]?(?:\d{7}|\d\.\d{3}\.\d{3})[ -]?[A-HJ-NP-TV-Z]", checks.spanish, common=True),
    _form("ES", r"(?:\d{8}|[xyz]-?\d{7})-?[a-hj-np-tv-z]", checks.spanish, alone=False),
    _form("UK", _NINO + r" ?\d{2} \d{2} \d{2} ?[A-D]", _any, common=True),
    _form("UK", _NINO + r"(?:[ -]?\d{6}[ -]?|[ .-]\d{2}[.-]\d{2}[.-]\d{2}[ .-])[A-D]", _any, common=True),
    _form("UK", "(?i:" + _NINO + r"(?: ?\d{2}){3} ?[A-D])", _any, alone=False),
    _form("US", _SSN % ("-", "-"), _not_repeated, common=True),
    _form("US", _SSN % ("[ .-]?", "[ .-]?"), _not_repeated, alone=False),
    _form("CH", r"756\.\d{4}\.\d{4}\.\d{2}", checks.swiss),
    _form("CH", r"756[ -]?\d{4}[ -]?\d{4}[ -]?\d{2}", checks.swiss, alone=False),
    _form("KR", r"\d{6}-[1-8]\d{6}", checks.korean, common=True),
    _form("KR", r"\d{6} ?[1-8]\d{6}", checks.korean, alone=False),
    _form("DE", r"\d{2} ?\d{3} ?\d{3} ?\d{3}|\d{3} ?\d{3} ?\d{3} ?\d{2}|\d{11}", checks.german, alone=False),
    _form(
        "NL",
        r"\d{9}|\d{3}[ .]\d{3}[ .]\d{3}|\d{4}[ .]\d{2}[ .]\d{3}|\d{4}[ .]\d{5}",
        checks.dutch,
        alone=False,
    ),
    _form("PL", r"\d{11}|\d{6}[ -]\d{5}|\d{2} \d{2} \d{2} \d{5}", checks.polish, alone=False),
    _form("BE", r"\d{11}|\d{6}[ -]?\d{3}[ -]?\d{2}", checks.belgian, alone=False),
    _form("BR", r"\d{11}|\d{9}-\d{2}|\d{3} \d{3} \d{3} \d{2}", checks.brazilian, alone=False),
    _form("IN", r"\d{12}|\d{4}[ -]\d{4}[ -]\d{4}", checks.indian, alone=False),
    _form("SE", r"(?:18|19|20)?\d{6} ?\d{4}", checks.swedish, alone=False),
    _form("CA", r"\d{9}|\d{3}[ -]\d{3}[ -]\d{3}", checks.canadian, alone=False),
    _form("NO", r"\d{6} ?\d{5}", checks.norwegian, alone=False),
    _form("RO", r"\d{13}", checks.romanian, alone=False),
    _form("TR", r"\d{11}|\d{3} \d{3} \d{3} \d{2}", checks.turkish, alone=False),
)

_FORM = re.compile("|".join(f"(?:{form.pattern.pattern})" for form in FORMS), re.ASCII)

# Codes of letters and digits: where the first digits may stand, and their forms.
_ITALIAN = r"[A-Z]{3} ?[A-Z]{3} ?[0-9L-NP-V]{2} ?[A-EHLMPRST] ?[0-9L-NP-V]{2} ?[A-Z] ?[0-9L-NP-V]{3} ?[A-Z]"
CODES = (
    _form("IT", _ITALIAN, checks.italian),
    _form("IT", _ITALIAN.lower().replace("l-np-v", "lmnpqrstuv"), checks.italian),
    _form("IN", r"[A-Z]{3}P[A-Z]\d{4}[A-Z]", _any, common=True),
    _form("IN", r"[a-z]{3}p[a-z]\d{4}[a-z]", _any, alone=False),
)


def national_ids(scanned: Scanned) -> Iterator[tuple[int, int, str]]:
    """Yield `(start, end, country)` of identity numbers."""
    text = scanned.text
    for place, _ in scanned.places.get(CODE, ()):
        for start in (place - 5, place - 6, place - 7, place - 8):
            found = _match(text, start, CODES) if start >= 0 else None
            if found:
                yield found
                break
    for start, end in scanned.places.get(NUMBER, ()):
        yield from _numbers(text, start, end)


def _numbers(text: str, start: int, end: int) -> Iterator[tuple[int, int, str]]:
    """Yield the identity numbers that begin with a group of digits in a stretch, or with letters before one."""
    place = start
    while place < end:
        found = None
        for begin in _beginnings(text, place):
            if found is None and _FORM.match(text, begin):
                found = _match(text, begin, FORMS)
        if found:
            yield found
            place = found[1]
        while place < end and text[place].isdigit():
            place += 1
        while place < end and not text[place].isdigit():
            place += 1


def _beginnings(text: str, place: int) -> tuple[int, ...]:
    """Return where a number may begin whose first digit stands at `place`: there, or at letters of a NINO or NIE."""
    starts = [place]
    for back in (1, 2, 3):
        before = text[place - back : place - back + 1] if place >= back else ""
        if before.isalpha() and before.isascii() and (back > 1 or text[place].isdigit()):
            starts.insert(0, place - back)
    return tuple(starts)


def _match(text: str, start: int, forms: tuple[Form, ...]) -> tuple[int, int, str] | None:
    if start and (text[start - 1] in "+_" or (text[start - 1].isascii() and text[start - 1].isalnum())):
        return None
    if start > 1 and text[start - 1] in ".,-/" and text[start - 2].isdigit():
        return None  # a piece of another number
    near: list[Label] | None = None
    for form in forms:
        match = form.pattern.match(text, start)
        if match is None or _goes_on(text, match.end()) or not form.valid(_COMPACT.sub("", match[0])):
            continue
        if near is None:
            near = labels_before(text, start) + labels(text, match.end(), match.end() + AFTER)
        named = any(label.kind == f"id.{form.country}" and _near(label, start) for label in near)
        others = {label.kind for label in near if label.kind.startswith("id.")} - {f"id.{form.country}"}
        if named or (
            form.alone and not (others and _contested(form, others)) and not (form.common and _belongs(near, start))
        ):
            return start, match.end(), form.country
    return None


def _near(label: Label, start: int) -> bool:
    """Tell whether a label is near enough: one of two letters, such as a country's code, right before the number only.

    So are those of Canada, SIN and NAS, which are words of other languages.
    """
    return label.end - label.start > (3 if label.kind == "id.CA" else 2) or 0 <= start - label.end <= 2


def _goes_on(text: str, end: int) -> bool:
    """Tell whether a number goes on behind a match."""
    after = text[end : end + 2]
    touched = after[:1].isascii() and (after[:1].isalnum() or after[:1] == "_")
    return touched or (after[:1] in "-.,/" and after[1:].isdigit() and after[:1] != ",")


def _contested(form: Form, others: set[str]) -> bool:
    """Tell whether another country is named whose numbers look the same (Finland's and Sweden's of ten digits)."""
    return form.country in ("FI", "SE") and bool(others & {"id.FI", "id.SE"})


def _belongs(near: list[Label], start: int) -> bool:
    """Tell whether the nearest word before says that a number is of something else."""
    before = [label for label in near if label.end <= start and label.kind != "number"]
    return bool(before) and before[0].kind == "reference" and start - before[0].end < 12
