"""What is measured of a text is what the papers measure; datatrove decides alike."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from scripts.cleaning.annotate import ANNOTATION_SCHEMA
from scripts.cleaning.filters import FAMILIES, known_rules
from scripts.cleaning.measures import COUNTS, MEASURED, measure
from scripts.cleaning.words import sentences, words

RULES = list(known_rules().values())
PROSE = "The quick brown fox jumped over the lazy dog, and that was the end of it."
PASSING = {"id": "a", "language": "en", "language_score": 0.9, **measure("\n".join([PROSE] * 1))}


def passing_row(identifier: str) -> dict[str, object]:
    """A row of annotations in which every rule of every family passes."""
    row: dict[str, object] = {"id": identifier, "url": None, "language": "en", "language_score": 0.9}
    for name in MEASURED:
        rules = [rule for rule in RULES if rule.column == name]
        low = max([rule.threshold for rule in rules if rule.at_least], default=0.0)
        row[name] = int(low) if name in COUNTS else low
    return row


def test_a_row_has_every_column() -> None:
    assert {"url", *PASSING} == set(ANNOTATION_SCHEMA.names)


@pytest.mark.parametrize(
    ("text", "column", "value"),
    [
        (PROSE, "words", 16),
        (PROSE, "stop_words", 4),
        ("我喜欢读书。", "words", 5),
        ("a b c d", "mean_word_length", 1.0),
        ("# one # two", "hash_ratio", 0.5),
        ("- one\n- two\nthree", "bullet_line_ratio", 2 / 3),
        ("one...\ntwo", "ellipsis_line_ratio", 0.5),
        ("abc 123 456 def", "alphabetic_word_ratio", 0.5),
        ("same line\nsame line\nother", "duplicate_line_ratio", 1 / 3),
        ("one\n\ntwo\n\none", "duplicate_paragraph_ratio", 1 / 3),
        ("no no no no", "top_2_gram_ratio", 3 * 5 / 11),
        ("a b c d e a b c d e", "duplicate_5_gram_ratio", 5 / 19),
        ("x = {1}", "curly_brackets", 1),
        ("Lorem ipsum dolor", "lorem_ipsum", 1),
        ("One two three. Four five six!\nno end here\nUse of cookies is here.", "c4_sentences", 2),
        ("Done.\nnot done\nnot done either", "punctuated_line_ratio", 1 / 3),
        ("short\n" + "long " * 10, "short_line_ratio", 0.5),
        ("ab\nab", "fineweb_duplicate_character_ratio", 0.5),
        ("one\ntwo", "newline_ratio", 0.5),
        ("我喜欢读书 abcde", "unspaced_ratio", 0.5),
    ],
)
def test_measures_of_known_texts(text: str, column: str, value: float) -> None:
    assert measure(text)[column] == pytest.approx(value)


def test_an_empty_text_has_measures() -> None:
    assert set(measure("")) == set(MEASURED)
    assert sentences("") == 0
    assert words("") == []


# Where they differ: words are split by spaCy there, and datatrove stops at the first rule that fails.
AGREEMENT = {"gopher_quality": 0.96, "gopher_repetition": 0.98, "c4_quality": 0.98, "fineweb_quality": 0.98}


@pytest.mark.parametrize("their", AGREEMENT)
def test_agreement_with_datatrove_on_real_documents(their: str, shared_data: Path) -> None:
    ours = their.removesuffix("_quality") if their in ("c4_quality", "fineweb_quality") else their
    with gzip.open(shared_data.parent / "reference" / "filter-decisions.jsonl.gz", "rt", encoding="utf-8") as stream:
        documents = [json.loads(line) for line in stream]
    agreed = 0
    for document in documents:
        found = measure(document["text"])
        passes = all(
            found[rule.column] >= rule.threshold if rule.at_least else found[rule.column] <= rule.threshold
            for rule in FAMILIES[ours]
        )
        agreed += passes == (document[their] == "keep")
    assert agreed / len(documents) >= AGREEMENT[their]
