"""Filter families as data: what a rule measures, which way it cuts, its published threshold and the paper.

A document that is mostly written in scripts without spaces (Chinese, Thai, Tibetan) is measured in
characters, so a rule says for such documents that it is the same, that it has another limit, or that it does not apply. A rule
that counts words of one language applies to documents in that language alone. docs/filters.md is made from this module, which is
read when the workflow is planned and so imports nothing heavy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

_RAE = "Rae et al. 2021, Scaling Language Models: Methods, Analysis & Insights from Training Gopher"
GOPHER_QUALITY = f"{_RAE}, section A.1.1"
GOPHER_REPETITION = f"{_RAE}, table A1"
C4 = "Raffel et al. 2020, Exploring the Limits of Transfer Learning, section 2.2"
FINEWEB = "Penedo et al. 2024, The FineWeb Datasets, section 3.6"
FINEWEB_LANGUAGE = "Penedo et al. 2024, The FineWeb Datasets, section 3.3"
FINEWEB2 = "Penedo et al. 2025, FineWeb2, published configuration of Mandarin (cmn_Hani)"
REFINEDWEB = "Penedo et al. 2023, The RefinedWeb Dataset for Falcon LLM, appendix G.2"
REFINEDWEB_URL = "Penedo et al. 2023, The RefinedWeb Dataset for Falcon LLM, appendix G.1"
NEMO = "NVIDIA NeMo Curator, default of its heuristic filter (adapted from Gopher)"
OURS = "Groundwork: a document without text teaches nothing"
OURS_LINES = "Groundwork: most of a page of prose is lines of prose (RefinedWeb, appendix G.2, names the kinds of line)"
OURS_CAPITALS = "Groundwork: a third of the letters in capitals is a list of headings or shouting"
OURS_LEXICON = (
    "Groundwork: a word in a hundred is no passing mention; hold documents to it where one mention is not enough"
)
OURS_UNSPACED = "Groundwork: a word of Chinese is about two characters long, so each word counts as two"

SAME: Literal["same"] = "same"
SKIP: Literal["skip"] = "skip"


@dataclass(frozen=True)
class Limit:
    """What documents in scripts without spaces are held to instead."""

    column: str
    threshold: float
    paper: str


Unspaced = Limit | Literal["same", "skip"]


@dataclass(frozen=True)
class Rule:
    """One rule: a document passes while `column` is at least (or at most) the threshold."""

    name: str
    column: str
    at_least: bool
    threshold: float
    paper: str
    unspaced: Unspaced = SAME
    language: str | None = None  # the only language whose documents it applies to

    @property
    def family(self) -> str:
        """The family, which is the first part of the name."""
        return self.name.partition(".")[0]


Entry = tuple[str, str, str, float] | tuple[str, str, str, float, Unspaced]


def _rules(family: str, paper: str, *entries: Entry) -> list[Rule]:
    return [
        Rule(f"{family}.{name}", column, sign == ">=", limit, paper, rest[0] if rest else SAME)
        for name, column, sign, limit, *rest in entries
    ]


def _words(family: str, *entries: Entry) -> list[Rule]:
    """Rules whose column counts the words of an English list."""
    return [
        Rule(f"{family}.{name}", column, sign == ">=", limit, GOPHER_QUALITY, SKIP, "en")
        for name, column, sign, limit, *_ in entries
    ]


FAMILIES: dict[str, list[Rule]] = {
    "length": _rules("length", OURS, ("min_characters", "characters", ">=", 20)),
    "language": _rules("language", FINEWEB_LANGUAGE, ("min_score", "language_score", ">=", 0.65)),
    "url": _rules(
        "url",
        REFINEDWEB_URL,
        ("max_listed_domains", "url_domains", "<=", 0),
        ("max_listed_urls", "url_paths", "<=", 0),
        ("max_words", "url_words", "<=", 0),
        ("max_soft_words", "url_soft_words", "<=", 1),
        ("max_substrings", "url_substrings", "<=", 0),
    ),
    "gopher_quality": [
        *_rules(
            "gopher_quality",
            GOPHER_QUALITY,
            ("min_words", "words", ">=", 50, Limit("characters", 100, OURS_UNSPACED)),
            ("max_words", "words", "<=", 100_000, Limit("characters", 200_000, OURS_UNSPACED)),
            ("min_mean_word_length", "mean_word_length", ">=", 3, SKIP),
            ("max_mean_word_length", "mean_word_length", "<=", 10, SKIP),
            ("max_hash_ratio", "hash_ratio", "<=", 0.1),
            ("max_ellipsis_ratio", "ellipsis_ratio", "<=", 0.1),
            ("max_bullet_lines", "bullet_line_ratio", "<=", 0.9),
            ("max_ellipsis_lines", "ellipsis_line_ratio", "<=", 0.3),
            (
                "min_alphabetic_words",
                "alphabetic_word_ratio",
                ">=",
                0.8,
                Limit("alphabetic_word_ratio", 0.735, FINEWEB2),
            ),
        ),
        *_words("gopher_quality", ("min_stop_words", "stop_words", ">=", 2)),
    ],
    "gopher_repetition": _rules(
        "gopher_repetition",
        GOPHER_REPETITION,
        ("max_duplicate_lines", "duplicate_line_ratio", "<=", 0.3),
        ("max_duplicate_paragraphs", "duplicate_paragraph_ratio", "<=", 0.3),
        ("max_duplicate_line_characters", "duplicate_line_character_ratio", "<=", 0.2),
        ("max_duplicate_paragraph_characters", "duplicate_paragraph_character_ratio", "<=", 0.2),
        # Two words of Chinese are about four characters, five are ten: only these runs have published limits.
        ("max_top_2_gram", "top_2_gram_ratio", "<=", 0.2, SKIP),
        ("max_top_3_gram", "top_3_gram_ratio", "<=", 0.18, SKIP),
        ("max_top_4_gram", "top_4_gram_ratio", "<=", 0.16, Limit("top_4_gram_ratio", 0.256, FINEWEB2)),
        ("max_duplicate_5_grams", "duplicate_5_gram_ratio", "<=", 0.15, SKIP),
        ("max_duplicate_6_grams", "duplicate_6_gram_ratio", "<=", 0.14, SKIP),
        ("max_duplicate_7_grams", "duplicate_7_gram_ratio", "<=", 0.13, SKIP),
        ("max_duplicate_8_grams", "duplicate_8_gram_ratio", "<=", 0.12, SKIP),
        ("max_duplicate_9_grams", "duplicate_9_gram_ratio", "<=", 0.11, SKIP),
        (
            "max_duplicate_10_grams",
            "duplicate_10_gram_ratio",
            "<=",
            0.10,
            Limit("duplicate_10_gram_ratio", 0.198, FINEWEB2),
        ),
    ),
    "c4": _rules(
        "c4",
        C4,
        ("max_curly_brackets", "curly_brackets", "<=", 0),
        ("max_lorem_ipsum", "lorem_ipsum", "<=", 0),
        ("min_sentences", "c4_sentences", ">=", 5, SKIP),
    ),
    "fineweb": _rules(
        "fineweb",
        FINEWEB,
        ("min_punctuated_lines", "punctuated_line_ratio", ">=", 0.12, SKIP),  # Thai has no full stop
        ("max_short_lines", "short_line_ratio", "<=", 0.67, SKIP),
        (
            "max_duplicate_line_characters",
            "fineweb_duplicate_character_ratio",
            "<=",
            0.01,
            Limit("fineweb_duplicate_character_ratio", 0.1, FINEWEB2),
        ),
        ("max_newlines_per_word", "newline_ratio", "<=", 0.3, Limit("newline_ratio", 0.178, FINEWEB2)),
    ),
    "refinedweb": _rules(
        "refinedweb",
        REFINEDWEB,
        ("max_poor_line_words", "poor_line_word_ratio", "<=", 0.05, SKIP),
    ),
    "lines": _rules(
        "lines",
        OURS_LINES,
        ("max_uppercase_lines", "uppercase_line_ratio", "<=", 0.5),
        ("max_numeric_lines", "numeric_line_ratio", "<=", 0.5),
        ("max_counter_lines", "counter_line_ratio", "<=", 0.5),
        ("max_single_word_lines", "single_word_line_ratio", "<=", 0.5, SKIP),
    ),
    "characters": [
        *_rules(
            "characters",
            NEMO,
            ("max_symbols", "symbol_character_ratio", "<=", 0.25),
            ("max_digits", "digit_character_ratio", "<=", 0.15),
            ("max_whitespace", "whitespace_character_ratio", "<=", 0.25),
        ),
        *_rules("characters", OURS_CAPITALS, ("max_uppercase", "uppercase_character_ratio", "<=", 0.33)),
    ],
}

LEXICON = "lexicon"
LEXICON_RULES = [  # for each lexicon that a corpus names
    *_rules(LEXICON, C4, ("max_matches", "matches", "<=", 0)),
    *_rules(LEXICON, OURS_LEXICON, ("max_share", "share", "<=", 0.01)),
]
EVERY_FAMILY = (*FAMILIES, LEXICON)


def lexicon_column(lexicon: str, column: str) -> str:
    """Return the name of what is measured with a lexicon."""
    return f"{LEXICON}.{lexicon}.{column}"


def rules_of(family: str, lexicons: Sequence[str] = ()) -> list[Rule]:
    """Return the rules of a family; those on terms once for each lexicon, named `lexicon.<lexicon>.<rule>`."""
    if family != LEXICON:
        return FAMILIES[family]
    return [
        replace(rule, name=lexicon_column(one, rule.name.partition(".")[2]), column=lexicon_column(one, rule.column))
        for one in lexicons
        for rule in LEXICON_RULES
    ]


def known_rules(lexicons: Sequence[str] = ()) -> dict[str, Rule]:
    """Return every rule by its name `family.rule`."""
    return {rule.name: rule for family in EVERY_FAMILY for rule in rules_of(family, lexicons)}
