"""Every document has one fate and one split, and what was replaced in it is counted."""

from __future__ import annotations

import itertools
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scripts.cleaning import curate
from scripts.cleaning.decontaminate import CONTAMINATION_SCHEMA
from scripts.cleaning.deduplicate import DUPLICATE_SCHEMA, PARAGRAPH_SCHEMA
from scripts.cleaning.fates import Following
from scripts.cleaning.minhash import Signatures, permutations
from scripts.cleaning.paragraphs import paragraph_ranges, without
from scripts.lib.documents import DOCUMENT_SCHEMA, DocumentWriter
from scripts.lib.manifest import load_manifest
from tests.making import arguments, publish_documents, publish_languages, publish_rows

TEXTS = {f"books:{i}": f"Text {i} by writer{i}@example.org" for i in range(200)}
SELECTION = pa.schema([("id", pa.string()), ("kept", pa.bool_()), ("reason", pa.string())])


def run_curate(
    folder: Path, texts: dict[str, str], part: str = "0000", line_edits: list[str] | None = None, strange: str = ""
) -> Path:
    """Curate texts of which some go; the table that `strange` names tells of a document that is none of them."""
    reasons = {"books:1": "gopher_quality.min_words", "books:2": None}
    rows = [{"id": key, "kept": not reasons.get(key), "reason": reasons.get(key)} for key in texts]
    selection = publish_rows(folder / "selection" / f"{part}.json", rows, SELECTION)
    documents = publish_documents(folder / "documents" / f"{part}.json", texts)
    annotations = publish_languages(folder / "annotations" / f"{part}.json", texts)
    gone = [
        {"id": "books:2", "source": "books", "part": part, "kind": "near", "survivor": "web:1", "cluster": "web:1"},
        {"id": "books:3", "source": "web", "part": part, "kind": "near", "survivor": "web:1", "cluster": "web:1"},
    ]
    held = [
        {"id": name, "source": "books", "part": part, "task": "quiz", "item": "quiz:0", "removed": True}
        for name in ("books:2", "books:4")
    ]
    cut = [
        {"id": "books:2", "source": "books", "part": part, "paragraph": 0, "characters": 1, "survivor": "web:1"},
        {"id": "books:905", "source": "books", "part": part, "paragraph": 0, "characters": 1, "survivor": "web:1"},
        {"id": "books:905", "source": "books", "part": part, "paragraph": 2, "characters": 1, "survivor": "web:1"},
        {"id": "books:906", "source": "web", "part": part, "paragraph": 0, "characters": 1, "survivor": "web:1"},
    ]
    gone = [row for row in gone if row["id"] in texts or strange == "duplicates"]
    held = [row for row in held if row["id"] in texts or strange == "contamination"]
    cut = [row for row in cut if row["id"] in texts or strange == "paragraphs"]
    repeated = (cut, PARAGRAPH_SCHEMA)
    duplicates = publish_rows(folder / "duplicates.json", gone, DUPLICATE_SCHEMA, paragraphs=repeated)
    contamination = publish_rows(folder / "contamination.json", held, CONTAMINATION_SCHEMA)
    manifest = folder / "curated" / f"{part}.json"
    settings = {
        "source": "books",
        "line_edits": line_edits or [],
        "pii": ["email"],
        "split": {"validation": 0.2, "test": 0.1},
        "seed": 1,
    }
    line = arguments(
        settings,
        documents=documents,
        annotations=annotations,
        selection=selection,
        duplicates=duplicates,
        contamination=contamination,
        manifest=manifest,
    )
    assert curate.main(line) == (1 if strange else 0)
    return manifest


@pytest.mark.parametrize("table", ["duplicates", "contamination", "paragraphs"])
def test_decisions_on_other_documents_are_refused(
    table: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Documents in an order of their own would be, too: a decision that does not come in its place is never used."""
    manifest = run_curate(tmp_path, {"books:4": "x", "books:905": "a\n\nb\n\nc"}, strange=table)
    assert not manifest.exists()
    assert "tells of books:2, which does not come in that order among the documents" in capsys.readouterr().err


def test_decisions_of_a_part_are_found_among_those_of_others(tmp_path: Path) -> None:
    """Row groups of other parts and sources are skipped, and those that hold several are read in part."""
    path, rows = tmp_path / "table.parquet", []
    for source, part in itertools.product(("a", "b", "c"), ("0000", "0001")):
        rows += [{"id": f"{source}{part}:{number // 2}", "source": source, "part": part} for number in range(10)]
    schema = pa.schema([(name, pa.string()) for name in ("id", "source", "part")])
    with DocumentWriter(path, schema) as writer:
        for start in range(0, len(rows), 7):
            writer.write_table(pa.Table.from_pylist(rows[start : start + 7], schema=schema))
    for source, part in itertools.product(("a", "b", "c", "0"), ("0000", "0001", "0002")):
        table, number = Following(path, [], source, part), 0
        for document in range(6):
            number += len(table.of(f"{source}{part}:{document}"))
        table.finish()
        assert number == (0 if source == "0" or part == "0002" else 10)


def test_every_document_has_one_fate(tmp_path: Path) -> None:
    manifest = run_curate(tmp_path, TEXTS)
    account = load_manifest(manifest)["accounting"]
    assert account == {
        "in": 200,
        "kept": 197,
        "removed": {"contaminated": 1, "gopher_quality.min_words": 1, "near_duplicate": 1},
        "quarantined": {},
    }
    rows = pq.read_table(manifest.with_suffix(".parquet")).to_pylist()
    assert {"books:1", "books:2", "books:4"}.isdisjoint(row["id"] for row in rows)
    assert all(row["text"].endswith("<EMAIL>") for row in rows)
    assert load_manifest(manifest)["summary"]["pii"] == {"email": 197}


def test_a_document_that_declares_no_language_has_the_identified_one(tmp_path: Path) -> None:
    texts = {key: key for key in ("books:5", "books:6", "books:7")}
    annotations = publish_languages(tmp_path / "annotations.json", texts, "de").with_suffix(".parquet")
    rows = [{"id": key, "text": key, "language": {"books:6": "en"}.get(key)} for key in texts]
    documents = publish_rows(tmp_path / "documents.json", rows, DOCUMENT_SCHEMA).with_suffix(".parquet")
    found = curate.with_annotations(documents, annotations)
    assert {row["id"]: row["language"] for row in found} == {"books:5": "de", "books:6": "en", "books:7": "de"}
    manifest = run_curate(tmp_path, TEXTS)
    assert set(pq.read_table(manifest.with_suffix(".parquet"))["language"].to_pylist()) == {"en"}


def test_repeated_paragraphs_go_and_are_counted(tmp_path: Path) -> None:
    text = "First one.\n\n\nSecond stays.\n\nThird.\n\nLast, by me@example.org"
    manifest = run_curate(tmp_path, {"books:4": "x", "books:905": text, "books:906": text})
    rows = {row["id"]: row["text"] for row in pq.read_table(manifest.with_suffix(".parquet")).to_pylist()}
    assert rows["books:905"] == "Second stays.\n\nLast, by <EMAIL>"
    assert rows["books:906"] == text.replace("me@example.org", "<EMAIL>")
    summary = load_manifest(manifest)["summary"]
    assert summary["repeated_paragraphs"] == {"documents": 1, "paragraphs": 2, "characters": len("First one.Third.")}


def test_paragraphs_are_cut_with_the_lines_around_them() -> None:
    text = "a\n\nb\n\n\n\nc\nd\n\ne"
    cut = {(0,): "b\n\n\n\nc\nd\n\ne", (2,): "a\n\nb\n\n\n\ne", (3,): "a\n\nb\n\n\n\nc\nd", (0, 1, 2, 3): ""}
    for numbers, left in cut.items():
        assert without(text, paragraph_ranges(text, numbers)) == left


def test_lines_are_edited_before_personal_data_and_a_text_without_lines_goes(tmp_path: Path) -> None:
    texts = {
        "books:0": "Write to jane@example.org today.\nHome",
        "books:5": "Home\nContact",
        "books:6": "",
    }
    manifest = run_curate(tmp_path, texts, line_edits=["c4"])
    content = load_manifest(manifest)
    assert content["accounting"] == {"in": 3, "kept": 2, "removed": {"nothing_left": 1}, "quarantined": {}}
    assert content["summary"]["words"] == 4 + 7  # of what is left, and as measured where nothing was edited
    assert content["summary"]["line_edits"]["lines"] == {"no_terminal_punctuation": 1}
    assert content["summary"]["line_edits"]["characters"] == {
        "citations": 0,
        "layout": 1,
        "no_terminal_punctuation": 4,
    }
    rows = pq.read_table(manifest.with_suffix(".parquet")).to_pylist()
    assert [row["text"] for row in rows] == ["Write to <EMAIL> today.", ""]


def test_a_split_is_a_matter_of_the_document_alone(tmp_path: Path) -> None:
    whole = pq.read_table(run_curate(tmp_path / "a", TEXTS).with_suffix(".parquet"))
    half = pq.read_table(run_curate(tmp_path / "b", dict(list(TEXTS.items())[::2])).with_suffix(".parquet"))
    splits = dict(zip(whole["id"].to_pylist(), whole["split"].to_pylist(), strict=True))
    for key, split in zip(half["id"].to_pylist(), half["split"].to_pylist(), strict=True):
        assert splits[key] == split
    shares = {name: list(splits.values()).count(name) / len(splits) for name in ("train", "validation", "test")}
    assert abs(shares["validation"] - 0.2) < 0.08
    assert abs(shares["test"] - 0.1) < 0.06


def test_a_line_of_invisible_characters_parts_paragraphs(tmp_path: Path) -> None:
    """Signatures number paragraphs in the folded text; the same ones have to go from the text itself."""
    long = [f"{name} " + "words of a paragraph that is long enough " * 4 for name in ("One", "Two", "Three")]
    text = f"{long[0]}\n\u200b\n{long[1]}\n\u00ad\n\n{long[2]}"
    signed = Signatures(pa.array([text]), 5, permutations(8, 1))
    numbers = signed.paragraphs["number"].tolist()
    assert numbers == [0, 1, 2]
    assert [text[slice(*place)].strip("\n\u200b\u00ad") for place in paragraph_ranges(text, numbers)] == long
