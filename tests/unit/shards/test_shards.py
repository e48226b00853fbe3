"""Curated documents become shards and an order that do not depend on parts."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from scripts.lib.encoding import FastEncoder
from scripts.lib.errors import UserError
from scripts.lib.indexed import IndexedWriter
from scripts.lib.manifest import load_manifest, open_artefact, provenance_path
from scripts.lib.special_tokens import END
from scripts.lib.streams import SourceStream
from scripts.lib.vocabulary import Vocabulary
from scripts.shards import encode, engines, index
from scripts.shards.engines import CHECKED_EVERY, CHECKED_FIRST, Checked, DifferentIds
from tests.making import arguments, publish_curated
from tests.real_text import topic_documents
from tests.unit.tokenizer.test_tokenizer import train_tokenizer

TEXTS = {f"reference:{row['id']}": row["text"] for row in topic_documents()[:30]} | {"reference:empty": ""}
HELD_OUT = list(TEXTS)[::7]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shards")
    documents = publish_curated(folder / "documents" / "reference" / "0000.json", TEXTS, HELD_OUT)
    return train_tokenizer(folder, [documents])


def shards(folder: Path, tokenizer: Path, parts: int) -> SourceStream:
    manifests = []
    for part in range(parts):
        mine = dict(list(TEXTS.items())[part::parts])
        documents = publish_curated(folder / "curated" / "reference" / f"{part:04d}.json", mine, HELD_OUT)
        manifest = folder / "reference" / f"{part:04d}.json"
        assert encode.main(arguments({}, documents=documents, tokenizer=tokenizer, manifest=manifest)) == 0
        manifests.append(manifest)
    names = [path.stem for path in manifests]
    order = folder / "reference" / "order.json"
    assert index.main(arguments({"parts": names}, shards=manifests, manifest=order)) == 0
    return SourceStream.open("reference", folder / "reference", names, "train")


def test_every_document_stands_in_its_split_with_its_end(tokenizer: Path, tmp_path: Path) -> None:
    stream = shards(tmp_path, tokenizer, 1)
    splits = load_manifest(tmp_path / "reference" / "0000.json")["summary"]["splits"]
    assert splits["train"]["documents"] + splits["validation"]["documents"] == len(TEXTS)
    assert splits["test"] == {"documents": 0, "tokens": 0, "bytes": 0}
    assert splits["train"]["tokens"] == stream.tokens
    training = [text for key, text in TEXTS.items() if key not in HELD_OUT]
    assert splits["train"]["bytes"] == sum(len(text.encode()) for text in training)
    ids = stream.read(0, stream.tokens)
    ends = np.flatnonzero(ids == END)
    vocabulary = Vocabulary.of(open_artefact(tokenizer))
    found = [vocabulary.decode(piece.tolist()) for piece in np.split(ids, ends + 1)[:-1]]
    assert sorted(found) == sorted(training)


def test_the_stream_does_not_depend_on_parts(tokenizer: Path, tmp_path: Path) -> None:
    one, three = shards(tmp_path / "one", tokenizer, 1), shards(tmp_path / "three", tokenizer, 3)
    assert one.tokens == three.tokens
    assert np.array_equal(one.read(0, one.tokens), three.read(0, three.tokens))


def test_shards_of_two_tokenizers_are_refused(
    tokenizer: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    documents = publish_curated(tmp_path / "documents" / "reference" / "0000.json", TEXTS)
    second = train_tokenizer(tmp_path / "second", [documents], vocabulary=600)
    manifests = []
    for number, which in enumerate((tokenizer, second)):
        manifest = tmp_path / "reference" / f"{number:04d}.json"
        assert encode.main(arguments({}, documents=documents, tokenizer=which, manifest=manifest)) == 0
        manifests.append(manifest)
    order = tmp_path / "reference" / "order.json"
    assert index.main(arguments({"parts": ["0000", "0001"]}, shards=manifests, manifest=order)) == 1
    assert "come from different tokenizers" in capsys.readouterr().err


def test_an_order_made_in_stretches_is_the_same(
    tokenizer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, names = shards(tmp_path, tokenizer, 3), ["0000", "0001", "0002"]
    path = tmp_path / "reference" / "order.json"
    before = load_manifest(path)
    assert len(whole._order) > 20 and np.array_equal(np.load(path.with_name("order.train.npy")), whole._order)
    monkeypatch.setattr(index, "BLOCK", 3)  # a stretch may also have more documents, or none
    manifests = [path.with_name(f"{name}.json") for name in names]
    assert index.main(arguments({"parts": names}, shards=manifests, manifest=path)) == 0
    assert load_manifest(path) == before
    found = encoded(tmp_path / "twice", tokenizer, {"0000": TEXTS, "0001": {list(TEXTS)[7]: "again"}})
    with pytest.raises(UserError, match=r"document 7 of part 0000 and document 0 of part 0001 have the same id"):
        list(index.order_of([open_artefact(one) for one in found], names[:2], "train"))


def test_keys_with_one_first_half_are_ordered_by_the_second(tmp_path: Path) -> None:
    keys = [(2, 5), (1, 9), (2, 3), (2, 2**64 - 1), (1, 2**63)]
    with IndexedWriter(tmp_path / "0000.train.bin", tmp_path / "0000.train.idx", np.uint16) as writer:
        for number in range(len(keys)):
            writer.add([7] * number)
    np.array(keys, ">u8").tofile(tmp_path / "0000.train.keys")
    shard: Any = SimpleNamespace(path=tmp_path.joinpath)
    (order,) = index.order_of([shard], ["0000"], "train")
    assert order["document"].tolist() == [1, 4, 2, 0, 3]
    assert order["end"].tolist() == [1, 5, 7, 7, 10]


def encoded(folder: Path, tokenizer: Path, parts: dict[str, dict[str, str]]) -> list[Path]:
    """Encode the documents of every part and return the manifests."""
    manifests = []
    for part, texts in parts.items():
        documents = publish_curated(folder / "curated" / "reference" / f"{part}.json", texts)
        manifests.append(folder / "reference" / f"{part}.json")
        assert encode.main(arguments({}, documents=documents, tokenizer=tokenizer, manifest=manifests[-1])) == 0
    return manifests


def test_a_document_in_two_parts_is_refused(
    tokenizer: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifests = encoded(tmp_path, tokenizer, {"0000": {"x:1": "one", "x:2": "two"}, "0001": {"x:2": "again"}})
    order = tmp_path / "reference" / "order.json"
    assert index.main(arguments({"parts": ["0000", "0001"]}, shards=manifests, manifest=order)) == 1
    said = capsys.readouterr().err
    assert "document 1 of part 0000 and document 0 of part 0001 have the same id" in said
    assert not order.exists()


@pytest.mark.parametrize("given", [[1, 0], [0], [0, 0]])
def test_swapped_missing_and_doubled_shards_are_refused(
    tokenizer: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], given: list[int]
) -> None:
    manifests = encoded(tmp_path, tokenizer, {"0000": {"x:1": "one"}, "0001": {"x:2": "two"}})
    shards = [manifests[number] for number in given]
    order = tmp_path / "reference" / "order.json"
    assert index.main(arguments({"parts": ["0000", "0001"]}, shards=shards, manifest=order)) == 1
    assert "each once and in that order" in capsys.readouterr().err


def test_a_part_without_documents_is_a_part(tokenizer: Path, tmp_path: Path) -> None:
    manifests = encoded(tmp_path, tokenizer, {"0000": {}, "0001": {"x:2": "two words"}})
    order = tmp_path / "reference" / "order.json"
    assert index.main(arguments({"parts": ["0000", "0001"]}, shards=manifests, manifest=order)) == 0
    stream = SourceStream.open("reference", tmp_path / "reference", ["0000", "0001"], "train")
    vocabulary = Vocabulary.of(open_artefact(tokenizer))
    assert stream.read(0, stream.tokens).tolist() == [*vocabulary.encode("two words"), END]


def encode_alone(folder: Path, tokenizer: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Encode all documents in one part; returns the content manifest and what the provenance says of the execution."""
    documents = publish_curated(folder / "curated" / "reference" / "0000.json", TEXTS, HELD_OUT)
    manifest = folder / "reference" / "0000.json"
    assert encode.main(arguments({}, documents=documents, tokenizer=tokenizer, manifest=manifest)) == 0
    return load_manifest(manifest), json.loads(provenance_path(manifest).read_text("utf-8"))["execution"]


def test_the_compiled_encoder_writes_the_same_bytes(
    tokenizer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also where no document is short enough to be checked whole."""
    monkeypatch.setattr(engines, "CHECKED_CHARACTERS", 50)
    assert min(map(len, filter(None, TEXTS.values()))) > 50
    expected, execution = encode_alone(tmp_path / "reference", tokenizer)
    assert execution["engine"] == "sentencepiece"
    assert f"Encoded by sentencepiece: {execution['reason']}." in capsys.readouterr().err
    monkeypatch.setattr(encode, "worth_compiling", bool)
    found, execution = encode_alone(tmp_path / "compiled", tokenizer)
    assert found == expected
    assert execution == {"engine": "compiled", "checked": len(TEXTS)}


def test_an_encoder_that_differs_is_noticed_and_replaced(
    tokenizer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    expected, _ = encode_alone(tmp_path / "reference", tokenizer)
    monkeypatch.setattr(encode, "worth_compiling", bool)
    honest = FastEncoder.encode

    def wrong(self: FastEncoder, texts: Any, end: int = -1) -> Any:
        ids, sizes = honest(self, texts, end)
        return np.where(ids == ids[-2:][0], ids + 1, ids), sizes

    monkeypatch.setattr(FastEncoder, "encode", wrong)
    found, execution = encode_alone(tmp_path / "wrong", tokenizer)
    assert found == expected
    assert execution["engine"] == "sentencepiece"
    assert "other ids for" in execution["reason"]
    assert "notice: sentencepiece encodes this part" in capsys.readouterr().err


@pytest.mark.parametrize("place", [0, 9, 19])
def test_the_ids_that_are_compared_are_those_that_are_written(place: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """An encoder that fails with long texts alone is found out, wherever in the part that is checked."""
    monkeypatch.setattr(engines, "CHECKED_CHARACTERS", 22)
    letters = "abcdefghijklmnopqrst and some more of them"

    class WrongWithLongTexts:
        def encode(self, texts: pa.StringArray, end: int) -> Any:
            ids = [[*map(ord, text.as_py()), end] for text in texts]
            for one in ids:
                one[place] += len(one) > 23
            return np.concatenate(ids), np.array([len(one) for one in ids], np.int64)

    class Letters:
        def encode(self, text: str) -> list[int]:
            return [ord(letter) for letter in text]

    side_by_side = frozenset([" a", "an", "nd"])  # the last place where no piece can cross is behind the t
    engine = Checked(WrongWithLongTexts(), Letters(), side_by_side)  # type: ignore[arg-type]
    engine.encode(pa.array([letters[:22]]), 2)
    with pytest.raises(DifferentIds):
        engine.encode(pa.array([letters]), 2)


def test_a_document_between_the_first_ones_and_the_next_of_the_sample_is_checked() -> None:
    class Other:
        def encode(self, texts: pa.StringArray, end: int) -> Any:
            sizes = np.array([len(text.as_py()) + 1 for text in texts], np.int64)
            ids = [np.array([*map(ord, text.as_py().replace("x", "y")), end]) for text in texts]
            return np.concatenate(ids), sizes

    class Letters:
        def encode(self, text: str) -> list[int]:
            return [ord(letter) for letter in text]

    engine = Checked(Other(), Letters(), frozenset())  # type: ignore[arg-type]
    engine.encode(pa.array(["abc"] * 100), 2)
    engine.encode(pa.array(["x"] * (CHECKED_EVERY - 100) + ["abc"]), 2)  # up to the first one of the sample
    assert engine.checked == CHECKED_FIRST + 1
    with pytest.raises(DifferentIds, match="other ids for 'yx'"):
        engine.encode(pa.array(["x"] * (CHECKED_EVERY - 1) + ["yx"]), 2)


def test_small_parts_are_compiled_once_there_is_machine_code(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("scripts.lib.compiled.cache_folder", lambda module: tmp_path / module)
    (tmp_path / "scripts.lib.segmentation").mkdir()
    assert [engines.worth_compiling(size) for size in (0, 3_999_999, 4_000_000, 31_999_999)] == [False] * 4
    assert engines.worth_compiling(32_000_000)
    (tmp_path / "scripts.lib.segmentation" / "segmentation.encode_texts-1.py311.nbi").touch()
    assert [engines.worth_compiling(size) for size in (0, 3_999_999, 4_000_000)] == [False, False, True]
