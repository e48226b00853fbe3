"""The thresholds of rules as people read them: for all documents, and where sources, languages and scripts have others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SIGNS = {">=": "≥", "<=": "≤", "pareto": "drawn by a Pareto variable of shape"}


def thresholds(by_source: Mapping[str, Mapping[str, Mapping[str, list[Any]]]]) -> dict[str, str]:
    """Return the thresholds of every rule, by its name; where sources differ, each with the sources that it holds for."""
    found: dict[str, dict[str, list[str]]] = {}
    for source, rules in by_source.items():
        for name, kinds in rules.items():
            found.setdefault(name, {}).setdefault(shown(kinds), []).append(source)
    return {name: _joined(texts, len(by_source)) for name, texts in found.items()}


def shown(kinds: Mapping[str, list[Any]]) -> str:
    """Return the limits of a rule by kind of document (scripts.cleaning.choices) in one line, that of all documents first."""
    column = next((limit[0] for limit in kinds.values() if limit), "")
    return "; ".join(
        _limit(kind, limit, column) for kind, limit in kinds.items() if limit or len(kinds) == 1 or kind != "all"
    )


def _limit(kind: str, limit: list[Any], column: str) -> str:
    if not limit:
        return f"{kind} not" if kind != "all" else "not applied"
    measured, sign, threshold = limit
    unit = "" if measured == column else f"{measured} "
    return ("" if kind == "all" else f"{kind} ") + f"{unit}{SIGNS[sign]} {threshold:g}"


def _joined(texts: Mapping[str, list[str]], sources: int) -> str:
    if len(texts) == 1 and len(next(iter(texts.values()))) == sources:
        return next(iter(texts))
    return " / ".join(f"{text} ({', '.join(names)})" for text, names in texts.items())
