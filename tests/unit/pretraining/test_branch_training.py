"""Models that start from a step of another one: with the trunk's schedule and data they are the trunk's run, bit for bit."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from scripts.lib.canonical import sha256_file
from scripts.lib.seen import Seen
from scripts.pretraining import plan, train
from scripts.pretraining.data import TrainingData
from scripts.pretraining.job import Job
from scripts.pretraining.recipe import Origin
from scripts.pretraining.trainer import Trainer
from tests.unit.pretraining import tiny
from tests.unit.pretraining.rank import Rows, Weights, largest_difference, losses, make_job, run

STEPS, START = 10, 5
CONSTANT = {"schedule": {"decay": "constant", "warmup": 2}}  # a branch from step 2 on with no warmup has the same rates
TWO = ("--processes", "2", "--micro-batch", "2")


def state_after(job: Job, step: int, folder: Path, device: torch.device) -> Path:
    """Read the state after a step of a run whose checkpoints lie in a folder."""
    own = folder / f"until-{step}"
    own.mkdir()
    assert Trainer(replace(job, until=step, earlier=str(folder)), own, device).run()
    return own / "state"


def branch_of(inputs: tiny.Inputs, start: Path, **chosen: Any) -> Job:
    """A job of the remaining steps, from a state."""
    job = make_job(inputs, steps=STEPS - START, schedule={"decay": "constant"}, **chosen)
    return replace(job, recipe=replace(job.recipe, origin=Origin("tiny", START, START)), start=str(start))


@pytest.mark.parametrize(
    ("zero_stage", "chosen"),
    [
        (0, {"family": "gpt2", "dropout": 0.1}),
        (0, {"family": "bert", "dropout": 0.1}),
        (0, {"optimizer": {"name": "muon", "learning_rate": 0.01}}),
        (1, {}),
        (2, {}),
        (3, {}),
    ],
    ids=str,
)
def test_with_the_trunks_schedule_and_data_it_is_the_trunk(
    inputs: tiny.Inputs, device: torch.device, tmp_path: Path, zero_stage: int, chosen: dict[str, Any]
) -> None:
    trunk = make_job(inputs, zero_stage=zero_stage, steps=STEPS, **CONSTANT, **chosen)
    whole, rows = run(trunk, tmp_path / "trunk", device)
    start = state_after(trunk, START, tmp_path / "trunk", device)
    torch.manual_seed(99)
    branch, own = run(branch_of(inputs, start, zero_stage=zero_stage, **chosen), tmp_path / "branch", device)
    assert losses(own) == losses(rows)[START:]
    assert not [name for name in whole if not torch.equal(whole[name], branch[name])]


def test_a_state_starts_branches_of_other_layouts(inputs: tiny.Inputs, device: torch.device, tmp_path: Path) -> None:
    trunk = make_job(inputs, steps=STEPS, **CONSTANT)
    whole, rows = run(trunk, tmp_path / "trunk", device)
    start = state_after(trunk, START, tmp_path / "trunk", device)
    for zero_stage in (1, 2, 3):
        branch = branch_of(inputs, start, zero_stage=zero_stage)
        weights, own = run(branch, tmp_path / f"branch-{zero_stage}", device)
        assert max(abs(a - b) for a, b in zip(losses(own), losses(rows)[START:], strict=True)) <= 1e-5
        assert largest_difference(whole, weights) <= 1e-4


def settings(steps: int = STEPS) -> dict[str, Any]:
    """The settings of the trunk."""
    return tiny.settings(steps=steps, **CONSTANT)


def anneal() -> dict[str, Any]:
    """The settings of the branch, as the rule gives them."""
    origin = {"model": "tiny", "step": START, "first_batch": START}
    own = tiny.settings(steps=STEPS - START, schedule={"decay": "constant"}, checkpoint_every=2)
    return own | {"model": "anneal", "from": origin}


def arguments(inputs: tiny.Inputs, results: Path, model: str, chosen: dict[str, Any], *options: str) -> list[str]:
    manifest = ("--manifest", str(results / "models" / f"{model}.json"))
    return [*tiny.command(inputs, results, chosen, *TWO), *manifest, *options]


def published(results: Path, model: str) -> tuple[Weights, Rows]:
    """The weights and the rows of metrics of a model."""
    folder = results / "models" / Path(model).parent
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text("utf-8").splitlines()]
    return load_file(folder / "export" / "model.safetensors"), rows


@pytest.fixture(scope="module")
def trunk(inputs: tiny.Inputs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of a finished trunk of two processes, which kept the step that a branch starts from."""
    folder = tmp_path_factory.mktemp("trunk")
    keep = ("--keep-last", "1", "--keep-steps", str(START))
    tiny.run(arguments(inputs, folder, "tiny/model", settings(), *keep), folder / "log")
    return folder


def checkpoints_of(results: Path) -> list[Path]:
    return sorted(results.glob("checkpoints/*/step-*/checkpoint.json"))


@pytest.fixture(scope="module")
def state(inputs: tiny.Inputs, trunk: Path) -> Path:
    """The manifest of the state after the step, read from the finished trunk."""
    before = [path.read_bytes() for path in checkpoints_of(trunk)]
    assert len(before) == 2
    log = tiny.run(arguments(inputs, trunk, "tiny/steps/5", settings(), "--until", str(START)), trunk / "until.log")
    assert f"resuming after step {START}" in log and f"step {START + 1} of" not in log, "it only reads"
    assert [path.read_bytes() for path in checkpoints_of(trunk)] == before
    again = tiny.run(arguments(inputs, trunk, "tiny/model", settings()), trunk / "again.log")
    assert "publishing it again" in again, "the trunk's finished result is whole"
    made = trunk / "models" / "tiny" / "steps" / "5.json"
    assert json.loads(made.read_text("utf-8"))["summary"]["tokenizer_digest"] == sha256_file(inputs.tokenizer)
    return made


@pytest.mark.long
def test_killed_and_resumed_a_branch_in_two_processes_is_the_trunk(
    inputs: tiny.Inputs, trunk: Path, state: Path, tmp_path: Path
) -> None:
    command = arguments(inputs, tmp_path, "anneal/model", anneal(), "--trunk", str(state))
    process = tiny.start(command, tmp_path / "killed.log")
    while not list((tmp_path / "checkpoints").glob("*/step-*")):
        assert process.poll() is None, (tmp_path / "killed.log").read_text("utf-8", errors="replace")[-4000:]
        time.sleep(0.02)
    for child in tiny.descendants(process.pid):
        os.kill(child, signal.SIGKILL)
    process.kill()
    process.wait()
    log = tiny.run(command, tmp_path / "log")
    assert "resuming after step" in log and "step 1 of" not in log
    (whole, rows), (branch, own) = published(trunk, "tiny/model"), published(tmp_path, "anneal/model")
    assert losses(own) == losses(rows)[START:]
    assert not [name for name in whole if not torch.equal(whole[name], branch[name])]
    summary = json.loads((tmp_path / "models" / "anneal" / "model.json").read_text("utf-8"))["summary"]
    assert summary["from"] == {"model": "tiny", "step": START} and summary["steps"] == STEPS - START
    card = (tmp_path / "models" / "anneal" / "export" / "README.md").read_text("utf-8")
    assert "pretrained from step 5 of tiny on" in card


def test_where_a_step_was_not_kept_the_trunk_is_trained_up_to_it(
    inputs: tiny.Inputs, trunk: Path, state: Path, tmp_path: Path
) -> None:
    """In another layout too: with ZeRO 3 in two processes weights and moments are put together."""
    shutil.copytree(trunk / "checkpoints", tmp_path / "checkpoints")
    for path in [checkpoints_of(tmp_path)[0].parent, *tmp_path.glob(f"checkpoints/*/until-{START}")]:
        shutil.rmtree(path)
    options = ("--until", str(START), "--zero-stage", "3")
    log = tiny.run(arguments(inputs, tmp_path, "tiny/steps/5", settings(), *options), tmp_path / "log")
    assert f"step {START} of" in log and f"step {START + 1} of" not in log
    assert len(checkpoints_of(tmp_path)) == 1, "the trunk's last checkpoint is left alone"
    log = tiny.run(
        arguments(inputs, tmp_path, "tiny/steps/5", settings(), "--until", str(START)), tmp_path / "twice.log"
    )
    assert "publishing it again" in log and "step 1 of" not in log, "a state is never made twice"
    again = state.with_suffix("")
    for name in ("weights.safetensors", "optimizer.safetensors"):
        one, other = load_file(again / name), load_file(tmp_path / "models" / "tiny" / "steps" / "5" / name)
        assert one.keys() == other.keys() and len(one) > 10
        assert largest_difference(one, other) <= 1e-5


@pytest.mark.long
def test_a_state_in_two_processes_starts_a_branch_with_zero_stage_3(
    inputs: tiny.Inputs, trunk: Path, state: Path, tmp_path: Path
) -> None:
    options = ("--trunk", str(state), "--zero-stage", "3")
    tiny.run(arguments(inputs, tmp_path, "anneal/model", anneal(), *options), tmp_path / "log")
    rows, own = published(trunk, "tiny/model")[1], published(tmp_path, "anneal/model")[1]
    assert max(abs(a - b) for a, b in zip(losses(own), losses(rows)[START:], strict=True)) <= 1e-5


def test_another_state_than_that_of_the_settings_is_refused(
    inputs: tiny.Inputs, state: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = anneal() | {"from": {"model": "tiny", "step": 10, "first_batch": 10}}
    for chosen, trunk, sentence in (
        (other, [str(state)], "is the state of tiny after step 5, but anneal starts from step 10 of tiny"),
        (anneal(), [], "--trunk has to name the state"),
        (settings(), [str(state)], "--trunk has to name the state"),
    ):
        assert train.main(arguments(inputs, tmp_path, "anneal/model", chosen, "--trunk", *trunk)) == 1
        assert sentence in capsys.readouterr().err


def test_a_trunk_of_another_tokenizer_is_refused(
    inputs: tiny.Inputs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its state by training, its plan by planning."""
    other = tiny.publish(tmp_path / "5.json", model="tiny", step=START, tokenizer_digest="another")
    assert train.main(arguments(inputs, tmp_path, "anneal/model", anneal(), "--trunk", str(other))) == 1
    assert f"{other} was made with another tokenizer than {inputs.tokenizer}; run" in capsys.readouterr().err
    whole = planned(inputs, tmp_path, settings())
    assert whole["tokenizer_digest"] == sha256_file(inputs.tokenizer)
    other = tiny.publish(tmp_path / "trunk.json", **(whole | {"tokenizer_digest": "another"}))
    given = ["--settings", json.dumps({"max_epochs": 4} | anneal()), "--manifest", str(tmp_path / "plan.json")]
    assert plan.main([*inputs.arguments(), *given, "--trunk", str(other)]) == 1
    assert f"{other} was made with another tokenizer than {inputs.tokenizer}; run" in capsys.readouterr().err


def planned(inputs: tiny.Inputs, folder: Path, chosen: dict[str, Any], *options: str) -> dict[str, Any]:
    manifest = folder / chosen["model"] / "plan.json"
    given = ["--settings", json.dumps({"max_epochs": 4} | chosen), "--manifest", str(manifest)]
    assert plan.main([*inputs.arguments(), *given, *options]) == 0
    summary: dict[str, Any] = json.loads(manifest.read_text("utf-8"))["summary"]
    return summary


def test_the_plan_counts_the_branchs_steps_and_says_what_came_before(
    inputs: tiny.Inputs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = planned(inputs, tmp_path, settings())
    given = ("--trunk", str(tmp_path / "tiny" / "plan.json"))
    first = planned(inputs, tmp_path, settings(START) | {"model": "first"})
    branch = planned(inputs, tmp_path, anneal(), *given)
    assert whole["from"] is None and whole["tokens"] == STEPS * 8 * 24
    assert branch["steps"] == STEPS - START and branch["tokens"] == (STEPS - START) * 8 * 24
    flops = whole["flops"]["per_token"] * START * 8 * 24
    assert branch["from"] == {"model": "tiny", "step": START, "tokens": START * 8 * 24, "flops": flops}
    for name, account in branch["sources"].items():
        assert account["samples"] + first["sources"][name]["samples"] == whole["sources"][name]["samples"]
    job, seen = branch_of(inputs, tmp_path), Seen()
    data = TrainingData(job.recipe, job.weights, job.sources)
    for step in range(STEPS - START):
        seen.add(step, *data.draw(step))
    assert {name: taken["samples"] for name, taken in seen.record()["sources"].items()} == {
        name: account["samples"] for name, account in branch["sources"].items()
    }
    capped = anneal() | {"max_epochs": 0.15}  # the branch alone sees less
    options = ["--settings", json.dumps(capped), "--manifest", str(tmp_path / "capped.json"), *given]
    assert plan.main([*inputs.arguments(), *options]) == 1
    assert "epochs of source" in (said := capsys.readouterr().err) and "with those of tiny" in said
