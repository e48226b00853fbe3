"""Which limits a corpus holds a document to, given its source, its language and whether its script has spaces.

A corpus names families and thresholds; its overrides replace them for some sources and languages, the later ones winning:

- A threshold without languages replaces the general limit of its rule. Documents in scripts without spaces keep the limit that
  the rule has for them (scripts.cleaning.filters), if it has one.
- A threshold of an override with languages holds for all documents in them, in the unit that the rule has for their script.
- A threshold of null switches its rule off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from scripts.cleaning.filters import SKIP, Limit, Rule, rules_of
from scripts.cleaning.tags import broader_tags, matches

NO_LANGUAGE = ""  # stands for a language that nothing names
Thresholds = Mapping[str, float | None]


@dataclass(frozen=True)
class Override:
    """What differs for some languages (None for all)."""

    languages: tuple[str, ...] | None
    families: tuple[str, ...] | None
    thresholds: Thresholds


@dataclass(frozen=True)
class Applied:
    """The limit that some documents are held to by a rule."""

    column: str
    at_least: bool
    threshold: float


@dataclass(frozen=True)
class Choice:
    """What a corpus asks of the documents of one source."""

    families: tuple[str, ...]
    thresholds: Thresholds = field(default_factory=dict)
    languages: tuple[str, ...] | None = None
    overrides: tuple[Override, ...] = ()
    lexicons: tuple[str, ...] = ()

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Choice:
        """Return the choice that the settings of a step spell out."""
        overrides = [
            Override(_tuple(one["languages"]), _tuple(one["families"]), one["thresholds"])
            for one in settings["overrides"]
        ]
        return cls(
            tuple(settings["families"]),
            settings["thresholds"],
            _tuple(settings["languages"]),
            tuple(overrides),
            tuple(settings["lexicons"]) if "lexicons" in settings else (),
        )

    def rules(self) -> list[Rule]:
        """Return every rule that may apply to a document, in the order in which the first reason is looked for."""
        added = [family for one in self.overrides for family in one.families or ()]
        families = dict.fromkeys([*self.families, *added])
        return [rule for family in families for rule in rules_of(family, self.lexicons)]

    def applied(self, rule: Rule, language: str | None, unspaced: bool) -> Applied | None:
        """Return the limit of a rule for documents in a language; None where it does not apply to them."""
        if rule.language is not None and not matches(language or NO_LANGUAGE, [rule.language]):
            return None
        families, value, for_language = self.families, self.thresholds.get(rule.name, rule.threshold), False
        for one in self.overrides:
            if one.languages is not None and not matches(language or NO_LANGUAGE, one.languages):
                continue
            families = one.families if one.families is not None else families
            if rule.name in one.thresholds:
                value, for_language = one.thresholds[rule.name], one.languages is not None
        if rule.family not in families or value is None:
            return None
        return _limit(rule, value, unspaced, for_language)

    def described(self) -> dict[str, dict[str, list[Any]]]:
        """Return column, direction and threshold of each rule for every kind of document that it may meet.

        The kinds are `all`, `unspaced`, and `<language>` or `<language> unspaced` for the languages that overrides name and
        those that a rule is made for. A kind that is held to the same as the nearest more general one is left out.
        """
        rules = self.rules()
        tags = sorted(
            {tag for one in self.overrides for tag in one.languages or ()}
            | {rule.language for rule in rules if rule.language is not None}
        )
        found: dict[str, dict[str, list[Any]]] = {}
        for rule in rules:
            general = {unspaced: self.applied(rule, None, unspaced) for unspaced in (False, True)}
            kinds = {"all": general[False]} | ({"unspaced": general[True]} if general[True] != general[False] else {})
            for tag in tags:
                for unspaced, suffix in ((False, ""), (True, " unspaced")):
                    mine = self.applied(rule, tag, unspaced)
                    broader = next((one for one in broader_tags(tag) if one + suffix in kinds), None)
                    if mine != (general[unspaced] if broader is None else kinds[broader + suffix]):
                        kinds[tag + suffix] = mine
            found[rule.name] = {kind: _shown(limit) for kind, limit in kinds.items()}
        return found


def _tuple(values: Sequence[str] | None) -> tuple[str, ...] | None:
    return None if values is None else tuple(values)


def _limit(rule: Rule, value: float, unspaced: bool, for_language: bool) -> Applied | None:
    if unspaced and isinstance(rule.unspaced, Limit):
        return Applied(rule.unspaced.column, rule.at_least, value if for_language else rule.unspaced.threshold)
    if unspaced and rule.unspaced == SKIP and not for_language:
        return None
    return Applied(rule.column, rule.at_least, value)


def _shown(limit: Applied | None) -> list[Any]:
    return [] if limit is None else [limit.column, ">=" if limit.at_least else "<=", limit.threshold]
