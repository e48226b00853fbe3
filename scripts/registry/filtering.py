"""The filters of a corpus: their faults, each in one sentence, and what of them one source uses."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from scripts.cleaning.filters import LEXICON, Rule, known_rules
from scripts.cleaning.tags import matches
from scripts.lib.code import data_file
from scripts.lib.errors import UserError
from scripts.lib.lists import remember
from scripts.registry.local import LocalDigests, require_readable
from scripts.sources.local import local_paths

Filters = Mapping[str, Any]
Rules = Mapping[str, Rule]


def check_filters(key: str, corpus: Mapping[str, Any], folder: Path) -> None:
    """Raise UserError for the first fault in the filters of a corpus; `folder` is where relative paths start."""
    filters = corpus["filters"]
    used = set(filters["families"])
    for one in filters["overrides"]:
        used.update(one["families"] or ())
    rules = known_rules(filters["lexicons"])
    _check_languages(f"{key}.languages", filters["languages"] or ())
    _check_thresholds(f"{key}.thresholds", filters["thresholds"], rules, used, None)
    for place, one in enumerate(filters["overrides"]):
        _check_override(f"{key}.overrides.{place}", one, corpus["sources"], rules, used)
    named = [path for paths in filters["url_lists"].values() for path in paths]
    if named and "url" not in used:
        raise UserError(
            f"{key}.url_lists is for the family url, which is not used; add it to families or remove the lists."
        )
    if "url" in used and not named:
        raise UserError(f"{key}.families has url, but url_lists names no file; add a list or remove the family.")
    for kind, paths in filters["url_lists"].items():
        _check_lists(f"{key}.url_lists.{kind}", paths, folder)
    if filters["lexicons"] and LEXICON not in used:
        raise UserError(
            f"{key}.lexicons is for the family lexicon, which is not used; add it to families or remove them."
        )
    if LEXICON in used and not filters["lexicons"]:
        raise UserError(f"{key}.families has lexicon, but lexicons names none; add one or remove the family.")


def check_lexicon(key: str, lexicon: Mapping[str, Any], folder: Path) -> None:
    """Raise UserError for the first fault in a lexicon; `folder` is where relative paths start."""
    if not lexicon["files"] and not any(lexicon["languages"].values()):
        raise UserError(f"{key} names no list; add one to files or languages.")
    _check_lists(f"{key}.files", lexicon["files"], folder)
    _check_languages(f"{key}.languages", lexicon["languages"])
    for tag, paths in lexicon["languages"].items():
        _check_lists(f"{key}.languages.{tag}", paths, folder)


@functools.cache
def identified_languages() -> frozenset[str]:
    """Return every tag that a document may be identified as."""
    lines = data_file("scripts/cleaning/lists/languages.txt").read_text("utf-8").splitlines()
    return frozenset(tag for line in lines if not line.startswith("#") for tag in line.split())


def _check_languages(key: str, tags: Iterable[str]) -> None:
    for tag in tags:
        if tag not in identified_languages():
            raise UserError(
                f"{key} has {tag!r}, which no document is identified as; the tags are ISO 639-1, else 639-3 "
                "(zh-hans and zh-hant for Chinese), so correct or remove it."
            )


def _check_lists(key: str, paths: list[str], folder: Path) -> None:
    for path in paths:
        found = local_paths(str(folder / path))
        if not found:
            raise UserError(f"{key}: there is no file {path} (looked in {folder}); correct the path.")
        for _, file in found:
            require_readable(file)


def _check_override(key: str, one: Filters, sources: list[str], rules: Rules, used: set[str]) -> None:
    for source in one["sources"] or ():
        if source not in sources:
            raise UserError(f"{key}.sources names {source!r}, which is no source of the corpus; remove or correct it.")
    _check_languages(f"{key}.languages", one["languages"] or ())
    if one["languages"] is not None and one["line_edits"] is not None:
        raise UserError(f"{key} has languages and line_edits, but lines are edited in all languages alike; remove one.")
    if one["families"] is None and one["line_edits"] is None and not one["thresholds"]:
        raise UserError(f"{key} changes nothing; give it families, thresholds or line_edits, or remove it.")
    _check_thresholds(f"{key}.thresholds", one["thresholds"], rules, used, one["languages"])


def _check_thresholds(
    key: str, thresholds: Mapping[str, Any], rules: Rules, used: set[str], languages: list[str] | None
) -> None:
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
    lexicons = lexicons_of_source(filters, source)
    return {
        **{name: filters[name] for name in ("families", "thresholds", "languages")},
        "overrides": overrides,
        "url_lists": list_digests(filters["url_lists"], digests)
        if "url" in _families_of_source(filters, source)
        else {},
        **({"lexicons": lexicons} if lexicons else {}),
    }


def lexicons_of_source(filters: Filters, source: str) -> list[str]:
    """Return the lexicons whose terms are looked for in the documents of one source."""
    return list(filters["lexicons"]) if LEXICON in _families_of_source(filters, source) else []


def _families_of_source(filters: Filters, source: str) -> set[str]:
    overrides = [one for one in filters["overrides"] if one["sources"] is None or source in one["sources"]]
    return {*filters["families"], *(family for one in overrides for family in one["families"] or ())}


def list_digests(lists: Mapping[str, list[str]], digests: LocalDigests) -> dict[str, list[str]]:
    """Return the contents of lists by what they are for; a list is as it is now, so an edit of one is seen and a move is not."""
    found, places = {}, dict[str, Path]()
    for name, patterns in lists.items():
        named = {digests.of(path): path for pattern in patterns for _, path in local_paths(pattern)}
        found[name] = sorted(named)
        places |= named
    digests.save()
    remember(places)
    return found


def line_edits_of_source(filters: Filters, source: str) -> list[str]:
    """Return the edits of lines that one source is given, sorted: those of the last override that names some."""
    edits: list[str] = filters["line_edits"]
    for one in filters["overrides"]:
        if one["line_edits"] is not None and (one["sources"] is None or source in one["sources"]):
            edits = one["line_edits"]
    return sorted(edits)
