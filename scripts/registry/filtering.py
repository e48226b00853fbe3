"""The filters of a corpus: their faults, each in one sentence, and what of them one source uses."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scripts.cleaning.filters import known_rules
from scripts.cleaning.tags import matches
from scripts.lib.errors import UserError
from scripts.registry.local import LocalDigests
from scripts.sources.local import local_paths

Filters = Mapping[str, Any]


def check_filters(key: str, corpus: Mapping[str, Any], folder: Path) -> None:
    """Raise UserError for the first fault in the filters of a corpus; `folder` is where relative paths start."""
    filters = corpus["filters"]
    used = set(filters["families"])
    for one in filters["overrides"]:
        used.update(one["families"] or ())
    _check_thresholds(f"{key}.thresholds", filters["thresholds"], used, None)
    for place, one in enumerate(filters["overrides"]):
        _check_override(f"{key}.overrides.{place}", one, corpus["sources"], used)
    named = [path for paths in filters["url_lists"].values() for path in paths]
    if named and "url" not in used:
        raise UserError(
            f"{key}.url_lists is for the family url, which is not used; add it to families or remove the lists."
        )
    if "url" in used and not named:
        raise UserError(f"{key}.families has url, but url_lists names no file; add a list or remove the family.")
    for kind, paths in filters["url_lists"].items():
        for path in paths:
            if not local_paths(str(folder / path)):
                raise UserError(
                    f"{key}.url_lists.{kind}: there is no file {path} (looked in {folder}); correct the path."
                )


def _check_override(key: str, one: Filters, sources: list[str], used: set[str]) -> None:
    for source in one["sources"] or ():
        if source not in sources:
            raise UserError(f"{key}.sources names {source!r}, which is no source of the corpus; remove or correct it.")
    if one["languages"] is not None and one["line_edits"] is not None:
        raise UserError(f"{key} has languages and line_edits, but lines are edited in all languages alike; remove one.")
    if one["families"] is None and one["line_edits"] is None and not one["thresholds"]:
        raise UserError(f"{key} changes nothing; give it families, thresholds or line_edits, or remove it.")
    _check_thresholds(f"{key}.thresholds", one["thresholds"], used, one["languages"])


def _check_thresholds(key: str, thresholds: Mapping[str, Any], used: set[str], languages: list[str] | None) -> None:
    rules = known_rules()
    for name in thresholds:
        if name not in rules:
            raise UserError(f"{key} names {name!r}, which is no rule; the rules are {', '.join(rules)}.")
        rule = rules[name]
        if rule.family not in used:
            raise UserError(f"{key}.{name} belongs to a family that is not used; remove it or add the family.")
        if (
            rule.language
            and languages
            and not (matches(rule.language, languages) or any(matches(tag, [rule.language]) for tag in languages))
        ):
            raise UserError(
                f"{key}.{name} is a rule for the language {rule.language} alone; remove it from this override."
            )


def filters_of_source(filters: Filters, source: str, digests: LocalDigests) -> dict[str, Any]:
    """Return what decides on the documents of one source: without the overrides of other sources, lists with their digests."""
    mine = [one for one in filters["overrides"] if one["sources"] is None or source in one["sources"]]
    overrides = [
        {name: one[name] for name in ("languages", "families", "thresholds")}
        for one in mine
        if one["families"] is not None or one["thresholds"]
    ]
    families = {*filters["families"], *(family for one in overrides for family in one["families"] or ())}
    return {
        **{name: filters[name] for name in ("families", "thresholds", "languages")},
        "overrides": overrides,
        "url_lists": _lists(filters["url_lists"], digests) if "url" in families else {},
    }


def _lists(lists: Mapping[str, list[str]], digests: LocalDigests) -> dict[str, list[dict[str, str]]]:
    """Return path and content of every list by kind; a list is as it is now, so an edit of one is seen."""
    found = {}
    for kind, patterns in lists.items():
        paths = dict.fromkeys(path for pattern in patterns for _, path in local_paths(pattern))
        found[kind] = [{"path": str(path), "sha256": digests.of(path)} for path in paths]
    digests.save()
    return found


def line_edits_of_source(filters: Filters, source: str) -> list[str]:
    """Return the edits of lines that one source is given: those of the last override that names some."""
    edits: list[str] = filters["line_edits"]
    for one in filters["overrides"]:
        if one["line_edits"] is not None and (one["sources"] is None or source in one["sources"]):
            edits = one["line_edits"]
    return edits
