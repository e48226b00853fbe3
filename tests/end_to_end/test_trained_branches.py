"""One trunk and two anneals, trained by a real run: each once, and again only what an edit concerns."""

from __future__ import annotations

import copy
import json
import re
from typing import Any

import pytest

from tests.workflow.conftest import Run, lay_out, tiny_config
from tests.workflow.harness import jobs_of, run, would_run, write_config

pytestmark = pytest.mark.long  # what reruns is planned in tests/workflow, training tested in tests/unit
STEPS = 8
SCORED = {"plan": 1, "pretrain": 1, "bits_per_byte": 1, "report": 1}


def branched_config() -> dict[str, Any]:
    """A trunk, an anneal on its data from its last step, and one on other weights from a step in its middle."""
    config = tiny_config()
    config["evaluation"] = {"documents": 5, "minimum_improvement": None, "zero_shot": []}
    config["tokenizers"] = {"small": {"corpus": "main", "vocabulary": 1000, "sample_bytes": 400_000}}
    trunk: dict[str, Any] = {
        "corpus": "main",
        "tokenizer": "small",
        "objective": "causal",
        "architecture": {"family": "llama", "layers": 2, "width": 32, "heads": 2, "context": 64},
        "training": {
            "steps": STEPS,
            "sequence_length": 64,
            "global_batch": 8,
            "evaluate_every": STEPS,
            "evaluate_sequences": 8,
            "checkpoint_every": 4,
            "optimizer": {"learning_rate": 0.01},
            "schedule": {"decay": "constant"},
        },
    }
    anneal = copy.deepcopy(trunk) | {"from": {"model": "trunk", "step": STEPS}}
    anneal["training"] |= {"steps": 4, "schedule": {"decay": "linear", "final": 0}}
    other = copy.deepcopy(anneal) | {"from": {"model": "trunk", "step": STEPS // 2}, "weights": {"modules": 3.0}}
    config["models"] = {"trunk": trunk, "anneal": anneal, "other": other}
    return config


@pytest.fixture(scope="module")
def branched(tmp_path_factory: pytest.TempPathFactory) -> Run:
    made = lay_out(tmp_path_factory.mktemp("branched"), branched_config())
    done = jobs_of(run(made.project, made.workdir))
    assert (done["plan"], done["pretrain"], done["branch_point"], done["bits_per_byte"]) == (3, 3, 2, 3)
    return made


def steps_of(made: Run, model: str) -> list[dict[str, Any]]:
    """Return the rows of metrics of the updates of a model."""
    lines = (made.results / "models" / model / "metrics.jsonl").read_text("utf-8").splitlines()
    return [row for row in map(json.loads, lines) if "loss" in row]


def log_of(made: Run, job: str) -> str:
    return (made.results / "logs" / f"{job}.log").read_text("utf-8")


def test_the_anneals_go_on_from_the_states_that_the_trunk_left(branched: Run) -> None:
    for step in (STEPS // 2, STEPS):
        state = json.loads((branched.results / f"models/trunk/steps/{step}.json").read_text("utf-8"))["summary"]
        assert (state["model"], state["step"], state["seen"]["steps"]) == ("trunk", step, step)
        assert not re.search(r"^step \d+ of", log_of(branched, f"branch_point/trunk/{step}"), re.M), "it was kept"
    trunk = [row["loss"] for row in steps_of(branched, "trunk")]
    for model, step in (("anneal", STEPS), ("other", STEPS // 2)):
        summary = json.loads((branched.results / f"models/{model}/model.json").read_text("utf-8"))["summary"]
        assert summary["from"] == {"model": "trunk", "step": step}
        rows = steps_of(branched, model)
        assert [row["step"] for row in rows] == [1, 2, 3, 4] and rows[-1]["lr"] == 0.0
        assert rows[0]["loss"] < trunk[0] - 0.3, "it begins with what the trunk has learned"
    assert would_run(branched.project, branched.workdir) == {}


def test_of_an_edited_anneal_nothing_but_itself_is_trained(branched: Run) -> None:
    before = {path: path.read_bytes() for path in sorted((branched.results / "models").rglob("*.json"))}
    config = branched_config()
    config["models"]["other"]["training"]["optimizer"]["learning_rate"] = 0.005
    write_config(branched.workdir, config)
    assert dict(jobs_of(run(branched.project, branched.workdir))) == SCORED
    assert len(re.findall(r"^step \d+ of 4", log_of(branched, "pretrain/other"), re.M)) == 4
    changed = {path for path, was in before.items() if path.read_bytes() != was}
    assert {path.relative_to(branched.results / "models").parts[0] for path in changed} == {"other"}
    write_config(branched.workdir, branched_config())
    assert dict(jobs_of(run(branched.project, branched.workdir))) == SCORED
    assert "publishing it again" in log_of(branched, "pretrain/other"), "what was trained before is still there"
    assert {path: path.read_bytes() for path in before} == before


def test_an_edited_trunk_trains_all_three_again(branched: Run) -> None:
    config = branched_config()
    config["models"]["trunk"]["training"]["optimizer"]["learning_rate"] = 0.005
    write_config(branched.workdir, config)
    planned = would_run(branched.project, branched.workdir)
    write_config(branched.workdir, branched_config())
    assert (planned["pretrain"], planned["branch_point"]) == (3, 2)
