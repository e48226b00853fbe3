"""Scores on held-out documents, by the command line of the rule, are what a plain reckoning gives."""

from __future__ import annotations

import json
import math
import shutil
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM

from scripts.evaluation import bits_per_byte
from scripts.lib.indexed import IndexedReader
from scripts.lib.manifest import load_manifest
from scripts.lib.seeds import seed_for
from scripts.lib.special_tokens import END
from tests.making import arguments
from tests.unit.finetuning.tiny import SHAPE, make_model
from tests.unit.pretraining.tiny import SOURCES, Inputs, publish

SETTINGS: dict[str, Any] = {
    "model": "tiny",
    "seed": 1,
    "objective": "causal",
    "documents": 10,  # all that there are
    "minimum_improvement": None,
    "masked_share": 0.3,
}
BYTES = 4  # of a word with the space before it


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    return Inputs(tmp_path_factory.mktemp("scoring") / "inputs")


def places_of(inputs: Inputs) -> dict[str, Path | list[Path]]:
    """Return the inputs of the program by their flags, without the model."""
    return {"tokenizer": inputs.tokenizer, "shards": inputs.shards, "orders": inputs.orders}


def score(folder: Path, inputs: Inputs, family: str, expect: int = 0, **changes: Any) -> dict[str, Any]:
    """Score an untrained model through the program and return the summary."""
    manifest = folder / "evaluations/tiny/bits_per_byte.json"
    places = {"model": make_model(folder, family), **places_of(inputs)}
    assert bits_per_byte.main(arguments({**SETTINGS, **changes}, **places, manifest=manifest)) == expect
    if expect:
        assert not manifest.exists()
        return {}
    summary: dict[str, Any] = load_manifest(manifest)["summary"]
    scores = json.loads((manifest.parent / "bits_per_byte.scores.json").read_text("utf-8"))
    assert scores == {"all": summary["all"], "sources": summary["sources"]}
    return summary


@pytest.mark.parametrize("wrong", ["model", "shards"])
def test_a_model_or_shards_of_another_tokenizer_are_refused(
    tmp_path: Path, inputs: Inputs, capsys: pytest.CaptureFixture[str], wrong: str
) -> None:
    """By its digest: the vocabularies are of one size."""
    model = make_model(tmp_path, "llama")
    shard = Path(shutil.copytree(inputs.shards[0].parent, tmp_path / "shards" / "books"), inputs.shards[0].name)
    other = {"model": model, "shards": shard}[wrong]
    publish(other, tokenizer_digest="another")
    changed = {"model": {"model": other}, "shards": {"shards": [shard], "orders": [shard.with_name("order.json")]}}
    places = {"model": model, **places_of(inputs), **changed[wrong]}
    manifest = tmp_path / "bits_per_byte.json"
    assert bits_per_byte.main(arguments(SETTINGS, **places, manifest=manifest)) == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert said == f"error: {other} was made with another tokenizer than {inputs.tokenizer}; run the workflow again."


@pytest.fixture(scope="module")
def two_parts(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    return Inputs(tmp_path_factory.mktemp("parts") / "inputs", parts=2)


@pytest.mark.parametrize("given", [[1, 0], [0], [0, 0]])
def test_swapped_missing_and_doubled_shards_are_refused(
    tmp_path: Path, two_parts: Inputs, capsys: pytest.CaptureFixture[str], given: list[int]
) -> None:
    shards = [two_parts.shards[number] for number in given] + two_parts.shards[2:]
    places = {"model": make_model(tmp_path, "llama"), **places_of(two_parts), "shards": shards}
    assert bits_per_byte.main(arguments(SETTINGS, **places, manifest=tmp_path / "bits_per_byte.json")) == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert f"gives the parts {', '.join(f'{number:04d}' for number in given)} of source books" in said
    assert said.endswith("was made of 0000, 0001; give these, each once and in that order.")


def test_a_source_without_its_order_is_refused(
    tmp_path: Path, inputs: Inputs, capsys: pytest.CaptureFixture[str]
) -> None:
    places = {"model": make_model(tmp_path, "llama"), **places_of(inputs), "orders": inputs.orders[:1]}
    assert bits_per_byte.main(arguments(SETTINGS, **places, manifest=tmp_path / "bits_per_byte.json")) == 1
    assert "--orders has to name the order of every source that --shards names" in capsys.readouterr().err


def test_ids_of_another_type_than_the_vocabulary_takes_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inputs = Inputs(tmp_path / "in")
    inputs.claim_type(3)
    places = {"model": make_model(tmp_path, "llama"), **places_of(inputs)}
    assert bits_per_byte.main(arguments(SETTINGS, **places, manifest=tmp_path / "bits_per_byte.json")) == 1
    assert (
        "says that its token ids are int16, but those of a vocabulary of 61 pieces are uint16"
        in capsys.readouterr().err
    )


def plain_nats(model: Any, ids: list[int]) -> float:
    """Return the nats of a document, in windows of the context that follow one another."""
    stream, context, total = [END, *ids], SHAPE["context"], 0.0
    for start in range(0, len(stream) - 1, context):
        window = stream[start : start + context + 1]
        with torch.no_grad():
            logits = model(torch.tensor([window[:-1]])).logits[0]
        total -= float(torch.log_softmax(logits.double(), -1)[range(len(window) - 1), window[1:]].sum())
    return total


def test_bits_per_byte_are_those_of_a_plain_loop(tmp_path: Path, inputs: Inputs) -> None:
    summary = score(tmp_path, inputs, "llama")
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "model/export").eval()
    nats = size = 0.0
    for shard in inputs.shards:
        stem = str(shard.with_suffix(""))
        documents = IndexedReader(Path(f"{stem}.validation.bin"), Path(f"{stem}.validation.idx"))
        mine = [np.asarray(documents[number])[:-1].tolist() for number in range(len(documents))]
        own = sum(plain_nats(model, ids) for ids in mine)
        measured = summary["sources"][shard.parent.name]
        assert measured["documents"] == len(mine) == 10
        assert measured["bytes"] == BYTES * sum(map(len, mine))
        assert measured["score"] == pytest.approx(own / math.log(2) / measured["bytes"], rel=1e-5)
        nats, size = nats + own, size + measured["bytes"]
    assert set(summary["sources"]) == set(SOURCES)
    assert summary["all"]["score"] == pytest.approx(nats / math.log(2) / size, rel=1e-5)
    assert summary["all"]["low"] < summary["all"]["score"] < summary["all"]["high"]
    assert summary["all"]["unit"] == "bits per byte"


def test_a_masked_model_is_scored_at_masked_positions(tmp_path: Path, inputs: Inputs) -> None:
    one, more = (
        score(tmp_path / str(share), inputs, "bert", objective="masked", masked_share=share)["all"]
        for share in (0.1, 0.4)
    )
    assert one["unit"] == "nats per masked token"
    assert 2 * one["tokens"] < more["tokens"] < 20 * 60


def test_a_model_no_better_than_counting_words_is_refused(
    tmp_path: Path, inputs: Inputs, capsys: pytest.CaptureFixture[str]
) -> None:
    score(tmp_path, inputs, "llama", expect=1, minimum_improvement=0.1)
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("error: Model tiny scores ")
    assert "lower evaluation.minimum_improvement (10%)" in error


class Reader:
    """A shard of many documents, of which it counts those that are in memory at a time."""

    def __init__(self, count: int) -> None:
        self.count, self.alive, self.most = count, 0, 0

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, number: int) -> Any:
        ids = np.array([number % 50, number, END], dtype=np.int64)
        self.alive += 1
        self.most = max(self.most, self.alive)
        weakref.finalize(ids, self._gone)
        return ids

    def _gone(self) -> None:
        self.alive -= 1


def test_documents_are_drawn_without_all_of_them_in_memory() -> None:
    shards: Any = [Reader(400), Reader(300)]
    found = bits_per_byte.drawn(shards, 5, 1, "books")
    assert max(shard.most for shard in shards) <= 8
    everything = [np.asarray(shard[number][:-1]) for shard in shards for number in range(len(shard))]
    keys = [seed_for(1, "books", ids.tobytes().hex()) for ids in everything]
    wanted = sorted(range(len(everything)), key=keys.__getitem__)[:5]
    assert [ids.tolist() for ids in found] == [everything[number].tolist() for number in wanted]


def test_fewer_documents_are_drawn_by_their_content(tmp_path: Path, inputs: Inputs) -> None:
    summary = score(tmp_path, inputs, "llama", documents=3)
    assert [one["documents"] for one in summary["sources"].values()] == [3, 3]
