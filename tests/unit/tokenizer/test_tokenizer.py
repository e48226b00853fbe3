"""A tokenizer is bit-stable, exact in both directions, and the same in both of its forms."""

from __future__ import annotations

import functools
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, normalizers
from transformers import AutoTokenizer

from scripts.lib.encoding import FastEncoder
from scripts.lib.errors import UserError
from scripts.lib.manifest import load_manifest, open_artefact
from scripts.lib.nasty import NASTY
from scripts.lib.sentencepiece_model import Kind, Piece, read_model, with_pieces
from scripts.lib.special_tokens import END, MASK, PAD, SPECIAL_COUNT, SPECIAL_IDS, SPECIAL_TOKENS
from scripts.lib.vocabulary import EXACT_CHARACTERS, Vocabulary
from scripts.pretraining.architecture import model_config
from scripts.pretraining.exported_tokenizer import exported_tokenizer
from scripts.pretraining.recipe import Architecture
from scripts.tokenizer import train
from scripts.tokenizer.export import check_equal_ids, fast_tokenizer
from scripts.tokenizer.memory import megabytes
from tests.making import arguments, publish_curated
from tests.real_text import module_documents, topic_documents
from tests.unit.tokenizer.growth import growth

TOPICS = {f"reference:{row['id']}": row["text"] for row in topic_documents()}
MODULES = {f"modules:{row['id']}": row["text"] for row in module_documents()[:20]}
SETTINGS: dict[str, Any] = {
    "seed": 1,
    "corpus": "main",
    "algorithm": "bpe",
    "vocabulary": 800,
    "sample_bytes": 200_000,
    "character_coverage": 0.9995,
    "weights": {},
    "language_weights": {},
    "user_symbols": [],
}
OTHERS: dict[str, dict[str, Any]] = {  # than the plain one
    "unigram": {"algorithm": "unigram"},
    "symbols": {"user_symbols": ["<|user|>", "<|user", "the", "\U0001f600", "1."]},
}
NASTIER = (
    "x<s><s></s><<s>> <0x0A><0x0a><sep>< s> <<<< a<b",
    "\x00nul \ufeffmark \ufffd \U0010ffff \ue000private",
    "\u0661\u0662\u0663 \uff11\uff12 \u00b2 \u2167 other digits",
    "<|user|><|user<|user|the|><|use\U0001f600\U0001f6001.1.2",
)


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
    ids = vocabulary.encode(text)
    assert fast.encode(text, add_special_tokens=False).ids == ids
    assert all(number >= SPECIAL_COUNT for number in ids)
    assert vocabulary.decode(ids) == text.replace("\u2581", " ")


def check_loaded(made: Path, loaded: Any) -> None:
    """A tokenizer of transformers gives equal ids, also of texts that name special tokens, and knows which those are."""
    vocabulary = Vocabulary.of(open_artefact(made))
    for text in (*NASTY, *NASTIER, *MODULES.values(), "".join(SPECIAL_TOKENS)):
        ids = vocabulary.encode(text)
        assert loaded(text, add_special_tokens=False)["input_ids"] == ids, text[:60]
        assert loaded.decode([END, *ids, PAD], skip_special_tokens=True) == text.replace("\u2581", " ")
    assert sorted(loaded.all_special_ids) == [*range(SPECIAL_COUNT)] and len(loaded) == vocabulary.size
    named = {token: loaded.convert_tokens_to_ids(token) for token in SPECIAL_TOKENS}
    assert named == SPECIAL_IDS and (loaded.eos_token_id, loaded.pad_token_id, loaded.mask_token_id) == (END, PAD, MASK)


def test_transformers_loads_it(made: Path, tmp_path: Path) -> None:
    loaded = AutoTokenizer.from_pretrained(made.parent / "small")
    check_loaded(made, loaded)
    loaded.save_pretrained(tmp_path)
    check_loaded(made, AutoTokenizer.from_pretrained(tmp_path))


@pytest.mark.parametrize("family", ["gpt2", "llama", "bert", "modernbert"])
def test_transformers_loads_it_with_a_model(made: Path, other: Path, family: str) -> None:
    shape = Architecture.from_settings({"family": family, "layers": 3, "width": 32, "heads": 4, "context": 32})
    for one in (made, other):
        folder = one.parent / "small"
        check_loaded(one, exported_tokenizer(model_config(shape, Vocabulary.of(open_artefact(one)).size), folder))


def test_a_form_that_transformers_reads_otherwise_is_refused(made: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(made.parent / "small", tmp_path / "small"))
    config = folder / "tokenizer_config.json"
    config.write_text(
        config.read_text("utf-8").replace('"split_special_tokens": true', '"split_special_tokens": false')
    )
    shape = Architecture.from_settings({"family": "llama", "layers": 1, "width": 32, "heads": 4, "context": 32})
    with pytest.raises(
        UserError, match=r"gives other ids for '<s> .* when transformers loads it with a model of type llama"
    ):
        exported_tokenizer(model_config(shape, SETTINGS["vocabulary"]), folder)


@pytest.fixture(scope="module", params=OTHERS)
def other(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(request.param)
    return train_tokenizer(folder, publish(folder / "documents", 1), **OTHERS[request.param])


@functools.cache
def forms(made: Path) -> tuple[Vocabulary, Any, FastEncoder]:
    fast = Tokenizer.from_file(str(made.parent / "small" / "tokenizer.json"))
    model = made.parent / "small" / "tokenizer.model"
    return Vocabulary.of(open_artefact(made)), fast, FastEncoder(read_model(model.read_bytes()))


def check_forms(made: Path, texts: Sequence[str]) -> None:
    """All three forms give equal ids, and the text comes back from two of them."""
    vocabulary, fast, compiled = forms(made)
    for text in texts:
        ids = vocabulary.encode(text)
        assert fast.encode(text, add_special_tokens=False).ids == ids, text[:60]
        assert compiled.encode(pa.array([text], pa.string()))[0].tolist() == ids, text[:60]
        assert all(number >= SPECIAL_COUNT for number in ids)
        assert vocabulary.decode(ids) == fast.decode(ids) == text.replace("\u2581", " ")


def test_unigram_and_user_symbols_give_equal_ids(other: Path) -> None:
    books = "".join(TOPICS.values())
    assert len(books) > 10 * EXACT_CHARACTERS
    check_forms(other, [*NASTY, *NASTIER, *MODULES.values(), books, "unbroken" * 2000, "\u4f60\u597d" * 6000])


@settings(max_examples=100, deadline=None)
@given(text=st.text(max_size=60) | st.lists(st.sampled_from(["<", "s>", "<|user|>", "the", " ", "1."])).map("".join))
def test_unigram_and_user_symbols_give_equal_ids_on_any_text(other: Path, text: str) -> None:
    check_forms(other, [text])


def test_user_symbols_are_pieces_in_text(tmp_path: Path) -> None:
    symbols = ["<|user|>", "<|bot|>"]
    made = train_tokenizer(tmp_path, publish(tmp_path / "documents", 1), vocabulary=500, user_symbols=symbols)
    vocabulary = Vocabulary.of(open_artefact(made))
    pieces = vocabulary.pieces()
    assert pieces[SPECIAL_COUNT : SPECIAL_COUNT + 2] == symbols
    assert [pieces[number] for number in vocabulary.encode("<|bot|><|user|>")] == symbols[::-1]


def unigram_model() -> bytes:
    texts = {"reference": list(TOPICS.values())[:10]}
    return train.train_model(texts, train.Recipe.from_settings({**SETTINGS, "algorithm": "unigram", "vocabulary": 500}))


def test_unigram_training_is_bit_stable() -> None:
    first = unigram_model()
    assert first == unigram_model()
    model = read_model(first)
    assert all(piece.score * 64 == round(piece.score * 64) for piece in model.pieces)
    assert not [piece for piece in model.pieces if "<" in piece.text[:-1] and piece.kind == Kind.NORMAL]


@pytest.mark.parametrize("algorithm", ["bpe", "unigram"])
@pytest.mark.parametrize("zero", ["\u0660", "\u0966", "\u09e6", "\uff10", "\U0001d7ce", "\U0001e4f0"])
def test_digits_of_every_script_stand_alone(tmp_path: Path, algorithm: str, zero: str) -> None:
    """sentencepiece itself splits digits of ASCII and full width only, and Python 3.11 does not know the last ones here."""
    digits = [chr(ord(zero) + digit) for digit in range(10)]
    numbers = [str(number * 7919 % 100_000) for number in range(3000)]
    spelled = " ".join("".join(digits[int(digit)] for digit in number) for number in numbers)
    texts = {"numbers": [spelled.replace(f"{zero} ", f"{zero}km "), *list(TOPICS.values())[:10]]}
    data = train.train_model(texts, train.Recipe.from_settings({**SETTINGS, "algorithm": algorithm}))
    inside = [piece.text for piece in read_model(data).pieces if piece.kind == Kind.NORMAL and len(piece.text) > 1]
    assert not [text for text in inside if set(digits).intersection(text)]
    (tmp_path / "tokenizer.model").write_bytes(data)
    assert check_equal_ids(Vocabulary(tmp_path / "tokenizer.model"), fast_tokenizer(data), texts["numbers"]) == 11


def test_a_unigram_model_that_could_differ_has_no_other_form() -> None:
    data = unigram_model()
    pieces = list(read_model(data).pieces)
    for text, score in (("<s", -5.0), ("xyz", -3.3)):
        with pytest.raises(UserError, match="no Hugging Face form with equal ids"):
            fast_tokenizer(with_pieces(data, [*pieces, Piece(text, score, Kind.NORMAL)]))


def test_the_gate_notices_another_form(made: Path) -> None:
    vocabulary = Vocabulary.of(open_artefact(made))
    other = Tokenizer.from_file(str(made.parent / "small" / "tokenizer.json"))
    other.normalizer = normalizers.Lowercase()
    with pytest.raises(UserError, match="gives other ids than sentencepiece for 'Loud'"):
        check_equal_ids(vocabulary, other, ["quiet", "Loud"])


def test_a_sample_that_needs_more_memory_than_there_is_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    documents = publish(tmp_path / "documents", 1)
    manifest = tmp_path / "small.json"
    line = arguments(SETTINGS, documents=documents, checkpoints=tmp_path / "checkpoints", manifest=manifest)
    assert train.main([*line, "--memory", "100"]) == 1
    said = capsys.readouterr().err
    assert "Training on 0.2 MB of text takes about" in said
    assert re.search(r"sample_bytes of \d+,\d+ takes about \d+ MB of memory and this job may use 100; lower it", said)


def test_the_memory_of_text_without_spaces_is_foreseen() -> None:
    """Lines of Thai letters, of which the trainer takes each for one long word; what every training takes stands aside."""
    recipe = train.Recipe.from_settings({**SETTINGS, "vocabulary": 8000})
    random, sizes, grown = np.random.default_rng(1), [], []
    words = ["".join(map(chr, 0x0E00 + random.integers(1, 59, random.integers(2, 7)))) for _ in range(8000)]
    for count in (50_000, 250_000):
        text = "".join(words[number % 8000] for number in random.zipf(1.2, count))
        texts = [text[start : start + 400] for start in range(0, len(text), 400)]
        sizes.append(len(text.encode("utf-8")))
        grown.append(growth(texts, recipe))
    needed = [megabytes(size) for size in sizes]
    assert grown[1] - grown[0] < 1e6 * (needed[1] - needed[0])


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


@pytest.mark.parametrize("again", [False, True])
def test_a_setting_that_nothing_uses_is_refused(tmp_path: Path, again: bool) -> None:
    documents = publish(tmp_path / "documents", 1)
    for _ in range(2 if again else 1):  # also where the finished result lies there
        with pytest.raises(AssertionError, match=r"never read: colour$"):
            train_tokenizer(tmp_path, documents, colour="red")


def test_a_vocabulary_too_large_names_the_largest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    documents = publish(tmp_path / "documents", 1)
    train_tokenizer(tmp_path, documents, expect=1, vocabulary=200_000)
    said = capsys.readouterr().err
    assert "vocabulary is 200000, but the sample supports at most" in said


def test_held_out_documents_are_not_sampled(tmp_path: Path) -> None:
    texts = {f"reference:{number}": f"word{chr(97 + number)} " * 300 for number in range(8)}
    texts["reference:secret"] = "zyzzyva " * 3000
    documents = publish_curated(tmp_path / "d" / "reference" / "0000.json", texts, ["reference:secret"])
    manifest = train_tokenizer(tmp_path, [documents], vocabulary=300)
    assert "zyzzyva" not in (manifest.parent / "small" / "tokenizer.vocab").read_text("utf-8")
    assert load_manifest(manifest)["accounting"]["in"] == 8
