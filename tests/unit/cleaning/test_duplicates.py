"""Copies are found, one of each survives, and neither parts nor arrival decide which."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from scripts.cleaning import decontaminate, deduplicate, select, signatures
from scripts.cleaning.annotate import ANNOTATION_SCHEMA
from scripts.cleaning.minhash import exact_digest, normalised_words, permutations, shingle_hashes, signature
from scripts.lib.manifest import load_manifest
from scripts.tasks.prepare import ITEM_SCHEMA
from tests.making import arguments, publish_documents, publish_rows
from tests.unit.cleaning.test_filters import passing_row

WORDS = [f"w{chr(97 + i % 26)}{chr(97 + i // 26 % 26)}{i}" for i in range(3000)]


def text_of(seed: int, count: int = 300) -> str:
    return " ".join(random.Random(seed).choices(WORDS, k=count))


def edited(text: str, changes: int, seed: int = 0) -> str:
    """Replace some words by others, spread evenly."""
    found = text.split()
    for number in range(changes):
        found[(number + 1) * len(found) // (changes + 1)] = f"new{seed}x{number}"
    return " ".join(found)


BOOKS = {f"books:{i}": text_of(i) for i in range(6)}
WEB = {
    "web:0": BOOKS["books:0"].upper().replace(" ", "\n"),
    "web:1": edited(BOOKS["books:1"], 3),
    "web:2": edited(BOOKS["books:2"], 100),
    "web:3": text_of(77) + " and a longer tail of words",
    "web:4": text_of(77),
    "web:5": "",
    "web:6": "",
}
SETTINGS = {"exact": True, "near": {"bands": 16, "rows": 8, "similarity": 0.7}}


def prepared(
    folder: Path, texts: dict[str, str], source: str, parts: int, lost: str = ""
) -> tuple[list[Path], list[Path], list[Path]]:
    """Publish documents, signatures and selections of a source in parts; the document `lost` is not selected."""
    made: tuple[list[Path], list[Path], list[Path]] = ([], [], [])
    for part in range(parts):
        mine = dict(list(texts.items())[part::parts])
        documents = publish_documents(folder / source / "documents" / f"{part:04d}.json", mine)
        signed = folder / source / "signatures" / f"{part:04d}.json"
        settings = {"shingle": 5, "permutations": 128, "seed": 1}
        assert signatures.main(arguments(settings, documents=documents, manifest=signed)) == 0
        rows = [{**passing_row(key), "language": "xx" if key == lost else "en"} for key in mine]
        annotations = publish_rows(folder / source / "annotations" / f"{part:04d}.json", rows, ANNOTATION_SCHEMA)
        selected = folder / source / "selection" / f"{part:04d}.json"
        chosen = {"families": [], "thresholds": {}, "languages": ["en"], "overrides": [], "url_lists": {}}
        assert select.main(arguments(chosen, annotations=annotations, manifest=selected)) == 0
        for found, path in zip(made, (documents, signed, selected), strict=True):
            found.append(path)
    return made


def duplicates(
    folder: Path, parts: int, first: str = "books", lost: str = "", **changes: object
) -> dict[str, tuple[str, str]]:
    """Run the step and return kind and survivor of every document that goes."""
    made = {name: prepared(folder, texts, name, parts, lost) for name, texts in (("books", BOOKS), ("web", WEB))}
    names = [first, *(name for name in made if name != first)]
    settings = {"sources": [{"name": name, "parts": parts} for name in names], **SETTINGS, **changes}
    manifest = folder / "duplicates.json"
    signed = [path for name in names for path in made[name][1]]
    selected = [path for name in names for path in made[name][2]]
    assert deduplicate.main(arguments(settings, signatures=signed, selections=selected, manifest=manifest)) == 0
    account = load_manifest(manifest)["accounting"]
    rows = pq.read_table(manifest.with_suffix(".parquet")).to_pylist()
    assert account["in"] - account["kept"] == len(rows)
    return {row["id"]: (row["kind"], row["survivor"]) for row in rows}


EXPECTED = {
    "web:0": ("exact", "books:0"),
    "web:1": ("near", "books:1"),
    "web:4": ("near", "web:3"),
    "web:6": ("exact", "web:5"),
}


@pytest.mark.parametrize("parts", [1, 3])
def test_planted_copies_are_found_whatever_the_parts(parts: int, tmp_path: Path) -> None:
    assert duplicates(tmp_path, parts) == EXPECTED


def test_the_first_source_survives(tmp_path: Path) -> None:
    found = duplicates(tmp_path, 1, first="web")
    assert found["books:0"] == ("exact", "web:0")
    assert found["books:1"] == ("near", "web:1")
    assert "web:0" not in found


def test_a_document_that_was_not_selected_takes_no_part(tmp_path: Path) -> None:
    assert "web:0" not in duplicates(tmp_path, 1, lost="books:0")


def test_one_id_in_two_parts_stays_once(tmp_path: Path) -> None:
    """Two parts cannot know of each other; the longer text of an id survives, and only its copy goes."""
    short, longer = {"web:0": "one text"}, {"web:0": "one text that is longer", "web:1": "another"}
    made = [prepared(tmp_path / part, texts, "web", 1) for part, texts in (("0000", short), ("0001", longer))]
    settings = {"sources": [{"name": "web", "parts": 2}], "exact": False, "near": None}
    manifest = tmp_path / "duplicates.json"
    signed, selected = ([path for one in made for path in one[kind]] for kind in (1, 2))
    assert deduplicate.main(arguments(settings, signatures=signed, selections=selected, manifest=manifest)) == 0
    (row,) = pq.read_table(manifest.with_suffix(".parquet")).to_pylist()
    assert (row["id"], row["part"], row["kind"], row["survivor"]) == ("web:0", "0000", "id", "web:0")


def test_near_and_exact_can_be_switched_off(tmp_path: Path) -> None:
    assert set(duplicates(tmp_path / "a", 1, near=None)) == {"web:0", "web:6"}
    assert set(duplicates(tmp_path / "b", 1, near=None, exact=False)) == set()


def test_signatures_estimate_the_similarity() -> None:
    """The share of equal places is an unbiased estimate of Jaccard's index: within 4 standard errors here."""
    functions = permutations(1024, 1)
    base = text_of(5, 400)
    for changes in (0, 5, 20, 60):
        one, other = (shingle_hashes(normalised_words(text), 5) for text in (base, edited(base, changes)))
        jaccard = len(np.intersect1d(one, other)) / len(np.union1d(one, other))
        estimate = np.mean(signature(one, functions) == signature(other, functions))
        assert abs(estimate - jaccard) <= 4 * np.sqrt(jaccard * (1 - jaccard) / 1024) + 1e-9


def test_layout_case_and_punctuation_do_not_hide_a_copy() -> None:
    assert exact_digest(normalised_words("Hello,  World!\nﬁne")) == exact_digest(normalised_words("hello world fine"))
    assert exact_digest(normalised_words("hello world")) != exact_digest(normalised_words("hello word"))


ITEM = "Is the moon made of green cheese or is it made of rock and dust like the earth"
SHORT = "What is the capital of France today"
CONTAMINATED = {
    "web:wrapped": "Some words before.\n" + ITEM.upper().replace(" ", "\n") + "?! And after.",
    "web:partly": "x " + " ".join(ITEM.split()[:13]) + " y",
    "web:less": "x " + " ".join(ITEM.split()[:12]) + " y",
    "web:clean": text_of(3),
}


def contamination(folder: Path, **changes: int) -> tuple[dict[str, str], dict[str, dict[str, int]]]:
    documents, _, selected = prepared(folder, CONTAMINATED, "web", 1)
    rows = [
        {"id": "quiz:0", "split": "dev", "prompt": "", "contamination_text": [ITEM]},
        {"id": "quiz:1", "split": "dev", "prompt": "", "contamination_text": [SHORT]},
    ]
    tasks = publish_rows(folder / "quiz" / "items.json", rows, ITEM_SCHEMA)
    settings = {"sources": [{"name": "web", "parts": 1}], "tasks": ["quiz"], "ngram": 13, "minimum_words": 8, **changes}
    manifest = folder / "contamination.json"
    line = arguments(settings, documents=documents, selections=selected, tasks=[tasks], manifest=manifest)
    assert decontaminate.main(line) == 0
    found = {row["id"]: row["item"] for row in pq.read_table(manifest.with_suffix(".parquet")).to_pylist()}
    return found, load_manifest(manifest)["summary"]


def test_items_are_found_however_they_are_wrapped(tmp_path: Path) -> None:
    found, summary = contamination(tmp_path)
    assert found == {"web:wrapped": "quiz:0", "web:partly": "quiz:0"}
    assert summary["quiz"] == {"documents": 2, "items": 1, "too_short": 1}


def test_shorter_runs_find_more(tmp_path: Path) -> None:
    assert set(contamination(tmp_path, ngram=12)[0]) == {"web:wrapped", "web:partly", "web:less"}


def test_no_task_is_no_contamination(tmp_path: Path) -> None:
    documents, _, selected = prepared(tmp_path, CONTAMINATED, "web", 1)
    settings = {"sources": [{"name": "web", "parts": 1}], "tasks": [], "ngram": 13, "minimum_words": 8}
    manifest = tmp_path / "contamination.json"
    line = arguments(settings, documents=documents, selections=selected, manifest=manifest)
    assert decontaminate.main(line) == 0
    assert pq.read_table(manifest.with_suffix(".parquet")).num_rows == 0
