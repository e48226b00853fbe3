"""Telephone numbers: international ones by country code and length (ITU-T E.164), national ones by form or by the words near.

Three ways, strictest last: with + or 00 and a country code, the length is enough; a national number of a form that little else
has (`phone_forms`) is taken unless the words before say otherwise; any other run of 6 to 12 digits only where a word near it, or
a number just found beside it, says that it is one.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterator

from scripts.cleaning.personal.labels import Label, labels, labels_before, plain
from scripts.cleaning.personal.phone_forms import Run, is_clear, is_distinct, is_plausible, is_serial, joins
from scripts.cleaning.personal.scan import NUMBER, Scanned
from scripts.lib.code import data_file

Spans = list[tuple[int, int]]
NEAR, NEARER = 45, 14  # characters between the word and a number of several groups, or one that could be much else
BESIDE = 32  # characters between two numbers of which one vouches for the other
AFTER = 14  # characters after a number in which a word in parentheses may tell what it is
MOST_GROUPS = 8
_PAGES = ("p", "c", "h", "o", "w", "f")
_CELL = re.compile(r"[.:]*|(?:is|no|nr|number|phone|#)[.:]?", re.IGNORECASE)

_GROUP = re.compile(r"\d+")
_PLUS = re.compile(r"(?<![\w+])\(?\+\(? ?$", re.ASCII)
_EXTENSION = re.compile(
    r" ?(?:ext(?:ension)?\.?|x|wew\.|доб\.|вн\.|int\.|anexo|poste|klapka|linka|mellék|ramal|dw) ?\d{1,6}(?!\w)",
    re.IGNORECASE,
)
_DEGREES = re.compile(r"\d{1,3}\.\d{3,}(?!\d|[ .-]\d)")  # +51.5073509


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
        for first, last in _free(start, end, taken):
            for span, is_sure in _in_stretch(text, first, last):
                (sure if is_sure else doubtful).append(span)
    yield from sorted(sure + _vouched(text, doubtful, sure))


def _free(start: int, end: int, taken: bytearray) -> Iterator[tuple[int, int]]:
    """Yield the pieces of a stretch that no other kind holds."""
    place = start
    while 0 <= place < end:
        stop = taken.find(1, place, end)
        stop = end if stop < 0 else stop
        if stop > place:
            yield place, stop
        place = taken.find(0, stop, end)


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
        run, is_sure = _national(text, groups, first)
        if run:
            yield (_extended(text, run.span) if is_sure else run.span), is_sure
        first = first + run.count if run else _next_apart(text, groups, first)


def _next_apart(text: str, groups: Spans, first: int) -> int:
    """Return the next group that does not follow another closely: where a number ends, none begins in its midst."""
    first += 1
    while first < len(groups) and text[groups[first - 1][1] : groups[first][0]] in (" ", "-", ".", "/", "–"):
        first += 1
    return first


def _extended(text: str, span: tuple[int, int]) -> tuple[int, int]:
    """Return a span with the extension after one space."""
    match = _EXTENSION.match(text, span[1])
    return (span[0], match.end()) if match else span


def _international(text: str, groups: Spans, first: int) -> tuple[tuple[int, int], int] | None:
    """Return the span of a number with country code that begins with a group, and the group after it."""
    start, end = groups[first]
    digits = text[start : min(end, start + 20)]
    plus = _PLUS.search(text, max(0, start - 4), start)
    if plus is None and not (digits.startswith("00") and len(digits) > 2 and is_clear(text, start, None)):
        return None
    if not plus and is_serial(text, start):
        return None
    if plus and _DEGREES.match(text, start):
        return None
    skipped = 0 if plus else 2
    code = next((digits[skipped : skipped + n] for n in (1, 2, 3) if digits[skipped : skipped + n] in _codes()), None)
    stop = _national_end(text, groups, first, skipped + len(code), _codes()[code]) if code else None
    if stop is None or not is_clear(text, None, groups[stop][1]):
        return None
    if not plus and stop == first and _verdict(text, start, end, NEAR) != "phone":
        return None  # 0044123456789 might as well be any number with leading zeros
    begin = plus.start() if plus else start
    if text[begin] == "(" and ")" not in text[begin : groups[stop][1]]:
        begin += 1
    return (begin, groups[stop][1]), stop + 1


def _national_end(text: str, groups: Spans, first: int, used: int, lengths: tuple[int, int]) -> int | None:
    """Return the last group of a national number of a length that its country has; a trunk 0 may be written too."""
    count = groups[first][1] - groups[first][0] - used
    best = first if lengths[0] <= count <= lengths[1] else None
    trunk = 0
    for place in range(first + 1, min(len(groups), first + MOST_GROUPS + 1)):
        start, end = groups[place]
        between = text[groups[place - 1][1] : start]
        if "+" in between or (best is not None and not joins(between)):
            break
        if count == 0 and text[start] == "0":
            trunk = 1
        count += end - start
        if count > lengths[1] + trunk:
            break
        if count >= lengths[0]:
            best = place
    return best


def _national(text: str, groups: Spans, first: int) -> tuple[Run | None, bool]:
    """Return the run of groups from one on that could be a national number, and whether it is sure to be one."""
    run = _run(text, groups, first)
    if not is_clear(text, *run.span):
        return None, False
    distinct = is_distinct(run)
    if distinct:
        return (None, False) if _verdict(text, *distinct.span, NEARER, formed=True) == "other" else (distinct, True)
    if not is_plausible(run) or _is_amount(text, run.end):
        return None, False
    verdict = _verdict(text, *run.span, NEAR if run.is_long else NEARER)
    if verdict == "phone":
        return run, True
    return (run if run.is_telling and verdict != "other" else None), False


def _run(text: str, groups: Spans, first: int) -> Run:
    """Return the groups from one on that separators join, with the parenthesis before the first if it closes inside."""
    last = first
    while last + 1 < len(groups) and last - first < MOST_GROUPS:
        between = text[groups[last][1] : groups[last + 1][0]]
        if not joins(between, is_area=last - first < 2):
            break
        last += 1
    start, end = groups[first][0], groups[last][1]
    opened = start > 0 and text[start - 1] == "(" and ")" in text[start:end]
    return Run(text, start - opened, end, tuple(groups[first : last + 1]))


def _verdict(text: str, start: int, end: int, reach: int, formed: bool = False) -> str:
    """Return `phone` where the nearest telling word says so, `other` where it tells of something else, or nothing.

    Where the form tells already (`formed`), only what stands right before tells of something else.
    """
    number = ""
    for label in labels_before(text, start):
        away = start - label.end
        if label.kind == "number":
            number = text[label.start : label.end] if away <= 3 else number
        elif label.kind == "phone":
            if _is_meant(text, label, start):
                return "phone" if away <= max(reach, NEAR if formed else 0) else ""
        elif label.kind not in ("ip", "version", "product", "amount" if formed else ""):
            if away <= (10 if formed else 20):
                return "other"
            break
    behind = (
        labels(text, end, end + AFTER)[-1:]
        if text[end : end + 2].strip() in ("(", "(.") or text[end : end + 2] == " ("
        else []
    )
    if any(label.kind == "phone" for label in behind):
        return "phone"
    return "other" if number and (not formed or len(number) < 4) else ""


def _is_meant(text: str, label: Label, start: int) -> bool:
    """Tell whether a word that also means other things stands right before a number: m: 0171…, ph. 555…, cell: 082…"""
    word = plain(text[label.start : label.end])
    between = text[label.end : start].strip()
    if word == "cell":
        return _CELL.fullmatch(between) is not None
    if len(word) > 2 or word > "\u0530":
        return True
    if between in (":", ".:") or (between == "." and word not in _PAGES):
        return True
    return not between and word not in _PAGES and text[start : start + 1] in ("0", "(")


def _is_amount(text: str, end: int) -> bool:
    """Tell whether a unit follows a number."""
    return any(label.kind == "amount" and label.start - end <= 2 for label in labels(text, end, end + AFTER))


def _vouched(text: str, doubtful: Spans, sure: Spans) -> Spans:
    """Return the doubtful numbers that stand beside a sure one, or beside one that is vouched for so."""
    accepted = set(sure)
    everything = sorted(sure + doubtful)
    for order in (everything, everything[::-1]):
        for one, two in itertools.pairwise(order):
            left, right = (one, two) if one < two else (two, one)
            between = text[left[1] : right[0]]
            apart = "\n" in between.strip(" ,;/\n") or (". " in between.strip()) or between.count("\n") > 1
            if one in accepted and len(between) <= BESIDE and not apart:
                accepted.add(two)
    return sorted(accepted - set(sure))
