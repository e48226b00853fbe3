"""The plan: exact accounts of the mixture, and what it refuses."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scripts.lib.canonical import sha256_file
from scripts.lib.errors import UserError
from scripts.lib.manifest import provenance_path
from scripts.pretraining import plan
from scripts.pretraining.data import data_order, open_streams
from scripts.pretraining.inputs import sources_of
from scripts.pretraining.objective import inputs_and_labels
from scripts.pretraining.recipe import Recipe
from tests.unit.pretraining import tiny


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> tiny.Inputs:
    return tiny.Inputs(tmp_path_factory.mktemp("inputs") / "in")


def make(inputs: tiny.Inputs, folder: Path, chosen: dict[str, Any], *more: str) -> int:
    options = ["--settings", json.dumps(chosen), "--manifest", str(folder / "plan.json")]
    return plan.main([*inputs.arguments(), *options, *more])


def test_the_account_of_the_mixture_is_what_the_batches_hold(inputs: tiny.Inputs, tmp_path: Path) -> None:
    chosen = {**tiny.settings(), "weights": {"books": 3.0, "web": 1.0}, "max_epochs": 4}
    assert make(inputs, tmp_path, chosen) == 0
    summary = json.loads((tmp_path / "plan.json").read_text("utf-8"))["summary"]
    streams = open_streams(sources_of(inputs.shards, inputs.orders), "train")
    order = data_order(Recipe.from_settings(chosen), chosen["weights"], streams)
    rows = [row for step in range(20) for row in order.locate(step)]
    for name, account in summary["sources"].items():
        assert account["samples"] == sum(row.source == name for row in rows)
        assert account["tokens"] == 24 * account["samples"]
        windows = (80 * 61 - 1) // 24
        assert account["available_tokens"] == 80 * 61 == windows * 24 + account["left_over_tokens"]
        assert account["epochs"] == pytest.approx(account["samples"] / (80 * 61 // 24), rel=0.01)
    assert abs(summary["sources"]["books"]["samples"] - 120) <= 2
    assert summary["tokens"] == 20 * 8 * 24 == sum(account["tokens"] for account in summary["sources"].values())
    assert summary["flops"]["total"] == summary["flops"]["per_token"] * summary["tokens"]
    count = summary["parameters"]["total"]
    assert summary["compute_optimal_tokens"] == 20 * count
    assert summary["memory"]["weights"] == 4 * count and summary["memory"]["optimizer"] == 8 * count


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"max_epochs": 0.3}, "at most 0.3 epochs of source books are allowed"),
        ({"epoch_caps": {"web": 0.2}}, "at most 0.2 epochs of source web are allowed"),
        (
            {"weights": {"books": 1.0, "web": 1e-6}},
            "source web of corpus main would give none of the 160 samples of training; raise its weight",
        ),
        (
            {"token_budget": 3839},
            "token_budget is 3,839, but its training would see 3,840 tokens; lower training.steps to 19",
        ),
        (
            {"token_budget": 191},
            "token_budget is 191, but its training would see 3,840 tokens; raise the budget.",
        ),
        (
            {
                "architecture": {**tiny.settings()["architecture"], "context": 8000},
                "training": {"sequence_length": 5000},
            },
            "Source books of corpus main has 4880 training tokens and model tiny needs 5001",
        ),
    ],
)
def test_it_refuses_in_one_sentence_and_publishes_nothing(
    inputs: tiny.Inputs, tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, Any], sentence: str
) -> None:
    chosen = {**tiny.settings(), "max_epochs": 4, **changes}
    chosen["training"] = {**tiny.settings()["training"], **changes.get("training", {})}
    assert make(inputs, tmp_path, chosen) == 1
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "plan.json").exists()


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        (["0001", "0000"], "gives the parts 0001, 0000 of source books and"),
        (["0000"], "was made of 0000, 0001; give these, each once and in that order"),
        (["0000", "0000", "0001"], "gives the parts 0000, 0000, 0001 of source books"),
    ],
)
def test_swapped_missing_and_doubled_shards_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], parts: list[str], sentence: str
) -> None:
    inputs = tiny.Inputs(tmp_path / "in", parts=2)
    inputs.shards = [inputs.shards[0].with_name(f"{part}.json") for part in parts] + inputs.shards[2:]
    assert make(inputs, tmp_path, {**tiny.settings(), "max_epochs": 4}) == 1
    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1
    assert not (tmp_path / "plan.json").exists()


def test_a_shard_that_was_encoded_again_is_not_read_with_the_old_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inputs = tiny.Inputs(tmp_path / "in")
    tiny.publish(inputs.shards[1], tokenizer_digest=sha256_file(inputs.tokenizer), again=True)
    assert make(inputs, tmp_path, {**tiny.settings(), "max_epochs": 4}) == 1
    assert "was made of another shard than part 0000 beside it" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"orders": "shards"}, "tells nothing of shards, so it is that of something else; give the right one."),
        ({"tokenizer": "provenance"}, "order.provenance.json is not a content manifest of a known schema; give one"),
        ({"tokenizer": "folder"}, "in is not a content manifest; give one"),
    ],
)
def test_manifests_of_something_else_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], given: dict[str, str], sentence: str
) -> None:
    inputs = tiny.Inputs(tmp_path / "in")
    others = {"shards": inputs.shards, "provenance": provenance_path(inputs.orders[0]), "folder": tmp_path / "in"}
    for what, other in given.items():
        setattr(inputs, what, others[other])
    assert make(inputs, tmp_path, {**tiny.settings(), "max_epochs": 4}) == 1
    assert sentence in capsys.readouterr().err


def test_paths_from_the_root_and_from_here_name_the_same(tmp_path: Path) -> None:
    inputs = tiny.Inputs(tmp_path / "in")
    inputs.pack(24)
    inputs.shards = [Path(os.path.relpath(shard)) for shard in inputs.shards]
    packed = tiny.settings(packing="best_fit")
    packings = [os.path.relpath(order.with_name("pack-24.json")) for order in inputs.orders]
    assert make(inputs, tmp_path, {**packed, "max_epochs": 4}, "--packings", *packings) == 0


def test_shards_of_another_tokenizer_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    inputs = tiny.Inputs(tmp_path / "in")
    tiny.publish(inputs.tokenizer, vocabulary=tiny.VOCABULARY, again=True)
    assert make(inputs, tmp_path, {**tiny.settings(), "max_epochs": 4}) == 1
    assert "was made with another tokenizer than" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("code", "vocabulary", "sentence"),
    [
        (3, tiny.VOCABULARY, "are int16, but those of a vocabulary of 61 pieces are uint16"),
        (8, 70_000, "are uint16, but those of a vocabulary of 70,000 pieces are int32"),
    ],
)
def test_ids_of_another_type_than_the_vocabulary_takes_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], code: int, vocabulary: int, sentence: str
) -> None:
    """As wide, so that the shard is whole, and smaller, so that it cannot hold all ids; digests are right."""
    inputs = tiny.Inputs(tmp_path / "in")
    tiny.publish(inputs.tokenizer, vocabulary=vocabulary)
    inputs.claim_type(code)
    assert make(inputs, tmp_path, {**tiny.settings(), "max_epochs": 4}) == 1
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "plan.json").exists()


def test_an_id_beyond_the_tokenizer_is_refused() -> None:
    recipe = Recipe.from_settings(tiny.settings())
    for wrong in (tiny.VOCABULARY, -1):
        tokens = np.full((2, 25), 20, np.int64)
        tokens[1, 24] = wrong
        with pytest.raises(UserError, match=f"its tokenizer has {tiny.VOCABULARY} pieces"):
            inputs_and_labels(recipe, tokens, 0, tiny.VOCABULARY)


def test_the_steps_that_a_refusal_names_are_the_most_that_pass(
    inputs: tiny.Inputs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def planned(steps: int) -> int:
        return make(inputs, tmp_path, {**tiny.settings(steps=steps), "max_epochs": 4, "epoch_caps": {"web": 0.2}})

    assert planned(20) == 1
    found = re.search(r"lower training\.steps to (\d+) ", capsys.readouterr().err)
    assert found
    most = int(found[1])
    assert planned(most + 1) == 1
    assert not (tmp_path / "plan.json").exists()
    assert planned(most) == 0
    accounts = json.loads((tmp_path / "plan.json").read_text("utf-8"))["summary"]["sources"]
    assert (accounts["web"]["max_epochs"], accounts["books"]["max_epochs"]) == (0.2, 4)
    assert 0.15 < accounts["web"]["epochs"] <= 0.2


def test_neither_planning_nor_publishing_again_loads_torch() -> None:
    look = "import sys, scripts.pretraining.plan, scripts.pretraining.train; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", look], cwd=tiny.ROOT, check=False).returncode == 0
