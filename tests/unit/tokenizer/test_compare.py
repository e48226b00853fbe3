"""Tokenizers are compared on held-out documents, the same ones however the corpus is cut."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scripts.cleaning.curate import CURATED_SCHEMA
from scripts.lib.manifest import load_manifest, open_artefact
from scripts.lib.pieces import BYTE
from scripts.lib.vocabulary import Vocabulary
from scripts.report.sections import comparison_sections
from scripts.tokenizer import compare
from scripts.tokenizer.compare import Sample, held_out, measure, renyi_efficiency
from tests.making import arguments, publish_rows
from tests.unit.tokenizer.test_tokenizer import MODULES, TOPICS, publish, train_tokenizer

ROWS = {
    "reference": [
        {"id": key, "text": text, "language": "en", "split": "validation" if number % 9 == 0 else "train"}
        for number, (key, text) in enumerate(TOPICS.items())
    ],
    "modules": [
        {"id": key, "text": text, "language": None, "split": "test" if number % 5 == 0 else "train"}
        for number, (key, text) in enumerate(MODULES.items())
    ],
}


def publish_parts(folder: Path, rows: dict[str, list[dict[str, Any]]], parts: int) -> list[Path]:
    return [
        publish_rows(folder / name / f"{part:04d}.json", those[part::parts], CURATED_SCHEMA)
        for name, those in rows.items()
        for part in range(parts)
    ]


@pytest.fixture(scope="module")
def tokenizers(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("compare")
    documents = publish(folder / "documents", 1)
    return [
        train_tokenizer(folder, documents, name=name, vocabulary=vocabulary)
        for name, vocabulary in (("large", 1500), ("small", 500))
    ]


def run_compare(folder: Path, documents: list[Path], tokenizers: list[Path], expect: int = 0) -> Path:
    manifest = folder / "main" / "tokenizers.json"
    line = arguments(
        {"corpus": "main", "tokenizers": ["large", "small"]},
        documents=documents,
        tokenizers=tokenizers,
        manifest=manifest,
    )
    assert compare.main(line) == expect
    return manifest


def test_measures_are_those_of_the_ids(tokenizers: list[Path], tmp_path: Path) -> None:
    manifest = load_manifest(run_compare(tmp_path, publish_parts(tmp_path / "d", ROWS, 1), tokenizers))
    summary = manifest["summary"]
    texts = {name: [row["text"] for row in rows if row["split"] != "train"] for name, rows in ROWS.items()}
    assert manifest["accounting"]["kept"] == sum(map(len, texts.values())) > 10
    assert summary["documents"] == "held out"
    for path in tokenizers:
        found = summary["tokenizers"][path.stem]
        vocabulary = Vocabulary.of(open_artefact(path))
        ids = [number for text in texts["reference"] for number in vocabulary.encode(text)]
        size = sum(len(text.encode("utf-8")) for text in texts["reference"])
        words = sum(len(text.split()) for text in texts["reference"])
        assert found["sources"]["reference"]["bytes_per_token"] == round(size / len(ids), 4)
        assert found["languages"]["en"] == found["sources"]["reference"]
        assert found["languages"]["und"] == found["sources"]["modules"]
        assert found["sources"]["reference"]["fertility"] == round(len(ids) / words, 4)
        assert found["round_trip"] == 1.0
        everything = {number for those in texts.values() for text in those for number in vocabulary.encode(text)}
        assert found["unused_pieces"] == sum(
            number not in everything and not BYTE.fullmatch(piece)
            for number, piece in enumerate(vocabulary.pieces())
            if number >= 13
        )
        assert found["all"]["premium"] == 1.0
    large, small = summary["tokenizers"]["large"], summary["tokenizers"]["small"]
    assert large["all"]["bytes_per_token"] > small["all"]["bytes_per_token"] > 1
    premiums = [large["sources"][name]["premium"] for name in ("modules", "reference")]
    assert min(premiums) < 1 < max(premiums)


def test_parts_and_their_order_do_not_count(
    tokenizers: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compare, "SOURCE_BYTES", 8_000)
    one = run_compare(tmp_path / "one", publish_parts(tmp_path / "d1", ROWS, 1), tokenizers)
    three = run_compare(tmp_path / "three", publish_parts(tmp_path / "d3", ROWS, 3)[::-1], tokenizers)
    assert load_manifest(one) == load_manifest(three)
    assert load_manifest(one)["accounting"]["removed"]["beyond_the_sample"] > 0


def test_a_corpus_without_held_out_documents_says_so(tmp_path: Path) -> None:
    rows = {"books": [{"id": f"books:{number}", "text": f"text {number}", "split": "train"} for number in range(5)]}
    artefacts = [open_artefact(path) for path in publish_parts(tmp_path, rows, 2)]
    kind, documents, seen = held_out({"books": artefacts}, 1000)
    assert (kind, len(documents["books"]), seen) == ("training", 5, 5)


def test_a_sample_is_the_beginning_in_the_order_of_keys_and_bounded() -> None:
    documents = [(bytes([number * 37 % 256]), "en", "x" * (1 + number % 7)) for number in range(200)]
    sample, most = Sample(60), 0
    for document in documents:
        sample.add(document)
        most = max(most, len(sample.documents))
    sample.trim()
    expected, size = [], 0
    for document in sorted(documents):
        size += len(document[2])
        if size > 60:
            break
        expected.append(document)
    assert sample.documents == expected
    assert most < 130
    long = Sample(10)
    long.add((b"b", "en", "y" * 100))
    long.add((b"a", "en", "z" * 50))
    long.trim()
    assert [key for key, _, _ in long.documents] == [b"a"]


def test_only_documents_that_are_the_same_come_back(tokenizers: list[Path]) -> None:
    """sentencepiece spells a space with U+2581, so that character does not."""
    vocabulary = Vocabulary.of(open_artefact(tokenizers[0]))
    documents = [(b"a", "en", "a\u2581b"), *((b"b", "en", text) for text in ("a b", " \n e\u0301", "\u00e9\t"))]
    assert measure(vocabulary, {"books": documents})["round_trip"] == 0.75


def test_renyi_efficiency_is_that_of_the_paper() -> None:
    assert renyi_efficiency(np.array([5, 5, 5, 5])) == pytest.approx(1.0)
    assert renyi_efficiency(np.array([7, 0, 0, 0])) == pytest.approx(0.0)
    shares = np.array([0.5, 0.25, 0.25])
    expected = np.log2((shares**2.5).sum()) / (1 - 2.5) / np.log2(3)
    assert renyi_efficiency(np.array([2, 1, 1])) == pytest.approx(float(expected))
    assert renyi_efficiency(np.zeros(4, np.int64)) == 0.0


def test_other_tokenizers_than_the_settings_name_are_refused(
    tokenizers: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_compare(tmp_path, publish_parts(tmp_path / "d", ROWS, 1), tokenizers[::-1], expect=1)
    assert "not those of the settings" in capsys.readouterr().err


def test_the_report_shows_the_tokenizers_beside_one_another(tokenizers: list[Path], tmp_path: Path) -> None:
    manifest = run_compare(tmp_path, publish_parts(tmp_path / "d", ROWS, 1), tokenizers)
    (section,) = comparison_sections([open_artefact(manifest)])
    assert [name for name, _ in section["rows"]] == ["large", "small"]
    assert list(section["groups"]) == ["sources", "languages"]
    assert section["chart"].count("<circle") == 8
