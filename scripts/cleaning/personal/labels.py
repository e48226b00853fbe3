"""What the words before a number say it is: a telephone, an order, a version, an identity number of some country."""

from __future__ import annotations

import functools
import re
import unicodedata
from dataclasses import dataclass

from scripts.lib.code import data_file

_WORD = re.compile(r"[^\W\d_]+|[#№º]")
_ENTRY = re.compile(r'"([^"]+)"|(\S+)')
REACH = 70  # characters before a number that are read


@dataclass(frozen=True)
class _Vocabulary:
    """Labels by whole word (or two), by the first letters of words, and those that are found anywhere."""

    words: dict[str, str]
    stems: dict[str, str]
    lengths: tuple[int, ...]
    anywhere: dict[str, str]
    pattern: re.Pattern[str]
    unspaced: re.Pattern[str]


@dataclass(frozen=True)
class Label:
    """A class of the vocabulary, where its word ends, and the word itself."""

    kind: str
    start: int
    end: int


def plain(text: str) -> str:
    """Return words without case and accents, one character for one."""
    if text.isascii():
        return text.lower()
    return "".join(_base(character) for character in text)


@functools.lru_cache(maxsize=4096)
def _base(character: str) -> str:
    """Return a letter in lower case and, of Latin, Greek and Cyrillic, without its accent."""
    lower = character.lower()[0]
    accented = lower < "\u0530" or "\u1e00" <= lower < "\u2000"
    return unicodedata.normalize("NFKD", lower)[0] if accented else lower


def _is_spaced(word: str) -> bool:
    """Tell whether a word is of a script that parts words by spaces and joins no particles: Latin, Greek, Cyrillic."""
    return all(ord(character) < 0x530 for character in word)


@functools.cache
def _vocabulary() -> _Vocabulary:
    words: dict[str, str] = {}
    stems: dict[str, str] = {}
    anywhere: dict[str, str] = {}
    unspaced: dict[str, str] = {}
    for line in data_file("scripts/cleaning/lists/pii_labels.txt").read_text("utf-8").splitlines():
        if line.startswith("#") or not line.strip():
            continue
        kind, _, entries = line.partition(": ")
        for several, single in _ENTRY.findall(entries):
            word = plain(several or single)
            if not _is_spaced(word):
                unspaced.setdefault(word, kind)
            elif word.startswith("*"):
                anywhere.setdefault(word.strip("*"), kind)
            elif word.endswith("*"):
                stems.setdefault(word[:-1], kind)
            else:
                words.setdefault(word, kind)
    return _Vocabulary(
        words,
        stems,
        tuple(sorted({len(stem) for stem in stems}, reverse=True)),
        anywhere | unspaced,
        re.compile("|".join(sorted(anywhere, key=lambda word: (-len(word), word)))),
        re.compile("|".join(re.escape(word) for word in sorted(unspaced, key=lambda word: (-len(word), word)))),
    )


@functools.lru_cache(maxsize=4096)
def _word_kind(word: str) -> str:
    """Return the class of one word without accents, or nothing."""
    known = _vocabulary()
    if word in known.words:
        return known.words[word]
    part = known.pattern.search(word)
    if part:
        return known.anywhere[part[0]]
    for length in known.lengths:
        if word[:length] in known.stems and length <= len(word):
            return known.stems[word[:length]]
    compound = len(word) > 5 and word.endswith(("nummer", "nummern", "numero", "nummeret", "number", "nr", "szam"))
    return "reference" if compound else ""


def labels(text: str, start: int, end: int) -> list[Label]:
    """Return the labels in a stretch of folded text, the last first."""
    known = _vocabulary()
    piece = plain(text[start:end])
    found: list[Label] = []
    before: re.Match[str] | None = None
    for word in _WORD.finditer(piece):
        both = known.words.get(f"{before[0]} {word[0]}") if before and word.start() - before.end() <= 3 else None
        kind = both or _word_kind(word[0])
        if kind:
            found.append(Label(kind, (before.start() if both and before else word.start()) + start, word.end() + start))
        before = word
    if not piece.isascii():
        for match in known.unspaced.finditer(piece):
            found.append(Label(known.anywhere[match[0]], match.start() + start, match.end() + start))
        found.sort(key=lambda label: (label.end, label.start))
    return found[::-1]


def labels_before(text: str, place: int) -> list[Label]:
    """Return the labels before a place, the nearest first; a paragraph before counts for nothing."""
    start = max(0, place - REACH)
    cut = text.rfind("\n\n", start, place)
    start = cut + 2 if cut >= 0 else start
    while 0 < start < place and text[start - 1].isalpha() and text[start].isalpha() and start > place - REACH - 16:
        start -= 1  # not half a word
    return labels(text, start, place)
