"""Lines are edited as C4 and datatrove edit them, and every character that goes is accounted for."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from scripts.cleaning.edits import edit_lines

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
    ],
)
def test_lines_go_for_one_reason(line: str, reason: str | None) -> None:
    text, removed = edit_lines(f"{SENTENCE}\n{line}\n{SENTENCE}", ["c4"])
    assert dict(removed.lines) == ({} if reason is None else {reason: 1})
    assert len(text.split("\n")) == (3 if reason is None else 2)


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
