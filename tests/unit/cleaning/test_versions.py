"""Of documents with one id the same one stays, whatever the parts of its source."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scripts.audit.parts import Part, later_reasons, read_part
from scripts.cleaning import curate, deduplicate, select, signatures
from scripts.cleaning.annotate import ANNOTATION_SCHEMA
from scripts.cleaning.decontaminate import CONTAMINATION_SCHEMA
from scripts.lib.documents import read_rows
from scripts.lib.manifest import open_artefact
from scripts.lib.versions import source_id, source_ids, version_id
from tests.making import arguments, publish_rows
from tests.unit.cleaning.test_filters import passing_row
from tests.unit.sources.running import run_extract, run_fetch

FILES = {
    "a": [("k1", "One bee."), ("k2", "Two bees in a row."), ("k2", "Two bees in a longer row."), ("k3", "Three bees.")],
    "b": [
        ("k1", "One bee, and this is the longest."),
        ("k3", "Three bees."),
        ("k3", "Three bees."),
        ("k4", "Four bees."),
    ],
    "c": [("k2", "Two."), ("k3", "Three bees that are unwanted, in the longest of all texts."), ("k1", "One bee!")],
}
STAYS = {
    "s:k1": "One bee, and this is the longest.",
    "s:k2": "Two bees in a longer row.",
    "s:k3": "Three bees.",
    "s:k4": "Four bees.",
}


def brought(root: Path, parts: int) -> list[Path]:
    """The documents of the files, by manifest."""
    for name, rows in FILES.items():
        text = "".join(json.dumps({"id": key, "text": text}) + "\n" for key, text in rows)
        (root / f"{name}.jsonl").write_text(text)
    found = []
    for part in range(parts):
        code, raw = run_fetch(root, [{"path": f"{root}/*.jsonl"}], part, parts)
        assert code == 0
        code, manifest = run_extract(raw, "jsonl")
        assert code == 0
        rows = [row["id"] for row in read_rows(manifest.with_suffix(".parquet"))]
        assert len(rows) == len(set(rows))  # the tables of all later steps tell documents of a part by their ids
        found.append(manifest)
    return found


def curated(root: Path, parts: int) -> dict[str, str]:
    """Text by id of what the corpus of the source keeps."""
    all_documents, signed, selected, annotated = brought(root, parts), [], [], []
    for documents in all_documents:
        signed.append(root / "signatures" / documents.name)
        settings = {"shingle": 5, "permutations": 128, "seed": 1}
        assert signatures.main(arguments(settings, documents=documents, manifest=signed[-1])) == 0
        rows = [
            {**passing_row(row["id"]), "language": "xx" if "unwanted" in row["text"] else "en"}
            for row in read_rows(documents.with_suffix(".parquet"))
        ]
        annotated.append(publish_rows(root / "annotations" / documents.name, rows, ANNOTATION_SCHEMA))
        selected.append(root / "selection" / documents.name)
        chosen = {"families": [], "thresholds": {}, "languages": ["en"], "overrides": [], "url_lists": {}}
        assert select.main(arguments(chosen, annotations=annotated[-1], manifest=selected[-1])) == 0
    duplicates = root / "duplicates.json"
    settings = {"sources": [{"name": "s", "parts": parts}], "exact": False, "near": None, "paragraphs": None}
    assert deduplicate.main(arguments(settings, signatures=signed, selections=selected, manifest=duplicates)) == 0
    contamination = publish_rows(root / "contamination.json", [], CONTAMINATION_SCHEMA)
    settings = {"source": "s", "line_edits": [], "pii": [], "seed": 1, "split": {"validation": 0.5, "test": 0.0}}
    found: dict[str, str] = {}
    for documents, measured, selection in zip(all_documents, annotated, selected, strict=True):
        manifest = root / "curated" / documents.name
        given = {
            "documents": documents,
            "annotations": measured,
            "selection": selection,
            "duplicates": duplicates,
            "contamination": contamination,
        }
        assert curate.main(arguments(settings, **given, manifest=manifest)) == 0
        rows = pq.read_table(manifest.with_suffix(".parquet")).to_pylist()
        assert not found.keys() & {row["id"] for row in rows}
        found |= {row["id"]: row["text"] for row in rows}
        artefacts = map(open_artefact, (documents, measured, selection, manifest))
        later = later_reasons("s", documents.stem, open_artefact(duplicates), open_artefact(contamination))
        seen = list(read_part(Part("s", *artefacts), later))
        assert {one.curated for one in seen} - {None} == {row["text"] for row in rows}
    return found


@pytest.mark.parametrize("parts", [1, 2, 3])
def test_the_same_documents_stay_whatever_the_parts(tmp_path: Path, parts: int) -> None:
    assert curated(tmp_path, parts) == STAYS


def test_a_mark_is_known_from_what_stands_in_an_id() -> None:
    marked = version_id("s:k1", "text")
    assert marked != version_id("s:k1", "other")
    assert source_id(marked) == "s:k1"
    ids = ["s:k1", marked, "s:#version-12", "s:#version-0123456789abcdef/2"]
    expected = ["s:k1", "s:k1", *ids[2:]]
    assert [source_id(identifier) for identifier in ids] == expected
    assert source_ids(pa.array(ids)).to_pylist() == expected
    assert source_ids(pa.array([one.encode() for one in ids], pa.large_binary())).to_pylist() == [
        one.encode() for one in expected
    ]
