"""Lines are edited as C4 and datatrove edit them, and every character that goes is accounted for."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from scripts.cleaning.edits import Removed, edit_lines
from scripts.cleaning.measures import measure
from scripts.cleaning.poor_lines import kinds_of_lines

SENTENCE = "A line of prose ends in a mark."


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("A line without a mark", "no_terminal_punctuation"),
        ("A line that trails off...", "no_terminal_punctuation"),
        ("Two words.", "few_words"),
        ("Please enable JavaScript to see this.", "javascript"),
        ("Read our Privacy Policy before you go.", "policy"),
        (f"A word of {'x' * 1001} characters is no word.", "long_word"),
        ("A mark behind the citation goes.[3] ", None),
        ("[edit] The letters of this line[12] stay[citation needed].", None),
        ('  She said "no more of it"', None),
        ("這一行沒有空格也沒有西文標點。", None),
        ("請先啟用您的瀏覽器的 JavaScript 以檢視本頁。", "javascript"),
        ("", "no_terminal_punctuation"),
        ("यह हिन्दी की एक पूरी पंक्ति है।", None),
        ("یہ اردو کی ایک پوری سطر ہے۔", None),
        ("کیا یہ ایک پوری سطر ہے؟", None),
        ("Սա հայերեն ամբողջական տող է։", None),
        ("ይህ ሙሉ የአማርኛ መስመር ነው።", None),
        ("Internationalisation 国.", None),
    ],
)
def test_lines_go_for_one_reason(line: str, reason: str | None) -> None:
    text, removed = edit_lines(f"{SENTENCE}\n{line}\n{SENTENCE}", ["c4"])
    assert dict(removed.lines) == ({} if reason is None else {reason: 1})
    assert len(text.split("\n")) == (3 if reason is None else 2)


ENDS = [*".?!\"'।۔؟։።。…:", "...", ".[3]", " [3]", "", "[edit]", "?[citation needed] "]
STARTS = [
    "They all came home",
    "Two words",
    "国 internationalisation",
    "वे सब घर आए",
    "وہ سب گھر آئے",
    "x" * 1001 + " is long",
    "x" * 600 + "国" + "x" * 600 + " is long",
    "Our Privacy Policy says so",
    "JavaScript is not here",
]


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("end", ENDS)
def test_the_lines_that_are_measured_are_those_that_stay(start: str, end: str) -> None:
    """A line in a script with spaces has one sentence where C4 keeps it, and none where it goes."""
    line = start + end
    assert (edit_lines(line, ["c4"])[0] != "") == (measure(line)["c4_sentences"] > 0)


def test_citation_marks_are_cut_out() -> None:
    text, removed = edit_lines("  It is so.[1][edit]\nAs one can see[2] here. ", ["c4"])
    assert text == "It is so.\nAs one can see here."
    assert removed.summary() == {"lines": {}, "characters": {"citations": 12, "layout": 3}}


def test_nothing_is_edited_unless_asked() -> None:
    text, removed = edit_lines("Home\n\nContact", [])
    assert text == "Home\n\nContact"
    assert removed.summary() == {"lines": {}, "characters": {}}


def test_nothing_may_be_left() -> None:
    assert edit_lines("Home\nContact", ["c4"])[0] == ""
    assert edit_lines("", ["c4"])[0] == ""


def real_documents(shared_data: Path) -> list[str]:
    with gzip.open(shared_data.parent / "reference" / "filter-decisions.jsonl.gz", "rt", encoding="utf-8") as stream:
        return [json.loads(line)["text"] for line in stream]


def test_every_character_is_accounted_for_on_real_documents(shared_data: Path) -> None:
    gone = 0
    for text in real_documents(shared_data):
        edited, removed = edit_lines(text, ["c4"])
        assert len(text) == len(edited) + removed.characters.total()
        assert min(removed.characters.values()) >= 0
        assert edit_lines(edited, ["c4"])[0] == edited
        gone += edited != text
    assert gone > 500


PROSE_LINE = "They had come by the early train and had not yet had breakfast."


@pytest.mark.parametrize(
    ("line", "left", "lines", "characters"),
    [
        ("SHARE THIS Page", "", {"uppercase": 1}, {"uppercase": 15}),
        ("12.04.2019 - 13:45", "", {"numeric": 1}, {"numeric": 18}),
        ("3 likes", "", {"counter": 1}, {"counter": 7}),
        ("Share", "", {"single_word": 1}, {"single_word": 5}),
        ("Sign in | Register for free today", "Register for free today", {}, {"phrases": 10}),
        ("He left without a word. Read more...", "He left without a word.", {}, {"phrases": 13}),
        ("Read more »", "", {"phrases": 1}, {"phrases": 11}),
        ("There are no items in cart yet, dear", "There are no  yet, dear", {}, {"phrases": 13}),
        ("Log in", "", {"phrases": 1}, {"phrases": 6}),
        ("Log in sign-in Share", "", {"single_word": 1}, {"phrases": 15, "single_word": 5}),
        ("They would sign in sheets of gold and read more books", None, {}, {}),
        ("If they sign in again after so long a time I shall read more", None, {}, {}),
        ("Design in wood", None, {}, {}),
        ("----------", None, {}, {}),
        ("一行中文", None, {}, {}),
    ],
)
def test_poor_lines_go_and_phrases_are_cut(
    line: str, left: str | None, lines: dict[str, int], characters: dict[str, int]
) -> None:
    text, removed = edit_lines(f"{PROSE_LINE}\n{line}\n{PROSE_LINE}", ["refinedweb"])
    middle = line if left is None else left
    assert text == "\n".join(one for one in (PROSE_LINE, middle, PROSE_LINE) if one)
    assert dict(removed.lines) == lines
    assert {name: count for name, count in removed.characters.items() if name != "layout"} == characters


def test_paragraphs_stay_apart_where_lines_go() -> None:
    text = f"Menu\n\n{PROSE_LINE}\n\nSHARE\n\n\n{PROSE_LINE}\n{PROSE_LINE}\n\n\n{PROSE_LINE}\n\n3 likes\n"
    edited = f"{PROSE_LINE}\n\n{PROSE_LINE}\n{PROSE_LINE}\n\n\n{PROSE_LINE}"
    assert edit_lines(text, ["refinedweb"])[0] == edited
    assert edit_lines("Menu\n\nHome\n", ["refinedweb"])[0] == ""
    assert edit_lines("", ["refinedweb"]) == ("", Removed())
    assert edit_lines(f"\n{PROSE_LINE}\n\n", ["refinedweb"])[0] == f"\n{PROSE_LINE}\n\n"


def test_edits_are_made_in_one_order() -> None:
    text = f"Menu\nTHE END OF IT.\n{PROSE_LINE}"
    both = edit_lines(text, ["refinedweb", "c4"])
    assert both == edit_lines(text, ["c4", "refinedweb"])
    assert both[0] == PROSE_LINE
    assert dict(both[1].lines) == {"no_terminal_punctuation": 1, "uppercase": 1}


def test_poor_lines_of_real_documents_are_those_that_are_measured(shared_data: Path) -> None:
    names = {"uppercase_line_ratio": 1, "numeric_line_ratio": 2, "single_word_line_ratio": 4}
    seen = 0
    for text in real_documents(shared_data)[:300]:
        edited, removed = edit_lines(text, ["refinedweb"])
        assert len(text) == len(edited) + removed.characters.total()
        assert min(removed.characters.values(), default=0) >= 0
        assert edit_lines(edited, ["refinedweb"])[0] == edited
        measured = measure(text)
        lines = text.split("\n")
        kinds, words = kinds_of_lines(text, len(lines))
        count = sum(bool(line.strip()) for line in lines)
        assert kinds.count(1) == round(measured["uppercase_line_ratio"] * count)
        poor = sum(number for number, kind in zip(words, kinds, strict=True) if kind)
        assert poor == round(measured["poor_line_word_ratio"] * sum(words))
        assert all(kinds.count(kind) <= round(measured[name] * count) for name, kind in names.items())
        seen += any(kinds)
    assert seen > 30


def test_a_line_of_many_phrases_takes_one_look() -> None:
    assert edit_lines("log-in|" * 20_000 + "to read the rest", ["refinedweb"])[0] == "to read the rest"
