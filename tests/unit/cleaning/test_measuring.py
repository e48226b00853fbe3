"""The compiled measures say what plain Python says: on real texts, random ones, and ones that tempt the splitting of words."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.cleaning import characters
from scripts.cleaning.characters import code_points
from scripts.cleaning.english import special_cases, units
from scripts.cleaning.measures import BATCH_TEXTS, MEASURED, batches, measure, measure_all
from scripts.cleaning.scan import tokens_of
from tests.real_text import topic_documents
from tests.unit.cleaning import oracle, oracle_words

CASES = [case.text for case in special_cases()]
MARKS = "' \" ’ “ ” . .. ... … …… , : ; ! ? - -- --- – — —— ~ + * ^ < > = / ( ) [ ] { } # & _ % $ US$ C$ A$ € £ § ° °C °F. ¶ @ | \\"  # noqa: E501
WORDS = "a I it Dr word Word WORD naïve Straße слово कर 5 12 3.5 10,000 0 1st x2 www.a.com http://b.org/c?d#e me@f.net 8.8.8.8 10.0.0.1"  # noqa: E501
OTHERS = "中文 汉字。 かな カタカナ ไทย ภาษา ខ្មែរ မြန်မာ ລາວ 한국어 العربية עברית ١٢ ² ½ 😀 👍🏽 e\u0301 \u200b \ud800 ％ ，「」"
UNSPACED = "བོད་སྐད་། ༡༢ ᦑᦺ ᨾᩮᩬᩥᨦ ꦗꦮ ᬩᬮᬶ"
PHRASES = "lorem ipsum|Lorem Ipsum|javascript|JavaScript|terms of use|use cook\u212aies|privacy policy|[1]|[]|[edit]|[citation needed]|3 likes"  # noqa: E501
SPACES = [" ", " ", " ", "  ", "\n", "\n\n", "\n\n\n", "\t", "\r\n", "\r", "\u2028", "\x85", "\u00a0", "\u3000", ""]
PIECES = [
    *MARKS.split(" "),
    *WORDS.split(" "),
    *OTHERS.split(" "),
    *UNSPACED.split(" "),
    *PHRASES.split("|"),
    *SPACES,
    *SPACES,
]
DRAWN = st.sampled_from([*PIECES, *PIECES, *PIECES, *CASES[::5], *units()])
MARKED = [*map(chr, range(ord("!"), ord("a"))), *"{|}~°…–—’”»€²ß", "'s", "...", ".,", '."']
LANGUAGES = ("en", "de", "es", "el", "ro", "tr", "vi", "th", "hi")


def split(text: str) -> list[str]:
    codes = code_points(text)
    tokens = tokens_of(codes, np.array([0, len(codes)]))
    return [text[start:end] for start, end in tokens.bounds[: tokens.firsts[1]]]


def check(text: str) -> None:
    assert split(text) == [text[start:end] for start, end in oracle_words.split(text)]
    expected = oracle.measure(text)
    assert set(expected) == set(MEASURED)
    assert measure(text) == expected


@settings(max_examples=400, deadline=None)
@given(st.lists(DRAWN, max_size=30).map("".join))
def test_tempting_texts_have_the_measures_of_the_oracle(text: str) -> None:
    check(text)


@settings(max_examples=150, deadline=None)
@given(
    st.text(st.characters(exclude_categories=["Cn"]), max_size=80)
)  # what Python assigns: `regex` is of a newer Unicode
def test_random_texts_have_the_measures_of_the_oracle(text: str) -> None:
    check(text)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(["a", "b", "ab", "c", "\n", "\n\n", ".", "a."]), max_size=120).map(" ".join))
def test_repeating_texts_have_the_measures_of_the_oracle(text: str) -> None:
    check(text)


@pytest.mark.parametrize("feed", ["\n", "\n\n"])
def test_lines_and_paragraphs_that_look_alike_are_told_apart(feed: str) -> None:
    """Equal in length and in the characters by which they are told from others at first."""
    check(feed.join(["a12b34c56d", "a21b34c56d", "a12b43c56d", "a21b34c56d", "a12b34c56d", "a12b43c56e"]))


def test_phrases_are_found_after_a_part_of_them_and_in_full_only() -> None:
    for phrase in ("terms of terms of use", "uses use cookies", "cookie policcookie policy", "lorem ips lorem ipsum"):
        for text in (phrase, phrase.upper(), phrase[:-1], phrase[1:], f"é{phrase}", phrase[:-1] + "é"):
            check(f"One two three {text}.\nWith {{ four five {text} six.\n{text}!")


def test_counts_of_a_long_line_are_of_all_its_characters() -> None:
    for character in ("A", "7", "#", "中", "\u2003", "é"):
        for size in (126, 127, 128, 254, 255, 1000):
            check(character * size + " b\n" + f"{character} " * (size // 2))


def test_every_special_case_and_unit_is_split_as_listed() -> None:
    for case in special_cases():
        if "ツ" in case.text:  # a letter of a script without spaces is a token here
            continue
        assert split(case.text) == list(case.pieces)
    for unit in units():
        assert split(f"5{unit}")[0] == "5"


def test_a_word_with_any_mark_at_its_ends_is_split_as_by_the_oracle() -> None:
    for word in ("word", "Word", "W", "WORD", "mr", "5", "5km", "km5", "C", "US"):
        for mark in MARKED:
            check(f"{word}{mark} {mark}{word} {word}{mark}{mark} {mark}{word}{mark} {word}{mark}{word}")


def test_real_texts_have_the_measures_of_the_oracle() -> None:
    for document in topic_documents()[::4]:
        check(document["text"])


def test_real_web_pages_have_the_measures_of_the_oracle(shared_data: Path) -> None:
    with gzip.open(shared_data.parent / "reference" / "filter-decisions.jsonl.gz", "rt", encoding="utf-8") as stream:
        for line in list(stream)[::30]:
            check(json.loads(line)["text"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_real_texts_of_other_scripts_have_the_measures_of_the_oracle(language: str, shared_data: Path) -> None:
    (path,) = (shared_data / "xquad").rglob(f"*xquad.{language}.json")
    articles = json.loads(path.read_text("utf-8"))["data"]
    check("\n".join(paragraph["context"] for paragraph in articles[0]["paragraphs"]))


@pytest.mark.parametrize("longest", [1, 2, characters.LONGEST_STRING])
def test_code_points_are_those_of_python(longest: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(characters, "LONGEST_STRING", longest)
    for text in ("", "a", "a\0", "\0\0", "\ud800a", "né😀\U0010ffff", "x" * 1000 + "\0"):
        found = code_points(text)
        assert found.dtype == np.uint32
        assert found.flags.writeable
        assert found.tolist() == list(map(ord, text))


def test_texts_do_not_touch_each_other() -> None:
    texts = [document["text"][:600] for document in topic_documents()[:20]] + [
        "",
        "[1] One two three.[2] Four.",
        "\n",
        "°C. :) x",
    ]
    columns = measure_all(texts)
    for number, text in enumerate(texts):
        assert {name: column[number].item() for name, column in columns.items()} == measure(text)


def test_a_page_without_spaces_has_a_word_per_letter() -> None:
    found = measure("今天天气很好。我们去公园散步，然后回家吃饭。\n" * 3)
    assert found["words"] == 57
    assert found["c4_sentences"] == 6
    assert found["unspaced_ratio"] == 1


def test_a_long_document_and_a_long_word_are_measured() -> None:
    found = measure("x" * 100_000 + " " + "word :) " * 20_000)
    assert found["words"] == 40_001 - 20_000
    assert found["duplicate_10_gram_ratio"] > 0.4


def test_batches_are_bounded_and_lose_nothing() -> None:
    sizes = [300_000, 1, 1, 0] + [1] * (BATCH_TEXTS + 5)
    documents = [{"id": str(number), "text": "x" * size} for number, size in enumerate(sizes)]
    found = list(batches(iter(documents)))
    assert [document for batch in found for document in batch] == documents
    assert [len(batch) for batch in found] == [1, BATCH_TEXTS, 8]
