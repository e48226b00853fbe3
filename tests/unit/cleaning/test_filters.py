"""What is measured of a text is what the papers measure."""

from __future__ import annotations

import pytest

from scripts.cleaning.annotate import ANNOTATION_SCHEMA
from scripts.cleaning.filters import known_rules
from scripts.cleaning.measures import COUNTS, MEASURED, measure
from scripts.cleaning.words import words

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
        ("བོད་སྐད་འདི་", "words", 6),
        ("བོད་སྐད་འདི་", "alphabetic_word_ratio", 1.0),
        ("བོད་སྐད་འདི་", "symbol_character_ratio", 0.0),
        ("བོད་སྐད་འདི་", "unspaced_ratio", 1.0),
        ("ꦗꦮ", "words", 2),
        ("ᬩᬮᬶ", "words", 2),
        ("ᦑᦺ", "unspaced_ratio", 1.0),
        ("ᨾᩮᩬᩥᨦ", "unspaced_ratio", 1.0),
        ("a b c d", "mean_word_length", 1.0),
        ("# one # two", "hash_ratio", 0.5),
        ("- one\n- two\nthree", "bullet_line_ratio", 2 / 3),
        ("one...\ntwo", "ellipsis_line_ratio", 0.5),
        ("abc 123 456 def", "alphabetic_word_ratio", 0.5),
        ("same line\nsame line\nother", "duplicate_line_ratio", 1 / 3),
        ("one\n\ntwo\n\none", "duplicate_paragraph_ratio", 1 / 3),
        ("no no no no", "top_2_gram_ratio", 3 * 5 / 11),
        ("a b c d e a b c d e", "duplicate_5_gram_ratio", 5 / 19),
        ("It is {so} here.\nx = {1}", "curly_brackets", 1),
        ("Lorem ipsum dolor.\nlorem ipsum", "lorem_ipsum", 1),
        ("One two three. Four five six!\nno end here\nUse of cookies is here.", "c4_sentences", 2),
        ("Done.\nnot done\nnot done either", "punctuated_line_ratio", 1 / 3),
        ("short\n" + "long " * 10, "short_line_ratio", 0.5),
        ("ab\nab", "fineweb_duplicate_character_ratio", 0.5),
        ("one\ntwo", "newline_ratio", 0.5),
        ("BUY IT NOW\nat last, no more", "uppercase_line_ratio", 0.5),
        ("12, 34.5\nab 34", "numeric_line_ratio", 0.5),
        ("3 likes\n1,204 Views\n12K shares\nthree likes", "counter_line_ratio", 0.75),
        ("- Home\nwell-known\ntwo words", "single_word_line_ratio", 2 / 3),
        ("Share\nthis line has five words", "poor_line_word_ratio", 1 / 6),
        ("a+b (c)", "symbol_character_ratio", 3 / 7),
        ("aBCd", "uppercase_character_ratio", 0.5),
        ("a1b2", "digit_character_ratio", 0.5),
        ("a b\nc", "whitespace_character_ratio", 0.4),
        ("ab 中文", "unspaced_ratio", 0.5),
    ],
)
def test_measures_of_known_texts(text: str, column: str, value: float) -> None:
    assert measure(text)[column] == pytest.approx(value)


def test_an_empty_text_has_measures() -> None:
    assert set(measure("")) == set(MEASURED)
    assert words("") == []
