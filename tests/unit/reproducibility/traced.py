"""Small results to trace in, and the two ways to ask."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from scripts.cleaning.curate import CURATED_SCHEMA
from scripts.cleaning.decontaminate import CONTAMINATION_SCHEMA
from scripts.cleaning.deduplicate import DUPLICATE_SCHEMA, PARAGRAPH_SCHEMA
from scripts.lib.canonical import canonical_json
from scripts.lib.documents import DOCUMENT_SCHEMA
from scripts.lib.indexed import IndexedWriter
from scripts.lib.special_tokens import SPECIAL_COUNT
from scripts.lib.step import Step, step_parser
from scripts.lib.streams import document_key
from scripts.reproducibility import trace
from scripts.shards import index, pack
from tests.making import arguments, publish_rows

SPLITS = ("train", "validation", "test")
RULE, FITNESS = "length.min_characters", "length.fitness"
SELECTION_SCHEMA = pa.schema(
    [("id", pa.string()), ("kept", pa.bool_()), ("reason", pa.string()), (RULE, pa.bool_()), (FITNESS, pa.bool_())]
)
ANNOTATION_SCHEMA = pa.schema([("id", pa.string()), ("language", pa.string()), ("characters", pa.int64())])
TRAINING = {"steps": 6, "sequence_length": 8, "global_batch": 2}
MODEL = {
    "corpus": "main",
    "tokenizer": "small",
    "objective": "causal",
    "weights": {},
    "seed": 3,
    "training": TRAINING,
}
SOURCES = {"web": 10, "books": 6}  # documents of each of the two parts


def summarise(manifest: Path, **summary: Any) -> None:
    """Put a summary into a manifest that is there."""
    found = json.loads(manifest.read_text("utf-8"))
    found["summary"] = summary
    manifest.write_text(canonical_json(found), encoding="utf-8")


def document(part: int, number: int, source: str = "web") -> dict[str, Any]:
    name = f"{part}-{number}"
    text = f"Document {name} of 🙂 writer{number}@example.org. " + "More words follow here. " * number
    url = f"https://{'example' if source == 'web' else source}.org/{name}"
    return {"id": f"{source}:{name}", "text": text, "url": url, "language": "en", "license": "CC0"}


def fate(row: dict[str, Any], part: str) -> dict[str, Any]:
    kept = not row["id"].endswith("-0")
    return {"id": row["id"], "kept": kept, "reason": None if kept else RULE, RULE: kept, FITNESS: None}


def publish_shards(folder: Path, part: str, curated: list[dict[str, Any]]) -> Path:
    """Publish the shards of a part: a token for every word."""
    manifest = folder / f"{part}.json"
    step = Step("scripts.lib.step", step_parser("").parse_args(["--settings", "{}", "--manifest", str(manifest)]))
    with step.publish(records=False) as out:
        for split in SPLITS:
            mine = [row for row in curated if row["split"] == split]
            stem = f"{part}.{split}"
            with IndexedWriter(out.file(f"{stem}.bin"), out.file(f"{stem}.idx"), np.uint16) as writer:
                for row in mine:
                    writer.add(SPECIAL_COUNT + np.arange(len(row["text"].split())))
            out.file(f"{stem}.keys").write_bytes(b"".join(document_key(row["id"]) for row in mine))
        out.summary["tokenizer_digest"] = "digest"
    return manifest


def publish_model(
    folder: Path,
    name: str,
    shards: list[Path],
    model: str = "tiny",
    inputs: Mapping[str, list[Path]] = MappingProxyType({}),
    **more: Any,
) -> None:
    """Publish a manifest with the provenance of a model that was trained on shards, and on further `inputs` by their roles."""
    manifest = folder / "models" / model / f"{name}.json"
    line = ["--settings", canonical_json(MODEL | more), "--manifest", str(manifest)]
    step = Step("scripts.lib.step", step_parser("").parse_args(line))
    step.settings.plain()
    for role, manifests in {"shards": shards, **inputs}.items():
        for one in manifests:
            step.read(role, one)
    with step.publish(records=False):
        pass


def publish_source(root: Path, source: str) -> list[Path]:
    """Publish the documents of a source in two parts, up to their shards, which are returned, and the order of these."""
    corpus, shards, made = root / "corpora" / "main", root / "shards" / "main" / "small" / source, []
    for number in range(2):
        part = f"{number:04d}"
        rows = [document(number, one, source) for one in range(SOURCES[source])]
        publish_rows(root / "sources" / source / "documents" / f"{part}.json", rows, DOCUMENT_SCHEMA)
        measured = [{"id": row["id"], "language": "en", "characters": len(row["text"])} for row in rows]
        publish_rows(root / "sources" / source / "annotations" / f"{part}.json", measured, ANNOTATION_SCHEMA)
        selection = corpus / "selection" / source / f"{part}.json"
        publish_rows(selection, [fate(row, part) for row in rows], SELECTION_SCHEMA)
        limits = {RULE: {"all": ["characters", ">=", 60], "unspaced": ["characters", ">=", 30]}, FITNESS: {"all": []}}
        summarise(selection, thresholds=limits)
        curated = [
            {**row, "text": row["text"].replace(f"writer{one}@example.org", "<EMAIL>"), "split": split}
            for one, row in enumerate(rows)
            if one > 2
            for split in ["validation" if one == 5 else "train"]
        ]
        publish_rows(corpus / "documents" / source / f"{part}.json", curated, CURATED_SCHEMA)
        made.append(publish_shards(shards, part, curated))
    order = arguments({"parts": [path.stem for path in made]}, shards=made, manifest=shards / "order.json")
    assert index.main(order) == 0
    return made


def publish_results(root: Path) -> Path:
    """Publish the results of a corpus of two parts with ten documents each, up to a model."""
    corpus, made = root / "corpora" / "main", publish_source(root, "web")
    copy = {
        "id": "web:1-1",
        "source": "web",
        "part": "0001",
        "kind": "near",
        "survivor": "web:0-4",
        "cluster": "web:0-4",
    }
    cut = {"id": "web:1-4", "source": "web", "part": "0001", "paragraph": 2, "characters": 120, "survivor": "web:0-3"}
    publish_rows(corpus / "duplicates.json", [copy], DUPLICATE_SCHEMA, paragraphs=([cut], PARAGRAPH_SCHEMA))
    place = {"source": "web", "part": "0001", "task": "quiz", "item": "quiz:7", "start": 4, "stop": 20}
    held = [{"id": "web:1-2", **place, "removed": True}, {"id": "web:1-3", **place, "removed": False}]
    publish_rows(corpus / "contamination.json", held, CONTAMINATION_SCHEMA)
    publish_model(root, "plan", made)
    broken = {"file": "a.warc", "reason": "bad_utf8", "position": "7-7", "sample": "\ufffd"}
    path = root / "sources" / "web" / "documents" / "0000.quarantine.jsonl"
    path.write_text(canonical_json({**broken, "position": 3}) + "\n" + canonical_json(broken) + "\n", encoding="utf-8")
    return root


def publish_mixture(root: Path, chosen: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Publish two sources, up to a model of other settings; return of every source the folder of its shards and its parts."""
    shards = {source: publish_source(root, source) for source in SOURCES}
    orders = [made[0].with_name("order.json") for made in shards.values()]
    length, packings = chosen["training"]["sequence_length"], []
    if chosen["training"]["packing"] == "best_fit":
        packings = [order.with_name(f"pack-{length}.json") for order in orders]
        for order, manifest in zip(orders, packings, strict=True):
            assert pack.main(arguments({"sequence_length": length}, order=order, manifest=manifest)) == 0
    inputs = {"orders": orders, "packings": packings}
    publish_model(root, "plan", [path for made in shards.values() for path in made], inputs=inputs, **chosen)
    return {
        source: {"folder": made[0].parent, "parts": [path.stem for path in made]} for source, made in shards.items()
    }


def asked(results: Path, wanted: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert trace.main([wanted, "--results", str(results), "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def said(results: Path, wanted: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert trace.main([wanted, "--results", str(results)]) == 0
    return capsys.readouterr().out
