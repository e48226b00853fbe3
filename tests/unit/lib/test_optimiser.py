"""Parts of a model, and Muon with AdamW for the rest."""

from __future__ import annotations

import copy

import pytest
import torch

from scripts.lib.errors import UserError
from scripts.lib.optimiser import build_optimizer, parameter_groups, parts_of, set_learning_rate
from scripts.lib.schedule import Optimizer
from scripts.pretraining.architecture import build_model
from scripts.pretraining.recipe import Architecture

VOCABULARY = 64


def model(**changes: object) -> torch.nn.Module:
    shape = {"family": "llama", "layers": 2, "width": 16, "heads": 2, "context": 16, **changes}
    return build_model(Architecture.from_settings(shape), VOCABULARY, 1)


def optimizer(**changes: object) -> Optimizer:
    return Optimizer.from_settings({"learning_rate": 0.1, **changes})


def learn(network: torch.nn.Module, optimiser: torch.optim.Optimizer, step: int) -> None:
    """One update on a fixed batch of that step."""
    tokens = torch.randint(0, VOCABULARY, (4, 12), generator=torch.Generator().manual_seed(step))
    network(input_ids=tokens, labels=tokens).loss.backward()
    set_learning_rate(optimiser, 0.01)
    optimiser.step()
    optimiser.zero_grad()


@pytest.mark.parametrize(("tied", "heads"), [(True, 0), (False, 1)])
def test_every_parameter_is_in_one_part(tied: bool, heads: int) -> None:
    network = model(tied_embeddings=tied)
    parts = parts_of(network)
    assert [len(parts[part]) for part in ("matrices", "embeddings", "head", "vectors")] == [14, 1, heads, 5]
    found = [id(parameter) for part in parts.values() for parameter in part]
    assert sorted(found) == sorted(id(parameter) for parameter in network.parameters())


def test_each_part_has_its_share_of_the_learning_rate_and_decays_as_before() -> None:
    network, chosen = model(tied_embeddings=False), optimizer(rates={"embeddings": 2, "vectors": 0.5})
    optimiser = build_optimizer(network, chosen)
    set_learning_rate(optimiser, 0.1)
    rates = {id(p): group["lr"] for group in optimiser.param_groups for p in group["params"]}
    decays = {id(p): group["weight_decay"] for group in optimiser.param_groups for p in group["params"]}
    plain = {id(p): g["weight_decay"] for g in parameter_groups(network, 0.1) for p in g["params"]}
    assert decays == plain
    expected = {"matrices": 0.1, "embeddings": 0.2, "head": 0.1, "vectors": 0.05}
    assert {part: {rates[id(p)] for p in found} for part, found in parts_of(network).items()} == {
        part: {rate} for part, rate in expected.items()
    }


def test_muon_moves_matrices_and_adamw_the_rest() -> None:
    network = model()
    mixed, alone = copy.deepcopy(network), copy.deepcopy(network)
    learn(mixed, build_optimizer(mixed, optimizer(name="muon")), 0)
    learn(alone, build_optimizer(alone, optimizer()), 0)
    matrices = {name for name, p in network.named_parameters() if any(p is q for q in parts_of(network)["matrices"])}
    for (name, start), one, other in zip(
        network.named_parameters(), mixed.parameters(), alone.parameters(), strict=True
    ):
        assert not torch.equal(start, one), name
        assert torch.equal(one, other) == (name not in matrices), name
        if name in matrices:  # orthogonal steps: most singular values about equal, at the size of one of AdamW
            values = torch.linalg.svdvals((one - (1 - 0.01 * 0.1) * start).detach())
            assert values.max() / values.median() < 3, name
            size = float((one - start).detach().square().mean().sqrt())
            assert 0.1 * 0.01 < size < 0.5 * 0.01, name


def test_muon_goes_on_from_its_state() -> None:
    network = model()
    optimiser = build_optimizer(network, optimizer(name="muon"))
    learn(network, optimiser, 0)
    other = copy.deepcopy(network)
    resumed = build_optimizer(other, optimizer(name="muon"))
    resumed.load_state_dict(copy.deepcopy(optimiser.state_dict()))
    for step in (1, 2):
        learn(network, optimiser, step)
        learn(other, resumed, step)
    assert all(torch.equal(one, two) for one, two in zip(network.parameters(), other.parameters(), strict=True))


@pytest.mark.parametrize(("changes", "key"), [({"name": "sgd"}, "name"), ({"rates": {"head": 0}}, r"rates\.head")])
def test_settings_that_make_no_sense_are_refused_by_key(changes: dict[str, object], key: str) -> None:
    with pytest.raises(UserError, match=rf"training\.optimizer\.{key}"):
        optimizer(**changes)
