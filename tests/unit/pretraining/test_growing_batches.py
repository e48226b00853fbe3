"""Training whose batch warms up: equal to a plain loop, on the samples, masks and dropout of a run without."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from scripts.lib.errors import UserError
from scripts.pretraining import plan
from scripts.pretraining.data import TrainingData
from scripts.pretraining.job import Job
from scripts.pretraining.layout import Layout, lay_out
from scripts.pretraining.objective import inputs_and_labels
from scripts.pretraining.recipe import Origin, Recipe
from scripts.pretraining.trainer import Trainer
from tests.unit.pretraining import tiny
from tests.unit.pretraining.plain import plain_steps
from tests.unit.pretraining.rank import largest_difference, losses, make_job, run

WARMUP: dict[str, Any] = {"batch_warmup": {"from": 2, "over": 4}}  # 4 steps of 2 sequences, 2 of 4, then all are of 8
STEPS, SIZES = 10, [2, 2, 2, 2, 4, 4, 8, 8, 8, 8]


def job_of(inputs: tiny.Inputs, **chosen: Any) -> Job:
    """A job whose batch warms up, with micro-batches of one sequence."""
    job = make_job(inputs, 1, steps=STEPS, **WARMUP, **chosen)
    assert job.recipe.training.batches.runs(STEPS) == [(4, 2), (2, 4), (4, 8)]
    return job


@pytest.mark.parametrize(
    ("family", "zero_stage"), [("llama", 0), ("bert", 0), ("llama", 1), ("llama", 2), ("llama", 3)], ids=str
)
def test_it_equals_a_plain_loop(
    inputs: tiny.Inputs, device: torch.device, tmp_path: Path, family: str, zero_stage: int
) -> None:
    job = job_of(inputs, family=family, zero_stage=zero_stage)
    weights, rows = run(job, tmp_path, device)
    expected = list(plain_steps(job))
    assert max(abs(a - b) for a, (b, _, _) in zip(losses(rows), expected, strict=True)) <= 1e-5
    last = expected[-1][2]
    assert largest_difference({name: weights[name] for name in last if name in weights}, last) <= 1e-3
    assert [row["tokens"] for row in rows if "loss" in row] == (24 * np.cumsum(SIZES)).tolist()


def test_two_processes_equal_a_plain_loop(inputs: tiny.Inputs, tmp_path: Path) -> None:
    settings = tiny.settings(steps=STEPS, **WARMUP)
    tiny.run(
        tiny.command(inputs, tmp_path / "results", settings, "--processes", "2", "--zero-stage", "1"), tmp_path / "log"
    )
    (path,) = tmp_path.glob("results/checkpoints/*/job.json")
    job = Job.load(path)
    assert job.layout == Layout(2, 1, 4, 1, 1)
    lines = (tmp_path / "results" / "models" / "tiny" / "metrics.jsonl").read_text("utf-8").splitlines()
    by_hand = [loss for loss, _, _ in plain_steps(job)]
    found = losses([json.loads(line) for line in lines])
    assert max(abs(a - b) for a, b in zip(found, by_hand, strict=True)) <= 1e-5


def test_samples_and_masks_are_those_of_a_run_without(inputs: tiny.Inputs) -> None:
    warm, plain = (
        Recipe.from_settings(tiny.settings("bert", steps=STEPS, **chosen)) for chosen in (WARMUP, dict[str, Any]())
    )
    assert Recipe.from_json(warm.to_json()) == warm
    job = make_job(inputs)
    small, whole = (TrainingData(recipe, {}, job.sources) for recipe in (warm, plain))
    read, asked = [], []
    for step, size in enumerate(SIZES):
        tokens, sources = small.draw(step)
        assert len(tokens) == len(sources) == size
        place, rows = warm.place(step)
        read.append(tokens)
        asked.append(inputs_and_labels(warm, tokens, place, tiny.VOCABULARY, first_row=rows.start)[1])
    batches = [whole.batch(step) for step in range(6)]
    assert np.array_equal(np.concatenate(read), np.concatenate(batches))
    masks = [inputs_and_labels(plain, tokens, step, tiny.VOCABULARY)[1] for step, tokens in enumerate(batches)]
    assert np.array_equal(np.concatenate(asked), np.concatenate(masks))


@pytest.mark.parametrize(("family", "zero_stage"), [("gpt2", 0), ("bert", 1)])
def test_resumed_while_it_warms_up_the_weights_are_the_same_bits(
    inputs: tiny.Inputs, device: torch.device, tmp_path: Path, family: str, zero_stage: int
) -> None:
    job = job_of(inputs, family=family, zero_stage=zero_stage, dropout=0.1)
    weights, rows = run(job, tmp_path, device)
    shutil.rmtree(tmp_path / "step-00000010")
    torch.manual_seed(99)
    again, repeated = run(job, tmp_path, device)
    assert repeated == rows
    assert all(torch.equal(weights[name], again[name]) for name in weights)


def test_a_branch_of_whole_batches_is_its_trunk(inputs: tiny.Inputs, device: torch.device, tmp_path: Path) -> None:
    """Masks and dropout go on with the samples: four batches of the order are read in the first eight steps."""
    chosen: dict[str, Any] = {"family": "bert", "dropout": 0.1, "checkpoint_every": 8}
    job = job_of(inputs, schedule={"decay": "constant", "warmup": 2}, **chosen)
    whole, rows = run(job, tmp_path / "trunk", device)
    own = tmp_path / "until"
    own.mkdir()
    assert Trainer(replace(job, until=8, earlier=str(tmp_path / "trunk")), own, device).run()
    rest = make_job(inputs, 1, steps=2, schedule={"decay": "constant"}, **chosen)
    rest = replace(rest, recipe=replace(rest.recipe, origin=Origin("tiny", 8, 4)), start=str(own / "state"))
    branch, after = run(rest, tmp_path / "branch", device)
    assert losses(after) == losses(rows)[8:]
    assert not [name for name in whole if not torch.equal(whole[name], branch[name])]


def test_the_plan_counts_every_size(inputs: tiny.Inputs, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = tiny.settings(steps=STEPS, **WARMUP) | {"max_epochs": 4, "token_budget": 24 * sum(SIZES)}
    manifest = ["--manifest", str(tmp_path / "plan.json")]
    assert plan.main([*inputs.arguments(), "--settings", json.dumps(settings), *manifest]) == 0
    found = json.loads((tmp_path / "plan.json").read_text("utf-8"))["summary"]
    assert found["tokens"] == sum(source["tokens"] for source in found["sources"].values()) == 24 * sum(SIZES)
    assert found["tokens_per_step"] == [[4, 48], [2, 96], [4, 192]]
    assert [plan.tokens_of(found["tokens_per_step"], step) for step in range(11)] == [
        24 * sum(SIZES[:step]) for step in range(11)
    ]
    for budget, most in ((24 * sum(SIZES[:7]), 7), (24 * sum(SIZES[:7]) - 1, 6)):
        chosen = json.dumps(settings | {"token_budget": budget})
        assert plan.main([*inputs.arguments(), "--settings", chosen, *manifest]) == 1
        assert f"lower training.steps to {most} or raise the budget" in capsys.readouterr().err
    few = settings | {"epoch_caps": {"web": 0.08}}
    assert plan.main([*inputs.arguments(), "--settings", json.dumps(few), *manifest]) == 1
    said = capsys.readouterr().err
    assert "at most 0.08 epochs of source web" in said
    most = int(said.partition("lower training.steps to ")[2].partition(" ")[0])
    for steps, code in ((most, 0), (most + 1, 1)):
        shorter = few | {"training": {**few["training"], "steps": steps}}
        assert plan.main([*inputs.arguments(), "--settings", json.dumps(shorter), *manifest]) == code


def test_rates_in_tokens_follow_the_sizes() -> None:
    schedule = {"decay": "linear", "warmup": 24 * 6, "final": 0}
    chosen = tiny.settings(steps=STEPS, schedule=schedule, schedule_unit="tokens", batch_warmup={"from": 2, "over": 1})
    training = Recipe.from_settings(chosen).training
    sizes = [2, 2, 2, 2, 4, 4, 8, 8, 8, 8]
    assert [training.batches.size(step) for step in range(STEPS)] == sizes
    done = np.cumsum(sizes)
    expected = [0.01 * min(n / 6, (sum(sizes) - n) / (sum(sizes) - 6)) for n in done]
    assert [training.learning_rate(step) for step in range(STEPS)] == pytest.approx(expected)


def test_what_cannot_share_the_smallest_batch_is_refused() -> None:
    assert lay_out(8, 24, 2, smallest=2) == Layout(2, 1, 4, 0, 1)
    with pytest.raises(UserError, match=r"batch_warmup\.from: 2 sequences cannot be shared by 4 processes; choose"):
        lay_out(8, 24, 4, smallest=2)
    with pytest.raises(UserError, match=r"--micro-batch: 2 does not divide the 1 sequences of one process"):
        lay_out(8, 24, 2, micro_batch=2, smallest=2)
    with pytest.raises(UserError, match=r"batch_warmup\.over: the whole batch comes after 6 steps of 6"):
        Recipe.from_settings(tiny.settings(steps=6, **WARMUP))
