"""Translations of the Bible: one long text of a Python module, cut at ends of sentences; the module is never run."""

from __future__ import annotations

from pathlib import Path

from scripts.sources.readers.scripture import PASSAGE, clean

from .running import documents_of

VERSES = "And God`s light was seen. He said, [Let there be] more! Was there more? "


def test_passages_are_whole_sentences_and_nothing_is_lost(tmp_path: Path) -> None:
    text = VERSES * 200 + "the end"
    module = f'from x import y\n\nraise SystemExit("never run")\nbible = y("short", """{text}""", {{1001001: 0}})\n'
    found = documents_of(tmp_path, "bible.py", module.encode(), "scripture")
    rows = [row["text"] for row in found.rows.values()]
    assert len(rows) > 3
    assert " ".join(rows) == clean(text)
    assert all(PASSAGE <= len(row) < PASSAGE + 100 and row.endswith((".", "!", "?")) for row in rows[:-1])
    assert list(found.rows) == [f"bible/{number:04d}" for number in range(len(rows))]


def test_editorial_marks_go_and_words_stay() -> None:
    assert clean("in \\43:1\\Now God`s  Spirit, *** and [it was] so.[]") == "in Now God's Spirit, and it was so."


def test_what_is_no_module_is_quarantined(tmp_path: Path) -> None:
    for content, reason in (
        (b"def broken(", "not_a_module"),
        (b"1", "not_a_module"),
        (b"a = '\xff'", "wrong_encoding"),
    ):
        found = documents_of(tmp_path, "b.py", content, "scripture")
        assert found.accounting == {"in": 1, "kept": 0, "removed": {}, "quarantined": {reason: 1}}
