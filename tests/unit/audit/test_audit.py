"""The audit counts exactly, and its gate fails the build with one sentence."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import pytest

from scripts.audit import audit
from scripts.audit.groups import identity_terms, mentioned, removal_ratio
from scripts.cleaning import select
from scripts.cleaning.annotate import ANNOTATION_SCHEMA
from tests.making import arguments, publish_curated, publish_documents, publish_rows
from tests.unit.cleaning.test_filters import passing_row


def corpus(folder: Path, parts: int, lost: int) -> dict[str, list[Path]]:
    """A source of 100 documents: 50 mention a group, of which `lost` go, and of the other 50 go 5."""
    texts = {
        f"web:{i}": f"A wheelchair stood in room {i}." if i % 2 else f"A chair stood in room {i}." for i in range(100)
    }
    with_, without = [key for key in texts if int(key[4:]) % 2], [key for key in texts if int(key[4:]) % 2 == 0]
    gone = {*with_[:lost], *without[:5]}
    made: dict[str, list[Path]] = {"documents": [], "selections": [], "curated": []}
    for part in range(parts):
        mine = dict(list(texts.items())[part::parts])
        rows = [{**passing_row(key), "language": "xx" if key in gone else "en"} for key in mine]
        annotations = publish_rows(folder / "annotations" / f"{part:04d}.json", rows, ANNOTATION_SCHEMA)
        selected = folder / "selection" / f"{part:04d}.json"
        settings = {"families": [], "thresholds": {}, "languages": ["en"]}
        assert select.main(arguments(settings, annotations=annotations, manifest=selected)) == 0
        kept = {key: text for key, text in mine.items() if key not in gone}
        made["documents"].append(publish_documents(folder / "documents" / f"{part:04d}.json", mine))
        made["selections"].append(selected)
        made["curated"].append(publish_curated(folder / "curated" / f"{part:04d}.json", kept))
    return made


def run_audit(folder: Path, parts: int = 1, lost: int = 5, limit: float | None = 3, expect: int = 0) -> Path:
    made = corpus(folder, parts, lost)
    settings = {
        "corpus": "main",
        "sources": [{"name": "web", "parts": parts}],
        "max_removal_ratio": limit,
        "minimum_mentions": 30,
    }
    manifest = folder / "audit.json"
    assert audit.main(arguments(settings, **made, manifest=manifest)) == expect
    return folder / "audit"


def test_numbers_are_exact(tmp_path: Path) -> None:
    numbers = json.loads((run_audit(tmp_path, lost=10) / "audit.json").read_text("utf-8"))
    web = numbers["sources"]["web"]
    assert (web["documents"], web["kept"], web["failed"]) == (100, 85, {"language": 15})
    (group,) = (row for row in numbers["groups"] if row["group"] == "disability")
    assert (group["mentions"], group["removed"], group["kept"]) == (50, 10, 40)
    assert group["removal"]["ratio"] == 2.0
    spread = 1.959964 * math.sqrt(1 / 10 - 1 / 50 + 1 / 5 - 1 / 50)
    assert group["removal"]["low"] == pytest.approx(2 * math.exp(-spread), abs=1e-4)
    assert group["removal"]["high"] == pytest.approx(2 * math.exp(spread), abs=1e-4)


def test_the_gate_fails_the_build_and_publishes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = run_audit(tmp_path, lost=45, expect=1)
    said = capsys.readouterr().err
    assert "error: Corpus main: of 50 documents that mention the group disability, 45 are removed" in said
    assert "max_removal_ratio (3)" in said
    assert not folder.exists()
    assert not folder.with_suffix(".json").exists()


def test_the_gate_can_be_switched_off(tmp_path: Path) -> None:
    assert (run_audit(tmp_path, lost=45, limit=None) / "card.md").read_text("utf-8").count("disability") == 1


def test_parts_do_not_count(tmp_path: Path) -> None:
    one, three = run_audit(tmp_path / "one"), run_audit(tmp_path / "three", parts=3)
    for name in ("audit.json", "index.html", "card.md"):
        assert (one / name).read_bytes() == (three / name).read_bytes()


def test_the_page_stands_alone(tmp_path: Path) -> None:
    page = (run_audit(tmp_path) / "index.html").read_text("utf-8")
    assert not re.search(r"(src|href)=.?https?:", page)
    for heading in ("What stayed", "Whom the filters touch", "Every verdict", "What the corpus holds"):
        assert heading in page


def test_mentions_are_whole_words() -> None:
    assert mentioned("The WOMEN spoke.") == ["gender-women"]
    assert mentioned("Germany and womenfolk") == []
    assert "sexual-orientation" in mentioned("a same-sex couple")
    assert len(identity_terms()) == 14


def test_a_ratio_needs_something_to_compare() -> None:
    assert removal_ratio(0, 10, 0, 10) is None
    assert removal_ratio(1, 10, 1, 0) is None
    ratio = removal_ratio(0, 100, 10, 100)
    assert ratio is not None
    assert ratio.low < ratio.ratio < 0.2 < 1
