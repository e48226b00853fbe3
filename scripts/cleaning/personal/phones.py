"""Telephone numbers: international ones by country code and length (ITU-T E.164), national ones by form or by the words near.

Three ways, strictest last: with + or 00 and a country code, the length is enough; a national number of a form that little else
has (a trunk 0 or an area code in parentheses, the 3-3-4 of North America, the 8 of Russia) is taken unless the words before say
otherwise; any other run of 6 to 12 digits only where a word near it, or a number just found beside it, says that it is one.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterator

from scripts.cleaning.personal.labels import labels, labels_before
from scripts.cleaning.personal.scan import NUMBER, Scanned
from scripts.lib.code import data_file

Spans = list[tuple[int, int]]
LEAST, MOST = 6, 12  # digits of a national number with its trunk prefix
NEAR = 45  # characters between the word and the number
BESIDE = 32  # characters between two numbers of which one vouches for the other
AFTER = 14

_GROUP = re.compile(r"\d+")
_EXTENSION = re.compile(
    r" ?(?:ext(?:ension)?\.?|x|wew\.|доб\.|int\.|anexo|poste|klapka|linka|mellék|ramal|dw) ?\d{1,6}(?!\w)",
    re.IGNORECASE,
)
_DATE = re.compile(
    r"(?:[0-3]?\d([./-])[01]?\d\1(?:19|20)?\d\d|[01]?\d([./-])[0-3]?\d\2(?:19|20)\d\d|(?:19|20)\d\d([./-])[01]?\d\3[0-3]?\d"
    r"|(?:18|19|20)\d\d ?[-–/] ?(?:(?:18|19|20)\d\d|\d\d)|(?:19|20)\d\d[01]\d[0-3]\d)(?!\d)"
)
_POSTCODE = re.compile(r"\d{5}-\d{3}")  # Brazil
_DECIMAL = re.compile(r"\d{1,3}\.\d+")
_THOUSANDS = re.compile(r"\d{1,3}(?: \d{3})+|\d{1,3}(?:\.\d{3})+")
_FORMS = re.compile(
    r"\(0[1-9]?\d{0,4}(?: \d{1,3})*\) ?[\d/-][\d ./-]*\d"  # (030) 123 45-67
    r"|\([1-9]\d{1,3}\) ?\d{2,5}(?:[ .-]\d{2,4}){1,2}"  # (212) 555-0187, (812)551-32-51
    r"|(?:1[ .-]?)?\([2-9]\d\d\) ?\d{3}[ .-]?\d{4}"
    r"|(?:1[ .-])?[2-9]\d\d([.-])[2-9]\d\d\1\d{4}|(?:1[ .-])?[2-9]\d\d [2-9]\d\d-\d{4}|1 [2-9]\d\d [2-9]\d\d \d{4}"
    r"|8[ -]?\(\d{3,5}\)[ -]?\d{1,3}(?:[ -]\d{2}){2}|8([ -])[3489]\d\d[ -]\d{3}[ -]\d\d[ -]\d\d"
    r"|0[1-9]\d{0,4}(?: ?[/-] ?| |\.)\d{2,8}(?:[ .-]\d{1,5}){0,5}|0 \d{3} \d{3} \d{2} ?\d{2}"
    r"|400-\d{3}-\d{4}|1[38]00[ -]\d{3}[ -]\d{3}"
)
_LEFT_OUT = "〒$€£¥₹₽#.,_/\\*=&"
_RIGHT_OUT = ("%", "°", "€", "$", "£", "¥", "円", "元", "원", "₽", "′", "'", '"', "×", "/", "=", "_", "‰")


@functools.cache
def _codes() -> dict[str, tuple[int, int]]:
    """Return the shortest and longest national numbers by country code."""
    lines = data_file("scripts/cleaning/lists/calling_codes.tsv").read_text("utf-8").splitlines()
    rows = [line.split("\t") for line in lines if not line.startswith("#")]
    return {code: (int(shortest), int(longest)) for code, shortest, longest, _ in rows}


def phones(scanned: Scanned, taken: bytearray) -> Iterator[tuple[int, int]]:
    """Yield telephone numbers; `taken` marks the places where another kind was found."""
    text = scanned.text
    doubtful: Spans = []
    sure: Spans = []
    for start, end in scanned.places.get(NUMBER, ()):
        for first, last in _free(text, start, end, taken):
            for span, is_sure in _in_stretch(text, first, last):
                (sure if is_sure else doubtful).append(span)
    yield from sorted(sure + _vouched(text, doubtful, sure))


def _free(text: str, start: int, end: int, taken: bytearray) -> Iterator[tuple[int, int]]:
    """Yield the pieces of a stretch that no other kind holds."""
    place = start
    while place < end:
        stop = taken.find(1, place, end)
        stop = end if stop < 0 else stop
        if stop > place:
            yield place, stop
        place = taken.find(0, stop, end)
        if place < 0:
            return


def _in_stretch(text: str, start: int, end: int) -> Iterator[tuple[tuple[int, int], bool]]:
    """Yield the numbers in a stretch of groups, left to right, and whether each is sure to be a telephone number."""
    groups = [match.span() for match in _GROUP.finditer(text, start, end)]
    first = 0
    while first < len(groups):
        found = _international(text, groups, first)
        if found:
            span, first = found
            yield _extended(text, span), True
            continue
        used, span, is_sure = _national(text, groups, first)
        if used:
            yield (_extended(text, span) if is_sure else span), is_sure
        first += max(used, 1)


def _extended(text: str, span: tuple[int, int]) -> tuple[int, int]:
    """Return a span with the extension after one space."""
    match = _EXTENSION.match(text, span[1])
    return (span[0], match.end()) if match else span


def _international(text: str, groups: Spans, first: int) -> tuple[tuple[int, int], int] | None:
    """Return the span of a number with country code that begins with a group, and the group after it."""
    start, end = groups[first]
    digits = text[start:end]
    plus = re.search(r"(?<![\w+])\(?\+\(? ?$", text[max(0, start - 4) : start])
    skipped = 0
    if plus is None:
        if digits.startswith("00") and _clear_left(text, start) and digits[2:3] != "0":
            skipped = 2
            if len(digits) == 2:
                return None
        else:
            return None
    elif len(groups[first:]) > 1 and _DECIMAL.fullmatch(text, start, groups[first + 1][1]) and len(groups[first:]) == 2:
        return None  # +51.5073509
    code = next((digits[skipped : skipped + n] for n in (1, 2, 3) if digits[skipped : skipped + n] in _codes()), None)
    if code is None:
        return None
    begin = (
        start - len(plus[0].rstrip(" "))
        if plus and not plus[0].endswith(" ")
        else start - len(plus[0])
        if plus
        else start
    )
    stop = _national_end(text, groups, first, skipped + len(code), _codes()[code])
    if stop is None or not _clear_right(text, groups[stop][1]):
        return None
    if not plus and stop == first and not _said(text, start):
        return None
    return (begin, groups[stop][1]), stop + 1


def _national_end(text: str, groups: Spans, first: int, used: int, lengths: tuple[int, int]) -> int | None:
    """Return the last group of a national number of a length that its country has; a trunk 0 may be written too."""
    count = groups[first][1] - groups[first][0] - used
    best = first if lengths[0] <= count <= lengths[1] else None
    trunk = 0
    for place in range(first + 1, len(groups)):
        start, end = groups[place]
        between = text[groups[place - 1][1] : start]
        if "+" in between or between.count("\n") > 1 or (best is not None and not _joins(between)):
            break
        if count == 0 and text[start] == "0":
            trunk = 1
        count += end - start
        if count > lengths[1] + trunk:
            break
        if count >= lengths[0] + trunk:
            best = place
    return best


def _joins(between: str) -> bool:
    """Tell whether what stands between two groups joins them, and does not part two numbers."""
    return between in (" ", "-", ".", "/", "–", ") ", " (", ")", "(", "\n", ")-", "-(") or between.strip(" ") in (
        "-",
        "–",
    )


def _national(text: str, groups: Spans, first: int) -> tuple[int, tuple[int, int], bool]:
    """Return how many groups from one on could be a national number, its span, and whether its form makes that sure."""
    start = groups[first][0]
    before = text[max(0, start - 2) : start]
    opened = before.endswith("(")
    begin = start - 1 if opened else start
    last = _last_of_run(text, groups, first)
    end = groups[last][1]
    count = last - first + 1
    if last == first and text[end : end + 1] == ")" and opened:
        begin = start
    if not _clear_left(text, begin) or not _clear_right(text, end):
        return count if not _FORMS.match(text, begin) else 1, (0, 0), False
    form = _FORMS.match(text, begin, end)
    size = sum(b - a for a, b in groups[first : last + 1])
    shaped = (
        form is not None
        and form.end() == end
        and not _POSTCODE.fullmatch(text, begin, end)
        and 8 <= size <= MOST
        and not _counted(text, groups, first, last)
    )
    if form is not None and not shaped:
        shaped, last = _shorter(text, groups, first, form.end())
        end = groups[last][1] if shaped else end
        count = last - first + 1
        size = sum(b - a for a, b in groups[first : last + 1])
    verdict = _label(text, begin, end, 12 if shaped else 20)
    if shaped and verdict != "other":
        return count, (begin, end), True
    if not LEAST <= size <= MOST or _DATE.fullmatch(text, begin, end) or _counted(text, groups, first, last):
        return (count if size <= MOST else 1), (0, 0), False
    if verdict == "phone":
        return count, (begin, end), True
    amount = re.match(r"\d{1,2}(?: \d{3})+$", text[begin:end]) or _POSTCODE.fullmatch(text, begin, end)
    grouped = size >= 7 and not amount and (1 < count < 6 or (text[start] == "0" and 9 <= size <= 11))
    return count, ((begin, end) if grouped and verdict != "other" else (0, 0)), False


def _shorter(text: str, groups: Spans, first: int, end: int) -> tuple[bool, int]:
    """Return whether a form that ends before its run does stands by itself, and its last group."""
    last = next((place for place in range(first, len(groups)) if groups[place][1] == end), None)
    if last is None or last + 1 >= len(groups) or _joins(text[end : groups[last + 1][0]]):
        return False, first
    size = sum(b - a for a, b in groups[first : last + 1])
    return 8 <= size <= MOST and not _counted(text, groups, first, last), last


def _counted(text: str, groups: Spans, first: int, last: int) -> bool:
    """Tell whether groups are a list of two-digit numbers or a series, and no number: 04 11 19 27 33 42."""
    sizes = [end - start for start, end in groups[first : last + 1]]
    return (
        len(sizes) > 6
        or (len(sizes) == 6 and set(sizes) == {2})
        or bool(_DATE.match(text, groups[first][0], groups[last][1]))
    )


def _last_of_run(text: str, groups: Spans, first: int) -> int:
    """Return the last group that the separators join to the first."""
    last = first
    while last + 1 < len(groups) and last - first < 12:
        between = text[groups[last][1] : groups[last + 1][0]]
        if "+" in between or not (
            _joins(between) or (last == first and between.strip(" ") in ("/", ")", ") -", ")/", ") /"))
        ):
            break
        if between.endswith("(") and last > first:
            break
        last += 1
    return last


def _clear_left(text: str, start: int) -> bool:
    before = text[max(0, start - 2) : start]
    side = before[-1:]
    if side in ("-", "–"):
        return before[:1] in ("", " ", "\n") and False
    return not (side and (side in _LEFT_OUT or side == "+" or (side.isascii() and (side.isalnum()))))


def _clear_right(text: str, end: int) -> bool:
    after = text[end : end + 2]
    side = after[:1]
    if side in _RIGHT_OUT and not (side in "'\"/" and not after[1:].isdigit()):
        return False
    if side in (",", ".", ":", "-", "–") and after[1:].isdigit():
        return side == ","
    return (
        not (side.isascii() and (side.isalnum() or side == "_"))
        or re.match(r"(?i)x\d|[a-z]+:", text[end : end + 12]) is not None
    )


def _label(text: str, start: int, end: int, reach: int = 20) -> str:
    """Return `phone` where the nearest word that tells says so, `other` where it tells of something else, or nothing."""
    number = False
    for label in labels_before(text, start):
        if label.kind == "number":
            number = number or start - label.end <= 3
            continue
        if label.kind in ("ip", "version"):
            continue
        if label.kind == "phone":
            return "phone" if start - label.end <= NEAR else ""
        if start - label.end <= reach:
            return "other"
        break
    if any(label.kind == "phone" for label in labels(text, end, end + AFTER)[-1:]):
        return "phone"
    return "other" if number else ""


def _said(text: str, start: int) -> bool:
    return _label(text, start, start) == "phone"


def _vouched(text: str, doubtful: Spans, sure: Spans) -> Spans:
    """Return the doubtful numbers that stand beside a sure one, or beside one that is vouched for so."""
    accepted = set(sure)
    everything = sorted(sure + [span for span in doubtful if span != (0, 0)])
    for order in (everything, everything[::-1]):
        for one, two in itertools.pairwise(order):
            left, right = (one, two) if one < two else (two, one)
            between = text[left[1] : right[0]]
            if one in accepted and len(between) <= BESIDE and "\n" not in between and ". " not in between.strip():
                accepted.add(two)
    return sorted(accepted - set(sure))
