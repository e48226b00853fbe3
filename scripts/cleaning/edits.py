"""Edits of the lines of a text, with what each of them took away.

The edits of C4 (Raffel et al. 2020, section 2.2, and the code of TensorFlow Datasets, c4_utils): a line stays when it ends in a
terminal punctuation mark and no ellipsis, has at least three words and none of more than 1,000 characters, does not mention
javascript or the phrases of policies; citation marks of Wikipedia are cut out of it. These rules count English words and marks,
so a line mostly in a script without spaces has to meet only those about javascript and policies.
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from scripts.cleaning.words import unspaced_ratio
from scripts.lib.code import data_file
from scripts.lib.unspaced import UNSPACED

C4 = "c4"
CITATIONS = "citations"
LAYOUT = "layout"  # white space at the ends of lines, and the ends of lines that went
MIN_WORDS = 3
LONGEST_WORD = 1000
_CITATION = re.compile(r"\[\d*\]|\[edit\]|\[citation needed\]")
_TERMINAL = (".", "?", "!", '"', "'")


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


def edit_lines(text: str, edits: Sequence[str]) -> tuple[str, Removed]:
    """Return the text after the named edits, and what they took away."""
    return _c4(text) if C4 in edits else (text, Removed())


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
    if len(stripped) > LONGEST_WORD and max(map(len, stripped.split())) > LONGEST_WORD and _is_spaced(line):
        return "long_word"
    if (not line.endswith(_TERMINAL) or line.endswith("...")) and _is_spaced(line):
        return "no_terminal_punctuation"
    if len(stripped.split(None, MIN_WORDS - 1)) < MIN_WORDS and _is_spaced(line):
        return "few_words"
    lowered = line.lower()
    if "javascript" in lowered:
        return "javascript"
    return "policy" if any(phrase in lowered for phrase in _policies()) else None


def _is_spaced(line: str) -> bool:
    return line.isascii() or unspaced_ratio(line) < UNSPACED
