"""Words as spaCy splits English, in plain Python with its regular expressions: what the compiled splitting is held to.

It follows spacy/tokenizer.pyx with the expressions of spacy/lang/punctuation.py, over the same lists as the compiled code.
"""

from __future__ import annotations

import functools
import re

import regex

from scripts.cleaning.characters import SYLLABLE_ENDS, entries
from scripts.cleaning.english import special_cases, units
from scripts.lib.code import data_file
from scripts.lib.unspaced import SCRIPTS

LISTS = "scripts/cleaning/lists/"


Span = tuple[int, int]


SPACE = "[" + "".join(filter(str.isspace, map(chr, range(0x3001)))) + "]"  # the regex module knows fewer


@functools.cache
def classes() -> dict[str, str]:
    """The character classes of English, each as the inside of a bracket expression."""
    found = {}
    for line in entries(data_file("scripts/cleaning/lists/english_characters.txt")):
        name, *words = line.split(" ")
        parts = [word.partition("-") for word in words]
        found[name] = "".join(
            re.escape(chr(int(first, 16))) + ("-" + re.escape(chr(int(last, 16))) if last else "")
            for first, _, last in parts
        )
    return found


@functools.cache
def expressions() -> dict[str, re.Pattern[str]]:
    """The expressions of spaCy."""
    c = classes()
    unit = "|".join(map(re.escape, units()))
    dollars = r"US\$|C\$|A\$"
    hyphens = "-|–|—|--|---|——|~"
    suffixes = [rf"[{c['suffix']}]", "……", r"\.\.+", "…", "['’][sS]", r"(?<=[0-9])\+", r"(?<=°[FfCcKk])\."]
    suffixes += [rf"(?<=[0-9])(?:{dollars}|[{c['currency']}])", rf"(?<=[0-9])(?:{unit})"]
    suffixes += [rf"(?<=[{c['before_period']}])\.", rf"(?<=[{c['alpha_upper']}]{{2}})\."]
    infixes = [r"\.\.+", "…", rf"[{c['icon']}]", r"(?<=[0-9])[+\-*^](?=[0-9-])"]
    infixes += [rf"(?<=[{c['alpha_lower']}{c['quote']}])\.(?=[{c['alpha_upper']}{c['quote']}])"]
    infixes += [rf"(?<=[{c['alpha']}]),(?=[{c['alpha']}])"]
    infixes += [rf"(?<=[{c['alpha']}0-9])(?:{hyphens})(?=[{c['alpha']}])"]
    infixes += [rf"(?<=[{c['alpha']}0-9])[:<>=/](?=[{c['alpha']}])"]
    label = r"[A-Za-z0-9\u00a1-\uffff]"
    octet = r"(?:1?[0-9]{1,2}|2[0-4][0-9]|25[0-5])"
    address = (
        r"(?:[\w+\-.]{2,}://)?(?:\S+(?::\S*)?@)?(?:(?!(?:10|127)(?:\.\d{1,3}){3})(?!(?:169\.254|192\.168)(?:\.\d{1,3}){2})"
        r"(?!172\.(?:1[6-9]|2\d|3[0-1])(?:\.\d{1,3}){2})(?:[1-9][0-9]?|1[0-9][0-9]|2[01][0-9]|22[0-3])"
        rf"(?:\.{octet}){{2}}(?:\.(?:[1-9][0-9]?|1[0-9][0-9]|2[0-4][0-9]|25[0-4]))"
        rf"|(?:(?:{label}[A-Za-z0-9\u00a1-\uffff_-]{{0,62}})?{label}\.)+(?:[{c['alpha_lower']}]{{2,63}}))"
        r"(?::\d{2,5})?(?:[/?#]\S*)?"
    )
    return {
        "prefix": re.compile(rf"[{c['prefix']}]|\+(?![0-9])|\.\.+|{dollars}"),
        "suffix": re.compile("|".join(f"(?:{one})$" for one in suffixes)),
        "infix": re.compile("|".join(infixes)),
        "address": re.compile(address),
    }


@functools.cache
def cases() -> dict[str, tuple[str, ...]]:
    return {case.text: case.pieces for case in special_cases()}


@functools.cache
def phrases() -> dict[tuple[str, ...], int]:
    """How the affix rules cut special cases."""
    return {case.cut: 1 for case in special_cases() if case.cut and case.cut != case.pieces[:1]}


def split(text: str) -> list[Span]:
    """Return the tokens of a text as spans, white space among them."""
    spans: list[Span] = []
    for match in regex.finditer(rf"{SPACE}+|(?:(?=[\p{{L}}\p{{N}}])[{SCRIPTS}])[\p{{M}}{SYLLABLE_ENDS}]*|\S", text):
        start, end = match.span()
        if match[0].isspace():
            start += match[0][0] == " " and start > 0
            if start < end:
                spans.append((start, end))
        elif regex.match(rf"(?=[\p{{L}}\p{{N}}])[{SCRIPTS}]", match[0]):
            spans.append((start, end))
        elif spans and spans[-1][1] == start and spans[-1][0] < 0:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((-1 - start, end))  # a run to be split
    found: list[Span] = []
    for start, end in spans:
        if start >= 0:
            found.append((start, end))
            continue
        start = -1 - start
        for piece in split_run(text[start:end]):
            found.append((start, start + len(piece)))
            start += len(piece)
    return join(text, found)


def split_run(run: str) -> list[str]:
    """Split a run without white space."""
    find = expressions()
    prefixes: list[str] = []
    suffixes: list[str] = []
    size = -1
    while run and len(run) != size:
        if run in cases():
            break
        size = len(run)
        match = find["prefix"].match(run)
        before = match.end() if match else 0
        if before and run[before:] in cases():
            prefixes.append(run[:before])
            run = run[before:]
            break
        match = find["suffix"].search(run[before:])
        behind = match.end() - match.start() if match else 0
        if behind and run[:-behind] in cases():
            suffixes.append(run[-behind:])
            run = run[:-behind]
            break
        if before:
            prefixes.append(run[:before])
        if behind:
            suffixes.append(run[-behind:])
        run = run[before : len(run) - behind]
    return [*prefixes, *core(run), *reversed(suffixes)]


def core(run: str) -> list[str]:
    """Split what is between prefixes and suffixes."""
    if not run:
        return []
    if run in cases():
        return list(cases()[run])
    if expressions()["address"].fullmatch(run):
        return [run]
    pieces: list[str] = []
    start = 0
    for match in expressions()["infix"].finditer(run):
        if match.start() > 0:
            pieces += [run[start : match.start()], match[0]]
            start = match.end()
    return [piece for piece in [*pieces, run[start:]] if piece]


def join(text: str, spans: list[Span]) -> list[Span]:
    """Put tokens together that are a special case."""
    longest = max(map(len, phrases()))
    words = [text[start:end] for start, end in spans]
    matches = [
        (size, -start)
        for start in range(len(words))
        for size in range(1, min(longest, len(words) - start) + 1)
        if tuple(words[start : start + size]) in phrases()
    ]
    if not matches:
        return spans
    seen: set[int] = set()
    chosen: dict[int, int] = {}
    for size, start in sorted(matches, reverse=True):
        begin, end = -start, -start + size
        if begin not in seen and end - 1 not in seen and text[spans[begin][0] : spans[end - 1][1]] in cases():
            chosen[begin] = end
        seen.update(range(begin, end))
    found: list[Span] = []
    position = 0
    while position < len(spans):
        if position not in chosen:
            found.append(spans[position])
            position += 1
            continue
        begin = spans[position][0]
        for piece in cases()[text[begin : spans[chosen[position] - 1][1]]]:
            found.append((begin, begin + len(piece)))
            begin += len(piece)
        position = chosen[position]
    return found
