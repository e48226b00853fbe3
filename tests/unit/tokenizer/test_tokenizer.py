"""A tokenizer is bit-stable, exact in both directions, and the same in both of its forms."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from scripts.lib.manifest import load_manifest, open_artefact
from scripts.lib.special_tokens import SPECIAL_COUNT, SPECIAL_IDS
from scripts.lib.vocabulary import Vocabulary
from scripts.tokenizer import train
from scripts.tokenizer.sample import cut, shares, take
from tests.making import arguments, publish_curated
from tests.real_text import module_documents, topic_documents

TOPICS = {f"reference:{row['id']}": row["text"] for row in topic_documents()}
MODULES = {f"modules:{row['id']}": row["text"] for row in module_documents()[:20]}
SETTINGS: dict[str, Any] = {
    "seed": 1,
    "corpus": "main",
    "algorithm": "bpe",
    "vocabulary": 800,
    "sample_bytes": 200_000,
    "character_coverage": 0.9995,
}


def train_tokenizer(
    folder: Path, documents: Sequence[Path], expect: int = 0, name: str = "small", **changes: Any
) -> Path:
    """Train through the program and return the manifest."""
    manifest = folder / "tokenizers" / f"{name}.json"
    line = arguments(
        {**SETTINGS, **changes}, documents=list(documents), checkpoints=folder / "checkpoints", manifest=manifest
    )
    assert train.main(line) == expect
    return manifest


def publish(folder: Path, parts: int) -> list[Path]:
    found = []
    for name, texts in (("reference", TOPICS), ("modules", MODULES)):
        for part in range(parts):
            mine = dict(list(texts.items())[part::parts])
            found.append(publish_curated(folder / name / f"{part:04d}.json", mine, list(texts)[::9]))
    return found


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tokenizer")
    return train_tokenizer(folder, publish(folder / "documents", 1))


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=80))
def test_both_forms_give_equal_ids_and_the_text_comes_back(made: Path, text: str) -> None:
    vocabulary = Vocabulary.of(open_artefact(made))
    fast = Tokenizer.from_file(str(made.parent / "small" / "tokenizer.json"))
    fast.encode_special_tokens = True
    ids = vocabulary.encode(text)
    assert fast.encode(text, add_special_tokens=False).ids == ids
    assert all(number >= SPECIAL_COUNT for number in ids)
    assert vocabulary.decode(ids) == text.replace("\u2581", " ")


def test_transformers_loads_it(made: Path) -> None:
    from transformers import AutoTokenizer

    loaded = AutoTokenizer.from_pretrained(made.parent / "small")
    text = "Names are  bound\n\tto objects: 1234. <s> </s> <mask>"
    assert loaded(text, add_special_tokens=False)["input_ids"] == Vocabulary.of(open_artefact(made)).encode(text)
    assert {loaded.eos_token_id, loaded.pad_token_id, loaded.mask_token_id} == {
        SPECIAL_IDS[token] for token in ("</s>", "<pad>", "<mask>")
    }


def test_parts_and_their_order_do_not_count(made: Path, tmp_path: Path) -> None:
    other = train_tokenizer(tmp_path, list(reversed(publish(tmp_path / "documents", 3))))
    assert load_manifest(other)["files"] == load_manifest(made)["files"]


def test_an_unchanged_recipe_is_published_again_without_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = publish(tmp_path / "documents", 1)
    before = load_manifest(train_tokenizer(tmp_path, documents))

    def fail(*_: object) -> bytes:
        raise AssertionError("trained again")

    monkeypatch.setattr(train, "train_model", fail)
    assert load_manifest(train_tokenizer(tmp_path, documents)) == before
    with pytest.raises(AssertionError, match="trained again"):
        train_tokenizer(tmp_path, documents, vocabulary=700)


def test_a_vocabulary_too_large_names_the_largest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    documents = publish(tmp_path / "documents", 1)
    train_tokenizer(tmp_path, documents, expect=1, vocabulary=200_000)
    said = capsys.readouterr().err
    assert "vocabulary is 200000, but the sample supports at most" in said


def test_the_sample_is_bounded_and_shared_out() -> None:
    assert shares({"a": 300, "b": 100}, 200) == {"a": 150, "b": 50}
    assert shares({"a": 30}, 200) == {"a": 30}
    assert take([(1, "x", 60), (2, "y", 50), (3, "z", 40)], 100) == {"x": 60, "y": 40}
    assert cut("naïve", 3) == "na"
    assert cut("naïve", 4) == "naï"


def test_held_out_documents_are_not_sampled(tmp_path: Path) -> None:
    texts = {f"reference:{number}": f"word{chr(97 + number)} " * 300 for number in range(8)}
    texts["reference:secret"] = "zyzzyva " * 3000
    documents = publish_curated(tmp_path / "d" / "reference" / "0000.json", texts, ["reference:secret"])
    manifest = train_tokenizer(tmp_path, [documents], vocabulary=300)
    assert "zyzzyva" not in (manifest.parent / "small" / "tokenizer.vocab").read_text("utf-8")
    assert load_manifest(manifest)["accounting"]["in"] == 8
