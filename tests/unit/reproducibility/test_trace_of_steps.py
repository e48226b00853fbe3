"""Training steps are followed to what they read, and only in the shards that were trained on."""

from __future__ import annotations

import json
import shutil
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from scripts.lib.canonical import sha256_file
from scripts.lib.documents import DOCUMENT_SCHEMA
from scripts.lib.indexed import IndexedReader
from scripts.lib.masking import IGNORED
from scripts.lib.order import DataOrder
from scripts.lib.special_tokens import END, PAD
from scripts.lib.streams import SourceStream
from scripts.pretraining.data import data_order, open_streams
from scripts.pretraining.objective import inputs_and_labels
from scripts.pretraining.recipe import Recipe
from scripts.reproducibility import trace
from tests.making import publish_rows
from tests.unit.pretraining import tiny
from tests.unit.reproducibility.traced import (
    MODEL,
    SOURCES,
    asked,
    publish_mixture,
    publish_model,
    said,
    summarise,
)


def test_a_step_is_followed_to_its_documents(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Both ways give one relation, and the tokens named are those of the batch."""
    stream = SourceStream.open("web", results / "shards" / "main" / "small" / "web", ["0000", "0001"], "train")
    order = DataOrder([stream], {}, 8, 2, 3)
    seen: dict[str, set[int]] = {}
    for step in range(6):
        command = ["--model", "tiny", "--step", str(step), "--results", str(results)]
        assert trace.main([*command, "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert (found["model"], found["state"], found["step"], found["of"]) == ("tiny", "planned", step, 6)
        for number, (sample, ids) in enumerate(zip(found["samples"], order.batch(step).tolist(), strict=True)):
            assert (sample["sample"], sample["row"], sample["source"]) == (2 * step + number, number, "web")
            told = []
            for one in sample["documents"]:
                path = results / one["file"]
                tokens = IndexedReader(path, path.with_suffix(".idx"))[one["document"]]
                told += tokens[one["start"] : one["stop"]].tolist()
                seen.setdefault(one["id"], set()).add(step)
            assert told == ids
    for identifier, steps in seen.items():
        (corpus,) = asked(results, identifier, capsys)["corpora"]
        assert corpus["curated"]["shards"][0]["models"][0]["steps"] == sorted(steps)
    assert len(seen) > 5
    assert trace.main(["--model", "tiny", "--step", "0", "--results", str(results)]) == 0
    text = capsys.readouterr().out
    assert text.startswith("model tiny (planned), step 0 of 6\n  sample 0: window ")
    assert "  tokens " in text


def read_by_model(recipe: Recipe, batch: NDArray[Any]) -> list[list[int]]:
    """Return the tokens of each row that a model is fed or asked for, by what training makes of a batch."""
    inputs, labels = inputs_and_labels(recipe, batch.astype(np.int64), 0, tiny.VOCABULARY)
    causal = recipe.objective == "causal"
    read = np.hstack([inputs, labels[:, -1:]]) if causal else np.where(labels == IGNORED, inputs, labels)
    return [[token for token in row if token not in (END, PAD, IGNORED)] for row in read.tolist()]


@pytest.mark.parametrize("family", ["llama", "bert"])
@pytest.mark.parametrize("packing", ["contiguous", "best_fit"])
def test_a_step_of_a_mixture_is_followed_to_what_the_model_reads(
    family: str, packing: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both ways: no document that the model reads nothing of, and none left out; the texts of this corpus have no ends."""
    chosen = tiny.settings(family, steps=24, sequence_length=8, global_batch=2, packing=packing)
    chosen |= {"tokenizer": "small", "weights": {"books": 0.5}, "temperature": 2.0}
    shards, recipe = publish_mixture(tmp_path, chosen), Recipe.from_settings(chosen)
    order = data_order(recipe, chosen["weights"], open_streams(shards, "train"))
    seen: dict[str, set[int]] = {}
    for step in range(24):
        assert trace.main(["--model", "tiny", "--step", str(step), "--results", str(tmp_path), "--json"]) == 0
        samples = json.loads(capsys.readouterr().out)["samples"]
        batch, sources = order.draw(step)
        assert [sample["source"] for sample in samples] == sources
        told: list[list[int]] = [[] for _ in samples]
        for row, sample in enumerate(samples):
            for one in sample["documents"]:
                path = tmp_path / one["file"]
                tokens = IndexedReader(path, path.with_suffix(".idx"))[one["document"]]
                told[row] += tokens[one["start"] : one["stop"]].tolist()
                seen.setdefault(one["id"], set()).add(step)
        assert told == read_by_model(recipe, batch)
    for source, count in SOURCES.items():
        assert any(identifier.startswith(f"{source}:") for identifier in seen)
        for part, number in product((0, 1), [number for number in range(3, count) if number != 5]):  # those to train on
            (corpus,) = asked(tmp_path, f"{source}:{part}-{number}", capsys)["corpora"]
            (model,) = corpus["curated"]["shards"][0]["models"]
            assert model["steps"] == sorted(seen.get(f"{source}:{part}-{number}", ()))


def test_the_steps_of_a_branch_are_its_own(results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its step b reads what step 4 + b of its trunk would have read."""
    copied = shutil.copytree(results, tmp_path / "results")
    shards = sorted((copied / "shards" / "main" / "small" / "web").glob("000?.json"))
    start = {"model": "tiny", "step": 4, "first_batch": 4}
    publish_model(copied, "model", shards, "twig", **{"from": start, "training": MODEL["training"] | {"steps": 2}})
    batches = []
    for model, step in (("twig", 1), ("tiny", 5)):
        command = ["--model", model, "--step", str(step), "--results", str(copied)]
        assert trace.main([*command, "--json"]) == 0
        batches.append(json.loads(capsys.readouterr().out))
    assert batches[0]["samples"] == batches[1]["samples"]
    assert batches[0]["from"] == {"model": "tiny", "step": 4}
    assert trace.main(["--model", "twig", "--step", "1", "--results", str(copied)]) == 0
    assert capsys.readouterr().out.startswith("model twig (trained, from step 4 of tiny), step 1 of 2\n")
    read = {one["id"] for sample in batches[0]["samples"] for one in sample["documents"]}
    (corpus,) = asked(copied, sorted(read)[0], capsys)["corpora"]
    trunk, twig = corpus["curated"]["shards"][0]["models"]
    assert (trunk["model"], twig["model"]) == ("tiny", "twig") and 1 in twig["steps"]
    assert twig["steps"] == [step - 4 for step in trunk["steps"] if step >= 4]


def test_shards_of_another_tokenizer_are_refused(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By their digests, whatever the tokenizer is called."""
    copied = shutil.copytree(results, tmp_path / "results")
    tokenizer = copied / "tokenizers" / "small.json"
    summarise(publish_rows(tokenizer, [], DOCUMENT_SCHEMA), vocabulary=300)
    assert trace.main(["web:1-6", "--results", str(copied)]) == 1
    part = copied / "shards" / "main" / "small" / "web" / "0001.json"
    assert f"{part.with_stem('0000')} was made with" not in (shown := capsys.readouterr().err)
    assert f"{part} was made with another tokenizer than {tokenizer}; run the workflow again." in shown
    summarise(part, tokenizer_digest=sha256_file(tokenizer))
    refused = f"{part} is not the one that model tiny was planned with (its documents or its tokenizer"
    assert trace.main(["--model", "tiny", "--step", "0", "--results", str(copied)]) == 1
    assert refused in capsys.readouterr().err
    publish_model(copied, "plan", sorted(part.parent.glob("000?.json")), "fresh")
    shown = said(copied, "web:1-6", capsys)  # one model of other shards hides nothing else
    assert "model fresh (planned): in" in shown and f"model tiny (planned): steps unknown: {refused}" in shown
    publish_model(copied, "plan", sorted(part.parent.glob("000?.json")))
    assert "model tiny (planned): in" in said(copied, "web:1-6", capsys)


def test_steps_of_a_batch_that_warms_up(results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two steps of one sample, then two each: they read what the steps of a run without read, one after the other."""
    copied = shutil.copytree(results, tmp_path / "results")
    shards = sorted((copied / "shards" / "main" / "small" / "web").glob("000?.json"))
    training = MODEL["training"] | {"steps": 7, "batch_warmup": {"from": 1, "over": 2}}
    publish_model(copied, "model", shards, "warm", **{"training": training})
    samples: dict[str, list[Any]] = {"warm": [], "tiny": []}
    steps: dict[str, set[int]] = {}
    for model, step in [*(("warm", step) for step in range(7)), *(("tiny", step) for step in range(6))]:
        assert trace.main(["--model", model, "--step", str(step), "--results", str(copied), "--json"]) == 0
        found = json.loads(capsys.readouterr().out)["samples"]
        samples[model] += [{key: value for key, value in one.items() if key != "row"} for one in found]
        for one in (one for sample in found for one in sample["documents"] if model == "warm"):
            steps.setdefault(one["id"], set()).add(step)
    assert samples["warm"] == samples["tiny"]
    for identifier, seen in steps.items():
        (corpus,) = asked(copied, identifier, capsys)["corpora"]
        told = {model["model"]: model["steps"] for model in corpus["curated"]["shards"][0]["models"]}
        assert told["warm"] == sorted(seen)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--model", "tiny", "--step", "6"], "has the steps 0 to 5, not 6"),
        (["--model", "small", "--step", "0"], "(there are: tiny); name one, or run it"),
    ],
)
def test_a_step_that_is_none(
    results: Path, capsys: pytest.CaptureFixture[str], options: list[str], sentence: str
) -> None:
    assert trace.main([*options, "--results", str(results)]) == 1
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize("options", [[], ["web:1", "--model", "tiny", "--step", "0"], ["--step", "0"]])
def test_either_a_document_or_a_step_is_asked_for(options: list[str]) -> None:
    with pytest.raises(SystemExit):
        trace.main(options)
