"""Every document has one fate and one split, and what was replaced in it is counted."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from scripts.cleaning import curate
from scripts.cleaning.decontaminate import CONTAMINATION_SCHEMA
from scripts.cleaning.deduplicate import DUPLICATE_SCHEMA
from scripts.lib.manifest import load_manifest
from tests.making import arguments, publish_documents, publish_rows

TEXTS = {f"books:{i}": f"Text {i} by writer{i}@example.org" for i in range(200)}
SELECTION = pa.schema([("id", pa.string()), ("kept", pa.bool_()), ("reason", pa.string())])


def run_curate(folder: Path, texts: dict[str, str], part: str = "0000") -> Path:
    reasons = {"books:1": "gopher_quality.min_words", "books:2": None}
    rows = [{"id": key, "kept": not reasons.get(key), "reason": reasons.get(key)} for key in texts]
    selection = publish_rows(folder / "selection" / f"{part}.json", rows, SELECTION)
    documents = publish_documents(folder / "documents" / f"{part}.json", texts)
    gone = [
        {"id": "books:2", "source": "books", "part": part, "kind": "near", "survivor": "web:1", "cluster": "web:1"},
        {"id": "books:3", "source": "web", "part": part, "kind": "near", "survivor": "web:1", "cluster": "web:1"},
    ]
    held = [
        {"id": name, "source": "books", "part": part, "task": "quiz", "item": "quiz:0"}
        for name in ("books:2", "books:4")
    ]
    duplicates = publish_rows(folder / "duplicates.json", gone, DUPLICATE_SCHEMA)
    contamination = publish_rows(folder / "contamination.json", held, CONTAMINATION_SCHEMA)
    manifest = folder / "curated" / f"{part}.json"
    settings = {"source": "books", "pii": ["email"], "split": {"validation": 0.2, "test": 0.1}, "seed": 1}
    line = arguments(
        settings,
        documents=documents,
        selection=selection,
        duplicates=duplicates,
        contamination=contamination,
        manifest=manifest,
    )
    assert curate.main(line) == 0
    return manifest


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


def test_a_split_is_a_matter_of_the_document_alone(tmp_path: Path) -> None:
    whole = pq.read_table(run_curate(tmp_path / "a", TEXTS).with_suffix(".parquet"))
    half = pq.read_table(run_curate(tmp_path / "b", dict(list(TEXTS.items())[::2])).with_suffix(".parquet"))
    splits = dict(zip(whole["id"].to_pylist(), whole["split"].to_pylist(), strict=True))
    for key, split in zip(half["id"].to_pylist(), half["split"].to_pylist(), strict=True):
        assert splits[key] == split
    shares = {name: list(splits.values()).count(name) / len(splits) for name in ("train", "validation", "test")}
    assert abs(shares["validation"] - 0.2) < 0.08
    assert abs(shares["test"] - 0.1) < 0.06
