"""Labelled sets come into one form, with every record accounted for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from scripts.lib.manifest import load_manifest
from scripts.sources import fetch
from scripts.tasks import prepare
from tests.making import arguments


def prepared(
    folder: Path, kind: str, files: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Write files, fetch them and prepare the task; returns its items and its accounting."""
    monkeypatch.chdir(folder)
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    raw = Path("raw/0000.json")
    wanted = [{"path": name, "sha256": None} for name in files]
    settings = {"origin": {"package": None, "files": wanted}, "part": "0000", "parts": 1, "content": None}
    assert fetch.main(arguments(settings, cache=Path("cache"), lock=Path("downloads.lock"), manifest=raw)) == 0
    manifest = Path("items.json")
    assert prepare.main(arguments({"task": "quiz", "kind": kind}, raw=raw, manifest=manifest)) == 0
    return pq.read_table("items.parquet").to_pylist(), load_manifest(manifest)["accounting"]


def lines(*rows: dict[str, Any]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def test_boolq_training_holds_nothing_of_the_development_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dev = lines({"question": "is the sky blue", "passage": "The sky is blue.", "answer": "True", "title": "Sky"})
    rows = lines(
        {"question": "is the sky blue?", "passage": "Other -- Something else.", "label": True, "idx": 0},
        {"question": "is it dark", "passage": "Sky -- The sky is blue.", "label": False, "idx": 1},
        {"question": "is grass red", "passage": "Grass -- Grass is green.", "label": False, "idx": 2},
        {"question": "is it unlabelled", "passage": "Test -- A test.", "idx": 3},
    )
    items, account = prepared(tmp_path, "boolq", {"dev.jsonl": dev, "combined.jsonl": rows}, monkeypatch)
    assert [(item["split"], item["answer"]) for item in items] == [("dev", 1), ("train", 0)]
    assert account["removed"] == {"in_dev": 2, "no_label": 1}
    assert all(item["choices"] == [" no", " yes"] for item in items)


def test_sentiment_leaves_out_what_is_neither(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = '1_1\t2.5\tA joy.\n1_2\t-1.2\tDull "and" long.\n1_3\t0.2\tIt exists.\n'
    items, account = prepared(tmp_path, "sentiment", {"reviews.txt": text}, monkeypatch)
    assert [(item["answer"], item["contamination_text"]) for item in items] == [
        (1, ["A joy."]),
        (0, ['Dull "and" long.']),
    ]
    assert account["removed"] == {"neutral": 1}


def test_catalogues_become_pairs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    catalogue = """
#. Default: "Delete this item?"
msgid "confirm_delete"
msgstr "Diesen Artikel löschen?"

msgid "Save the page"
msgstr "Seite speichern"

msgid "OK"
msgstr "OK"

#, fuzzy
msgid "Close the window"
msgstr "Fenster"

msgid "Not yet done"
msgstr ""
"""
    items, account = prepared(tmp_path, "translation", {"de.po": catalogue}, monkeypatch)
    assert [(json.loads(item["meta"])["source"], item["target"]) for item in items] == [
        ("Delete this item?", " Diesen Artikel löschen?"),
        ("Save the page", " Seite speichern"),
    ]
    assert items[0]["contamination_text"] == ["Delete this item?", "Diesen Artikel löschen?"]
    assert account["removed"] == {"single_word": 1, "untranslated": 2}


def test_stereoset_keeps_its_three_choices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = {
        "type": "intrasentence",
        "target": "nurse",
        "bias_type": "profession",
        "context": "The nurse is BLANK.",
        "stereotype": "The nurse is kind.",
        "anti-stereotype": "The nurse is rough.",
        "unrelated": "The nurse is door.",
    }
    items, _ = prepared(tmp_path, "stereoset", {"test.jsonl": lines(row)}, monkeypatch)
    assert items[0]["choices"] == ["The nurse is kind.", "The nurse is rough.", "The nurse is door."]
    assert items[0]["split"] == "test"


def test_a_broken_line_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(AssertionError):
        prepared(tmp_path, "stereoset", {"test.jsonl": '{"type": \n'}, monkeypatch)
    assert "test.jsonl, line 1 is not JSON" in capsys.readouterr().err


def test_minimal_pairs_differ_and_come_in_equal_numbers(tmp_path: Path) -> None:
    manifest = tmp_path / "items.json"
    settings = {"task": "pairs", "kind": "minimal_pairs"}
    assert prepare.main([*arguments(settings, manifest=manifest), "--raw"]) == 0
    items = pq.read_table(tmp_path / "items.parquet").to_pylist()
    phenomena = [json.loads(item["meta"])["phenomenon"] for item in items]
    assert {phenomena.count(name) for name in phenomena} == {60} and len(set(phenomena)) == 12
    assert len({tuple(item["choices"]) for item in items}) == len(items)
    for item in items:
        good, bad = (sentence.split() for sentence in item["choices"])
        assert len(good) == len(bad) and sum(a != b for a, b in zip(good, bad, strict=True)) == 1
        assert item["answer"] == 0 and item["split"] == "test"
