"""A document is followed from its record to the training steps that read it; whatever is asked gets an answer."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest

from scripts.cleaning.curate import CURATED_SCHEMA
from scripts.cleaning.flag import FLAG_SCHEMA
from scripts.lib.canonical import canonical_json
from scripts.lib.documents import DOCUMENT_SCHEMA
from scripts.lib.order import DataOrder
from scripts.lib.streams import SourceStream
from scripts.reproducibility import trace
from tests.making import publish_rows
from tests.unit.reproducibility.traced import (
    FITNESS,
    RULE,
    SELECTION_SCHEMA,
    asked,
    document,
    fate,
    publish_shards,
    said,
    summarise,
)


def test_a_kept_document_is_followed_to_its_steps(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = asked(results, "web:1-6", capsys)
    assert (found["source"], found["part"], found["row"]) == ("web", "0001", 6)
    assert found["record"]["url"] == "https://example.org/1-6"
    assert found["attributes"] == {"language": "en", "characters": len(document(1, 6)["text"])}
    (corpus,) = found["corpora"]
    assert (corpus["selected"], corpus["reason"]) == (True, None)
    assert corpus["verdicts"] == [
        {"rule": RULE, "passed": True, "value": len(document(1, 6)["text"]), "sign": ">=", "threshold": 60},
        {"rule": FITNESS, "passed": None, "value": None, "sign": None, "threshold": None},
    ]
    curated = corpus["curated"]
    assert (curated["file"], curated["row"]) == ("corpora/main/documents/web/0001.parquet", 3)
    assert (curated["split"], curated["changed"], curated["personal_data"]) == ("train", True, {"<EMAIL>": 1})
    (shard,) = curated["shards"]
    words = [len(document(1, number)["text"].split()) for number in (3, 4, 6)]
    assert shard["file"] == "shards/main/small/web/0001.train.bin"
    assert (shard["document"], shard["first_token"], shard["tokens"]) == (2, sum(words[:2]), words[2])
    (model,) = shard["models"]
    stream = SourceStream.open("web", results / "shards" / "main" / "small" / "web", ["0000", "0001"], "train")
    order = DataOrder([stream], {}, 8, 2, 3)
    seen = [
        step
        for step in range(6)
        if any((span.part, span.document) == (1, 2) for row in order.locate(step) for span in row.spans)
    ]
    assert (model["model"], model["state"], model["of"], model["steps"]) == ("tiny", "planned", 6, seen)
    assert seen
    text = said(results, "web:1-6", capsys)
    assert "corpus main: kept, split train" in text
    assert f"model tiny (planned): in {len(seen)} of 6 steps: {', '.join(map(str, seen))}" in text
    assert "<EMAIL> replaces 1 piece of personal data" in text


def test_a_document_is_found_by_its_url(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert asked(results, "https://example.org/0-5", capsys)["id"] == "web:0-5"
    assert asked(results, "example.org/0-5", capsys)["id"] == "web:0-5"
    (corpus,) = asked(results, "https://example.org/0-5", capsys)["corpora"]
    assert corpus["curated"]["split"] == "validation"
    assert corpus["curated"]["shards"][0]["models"] == []


def test_an_id_may_hold_an_address(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    row = {**document(0, 4), "id": "web:https://example.org/a"}
    publish_rows(tmp_path / "sources" / "web" / "documents" / "0000.json", [row], DOCUMENT_SCHEMA)
    assert asked(tmp_path, "web:https://example.org/a", capsys)["id"] == row["id"]
    assert asked(tmp_path, "https://example.org/0-4", capsys)["id"] == row["id"]


def test_the_terms_of_a_lexicon_are_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rule, row = "lexicon.colours.max_matches", document(0, 4)
    publish_rows(tmp_path / "sources" / "web" / "documents" / "0000.json", [row], DOCUMENT_SCHEMA)
    flags = {"id": row["id"], "matches": 3, "share": 0.25, "terms": ["red", "dark blue"]}
    publish_rows(tmp_path / "lexicons" / "colours" / "flags" / "web" / "0000.json", [flags], FLAG_SCHEMA)
    corpus = tmp_path / "corpora" / "main"
    schema = pa.schema([("id", pa.string()), ("kept", pa.bool_()), ("reason", pa.string()), (rule, pa.bool_())])
    selection = corpus / "selection" / "web" / "0000.json"
    publish_rows(selection, [{"id": row["id"], "kept": False, "reason": rule, rule: False}], schema)
    summarise(selection, thresholds={rule: {"all": ["lexicon.colours.matches", "<=", 0]}})
    text = said(tmp_path, row["id"], capsys)
    assert f"removed by the filters, first by {rule}" in text
    assert "FAILS  3 <= 0 (red, dark blue)" in text


def test_why_a_document_went(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = said(results, "web:0-0", capsys)
    assert f"corpus main: removed by the filters, first by {RULE}" in text
    assert f"FAILS  {len(document(0, 0)['text'])} >= 60" in text
    assert "removed as a copy of web:0-4" in said(results, "web:1-1", capsys)
    assert "survives in place of web:1-1 (near, source web, part 0001)" in said(results, "web:0-4", capsys)
    assert "removed because it holds evaluation items" in said(results, "web:1-2", capsys)
    assert "paragraph 2 (120 characters) cut out, since web:0-3 has it too" in said(results, "web:1-4", capsys)
    assert "holds quiz:7 of task quiz at characters 4 to 20: cut out" in said(results, "web:1-3", capsys)


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ("web:1-66", "There is no document with the id web:1-66 under"),
        ("web:1-66", "near it are web:1-6"),
        ("https://example.org/1-66", "no document with the url"),
        ("example.org/1-66", "no document with the url"),
        ("nowhere", "the sources are web"),
        ("web:7-7", "web:7-7 is no document: its record is quarantined as bad_utf8 (a.warc, 7-7)"),
    ],
)
def test_what_is_not_there(wanted: str, sentence: str, results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert trace.main([wanted, "--results", str(results)]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("error: ")
    assert shown.err.count("\n") == 1
    assert sentence in shown.err


def test_an_empty_folder_is_no_result(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert trace.main(["web:1", "--results", str(tmp_path)]) == 1
    assert "holds no documents; run the workflow" in capsys.readouterr().err


def test_two_documents_of_one_url_are_told_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{**document(0, number), "url": "https://example.org/"} for number in range(2)]
    publish_rows(tmp_path / "sources" / "web" / "documents" / "0000.json", rows, DOCUMENT_SCHEMA)
    assert trace.main(["https://example.org/", "--results", str(tmp_path)]) == 1
    assert "is the URL of 2 documents (web:0-0, web:0-1); name one." in capsys.readouterr().err
    assert "no corpus has judged it" in said(tmp_path, "web:0-1", capsys)


def test_a_document_of_which_nothing_is_left_is_told_from_one_that_is_not_curated_yet(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [document(0, 4), document(0, 5)]
    publish_rows(tmp_path / "sources" / "web" / "documents" / "0000.json", rows, DOCUMENT_SCHEMA)
    corpus = tmp_path / "corpora" / "main"
    publish_rows(corpus / "selection" / "web" / "0000.json", [fate(row, "0000") for row in rows], SELECTION_SCHEMA)
    assert "corpus main: selected, but not among its curated documents" in said(tmp_path, "web:0-4", capsys)
    curated = publish_rows(corpus / "documents" / "web" / "0000.json", [{**rows[1], "split": "train"}], CURATED_SCHEMA)
    assert "corpus main: selected, but not among its curated documents" in said(tmp_path, "web:0-4", capsys)
    manifest = json.loads(curated.read_text("utf-8"))
    manifest["accounting"] |= {"in": 2, "removed": {"nothing_left": 1}}
    curated.write_text(canonical_json(manifest), encoding="utf-8")
    assert "corpus main: removed because cuts and edits" in said(tmp_path, "web:0-4", capsys)
    assert "corpus main: kept, split train" in said(tmp_path, "web:0-5", capsys)


def test_shards_of_other_documents_are_noticed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    row = {**document(0, 4), "split": "train"}
    publish_rows(tmp_path / "sources" / "web" / "documents" / "0000.json", [row], DOCUMENT_SCHEMA)
    corpus = tmp_path / "corpora" / "main"
    publish_rows(corpus / "selection" / "web" / "0000.json", [fate(row, "0000")], SELECTION_SCHEMA)
    publish_rows(corpus / "documents" / "web" / "0000.json", [row], CURATED_SCHEMA)
    publish_shards(tmp_path / "shards" / "main" / "small" / "web", "0000", [{**row, "id": "web:other"}])
    assert trace.main(["web:0-4", "--results", str(tmp_path)]) == 1
    assert "was made of other documents" in capsys.readouterr().err
