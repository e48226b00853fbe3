"""Where a branch begins to read its data."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from scripts.registry.branches import first_batch
from scripts.registry.config import complete_config
from scripts.registry.workflow import Registry
from tests.unit.registry.good_config import GOOD, put


def models(folder: Path, name: str = "models.twig.training.steps", value: Any = 50) -> dict[str, Any]:
    """A trunk of 100 steps of 8 sequences, a branch from step 100, and one of that from step 30; one leaf changed."""
    config = copy.deepcopy(GOOD)
    named = config["models"]
    for model, start in (("twig", {"model": "tiny", "step": 100}), ("leaf", {"model": "twig", "step": 50})):
        named[model] = copy.deepcopy(named["tiny"]) | {"from": start}
    named["twig"]["training"]["steps"] = 50
    put(name, value)(config)
    return complete_config(config, folder)


@pytest.mark.parametrize(
    ("name", "value", "twig", "leaf"),
    [
        ("models.twig.training.steps", 50, 100, 150),
        ("models.twig.training.optimizer.learning_rate", 1e-5, 100, 150),
        ("models.twig.training.global_batch", 16, 50, 200),  # 800 samples are 50 batches of 16; 1600 are 200 of 8
        (
            "models.twig.training.global_batch",
            7,
            115,
            145,
        ),  # 800 samples are 114 batches and 2: the 115th is the first whole one
        ("models.tiny.training.batch_warmup", {"from": 2, "over": 20}, 86, 136),  # 12 steps of 2, 10 of 4, 78 of 8
        ("models.twig.training.batch_warmup", {"from": 4, "over": 20}, 100, 140),
        ("models.twig.training.sequence_length", 64, 0, 0),
        ("models.twig.training.packing", "best_fit", 0, 0),
        ("models.twig.weights", {"one": 2}, 0, 0),
        ("models.twig.temperature", 2, 0, 0),
        ("models.leaf.weights", {"one": 2}, 100, 0),
    ],
)
def test_a_branch_goes_on_where_its_trunk_stopped_reading(
    folder: Path, name: str, value: Any, twig: int, leaf: int
) -> None:
    named = models(folder, name, value)["models"]
    assert [first_batch(model, named) for model in ("tiny", "twig", "leaf")] == [0, twig, leaf]


def test_a_trunk_knows_the_steps_that_others_start_from(folder: Path) -> None:
    config = models(folder)
    config["models"]["other"] = copy.deepcopy(config["models"]["twig"])
    config["models"]["third"] = config["models"]["other"] | {"from": {"model": "tiny", "step": 30}}
    registry = Registry(config)
    assert [registry.kept_steps(name) for name in ("tiny", "twig", "leaf")] == ["30,100", "50", "none"]
    assert registry.trunk_state("leaf") == ["results/models/twig/steps/50"]
    assert registry.trunk_state("tiny") == []
    assert registry.origin_of_model("leaf") == {"model": "twig", "step": 50, "first_batch": 150}
