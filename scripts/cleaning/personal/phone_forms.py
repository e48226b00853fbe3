"""How national telephone numbers are written, and what is written much the same: days, prices, ranges, postcodes, series."""

from __future__ import annotations

import re
from dataclasses import dataclass

from scripts.cleaning.personal.checks import issn

LEAST, MOST = 6, 13  # digits of a national number with its trunk prefix
_FORMS = re.compile(
    r"\(0[1-9]?\d{0,4}(?: \d{1,3})*\) ?[\d/-][\d ./-]*\d"  # (030) 123 45-67
    r"|0[1-9]\d{0,4}(?: ?[/-] ?| |\.)\d{2,8}(?:[ .-]\d{1,5}){0,5}"  # 030 1234567, 06.12.34.56.78
    r"|0 \d{3} \d{3} \d{2} ?\d{2}|0 [1-9]\d{2} \d{2} \d{2} \d{2}|0 \d{2}(?: \d{2})? ?/ ?\d[\d -]*\d"  # 0 89 / 12 34 56
    r"|\([1-9]\d{1,4}\) ?\d{1,5}(?:[ .-]\d{2,4}){1,2}"  # (812) 551-32-51
    r"|(?:1[ .-]?)?\([2-9]\d\d\) ?\d{3}[ .-]?\d{4}|(?:1[ .-])?[2-9]\d\d([.-])[2-9]\d\d\1\d{4}"  # (212) 555-0187, 212-555-0187
    r"|(?:1[ .-])?[2-9]\d\d [2-9]\d\d-\d{4}|1 [2-9]\d\d [2-9]\d\d \d{4}"
    r"|8[ -]?\(\d{3,5}\)[ -]?\d{1,3}(?:[ -]\d{2,4}){1,2}"  # 8 (495) 123-45-67
    r"|8 0\d{2,3} \d{2,3}-\d\d-\d\d|8([ -])[3489]\d\d[ -]\d{3}[ -]\d\d[ -]\d\d"
    r"|400-\d{3}-\d{4}|1[38]00[ -]\d{3}[ -]\d{3}|1-[78]00-\d{3}-\d{3,4}"  # free lines
)
_DATE = re.compile(
    r"(?:[0-3]?\d([./ -])[01]?\d\1(?:19|20)\d\d|[0-3]?\d([./-])[01]?\d\2\d\d|[01]?\d([./ -])[0-3]?\d\3(?:19|20)\d\d"
    r"|(?:19|20)\d\d([./ -])[01]?\d\4[0-3]?\d|\d{1,5} ?/ ?(?:19|20)\d\d"
    r"|(?:1[5-9]|20)\d\d ?[-–/ ] ?(?:(?:1[5-9]|20)\d\d|\d\d)|(?:19|20)\d\d[01]\d[0-3]\d)(?![ ./-]?\d)"
)
_NUMBERED_DATE = re.compile(r"[0-3]?\d\.[01]?\d\.(?:19|20)\d\d\.\d")  # 01.02.2003.04
_STEPS = re.compile(r"\d\d(?:\.\d\d){3}")  # 01.02.03.04, which lacks two digits for France
_HOUR = r"(?:(?:[01]?\d|2[0-4])\.[0-5]\d|(?:[01]\d|2[0-4])[0-5]\d)"
_HOURS = re.compile(rf"{_HOUR} ?[-–] ?{_HOUR}(?![ .-]?\d)")
_THOUSANDS = re.compile(r"\d{1,2}(?: \d{3})+|\d{1,3}(?:\.\d{3})+")
_POSTCODE = re.compile(r"\d{5}-\d{3}")  # Brazil
_ZIP = re.compile(r"\d{5}-\d{4}")
_CODED = re.compile(r"(?<![A-Za-z])[A-Z]{2,6} $")
_JOINED = frozenset(
    (" ", "-", ".", "/", "–", ") ", " (", ")", "(", "\n", ")-", "-(", " - ", " – ", "- ", " -", ")/", ") -", ") /")
)
_AREA = frozenset((" / ", "/ ", " /", ") - ", ") / "))
_LEFT_OUT = "〒$€£¥₹₽#._/\\*=&+-–°№"
_RIGHT_OUT = "%°€$£¥円元원₽′″×=_‰²³"


_ISSN = re.compile(r"(\d{4})-(\d{4})(?!\d)")


@dataclass(frozen=True)
class Run:
    """Groups of digits with single separators between them: `(start, end)` of each, and of the whole with parentheses."""

    text: str
    start: int
    end: int
    groups: tuple[tuple[int, int], ...]

    @property
    def span(self) -> tuple[int, int]:
        """Return where the run is."""
        return self.start, self.end

    @property
    def count(self) -> int:
        """Return the number of groups."""
        return len(self.groups)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Return the number of digits of each group."""
        return tuple(end - start for start, end in self.groups)

    @property
    def is_telling(self) -> bool:
        """Tell whether a run looks like a telephone number more than like others: several groups, or many digits after a 0."""
        size = sum(self.sizes)
        leading = self.text[self.groups[0][0]] == "0"
        return (
            not _THOUSANDS.fullmatch(self.text, *self.span)
            and size >= 7
            and "–" not in self.text[self.start : self.end]
            and (1 < self.count < 6 or (self.count == 1 and (size == 11 or (leading and size >= 9))))
        )

    @property
    def is_long(self) -> bool:
        """Tell whether a telling run has so many digits or groups that the word for it may stand at some distance."""
        return self.is_telling and (sum(self.sizes) >= 8 or self.count > 2)


def joins(between: str, is_area: bool = False) -> bool:
    """Tell whether what stands between two groups joins them; more does after an area code."""
    return between in _JOINED or (is_area and between in _AREA)


def is_clear(text: str, start: int | None, end: int | None) -> bool:
    """Tell whether a number stands by itself: it touches no letters, signs of currency or measure, and goes on nowhere."""
    if start:
        side = text[start - 1]
        if (
            side in _LEFT_OUT
            or (side.isascii() and side.isalnum())
            or (
                side in "),"  # a comma after anything else parts two columns
                and text[max(0, start - 2)].isdigit()
            )
        ):
            return False
    if end is None:
        return True
    after = text[end : end + 2]
    side = after[:1]
    if side in ("", "'", '"'):
        return True
    if side in _RIGHT_OUT or (side in ".:-–/" and after[1:].isalnum() and after[1:].isascii()):
        return False
    return (
        not (side.isascii() and side.isalnum()) or re.match(r"(?i)x\d|[a-z]{2,5}[.:]", text[end : end + 12]) is not None
    )


def is_distinct(run: Run) -> Run | None:
    """Return the run, or what comes before a wider gap in it, if it has a form that little else has."""
    match = _FORMS.match(run.text, run.start, run.end)
    if match is None:
        return None
    groups = tuple(group for group in run.groups if group[1] <= match.end())
    if match.end() != run.end and run.text[match.end() : run.groups[len(groups)][0]] not in (
        " / ",
        "/",
        " - ",
        " – ",
        "\n",
    ):
        return None
    form = Run(run.text, run.start, match.end(), groups)
    whole = run.text[form.start : form.end]
    if not 8 <= sum(form.sizes) <= MOST or _is_other(form) or _POSTCODE.fullmatch(whole) or _STEPS.fullmatch(whole):
        return None
    coded = form.count == 2 and "-" in whole and _CODED.search(run.text, max(0, run.start - 8), run.start)
    return None if coded else form


def is_plausible(run: Run) -> bool:
    """Tell whether a run could be a telephone number if the words near say so."""
    whole = run.text[run.start : run.end]
    if not LEAST <= sum(run.sizes) <= MOST or _is_other(run):
        return False
    if _POSTCODE.fullmatch(whole) or (
        _ZIP.fullmatch(whole) and run.text[max(0, run.start - 3) : run.start].strip().isupper()
    ):
        return False
    if run.count == 1 and len(whole) > 12:
        return False
    if "." in whole and (" " in whole or _THOUSANDS.fullmatch(whole)) and whole[0] not in "0(":
        return False
    if "/" in whole and run.text[run.groups[0][0]] != "0":
        return False
    return not (run.count == 2 and ("." in whole or "–" in whole))


def is_serial(text: str, start: int) -> bool:
    """Tell whether the number of a serial (ISSN) begins at a place."""
    match = _ISSN.match(text, start)
    return match is not None and issn(match[1] + match[2])


def _is_other(run: Run) -> bool:
    """Tell whether a run is a day, a range of pages or years, or a series of numbers: 04 11 19 27 33 42; or an ISSN."""
    sizes = run.sizes
    if (
        len(sizes) > 6
        or (len(sizes) == 6 and set(sizes) == {2})
        or _DATE.match(run.text, run.start, run.end)
        or _NUMBERED_DATE.match(run.text, run.start, run.end)
        or _HOURS.match(run.text, run.start, run.end)
    ):
        return True
    between = run.text[run.groups[0][1] : run.groups[-1][0]]
    if len(sizes) != 2 or max(sizes) > 4 or sum(sizes) > 8 or between.strip() not in ("-", "–"):
        return False
    low, high = (int(run.text[start:end]) for start, end in run.groups)
    return sizes[1] <= sizes[0] and 0 < high - low % 10 ** sizes[1] < 300
