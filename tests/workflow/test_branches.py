"""What runs when a model starts from a step of another one: the branch alone, while its trunk is as it was."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from scripts.registry.config import complete_config, read_yaml
from tests.workflow.harness import ROOT, Planner

TRAINED = {"plan": 1, "pretrain": 1, "bits_per_byte": 1, "zero_shot": 3, "report": 1}


def trunk_alone() -> dict[str, Any]:
    """A model that learns at a constant rate, and nothing but what it and its scores need."""
    config = complete_config(read_yaml(ROOT / "config.yaml"), ROOT)
    config["finetunings"] = {}
    config["models"] = {"trunk": config["models"]["llama"]}
    config["models"]["trunk"]["training"]["steps"] = 600
    config["models"]["trunk"]["training"]["schedule"]["decay"] = "constant"
    config["evaluation"]["zero_shot"] = ["minimal-pairs", "boolq", "sentiment"]
    return config


def with_branch(step: int = 600) -> dict[str, Any]:
    """The same and a model that starts from it, on other data."""
    config = trunk_alone()
    branch = copy.deepcopy(config["models"]["trunk"]) | {"from": {"model": "trunk", "step": step}}
    branch["weights"] = {"books": 2.0}
    branch["training"]["steps"] = 100
    config["models"]["branch"] = branch
    return config


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Planner:
    """Where the trunk and its branch are made."""
    planner = Planner(tmp_path_factory.mktemp("branches"))
    planner.record_everything(with_branch())
    return planner


def test_a_branch_that_is_added_to_a_finished_trunk_trains_alone(tmp_path: Path) -> None:
    planner = Planner(tmp_path)
    planner.record_everything(trunk_alone())
    assert planner.rules(trunk_alone()) == {}
    assert planner.rules(with_branch()) == TRAINED | {"branch_point": 1}


def test_a_second_branch_from_the_same_step_needs_no_other_state(recorded: Planner) -> None:
    config = with_branch()
    assert recorded.rules(config) == {}
    config["models"]["second"] = copy.deepcopy(config["models"]["branch"])
    config["models"]["second"]["training"]["steps"] = 200
    assert recorded.rules(config) == TRAINED


def test_an_edited_branch_leaves_its_trunk_alone(recorded: Planner) -> None:
    config = with_branch()
    config["models"]["branch"]["training"]["optimizer"]["learning_rate"] = 1e-4
    assert recorded.rules(config) == TRAINED


def test_a_branch_from_another_step_needs_its_state(recorded: Planner) -> None:
    assert recorded.rules(with_branch(500)) == TRAINED | {"branch_point": 1}


def test_an_edited_trunk_trains_both(recorded: Planner) -> None:
    config = with_branch()
    config["models"]["trunk"]["training"]["optimizer"]["learning_rate"] = 1e-4
    both = {rule: 2 * count if rule != "report" else count for rule, count in TRAINED.items()}
    assert recorded.rules(config) == both | {"branch_point": 1}


def test_a_limit_of_the_trunks_plan_trains_nothing_for_a_reason_of_its_own(recorded: Planner) -> None:
    config = with_branch()
    config["models"]["trunk"]["max_epochs"] = 9
    assert {job.rule for job in recorded.plan(config).changed} == {"plan"}
