"""Training as it is sold: equal to a plain loop, killed and resumed bit for bit, published again without training.

The runs are shared: one uninterrupted run of two processes is what most tests compare with.
"""

from __future__ import annotations

import json
import math
import os
import re
import signal
import subprocess
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch.nn import functional
from transformers import AutoModelForCausalLM

from scripts.lib.errors import UserError
from scripts.lib.seen import Seen
from scripts.lib.special_tokens import BEGIN, END, PAD
from scripts.pretraining import plan
from scripts.pretraining.architecture import build_model
from scripts.pretraining.data import TrainingData
from scripts.pretraining.job import Job
from scripts.pretraining.presence import SAVED
from scripts.pretraining.recipe import Recipe
from scripts.pretraining.size import parameters
from tests.unit.pretraining import tiny
from tests.unit.pretraining.plain import plain_steps

TWO = ("--processes", "2", "--micro-batch", "2")
KILLED_AFTER, SAVED_LAST = 12, "step-00000010"


class Run:
    """A finished run and what it published."""

    def __init__(self, results: Path, log: str) -> None:
        self.results, self.log = results, log
        self.model = results / "models" / "tiny"
        self.manifest = json.loads((self.model / "model.json").read_text("utf-8"))
        rows = [json.loads(line) for line in (self.model / "metrics.jsonl").read_text("utf-8").splitlines()]
        self.steps = [row for row in rows if "loss" in row]
        self.validations = [row for row in rows if "validation" in row]

    @property
    def folder(self) -> Path:
        (folder,) = (self.results / "checkpoints").iterdir()
        return folder

    def job(self) -> Job:
        return Job.load(self.folder / "job.json")

    def digests(self) -> dict[str, str]:
        return {entry["name"]: entry["sha256"] for entry in self.manifest["files"]}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> tiny.Inputs:
    return tiny.Inputs(tmp_path_factory.mktemp("inputs") / "in")


def train(inputs: tiny.Inputs, folder: Path, *options: str, chosen: dict[str, Any] | None = None) -> Run:
    log = tiny.run(tiny.command(inputs, folder / "results", chosen or tiny.settings(), *options), folder / "log")
    return Run(folder / "results", log)


@pytest.fixture(scope="module")
def whole(inputs: tiny.Inputs, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The uninterrupted run of two processes."""
    return train(inputs, tmp_path_factory.mktemp("whole"), *TWO)


def start_until(arguments: list[str], log: Path, step: int, saved: str = "") -> subprocess.Popen[bytes]:
    """Start training and return when that update is done, and a checkpoint named `saved` is whole."""
    process, folder = tiny.start(arguments, log), log.parent / "results" / "checkpoints"
    while f"step {step} of 20" not in log.read_text("utf-8", errors="replace") or not list(folder.glob(f"*/{saved}")):
        assert process.poll() is None, log.read_text("utf-8", errors="replace")[-4000:]
        time.sleep(0.02)
    return process


@pytest.fixture(scope="module")
def asked(inputs: tiny.Inputs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the same run, which was asked to stop by SIGTERM early on; its log is `asked.log`."""
    folder = tmp_path_factory.mktemp("resumed")
    process = start_until(tiny.command(inputs, folder / "results", tiny.settings(), *TWO), folder / "asked.log", 2)
    process.terminate()
    assert process.wait() == SAVED
    return folder


@pytest.fixture(scope="module")
def resumed(inputs: tiny.Inputs, asked: Path) -> Run:
    """That run, gone on with, all of whose processes were killed in the middle, and gone on with again."""
    process = start_until(
        tiny.command(inputs, asked / "results", tiny.settings(), *TWO), asked / "killed.log", KILLED_AFTER, SAVED_LAST
    )
    for child in tiny.descendants(process.pid):
        os.kill(child, signal.SIGKILL)
    process.kill()
    process.wait()
    return train(inputs, asked, *TWO)


def training_data(job: Job) -> TrainingData:
    return TrainingData(job.recipe, job.weights, job.sources)


def difference(run: Run, key: str, expected: list[float]) -> float:
    return max(abs(row[key] - value) for row, value in zip(run.steps, expected, strict=True))


def test_two_processes_with_accumulation_equal_a_plain_loop(whole: Run) -> None:
    losses, norms = map(list, zip(*((loss, norm) for loss, norm, _ in plain_steps(whole.job())), strict=True))
    assert whole.job().layout.accumulation == 2
    assert difference(whole, "loss", losses) <= 1e-5
    assert difference(whole, "grad_norm", norms) <= 1e-4
    assert max(norms) > 0.5, "clipping has to have happened"
    assert losses[-1] < losses[0] - 0.5, "it has to have learned something"


def test_one_process_gives_the_same_losses(inputs: tiny.Inputs, whole: Run, tmp_path: Path) -> None:
    alone = train(inputs, tmp_path, "--processes", "1", "--micro-batch", "4")
    assert difference(alone, "loss", [row["loss"] for row in whole.steps]) <= 1e-5


def test_zero_stage_3_in_two_processes_equals_a_plain_loop_too(inputs: tiny.Inputs, whole: Run, tmp_path: Path) -> None:
    shared = train(inputs, tmp_path, *TWO, "--zero-stage", "3")
    assert difference(shared, "loss", [loss for loss, _, _ in plain_steps(whole.job())]) <= 1e-5
    assert shared.folder.name == whole.folder.name, "the layout is no part of the recipe"
    execution = json.loads((shared.model / "model.provenance.json").read_text("utf-8"))["execution"]
    assert execution["zero_stage"] == 3 and execution["processes"] == 2
    (only,) = execution["layouts"]
    assert only == {"after": 0, **asdict(shared.job().layout)}


def test_asked_to_stop_it_saves_and_goes_on_from_there(asked: Path, resumed: Run) -> None:
    stopped = (asked / "asked.log").read_text("utf-8", errors="replace")
    (step,) = re.findall(r"asked to stop: saved after step (\d+) of 20", stopped)
    assert f"exit code {SAVED}" in stopped.splitlines()[-1] and "Traceback" not in stopped
    assert 2 <= int(step) < KILLED_AFTER and int(step) % 5, "between two regular checkpoints"
    assert f"resuming after step {step}" in (asked / "killed.log").read_text("utf-8", errors="replace")


def test_killed_and_resumed_it_publishes_the_same_bytes(whole: Run, resumed: Run) -> None:
    (step,) = set(map(int, re.findall(r"resuming after step (\d+)", resumed.log)))  # every rank says so
    assert step in (10, 15), "the newest that was whole"
    assert f"step {step} of 20" not in resumed.log and f"step {step + 1} of 20" in resumed.log
    assert resumed.manifest == whole.manifest


def test_an_unchanged_recipe_is_published_again_without_training(inputs: tiny.Inputs, resumed: Run) -> None:
    before = resumed.digests()
    for name in before:
        (resumed.model / name).unlink()
    again = train(inputs, resumed.results.parent, "--processes", "1")
    assert "publishing it again" in again.log and "step 1" not in again.log
    assert again.digests() == before
    assert {name: Path(again.model / name).is_file() for name in before} == dict.fromkeys(before, True)


def test_the_export_loads_and_holds_what_the_manifest_says(whole: Run) -> None:
    model = AutoModelForCausalLM.from_pretrained(whole.model / "export")
    shape = whole.job().recipe.architecture
    written = model.generation_config
    assert (written.bos_token_id, written.eos_token_id, written.pad_token_id) == (BEGIN, END, PAD)
    assert "# tiny" in (whole.model / "export" / "README.md").read_text("utf-8").splitlines()
    assert sum(p.numel() for p in model.parameters()) == whole.manifest["summary"]["parameters"]
    assert whole.manifest["summary"]["parameters"] == sum(parameters(shape, tiny.VOCABULARY).values())
    data = training_data(whole.job())
    tokens = torch.from_numpy(np.concatenate([data.validation(source, 6) for source in sorted(tiny.SOURCES)]))
    with torch.no_grad():
        logits = model(input_ids=tokens[:, :-1]).logits
    loss = functional.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten()).item()
    last = whole.validations[-1]["validation"]
    counted = sum(values["loss"] * values["tokens"] for values in last.values())
    assert loss == pytest.approx(counted / sum(values["tokens"] for values in last.values()), abs=1e-5)
    for values in last.values():  # every ordinary token of the tiny tokenizer stands for four bytes
        assert values["bits_per_byte"] == pytest.approx(values["loss"] / math.log(2) / 4, rel=0.08)
    samples = json.loads((whole.model / "samples.json").read_text("utf-8"))
    assert list(dict.fromkeys(sample["source"] for sample in samples)) == [None, *sorted(tiny.SOURCES)]
    assert [sample["number"] for sample in samples][:4] == [0, 1, 2, 3]
    assert all(sample["text"] for sample in samples)


def test_what_was_seen_is_what_was_planned(inputs: tiny.Inputs, whole: Run, resumed: Run, tmp_path: Path) -> None:
    """Also after a kill; and the digest of the batches is that of the shards read anew."""
    chosen = json.loads((whole.model / "model.provenance.json").read_text("utf-8"))["settings"]
    options = ["--settings", json.dumps({**chosen, "max_epochs": 4}), "--manifest", str(tmp_path / "plan.json")]
    assert plan.main([*inputs.arguments(), *options]) == 0
    planned = json.loads((tmp_path / "plan.json").read_text("utf-8"))["summary"]
    seen = whole.manifest["summary"]["seen"]
    assert seen == resumed.manifest["summary"]["seen"]
    assert seen["steps"] == planned["steps"]
    assert seen["sources"] == {
        name: {"samples": account["samples"], "tokens": account["tokens"]}
        for name, account in planned["sources"].items()
    }
    job, anew = whole.job(), Seen()
    data = TrainingData(job.recipe, job.weights, job.sources)
    for step in range(planned["steps"]):
        anew.add(step, *data.draw(step))
    assert anew.digest == seen["batches"]
    anew.samples["books"] += 1
    with pytest.raises(UserError, match="where the plan says"):
        data.require_seen(anew, planned["steps"])


def test_rows_of_metrics_follow_the_steps_and_hold_no_times(whole: Run) -> None:
    assert [row["step"] for row in whole.steps] == list(range(1, 21))
    assert [row["step"] for row in whole.validations] == [10, 20]
    assert {frozenset(row) for row in whole.steps} == {frozenset({"step", "tokens", "loss", "lr", "grad_norm"})}
    assert whole.steps[-1]["tokens"] == 20 * 8 * 24
    assert whole.steps[3]["lr"] == 0.01


def test_weights_differ_from_the_initial_ones_everywhere(whole: Run) -> None:
    job = whole.job()
    assert Recipe.from_json(job.recipe.to_json()) == job.recipe
    trained = load_file(whole.model / "export" / "model.safetensors")
    initial = build_model(job.recipe.architecture, job.vocabulary, job.recipe.seed).state_dict()
    assert not [name for name, value in trained.items() if torch.equal(value, initial[name])]
