"""The audit counts exactly, whatever the parts; its gates fail the build with one sentence and publish nothing."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from scripts.audit import audit
from scripts.audit.bars import bars, table
from scripts.cleaning import curate, select
from scripts.cleaning.annotate import ANNOTATION_SCHEMA
from scripts.cleaning.curve import curve
from scripts.cleaning.decontaminate import CONTAMINATION_SCHEMA
from scripts.cleaning.deduplicate import DUPLICATE_SCHEMA, PARAGRAPH_SCHEMA
from scripts.cleaning.overlap import OVERLAP_SCHEMA
from scripts.lib.documents import DOCUMENT_SCHEMA
from scripts.lib.manifest import load_manifest, provenance_path
from tests.making import arguments, publish_rows
from tests.unit.cleaning.test_filters import passing_row

FOUND = {"documents": 1, "cut": 0, "items": 1, "of": 9, "together": 0, "too_short": 7}
RULE = "length.min_characters"


def web(number: int, lost: int) -> dict[str, Any]:
    """One of 100 documents: odd ones mention a group, of which the first `lost` are too short, as are five even ones."""
    odd = number % 2 == 1
    return {
        "id": f"web:{number}",
        "text": f"A {'wheelchair' if odd else 'chair'} in room {number}: a@b.org",
        "language": "en",
        "license": "CC0-1.0",
        "date": "1998-05" if odd else None,
        "characters": 5 if number // 2 < (lost if odd else 5) else 500,
    }


OTHER = [
    {"id": "other:0", "text": "Der Rollstuhl, the wheelchair", "language": "de", "license": "X", "characters": 90},
    {"id": "other:1", "text": "Eine Kopie", "language": "de", "license": "X", "characters": 90},
    {"id": "other:2", "text": "Eine Aufgabe", "language": "de", "license": "X", "characters": 90},
]


def publish_found(folder: Path, copies: Sequence[str], tasks: Sequence[str]) -> dict[str, Path]:
    """Publish which documents are near-duplicates, and which hold an item."""
    duplicates = [
        {"id": i, "source": "other", "part": "0000", "kind": "near", "survivor": "other:0", "cluster": "other:0"}
        for i in copies
    ]
    contaminated = [
        {"id": i, "source": "other", "part": "0000", "task": "quiz", "item": "1", "removed": True} for i in tasks
    ]
    near = {"permutations": 128, "bands": 21, "rows": 6, "similarity": 0.7, "curve": curve(21, 6, 128, 0.7)}
    lost = {"other": {"documents": 3, "paragraphs": 4, "characters": 567}}
    told = {"cluster_sizes": {"2": len(copies)}, "near": near, "paragraphs": lost}
    repeated = ([], PARAGRAPH_SCHEMA)
    items = {"quiz": FOUND}
    return {
        "duplicates": publish_rows(folder / "duplicates.json", duplicates, DUPLICATE_SCHEMA, told, paragraphs=repeated),
        "contamination": publish_rows(folder / "contamination.json", contaminated, CONTAMINATION_SCHEMA, items),
    }


HELD_OUT = [
    {
        "split": "validation",
        "source": name,
        "documents": 9,
        "sharing": 2,
        "touched": 3,
        "words": 100,
        "covered": covered,
    }
    for name, covered in (("other", 20), ("web", 30))
]


def publish_overlap(folder: Path) -> Path:
    """Publish how much of the held-out text stands in training text: a quarter."""
    return publish_rows(folder / "overlap.json", [], OVERLAP_SCHEMA, {"held_out": HELD_OUT})


def publish_part(
    folder: Path, source: str, part: str, rows: list[dict[str, Any]], found: dict[str, Path]
) -> list[Path]:
    """Publish documents and annotations of a part, and run the programs that decide on them."""
    places = [
        folder / stage / source / f"{part}.json" for stage in ("documents", "annotations", "selection", "curated")
    ]
    documents, annotations, selection, curated = places
    publish_rows(documents, rows, DOCUMENT_SCHEMA)
    measured = [
        {**passing_row(row["id"]), "language": row["language"], "words": 6, "characters": row["characters"]}
        for row in rows
    ]
    publish_rows(annotations, measured, ANNOTATION_SCHEMA)
    rules: dict[str, Any] = {
        "families": ["length"],
        "thresholds": {},
        "languages": ["en", "de"],
        "overrides": [],
        "url_lists": {},
    }
    assert select.main(arguments(rules, annotations=annotations, manifest=selection)) == 0
    shape = {
        "source": source,
        "line_edits": [],
        "pii": ["email"],
        "split": {"validation": 0.0, "test": 0.0},
        "seed": 1,
    }
    inputs = {"documents": documents, "annotations": annotations, "selection": selection, **found}
    assert curate.main(arguments(shape, **inputs, manifest=curated)) == 0
    return places


def run_audit(folder: Path, parts: int = 1, lost: int = 5, expect: int = 0, **limits: Any) -> Path:
    """Publish two sources, audit them through the program, and return the folder of the audit."""
    found = publish_found(folder, ["other:1"], ["other:2"])
    rows = [web(number, lost) for number in range(100)]
    places = [publish_part(folder, "other", "0000", OTHER, found)]
    places += [publish_part(folder, "web", f"{part:04d}", rows[part::parts], found) for part in range(parts)]
    roles = dict(
        zip(("documents", "annotations", "selections", "curated"), map(list, zip(*places, strict=True)), strict=True)
    )
    settings = {
        "corpus": "main",
        "sources": [{"name": "other", "parts": 1}, {"name": "web", "parts": parts}],
        "max_removal_ratio": 3,
        "minimum_mentions": 30,
        "minimum_documents": 1,
        "max_overlap": None,
        **limits,
    }
    inputs = {**roles, **found, "overlap": publish_overlap(folder)}
    assert audit.main(arguments(settings, **inputs, manifest=folder / "audit.json")) == expect
    return folder / "audit"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_audit(tmp_path_factory.mktemp("audit"), lost=10)


def numbers_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "audit.json").read_text("utf-8"))
    return found


def test_documents_add_up(made: Path) -> None:
    numbers = numbers_of(made)
    source, other = numbers["sources"]["web"], numbers["sources"]["other"]
    assert (source["before"]["documents"], source["after"]["documents"]) == (100, 85)
    assert source["removed"] == {RULE: 15}
    assert source["failed"] == {RULE: 15, "language": 0}
    assert other["removed"] == {"near_duplicate": 1, "contaminated": 1}
    account = load_manifest(made.with_suffix(".json"))["accounting"]
    assert account == {
        "in": 103,
        "kept": 86,
        "removed": {RULE: 15, "near_duplicate": 1, "contaminated": 1},
        "quarantined": {},
    }


def test_amounts_are_exact(made: Path) -> None:
    numbers = numbers_of(made)
    after = numbers["sources"]["web"]["after"]
    kept = [row for row in (web(number, 10) for number in range(100)) if row["characters"] > 20]
    assert after["words"] == 6 * 85
    assert after["bytes"] == sum(len(row["text"].replace("a@b.org", "<EMAIL>")) for row in kept)
    assert after["decades"] == {"1990s": 40, "not known": 45}
    assert after["lengths"] == {"3": 85}
    assert numbers["total"]["after"]["licenses"] == {"CC0-1.0": 85, "X": 1}
    assert numbers["total"]["pii"] == {"email": 85}
    assert numbers["duplicates"]["cluster_sizes"] == {"2": 1}


def test_the_ratio_of_a_group_is_that_of_the_searched_documents(made: Path) -> None:
    numbers = numbers_of(made)
    (group,) = (row for row in numbers["groups"] if row["mentions"])
    assert (group["group"], group["searched"], group["mentions"]) == ("disability", 100, 50)  # German is not searched
    assert (group["removed"], group["kept"], group["reasons"]) == (10, 40, {RULE: 10})
    assert (group["share_before"], group["share_after"]) == (0.5, round(40 / 85, 4))
    spread = 1.959964 * math.sqrt(1 / 10 - 1 / 50 + 1 / 5 - 1 / 50)
    bounds = {"ratio": 2.0, "low": round(2 * math.exp(-spread), 4), "high": round(2 * math.exp(spread), 4)}
    assert group["removal"] == bounds


def test_a_gate_fails_the_build_and_publishes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = run_audit(tmp_path, lost=45, expect=1)
    said = capsys.readouterr().err
    assert "disability: 50 mentions, 45 removed" in said
    (sentence,) = (line for line in said.splitlines() if line.startswith("error: "))
    assert "Corpus main: of 50 documents that mention the group disability, 45 are removed, 9.00 times" in sentence
    assert f"loosen corpora.main.filters.thresholds.{RULE}" in sentence
    assert "raise corpora.main.audit.max_removal_ratio (3)" in sentence
    manifest = folder.with_suffix(".json")
    assert not any(path.exists() for path in (folder, manifest, provenance_path(manifest)))


@pytest.mark.parametrize("limits", [{"max_removal_ratio": None}, {"max_removal_ratio": 9}, {"minimum_mentions": 51}])
def test_a_gate_passes_within_its_limits(tmp_path: Path, limits: dict[str, Any]) -> None:
    assert "disability (9.00 times)" in (run_audit(tmp_path, lost=45, **limits) / "card.md").read_text("utf-8")


def test_a_corpus_that_keeps_too_little_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_audit(tmp_path, expect=1, minimum_documents=92)
    assert "keeps 91 documents, fewer than corpora.main.audit.minimum_documents (92)" in capsys.readouterr().err


def test_held_out_text_that_was_trained_on_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_audit(tmp_path / "a", max_overlap=0.25)
    run_audit(tmp_path / "b", expect=1, max_overlap=0.24)
    said = capsys.readouterr().err
    assert "50 of 200 words of its validation documents stand in training documents too" in said
    assert "more than corpora.main.audit.max_overlap (0.24)" in said


def test_decisions_of_another_run_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = publish_found(tmp_path, [], [])
    places = publish_part(tmp_path, "other", "0000", OTHER, found)
    found = publish_found(tmp_path, ["other:1"], [])  # curated before this was found
    roles = dict(zip(("documents", "annotations", "selections", "curated"), places, strict=True))
    limits = {"max_removal_ratio": 3, "minimum_mentions": 30, "minimum_documents": 1, "max_overlap": None}
    settings = {"corpus": "main", "sources": [{"name": "other", "parts": 1}], **limits}
    inputs = {**roles, **found, "overlap": publish_overlap(tmp_path)}
    assert audit.main(arguments(settings, **inputs, manifest=tmp_path / "audit.json")) == 1
    assert "does not hold what the decisions on" in capsys.readouterr().err


def test_parts_do_not_count(made: Path, tmp_path: Path) -> None:
    three = run_audit(tmp_path, parts=3, lost=10)
    for name in ("audit.json", "index.html", "card.md"):
        assert (made / name).read_bytes() == (three / name).read_bytes()


class Outline(HTMLParser):
    """What a page refers to, and the text under each of its headings."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.references: list[str] = []
        self.sections: dict[str, str] = {}
        self._heading = self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.references += [value or "" for name, value in attrs if name in ("src", "href")]
        self._heading = tag == "h2"
        self._inside = self._inside or self._heading

    def handle_data(self, data: str) -> None:
        if self._heading:
            self.sections[data] = ""
            self._heading = False
        elif self._inside:
            last = next(reversed(self.sections))
            self.sections[last] += data.strip()


def test_the_page_stands_alone_and_has_no_empty_section(made: Path) -> None:
    page = (made / "index.html").read_text("utf-8")
    outline = Outline()
    outline.feed(page)
    assert outline.references == ["data:,"]
    assert "script" not in outline.tags
    assert not re.search(r"url\(|@import|https?:", page)
    assert len(outline.sections) == 10
    assert all(len(text) > 20 for text in outline.sections.values())


def test_duplicates_are_drawn_and_shown(made: Path) -> None:
    page = (made / "index.html").read_text("utf-8")
    section = page[page.index("<h2>Duplicates") : page.index("<h2>Evaluation items")]
    assert len(re.findall("<polyline", section)) == 2
    assert "an equal band: 0.000 at 0" in section and "dashed: similarity asked for (0.7)" in section
    assert 'aria-label="clusters of 2: 1 · 100.0 % clusters"' in section
    assert re.search(r">other</td>.*>3</td>.*>4</td>.*>567</td>", section)  # paragraphs
    assert re.search(r"removed: other:1 \(other\)</td><td>Eine Kopie<", section)
    assert re.search(r"survivor: other:0 \(other\)</td><td>Der Rollstuhl, the wheelchair<", section)


def test_names_are_escaped() -> None:
    for drawn in (bars([("<b>&", 1)], 1, "documents"), table(["<b>&"], [["<b>&"]])):
        assert "<b>" not in drawn
        assert "&lt;b&gt;&amp;" in drawn
