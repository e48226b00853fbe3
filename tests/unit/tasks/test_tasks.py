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
from scripts.tasks.item import is_development
from tests.making import arguments


def prepared(
    folder: Path, kind: str, files: dict[str, str | bytes], monkeypatch: pytest.MonkeyPatch
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Write files, fetch them and prepare the task; returns its items and its accounting."""
    monkeypatch.chdir(folder)
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    raw = Path("raw/0000.json")
    wanted = [{"path": name, "sha256": None} for name in files]
    settings = {"origin": {"package": None, "files": wanted}, "part": "0000", "parts": 1, "content": None}
    assert fetch.main(arguments(settings, cache=Path("cache"), lock=Path("downloads.lock"), manifest=raw)) == 0
    manifest = Path("items.json")
    assert prepare.main(arguments({"task": "quiz", "kind": kind}, raw=raw, manifest=manifest)) == 0
    return pq.read_table("items.parquet").to_pylist(), load_manifest(manifest)["accounting"]


def lines(*rows: dict[str, Any]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


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


ASKED = {"question": "is it so", "passage": "From 1994 -- 1998 it was."}
OTHER = {"question": "was it so", "passage": "Of old -- It was not."}


@pytest.mark.parametrize(
    ("files", "wanted"),
    [
        pytest.param(
            {
                "train.jsonl": lines(
                    {**ASKED, "title": "It", "answer": True}, {**OTHER, "title": "It", "answer": False}
                ),
                "dev.jsonl": lines({"question": "is that so", "title": "That", "passage": "It is.", "answer": True}),
            },
            [("dev", 1, "It is."), ("train", 1, ASKED["passage"]), ("train", 0, OTHER["passage"])],
            id="as its authors publish it",
        ),
        pytest.param(
            {
                "train.jsonl": lines({**OTHER, "idx": 0, "label": True}),
                "val.jsonl": lines({"question": "is that so", "passage": "That -- It is.", "idx": 0, "label": False}),
            },
            [("dev", 0, "It is."), ("train", 1, "It was not.")],
            id="as SuperGLUE publishes it",
        ),
        pytest.param(
            {"rows.jsonl": lines({**ASKED, "label": 1}, {**OTHER, "label": 0}, {**ASKED, "label": -1})},
            [("train", 1, "1998 it was."), ("train", 0, "It was not.")],
            id="labels as numbers, -1 for none",
        ),
        pytest.param(
            {"one.jsonl": lines({**ASKED, "label": True}), "two.jsonl": lines({**OTHER, "label": False})},
            [("train", 1, "1998 it was."), ("train", 0, "It was not.")],
            id="several files of training rows",
        ),
        pytest.param(
            {"dev.jsonl": lines({**ASKED, "answer": True})},
            [("dev", 1, ASKED["passage"])],
            id="the authors' form without titles",
        ),
        pytest.param(
            {
                "dev.jsonl": "\ufeff"
                + lines({**OTHER, "title": "", "passage": "a\u2028b\x85c", "answer": True})
                + "\n\n"
            },
            [("dev", 1, "a\u2028b\x85c")],
            id="a byte order mark, separators that end no line of JSON, empty lines",
        ),
    ],
)
def test_boolq_is_read_as_it_is_published(
    files: dict[str, str | bytes], wanted: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    items, account = prepared(tmp_path, "boolq", files, monkeypatch)
    assert [(item["split"], item["answer"], json.loads(item["meta"])["passage"]) for item in items] == wanted
    assert account["quarantined"] == {}
    assert sum(account["removed"].values()) == account["removed"].get("no_label", 0)


def test_a_development_set_is_known_by_an_address_too() -> None:
    assert is_development("https://hub.example/boolq/dev.jsonl?download=true") and is_development("super/val.jsonl")
    assert not is_development("https://hub.example/train.jsonl?of=dev.jsonl")


def test_snippets_of_several_files_are_all_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of the files of Hutto and Gilbert counts from 1."""
    files: dict[str, str | bytes] = {"films.txt": "1\t2.5\tA joy.\n", "goods.txt": "1\t-2.5\tA\u2028waste.\n\n"}
    items, account = prepared(tmp_path, "sentiment", files, monkeypatch)
    assert [(item["id"], item["answer"]) for item in items] == [("quiz:films.txt/1", 1), ("quiz:goods.txt/1", 0)]
    assert account["kept"] == account["in"] == 2


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


HEAD = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n'


@pytest.mark.parametrize(
    ("declared", "name"),
    [
        ("Language: de", "German"),
        ("Language: pt_BR", "Portuguese"),
        ("Language-Code: fr", "French"),
        ("X: y", "Translation"),
    ],
)
def test_a_catalogue_says_which_language_is_asked_for(
    declared: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f'{HEAD}"{declared}\\n"\n\nmsgid "Save it now"\nmsgstr "…"\n'
    items, _ = prepared(tmp_path, "translation", {"x.po": text}, monkeypatch)
    assert items[0]["prompt"] == f"English: Save it now\n{name}:"


def test_messages_of_several_contexts_are_all_there_and_plurals_are_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (
        HEAD
        + """
msgctxt "disk"
msgid "Save it"
msgstr "Sichern"

msgctxt "soul"
msgid "Save it"
msgstr "Retten"

msgid "one file"
msgid_plural "many files"
msgstr[0] "eine Datei"
msgstr[1] "viele Dateien"
"""
    )
    items, account = prepared(tmp_path, "translation", {"x.po": text}, monkeypatch)
    assert [item["target"] for item in items] == [" Sichern", " Retten"]
    assert (account["removed"], account["quarantined"]) == ({"plural": 1}, {})


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


WRONG: list[tuple[str, str | bytes, str]] = [
    ("stereoset", '{"type": \n', "line 1 is not JSON"),
    ("stereoset", '{"data": {"intrasentence": []}}\n', "line 1 has no text 'stereotype'; correct the kind of the task"),
    ("boolq", "[1, 2]\n", "line 1 has no text 'question'"),
    ("boolq", "[" * 100_000, "line 1 is not JSON"),
    ("boolq", lines({**ASKED, "label": "maybe"}), "line 1 has the label 'maybe', which is neither true nor false"),
    ("boolq", '{"question": "\\ud800", "passage": "p", "answer": true}', "line 1 is not JSON"),
    ("boolq", b'{"question": "caf\xe9"}\n', "is not UTF-8 (invalid continuation byte at byte 17)"),
    ("sentiment", "1\t2.0\tgood\n2\t1.0\n", "line 2 is not an id, a rating and a text with tabs between them"),
    ("sentiment", "id\trating\ttext\n", "line 1 is not an id, a rating and a text"),
    ("sentiment", "1\tnan\ttext\n", "line 1 is not an id, a rating and a text"),
    ("translation", 'msgid "Save it\nmsgstr\n', "is not a message catalogue (Syntax error"),
    ("translation", HEAD.encode() + b'msgid "Save it"\nmsgstr "\xe9"\n', "is not a message catalogue ('utf-8' codec"),
]


@pytest.mark.parametrize(
    ("kind", "text", "sentence"), WRONG, ids=[f"{kind}-{n}" for n, (kind, _, _) in enumerate(WRONG)]
)
def test_a_broken_file_is_one_sentence(
    kind: str,
    text: str | bytes,
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(AssertionError):
        prepared(tmp_path, kind, {"dev.jsonl": text}, monkeypatch)
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("error: dev.jsonl") and sentence in said


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
