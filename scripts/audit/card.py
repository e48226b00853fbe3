"""The corpus card: what a corpus is made of and where its limits are, in Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def shares(counts: Mapping[str, int], most: int = 6) -> str:
    """Return counts by size, the first by name among equals, at most so many."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    rest = sum(count for _, count in ordered[most:])
    listed = [f"{name} {count:,}" for name, count in ordered[:most]]
    return ", ".join([*listed, f"others {rest:,}"] if rest else listed) or "none"


def card(numbers: Mapping[str, Any]) -> str:
    """Return the corpus card."""
    sources, after = numbers["sources"], numbers["total"]["after"]
    lines = [
        f"# Corpus {numbers['corpus']}",
        "",
        f"{after['documents']:,} documents, {after['words']:,} words, {after['bytes']:,} bytes of UTF-8 text.",
        "",
        "## Sources",
        "",
        "| source | documents | words | bytes | languages (identified) | licences |",
        "|---|--:|--:|--:|---|---|",
    ]
    for name, source in sources.items():
        kept = source["after"]
        cells = [name, f"{kept['documents']:,}", f"{kept['words']:,}", f"{kept['bytes']:,}"]
        cells += [shares(kept["languages_identified"]), shares(kept["licenses"])]
        lines.append(f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |")
    lines += ["", "## Filters", "", *_filters(numbers), "", "## Limits", "", *_limits(numbers)]
    return "\n".join(lines) + "\n"


def _filters(numbers: Mapping[str, Any]) -> list[str]:
    total = numbers["total"]
    rules = [f"- `{name}` {value}: {total['failed'].get(name, 0):,} documents fail" for name, value in _rules(numbers)]
    removed = (
        f"Of {total['before']['documents']:,} documents went, by the first reason: {shares(total['removed'], 12)}."
    )
    replaced = f"Personal data replaced by placeholders: {shares(total['pii'])}."
    return [*(rules or ["- no rule with a threshold"]), "", removed, "", replaced]


def _rules(numbers: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    return sorted(numbers["thresholds"].items())


def _limits(numbers: Mapping[str, Any]) -> list[str]:
    touched = [row for row in numbers["groups"] if row["removal"] and row["removal"]["low"] > 1]
    names = ", ".join(f"{row['group']} ({row['removal']['ratio']:.2f} times)" for row in touched)
    said = (
        f"Documents that mention these groups are removed more often than others: {names}."
        if touched
        else "No group of the word list is removed more often than others beyond chance."
    )
    searched, documents = numbers["total"]["before"]["searched"], numbers["total"]["before"]["documents"]
    return [
        f"- {said}",
        f"- Mentions are found by a list of English terms in the {searched:,} of {documents:,} documents that are in English; "
        "other languages and other words are not seen, and a mention tells nothing of what is said.",
        "- The ratio is taken over all sources together: where sources differ in what they speak of and in how much of them "
        "goes, it tells of that too.",
        "- Licences are those that the sources state; nothing here checks them.",
    ]
