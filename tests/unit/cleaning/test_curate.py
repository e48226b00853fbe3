"""Personal data is replaced, look-alikes are left alone, and every document is accounted for."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scripts.cleaning import curate
from scripts.cleaning.decontaminate import CONTAMINATION_SCHEMA
from scripts.cleaning.deduplicate import DUPLICATE_SCHEMA
from scripts.cleaning.pii import KINDS, replace_pii
from scripts.lib.manifest import load_manifest
from tests.making import arguments, publish_documents, publish_rows

ALL = list(KINDS)
POSITIVE = {
    "email": "jane.doe@example.org|a+b@mail.example.co.uk|UPPER@EXAMPLE.COM|x_y-z@sub.domain.info|o'brien@example.ie"
    "|first.last@uni-heidelberg.de|me@xn--bcher-kva.example",
    "ip": "192.168.0.1|8.8.8.8|203.0.113.254|2001:db8::1|fe80::1ff:fe23:4567:890a|2001:0db8:85a3:0000:0000:8a2e:0370:7334",
    "card": "4111 1111 1111 1111|5500-0000-0000-0004|340000000000009|6011000000000004|3530111333300000",
    "iban": "DE89 3704 0044 0532 0130 00|GB29NWBK60161331926819|FR1420041010050500013M02606|NL91ABNA0417164300",
    "phone": "+49 30 901820|+1 (555) 123-4567|(212) 555-0187|555-867-5309|+44 20 7946 0958|030 1234567|+33 1 23 45 67 89",
}
NEGATIVE = [
    "version 10.0.1.2 of the library",
    "EC 3.2.1.23 cleaves lactose",
    "999.999.999.999 is no address",
    "the ratio was 1.2.3",
    "ISBN 978-3-16-148410-0",
    "on 2024-01-31 at 12:30:45",
    "1234 5678 9012 3456 fails the check",
    "order 0000000000000000",
    "DE00 3704 0044 0532 0130 00 has wrong digits",
    "C++ std::vector::iterator",
    "time 12:30::45",
    "someone @ somewhere . org",
    "follow @handle on the site",
    "pages 1234-5678",
    "between 1914-1918 and 1939-1945",
    "population 8,336,817",
    "3.14159265358979",
    "doi:10.1000/182",
    "$1,234,567.89",
    "a total of 1 000 000 people",
]


@pytest.mark.parametrize(("kind", "text"), [(k, t) for k, texts in POSITIVE.items() for t in texts.split("|")])
def test_personal_data_is_replaced(kind: str, text: str) -> None:
    replaced, counts = replace_pii(f"Write to {text}, please.", ALL)
    assert KINDS[kind][2] in replaced
    assert counts[kind] == 1


@pytest.mark.parametrize("text", NEGATIVE)
def test_what_only_looks_like_it_is_left_alone(text: str) -> None:
    assert replace_pii(text, ALL)[0] == text


def test_only_the_kinds_that_are_asked_for_are_replaced() -> None:
    text = "jane@example.org from 192.168.0.1"
    assert replace_pii(text, ["ip"])[0] == "jane@example.org from <IP>"
    assert replace_pii(text, [])[0] == text


TEXTS = {f"books:{i}": f"Text {i} by writer{i}@example.org" for i in range(200)}
SELECTION = pa.schema([("id", pa.string()), ("kept", pa.bool_()), ("reason", pa.string())])


def run_curate(folder: Path, texts: dict[str, str], part: str = "0000", line_edits: list[str] | None = None) -> Path:
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


def test_lines_are_edited_before_personal_data_and_a_text_without_lines_goes(tmp_path: Path) -> None:
    texts = {
        "books:0": "Write to jane@example.org today.\nHome",
        "books:5": "Home\nContact",
        "books:6": "",
    }
    manifest = run_curate(tmp_path, texts, line_edits=["c4"])
    content = load_manifest(manifest)
    assert content["accounting"] == {"in": 3, "kept": 2, "removed": {"c4.no_lines": 1}, "quarantined": {}}
    assert content["summary"]["line_edits"]["lines"] == {"no_terminal_punctuation": 3}
    assert content["summary"]["line_edits"]["characters"] == {
        "citations": 0,
        "layout": 2,
        "no_terminal_punctuation": 15,
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
