"""The plan: exact accounts of the mixture, and what it refuses."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scripts.pretraining import plan
from scripts.pretraining.data import data_order, open_streams
from scripts.pretraining.inputs import sources_of
from scripts.pretraining.recipe import Recipe
from tests.unit.pretraining import tiny


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> tiny.Inputs:
    return tiny.Inputs(tmp_path_factory.mktemp("inputs") / "in")


def make(inputs: tiny.Inputs, folder: Path, chosen: dict[str, Any]) -> int:
    options = ["--settings", json.dumps(chosen), "--manifest", str(folder / "plan.json")]
    return plan.main([*inputs.arguments(), *options])


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
        assert account["available_tokens"] == 80 * 61
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
        ({"max_epochs": 0.3}, "models.tiny.max_epochs is 0.3, but its training would see source"),
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


def test_neither_planning_nor_publishing_again_loads_torch() -> None:
    look = "import sys, scripts.pretraining.plan, scripts.pretraining.train; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", look], cwd=tiny.ROOT, check=False).returncode == 0
