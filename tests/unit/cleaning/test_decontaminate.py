"""Evaluation items are found however they are set, nothing else is, and neither parts nor colliding hashes matter."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scripts.cleaning import curate, decontaminate
from scripts.cleaning.contamination import ItemIndex
from scripts.cleaning.deduplicate import DUPLICATE_SCHEMA, PARAGRAPH_SCHEMA
from scripts.cleaning.runs import Rules
from scripts.lib.manifest import load_manifest, open_artefact
from scripts.tasks.prepare import ITEM_SCHEMA
from tests.making import arguments, publish_documents, publish_languages, publish_rows
from tests.real_text import module_documents
from tests.unit.cleaning.planted import canaries

ITEM = "Is the moon made of green cheese or is it made of rock and dust like the earth"
SENTENCE = "What is the capital of France today"
PHRASE = "A fine film"

SOURCE = {"name": "web", "parts": 1, "line_edits": []}
DEFAULTS = {"ngram": 13, "minimum_words": 8, "sentence_words": 5, "remove": "documents"}


def publish_task(folder: Path, name: str, texts: Sequence[str]) -> Path:
    rows = [
        {"id": f"{name}:{number}", "split": "dev", "prompt": "", "contamination_text": [text]}
        for number, text in enumerate(texts)
    ]
    return publish_rows(folder / name / "items.json", rows, ITEM_SCHEMA)


def publish_source(
    folder: Path, texts: dict[str, str], parts: int = 1, lost: Sequence[str] = ()
) -> dict[str, list[Path]]:
    """Publish documents and selections of the source web in parts."""
    made: dict[str, list[Path]] = {"documents": [], "selections": []}
    for part in range(parts):
        mine = dict(list(texts.items())[part::parts])
        made["documents"].append(publish_documents(folder / "documents" / f"{part:04d}.json", mine))
        rows = [{"id": key, "kept": key not in lost, "reason": "x" if key in lost else None} for key in mine]
        made["selections"].append(publish_rows(folder / "selection" / f"{part:04d}.json", rows, SELECTED))
    return made


SELECTED = pa.schema([("id", pa.string()), ("kept", pa.bool_()), ("reason", pa.string())])


def run(
    folder: Path, texts: dict[str, str], items: Sequence[str], parts: int = 1, expect: int = 0, **changes: Any
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Look for items in documents through the program; returns rows and manifest."""
    made = publish_source(folder, texts, parts, changes.pop("lost", ()))
    source = {"name": "web", "parts": parts, "line_edits": changes.pop("line_edits", [])}
    settings = {"sources": [source], "tasks": ["quiz"], **DEFAULTS, **changes}
    manifest = folder / "contamination.json"
    tasks = [publish_task(folder, "quiz", items)]
    assert decontaminate.main(arguments(settings, **made, tasks=tasks, manifest=manifest)) == expect
    return pq.read_table(manifest.with_suffix(".parquet")).to_pylist(), load_manifest(manifest)


def held(texts: dict[str, str], items: Sequence[str], folder: Path, **changes: Any) -> dict[str, set[str]]:
    """Return the numbers of the items that documents hold."""
    found: dict[str, set[str]] = {}
    for row in run(folder, texts, items, **changes)[0]:
        found.setdefault(row["id"], set()).add(row["item"].removeprefix("quiz:"))
    return found


LONG = {
    "wrapped": "Some words before.\n" + ITEM.upper().replace(" ", "\n") + "?! And after.",
    "partly": "x " + " ".join(ITEM.split()[:13]) + " y",
    "less": "x " + " ".join(ITEM.split()[:12]) + " y",
    "clean": " ".join(reversed(ITEM.split())),
}


def test_long_items_are_found_by_any_run(tmp_path: Path) -> None:
    rows, manifest = run(tmp_path, LONG, [ITEM, "of"])
    assert {row["id"] for row in rows} == {"wrapped", "partly"}
    found = {"documents": 2, "cut": 0, "items": 1, "of": 2, "together": 0, "too_short": 1}
    assert manifest["summary"]["quiz"] == found
    whole = {"in": 4, "kept": 2, "removed": {"contaminated": 2}, "quarantined": {}}
    assert manifest["accounting"] == {**whole, "sources": {"web": whole}}
    assert all(row["removed"] for row in rows)
    assert set(held(LONG, [ITEM], tmp_path / "shorter", ngram=12)) == {"wrapped", "partly", "less"}


def test_documents_that_were_not_selected_are_not_searched(tmp_path: Path) -> None:
    rows, manifest = run(tmp_path, LONG, [ITEM], lost=["wrapped"])
    assert {row["id"] for row in rows} == {"partly"}
    assert manifest["accounting"]["in"] == 3


PROSE = "It was said of old that rivers run to the sea and that the sea is never full"
SHORT = {
    "line": f"{PROSE}.\n{SENTENCE}?\n{PROSE}.",
    "sentence": f"{PROSE}. {SENTENCE}! {PROSE}.".replace("capital", "cap-\nital"),
    "quoted": f"{PROSE} “{SENTENCE}” {PROSE}.",
    "column": f"17\t{SENTENCE}\tParis",
    "inside": f"{PROSE} and {SENTENCE} {PROSE}.",
    "start": f"{PROSE}. {SENTENCE} and tomorrow? {PROSE}.",
}


def test_short_items_are_found_where_they_are_a_sentence(tmp_path: Path) -> None:
    assert set(held(SHORT, [SENTENCE], tmp_path)) == {"line", "sentence", "quoted", "column"}


MINUTE = {
    "all": f"{PHRASE}!",
    "once": f"{PROSE}. {PHRASE}. {PROSE}.",
    "repeated": f"{PROSE}. " + f"{PHRASE}. " * 5 + f"{PROSE}. {PROSE}. {PROSE}.",
    "list": f"{PROSE}. {PROSE}. {PROSE}\n{PHRASE}\nNo good plot\nToo long now\nVery well acted\nNot my taste\n{PROSE}.",
}


def test_the_shortest_items_count_together(tmp_path: Path) -> None:
    items = [PHRASE, "No good plot", "Too long now", "Very well acted", "Not my taste", "bad"]
    assert held(MINUTE, items, tmp_path) == {"all": {"0"}, "list": {"0", "1", "2", "3", "4"}}
    counts = run(tmp_path / "counts", MINUTE, [*items, ITEM, SENTENCE])[1]["summary"]["quiz"]
    assert (counts["together"], counts["too_short"], counts["of"]) == (5, 1, 8)


def test_colliding_hashes_find_nothing_more(tmp_path: Path) -> None:
    tasks = [open_artefact(publish_task(tmp_path, "quiz", canaries()[:100]))]
    texts = [*canaries()[:50], *(document["text"][:2000] for document in module_documents()[:10])]
    rules = Rules(13, 8, 5)
    right = list(ItemIndex(tasks, rules).search(texts))
    for mask in (0xFFF, 0x3F << 20):
        assert list(ItemIndex(tasks, rules, mask).search(texts)) == right
    assert sum(map(len, right)) >= 50


def test_neither_parts_nor_order_count(tmp_path: Path) -> None:
    items = canaries()[:80]
    texts = {f"d{n}": f"{document['text'][:2000]}\n{items[n % 80]}" for n, document in enumerate(module_documents())}
    places = {
        parts: sorted(
            tuple(row[name] for name in ("id", "task", "item", "start", "stop"))
            for row in run(tmp_path / str(parts), dict(sorted(texts.items(), reverse=parts == 3)), items, parts)[0]
        )
        for parts in (1, 3)
    }
    assert places[1] == places[3]
    assert len(places[1]) >= len(texts)
    assert run(tmp_path / "again", texts, items)[0] == run(tmp_path / "and again", texts, items)[0]


def test_items_are_counted_by_benchmark(tmp_path: Path) -> None:
    made = publish_source(tmp_path, LONG)
    tasks = [publish_task(tmp_path, "quiz", [SENTENCE]), publish_task(tmp_path, "test", [ITEM, ITEM])]
    settings = {"sources": [SOURCE], "tasks": ["quiz", "test"], **DEFAULTS}
    manifest = tmp_path / "contamination.json"
    assert decontaminate.main(arguments(settings, **made, tasks=tasks, manifest=manifest)) == 0
    assert load_manifest(manifest)["summary"] == {
        "quiz": {"documents": 0, "cut": 0, "items": 0, "of": 1, "together": 0, "too_short": 0},
        "test": {"documents": 2, "cut": 0, "items": 2, "of": 2, "together": 0, "too_short": 0},
    }


def test_no_task_is_no_contamination(tmp_path: Path) -> None:
    made = publish_source(tmp_path, LONG, lost=["less"])
    settings = {"sources": [SOURCE], "tasks": [], **DEFAULTS}
    manifest = tmp_path / "contamination.json"
    assert decontaminate.main(arguments(settings, **made, manifest=manifest)) == 0
    assert pq.read_table(manifest.with_suffix(".parquet")).num_rows == 0
    accounting = load_manifest(manifest)["accounting"]
    assert accounting["sources"] == {"web": {"in": 3, "kept": 3, "removed": {}, "quarantined": {}}}


def test_a_selection_of_other_documents_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = publish_source(tmp_path, LONG)
    other = publish_source(tmp_path / "other", {f"other {key}": text for key, text in LONG.items()})
    settings = {"sources": [SOURCE], "tasks": ["quiz"], **DEFAULTS}
    tasks, manifest = [publish_task(tmp_path, "quiz", [ITEM])], tmp_path / "contamination.json"
    line = {"documents": made["documents"], "selections": other["selections"], "tasks": tasks, "manifest": manifest}
    assert decontaminate.main(arguments(settings, **line)) == 1
    assert "does not decide on the documents of" in capsys.readouterr().err


def test_spans_are_cut_and_what_is_left_is_curated(tmp_path: Path) -> None:
    """Offsets are code points of the original text; a document that was little more than an item goes."""
    texts = {
        "web:cut": f'😀 Première — {PROSE}.\n\n"{ITEM}?"\n\nMail me@example.org. {SENTENCE}? {PROSE}.',
        "web:gone": f"Q. {ITEM}?\nA. No.",
        "web:clean": PROSE,
    }
    rows, manifest = run(tmp_path, texts, [ITEM, SENTENCE], remove="spans")
    places = {(row["id"], row["item"]): texts[row["id"]][row["start"] : row["stop"]] for row in rows}
    assert places == {
        ("web:cut", "quiz:0"): ITEM,
        ("web:cut", "quiz:1"): SENTENCE,
        ("web:gone", "quiz:0"): ITEM,
    }
    assert {row["id"] for row in rows if row["removed"]} == {"web:gone"}
    assert manifest["summary"]["quiz"] == {"documents": 2, "cut": 1, "items": 2, "of": 2, "together": 0, "too_short": 0}
    assert manifest["accounting"]["removed"] == {"contaminated": 1}
    repeated = ([], PARAGRAPH_SCHEMA)
    duplicates = publish_rows(tmp_path / "duplicates.json", [], DUPLICATE_SCHEMA, paragraphs=repeated)
    shares = {"validation": 0.0, "test": 0.0}
    settings = {"source": "web", "line_edits": [], "pii": ["email"], "split": shares, "seed": 1}
    line = arguments(
        settings,
        documents=tmp_path / "documents" / "0000.json",
        annotations=publish_languages(tmp_path / "annotations" / "0000.json", texts),
        selection=tmp_path / "selection" / "0000.json",
        duplicates=duplicates,
        contamination=tmp_path / "contamination.json",
        manifest=tmp_path / "curated" / "0000.json",
    )
    assert curate.main(line) == 0
    curated = {row["id"]: row["text"] for row in pq.read_table(tmp_path / "curated" / "0000.parquet").to_pylist()}
    assert curated == {
        "web:cut": f"😀 Première — {PROSE}.\n\nMail <EMAIL>. {PROSE}.",
        "web:clean": PROSE,
    }
    found = load_manifest(tmp_path / "curated" / "0000.json")
    assert found["accounting"]["removed"] == {"contaminated": 1}
    assert found["summary"]["cut"] == 1


QUESTION = "do Iran and Afghanistan speak the same language today"
CITED, PARTED = QUESTION.replace("same", "same[1]"), QUESTION.replace(" same", "\nRead more »\nsame")
EDITED = {
    "cited": f"Many people ask: {CITED} in schools.",
    "parted": f"{PROSE}.\n{PARTED} in schools.\n{PROSE}.",
    "clean": f"{PROSE}.[1]",
}


SUSPENDED = "the pre- and post-war governments of both countries signed it"


def test_hyphens_at_the_ends_of_lines_are_read_both_ways(tmp_path: Path) -> None:
    """As the end of half a word, and as what stands for the other half of a word further on."""
    texts = {
        "suspended": f"{PROSE}, for {SUSPENDED} there.".replace("pre- ", "pre-\n"),
        "broken": f"{PROSE}, for {SUSPENDED} there.".replace("countries", "coun-\ntries"),
        "neither": f"{PROSE}, for {SUSPENDED} there.".replace("- and", "-\nor"),
    }
    rows, _ = run(tmp_path, texts, [SUSPENDED])
    places = {row["id"]: texts[row["id"]][row["start"] : row["stop"]] for row in rows}
    assert places == {
        "suspended": SUSPENDED.replace("pre- ", "pre-\n"),
        "broken": SUSPENDED.replace("countries", "coun-\ntries"),
    }
    assert len(rows) == 2


@pytest.mark.parametrize("remove", ["documents", "spans"])
def test_items_that_edits_of_lines_bring_to_light_are_found(remove: str, tmp_path: Path) -> None:
    """They have no place in the document that could be cut out, so it goes whole."""
    assert held(EDITED, [QUESTION], tmp_path, remove=remove) == {}
    rows, manifest = run(tmp_path, EDITED, [QUESTION], remove=remove, line_edits=["c4"])
    assert [(row["id"], row["start"], row["stop"], row["removed"]) for row in rows] == [
        ("cited", 0, len(EDITED["cited"]), True)
    ]
    assert manifest["accounting"]["removed"] == {"contaminated": 1}
    assert set(held(EDITED, [QUESTION], tmp_path, remove=remove, line_edits=["refinedweb"])) == {"parted"}


def test_what_is_cut_out_is_not_found_again_after_edits(tmp_path: Path) -> None:
    text = f"{PROSE}.\nMenu\n{ITEM}?\n{PROSE}."
    rows, _ = run(tmp_path, {"web:a": text}, [ITEM], remove="spans", line_edits=["c4"])
    assert [(text[row["start"] : row["stop"]], row["removed"]) for row in rows] == [(ITEM, False)]


def test_an_unspaced_script_needs_twice_the_characters() -> None:
    rules = Rules(13, 8, 5)
    assert rules.of(40, 40) == (26, 0)
    assert rules.of(15, 15) == (15, 1)
    assert rules.of(9, 9) == (9, 2)
    assert rules.of(5, 5) == (0, 0)
    assert rules.of(40, 10) == (13, 0)
    assert rules.of(3, 0) == (3, 2)


def test_a_short_item_of_an_unspaced_script_has_to_be_a_sentence(tmp_path: Path) -> None:
    """Ten characters are as many words as ten words of another item, which count wherever they stand."""
    short, words = "中国的首都是北京市吗", "ten words of another item that count wherever they stand"
    texts = {
        "sentence": f"他问。{short}？我答。",
        "within": f"他问我{short}我答不知道的事情很多",
        "words": f"We saw that {words} here.",
    }
    assert held(texts, [short, words], tmp_path) == {"sentence": {"0"}, "words": {"1"}}
