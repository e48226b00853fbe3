"""Filter families as data: what a rule measures, which way it cuts, its published threshold and the paper.

This module is read when the workflow is planned, so it imports nothing heavy.
"""

from __future__ import annotations

from dataclasses import dataclass

GOPHER = "Rae et al. 2021, Scaling Language Models: Methods, Analysis & Insights from Training Gopher, table A1"
C4 = "Raffel et al. 2020, Exploring the Limits of Transfer Learning, section 2.2"
FINEWEB = "Penedo et al. 2024, The FineWeb Datasets, section 3.6"
OURS = "Groundwork: a document without text teaches nothing"


@dataclass(frozen=True)
class Rule:
    """One rule: a document passes while `column` is at least (or at most) the threshold."""

    name: str
    column: str
    at_least: bool
    threshold: float
    paper: str


def _rules(family: str, paper: str, *entries: tuple[str, str, str, float]) -> list[Rule]:
    return [Rule(f"{family}.{name}", column, sign == ">=", limit, paper) for name, column, sign, limit in entries]


FAMILIES: dict[str, list[Rule]] = {
    "length": _rules("length", OURS, ("min_characters", "characters", ">=", 20)),
    "gopher_quality": _rules(
        "gopher_quality",
        GOPHER,
        ("min_words", "words", ">=", 50),
        ("max_words", "words", "<=", 100_000),
        ("min_mean_word_length", "mean_word_length", ">=", 3),
        ("max_mean_word_length", "mean_word_length", "<=", 10),
        ("max_hash_ratio", "hash_ratio", "<=", 0.1),
        ("max_ellipsis_ratio", "ellipsis_ratio", "<=", 0.1),
        ("max_bullet_lines", "bullet_line_ratio", "<=", 0.9),
        ("max_ellipsis_lines", "ellipsis_line_ratio", "<=", 0.3),
        ("min_alphabetic_words", "alphabetic_word_ratio", ">=", 0.8),
        ("min_stop_words", "stop_words", ">=", 2),
    ),
    "gopher_repetition": _rules(
        "gopher_repetition",
        GOPHER,
        ("max_duplicate_lines", "duplicate_line_ratio", "<=", 0.3),
        ("max_duplicate_paragraphs", "duplicate_paragraph_ratio", "<=", 0.3),
        ("max_duplicate_line_characters", "duplicate_line_character_ratio", "<=", 0.2),
        ("max_duplicate_paragraph_characters", "duplicate_paragraph_character_ratio", "<=", 0.2),
        ("max_top_2_gram", "top_2_gram_ratio", "<=", 0.2),
        ("max_top_3_gram", "top_3_gram_ratio", "<=", 0.18),
        ("max_top_4_gram", "top_4_gram_ratio", "<=", 0.16),
        ("max_duplicate_5_grams", "duplicate_5_gram_ratio", "<=", 0.15),
        ("max_duplicate_6_grams", "duplicate_6_gram_ratio", "<=", 0.14),
        ("max_duplicate_7_grams", "duplicate_7_gram_ratio", "<=", 0.13),
        ("max_duplicate_8_grams", "duplicate_8_gram_ratio", "<=", 0.12),
        ("max_duplicate_9_grams", "duplicate_9_gram_ratio", "<=", 0.11),
        ("max_duplicate_10_grams", "duplicate_10_gram_ratio", "<=", 0.10),
    ),
    "c4": _rules(
        "c4",
        C4,
        ("max_curly_brackets", "curly_brackets", "<=", 0),
        ("max_lorem_ipsum", "lorem_ipsum", "<=", 0),
        ("min_sentences", "c4_sentences", ">=", 5),
    ),
    "fineweb": _rules(
        "fineweb",
        FINEWEB,
        ("min_punctuated_lines", "punctuated_line_ratio", ">=", 0.12),
        ("max_short_lines", "short_line_ratio", "<=", 0.67),
        ("max_duplicate_line_characters", "fineweb_duplicate_character_ratio", "<=", 0.01),
        ("max_newlines_per_word", "newline_ratio", "<=", 0.3),
    ),
}


def known_rules() -> dict[str, Rule]:
    """Return every rule by its name `family.rule`."""
    return {rule.name: rule for rules in FAMILIES.values() for rule in rules}


def chosen_rules(families: list[str], thresholds: dict[str, float]) -> list[Rule]:
    """Return the rules of some families in order, with the thresholds that a corpus sets itself."""
    return [
        Rule(rule.name, rule.column, rule.at_least, thresholds.get(rule.name, rule.threshold), rule.paper)
        for family in families
        for rule in FAMILIES[family]
    ]
