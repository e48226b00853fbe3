"""Copies are found, one of each survives, and neither parts nor arrival decide which."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scripts.cleaning import deduplicate, select, signatures
from scripts.cleaning.annotate import ANNOTATION_SCHEMA
from scripts.cleaning.folding import normalised_words
from scripts.cleaning.minhash import Signatures, permutations
from scripts.lib.manifest import load_manifest
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
SETTINGS = {"exact": True, "near": {"bands": 21, "rows": 6, "similarity": 0.7}, "paragraphs": None}


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
    settings = {"sources": [{"name": "web", "parts": 2}], "exact": False, "near": None, "paragraphs": None}
    manifest = tmp_path / "duplicates.json"
    signed, selected = ([path for one in made for path in one[kind]] for kind in (1, 2))
    assert deduplicate.main(arguments(settings, signatures=signed, selections=selected, manifest=manifest)) == 0
    (row,) = pq.read_table(manifest.with_suffix(".parquet")).to_pylist()
    assert (row["id"], row["part"], row["kind"], row["survivor"]) == ("web:0", "0000", "id", "web:0")


def test_near_and_exact_can_be_switched_off(tmp_path: Path) -> None:
    assert set(duplicates(tmp_path / "a", 1, near=None)) == {"web:0", "web:6"}
    assert set(duplicates(tmp_path / "b", 1, near=None, exact=False)) == set()


def jaccard(one: str, other: str, size: int = 5) -> float:
    """Return the true similarity of two texts, by their sets of runs of words."""
    sets = []
    for text in (one, other):
        found = normalised_words(text)
        sets.append({tuple(found[start : start + size]) for start in range(len(found) - size + 1)})
    return len(sets[0] & sets[1]) / len(sets[0] | sets[1])


def test_signatures_estimate_the_similarity() -> None:
    """The share of equal places is an unbiased estimate of Jaccard's index: within 4 standard errors here."""
    base = text_of(5, 400)
    texts = [base, *(edited(base, changes) for changes in (0, 5, 20, 60))]
    signed = Signatures(pa.array(texts), 5, permutations(1024, 1)).minhash
    for text, row in zip(texts, signed, strict=True):
        true = jaccard(base, text)
        assert abs(np.mean(row == signed[0]) - true) <= 4 * np.sqrt(true * (1 - true) / 1024) + 1e-9


def exact_digests(*texts: str) -> set[tuple[int, ...]]:
    return {tuple(row) for row in Signatures(pa.array(texts), 5, permutations(16, 1)).exact.tolist()}


@pytest.mark.parametrize(
    "texts",
    [
        ("if a < b: x = a + b", "if a > b: x = a - b"),
        ("C++ is a language", "C# is a language", "C is a language"),
        ("-5 °C", "5 °C", "5 C"),
        ("from 50 % on", "from 50 on"),
        ("★" * 21, "★" * 20, "😀" * 21, "...", "---", ""),
    ],
)
def test_symbols_make_another_text(texts: tuple[str, ...]) -> None:
    assert len(exact_digests(*texts)) == len(texts)


def test_how_symbols_are_set_makes_no_other_text() -> None:
    assert len(exact_digests("(−5 °C) for C + +", "-5°C\nfor c++!")) == 1
    assert len(exact_digests("well-known, 3-5", "Well-Known: 3-5.")) == 1
    assert len(exact_digests("to 3 - 5 or so", "to 3 – 5, or so")) == 1


def test_invisible_characters_and_the_form_of_marks_make_no_other_text() -> None:
    plain = "'I don't know', she said of well-known words, quickly. Rock 'n' roll \u263a"
    copies = [
        plain.replace("'", "\u2019"),
        plain.replace("'", "\u2018"),
        plain.replace("'", "\u02bc"),
        plain.replace("-", "\u2010"),
        plain.replace("-", "\u2011"),
        plain.replace("\u263a", "\u263a\ufe0f"),
        *(
            plain.replace("c", f"c{mark}")
            for mark in "\u00ad\u200b\u200d\u200f\u2060\u2064\ufeff\u180e\u034f\U000e0100"
        ),
    ]
    signed = Signatures(pa.array([plain, *copies]), 5, permutations(16, 1))
    assert len(exact_digests(plain, *copies)) == 1
    assert len({tuple(row) for row in signed.minhash.tolist()}) == 1


def test_texts_without_words_are_compared_by_their_text(tmp_path: Path) -> None:
    texts = {"web:0": "★" * 21, "web:1": "😀 😃 😄 😁 😆 😅", "web:2": "★" * 21}
    signed, selected = prepared(tmp_path, texts, "web", 1)[1:]
    settings = {"sources": [{"name": "web", "parts": 1}], **SETTINGS}
    manifest = tmp_path / "duplicates.json"
    assert deduplicate.main(arguments(settings, signatures=signed, selections=selected, manifest=manifest)) == 0
    rows = pq.read_table(manifest.with_suffix(".parquet")).to_pylist()
    assert [(row["id"], row["kind"], row["survivor"]) for row in rows] == [("web:2", "exact", "web:0")]


def test_layout_case_and_punctuation_do_not_hide_a_copy() -> None:
    texts = ["Hello,  World!\nﬁne", "hello world fine", "hello word fine", "hello fine world"]
    exact = Signatures(pa.array(texts), 5, permutations(16, 1)).exact
    assert exact[0].tolist() == exact[1].tolist()
    assert len({tuple(row) for row in exact.tolist()}) == 3
