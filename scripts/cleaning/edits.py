"""Edits of the lines of a text, with what each of them took away.

`c4`, the edits of C4 (Raffel et al. 2020, section 2.2, and the code of TensorFlow Datasets, c4_utils): a line stays when it ends
in a terminal punctuation mark of any script and no ellipsis, has at least three words and none of more than 1,000 characters,
does not mention javascript or the phrases of policies; citation marks of Wikipedia are cut out of it. These are the lines that
scripts.cleaning.prose measures, with one exception: words and their marks tell little of a line mostly in a script without
spaces, so it has to meet only the rules about javascript and policies.

`refinedweb`, the edits of RefinedWeb (Penedo et al. 2023, appendix G.2): a line goes that is mostly capitals, digits without
letters, a counter or one word, and phrases of navigation are cut out of lines of at most ten words (scripts.cleaning.poor_lines).
What is left is looked at again until nothing more goes. Blank lines stay, but one that a line left behind beside another.
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import regex

from scripts.cleaning.characters import LETTER, UNSPACED, character_classes, code_points, line_ends
from scripts.cleaning.poor_lines import NAMES, PROSE, SHORT, kinds_of_lines, without_phrases
from scripts.lib.code import data_file
from scripts.lib.unspaced import SCRIPTS
from scripts.lib.unspaced import UNSPACED as UNSPACED_SHARE

C4 = "c4"
REFINEDWEB = "refinedweb"
CITATIONS = "citations"
PHRASES = "phrases"
LAYOUT = "layout"  # white space at the ends of lines, and the ends of lines that went
MIN_WORDS = 3
LONGEST_WORD = 1000
_CITATION = re.compile(r"\[\d*\]|\[edit\]|\[citation needed\]")


@dataclass
class Removed:
    """What edits took away, by reason: whole lines, and characters."""

    lines: Counter[str] = field(default_factory=Counter)
    characters: Counter[str] = field(default_factory=Counter)

    def update(self, other: Removed) -> None:
        """Add what was taken from another text."""
        self.lines.update(other.lines)
        self.characters.update(other.characters)

    def summary(self) -> dict[str, dict[str, int]]:
        """Return the counts as plain values."""
        return {"lines": dict(sorted(self.lines.items())), "characters": dict(sorted(self.characters.items()))}


@functools.cache
def _policies() -> tuple[str, ...]:
    lines = data_file("scripts/cleaning/lists/policy_phrases_en.txt").read_text("utf-8").splitlines()
    return tuple(line.strip() for line in lines if line.strip() and not line.startswith("#"))


@functools.cache
def _line_ends() -> frozenset[str]:
    return frozenset(map(chr, line_ends()))


@functools.cache
def _word() -> regex.Pattern[str]:
    unspaced = rf"[[{SCRIPTS}]&&[\p{{L}}\p{{N}}]]"
    return regex.compile(rf"{unspaced}|[^\s{unspaced}]+", regex.VERSION1)


def edit_lines(text: str, edits: Sequence[str]) -> tuple[str, Removed]:
    """Return the text after the named edits, which are made in one order, and what they took away."""
    removed = Removed()
    for name, edit in ((C4, _c4), (REFINEDWEB, _refinedweb)):
        if name in edits:
            text, lost = edit(text)
            removed.update(lost)
    return text, removed


def _c4(text: str) -> tuple[str, Removed]:
    removed, kept = Removed(), []
    citations = 0
    for whole in text.splitlines():
        line = stripped = whole.strip()
        if "[" in line:
            line = _CITATION.sub("", line)
        reason = _reason(stripped, line)
        if reason is None:
            kept.append(line)
            citations += len(stripped) - len(line)
        else:
            removed.lines[reason] += 1
            removed.characters[reason] += len(whole)
    removed.characters[CITATIONS] += citations
    edited = "\n".join(kept).strip()
    removed.characters[LAYOUT] += len(text) - len(edited) - removed.characters.total()
    return edited, removed


def _reason(stripped: str, line: str) -> str | None:
    """Return why a line goes; words are counted before its citation marks are cut out."""
    if len(stripped) > LONGEST_WORD and _is_spaced(line) and max(map(len, _words(stripped))) > LONGEST_WORD:
        return "long_word"
    if (line[-1:] not in _line_ends() or line.endswith("...")) and _is_spaced(line):
        return "no_terminal_punctuation"
    if len(stripped.split(None, MIN_WORDS - 1)) < MIN_WORDS and _is_spaced(line) and len(_words(stripped)) < MIN_WORDS:
        return "few_words"
    lowered = line.lower()
    if "javascript" in lowered:
        return "javascript"
    return "policy" if any(phrase in lowered for phrase in _policies()) else None


def _words(line: str) -> list[str]:
    """Return the words of a line as the measure counts them: a letter of a script without spaces is one by itself."""
    return line.split() if line.isascii() else _word().findall(line)


def _is_spaced(line: str) -> bool:
    if line.isascii():
        return True
    classes = character_classes()[code_points(line)]
    letters = classes[(classes & LETTER) != 0]
    return bool(np.count_nonzero(letters & UNSPACED) / max(len(letters), 1) < UNSPACED_SHARE)


def _refinedweb(text: str) -> tuple[str, Removed]:
    removed, before, after = Removed(), "", text
    while after != before:
        before, after = after, _without_poor_lines(after, removed)
    if after != text:
        removed.characters[LAYOUT] += len(text) - len(after) - removed.characters.total()
    return after, removed


def _without_poor_lines(text: str, removed: Removed) -> str:
    """Return a text without its poor lines and phrases; what they took is added to `removed`."""
    lines, kept, gone = text.split("\n"), list[str](), False
    for line, kind, words in zip(lines, *kinds_of_lines(text, len(lines)), strict=True):
        edited, reason = (line, None) if kind == PROSE else ("", NAMES[kind])
        if 0 < words <= SHORT and reason is None and (edited := without_phrases(line)) != line:
            reason = PHRASES
        if reason is not None:
            removed.characters[reason] += len(line) - len(edited)
            if not edited.strip():
                removed.lines[reason] += 1
                gone = True
                continue
        blank = not edited.strip()
        if blank and gone and not (kept and kept[-1].strip()):
            continue
        gone = gone and blank
        kept.append(edited)
    return text if kept == lines else "\n".join(kept).strip("\n")
