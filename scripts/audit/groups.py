"""Which groups of people a text speaks of, and whether a filter removes such texts more often than others."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from scripts.lib.code import data_file

_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
LANGUAGE = "en"  # of the list of terms; documents in other languages are not searched
Z = 1.959964  # two-sided 95 % of a normal distribution
CORRECTION = 0.5  # added to each count when one is 0 (Haldane 1956)


def words(text: str) -> list[str]:
    """Return the words of a text in lower case; hyphens stay inside words."""
    return _WORD.findall(text.lower())


@dataclass(frozen=True)
class Terms:
    """The terms of one group: single words, and runs of words joined by spaces."""

    single: frozenset[str]
    runs: tuple[str, ...]


@functools.cache
def identity_terms() -> Mapping[str, Terms]:
    """Return the terms of each group, by its name, in the order of the list."""
    lines = data_file("scripts/audit/lists/identity_terms.txt").read_text("utf-8").splitlines()
    pairs = (line.split(":", 1) for line in lines if line and not line.startswith("#"))
    return {name.strip(): _terms([term.strip() for term in listed.split(",")]) for name, listed in pairs}


def _terms(listed: list[str]) -> Terms:
    return Terms(
        frozenset(term for term in listed if " " not in term), tuple(sorted(term for term in listed if " " in term))
    )


def mentioned(text: str) -> list[str]:
    """Return the groups that a text mentions with at least one of their terms."""
    found = words(text)
    distinct = set(found)
    joined = f" {' '.join(found)} "
    return [
        name
        for name, terms in identity_terms().items()
        if not terms.single.isdisjoint(distinct) or any(f" {run} " in joined for run in terms.runs)
    ]


@dataclass(frozen=True)
class Ratio:
    """How much more often documents that mention a group are removed than the others, with its 95 % interval."""

    ratio: float
    low: float
    high: float


def removal_ratio(removed_with: int, with_: int, removed_without: int, without: int) -> Ratio | None:
    """Return the ratio of two removal rates with the interval of Katz et al. (1978), or None when a side is empty.

    The logarithm of the ratio is taken as normal. Where nothing is removed on one side, half a document is added to every
    count; a ratio of nothing is 0, and so is its lower bound, however few of the others go.
    """
    if with_ == 0 or without == 0 or removed_with + removed_without == 0:
        return None
    a, n, c, m = float(removed_with), float(with_), float(removed_without), float(without)
    if a == 0 or c == 0:
        a, n, c, m = a + CORRECTION, n + CORRECTION, c + CORRECTION, m + CORRECTION
    log_ratio = math.log((a / n) / (c / m))
    spread = Z * math.sqrt(max(1 / a - 1 / n + 1 / c - 1 / m, 0.0))
    high = math.exp(log_ratio + spread)
    return Ratio(math.exp(log_ratio), math.exp(log_ratio - spread), high) if removed_with else Ratio(0.0, 0.0, high)
