"""Parameters and FLOPs by formula, against the models that are built."""

from __future__ import annotations

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from scripts.lib.errors import UserError
from scripts.lib.optimiser import parameter_groups
from scripts.pretraining.architecture import build_model
from scripts.pretraining.recipe import Architecture
from scripts.pretraining.size import flops_per_token, parameters

VOCABULARY, LENGTH = 301, 24
SHAPES = [
    pytest.param({"family": "gpt2"}, id="gpt2"),
    pytest.param({"family": "gpt2", "tied_embeddings": False, "feed_forward": 96}, id="gpt2-untied"),
    pytest.param({"family": "llama", "key_value_heads": 2}, id="llama-grouped"),
    pytest.param({"family": "llama", "tied_embeddings": False}, id="llama-untied"),
    pytest.param({"family": "bert"}, id="bert"),
    pytest.param({"family": "modernbert", "layers": 4}, id="modernbert"),
]


def shape(**changes: object) -> Architecture:
    return Architecture.from_settings({"layers": 2, "width": 32, "heads": 4, "context": 40, **changes})


@pytest.mark.parametrize("changes", SHAPES)
def test_parameters_and_flops_are_those_of_the_built_model(changes: dict[str, object]) -> None:
    model = build_model(shape(**changes), VOCABULARY, 1)
    model.set_attn_implementation("eager")  # whose products the counter sees
    assert sum(p.numel() for p in model.parameters()) == sum(parameters(shape(**changes), VOCABULARY).values())
    assert model.get_input_embeddings().weight.shape[0] == 304  # padded to a multiple of 8
    with FlopCounterMode(display=False) as counter:
        model(input_ids=torch.full((2, LENGTH), 20)).logits.sum().backward()
    assert counter.get_total_flops() == 2 * LENGTH * flops_per_token(shape(**changes), VOCABULARY, LENGTH)


@pytest.mark.parametrize("changes", SHAPES)
def test_only_matrices_outside_the_embeddings_decay(changes: dict[str, object]) -> None:
    model = build_model(shape(**changes), VOCABULARY, 1)
    decayed, spared = parameter_groups(model, 0.1)
    assert (decayed["weight_decay"], spared["weight_decay"]) == (0.1, 0.0)
    names = {id(p): name for name, p in model.named_parameters()}
    inside = {names[id(p)] for p in decayed["params"]}
    assert inside | {names[id(p)] for p in spared["params"]} == set(names.values())
    assert all(name.endswith("weight") and "norm" not in name.lower() and "ln_" not in name for name in inside)
    assert not any("embed" in name or ".wte" in name or ".wpe" in name for name in inside)
    assert len(inside) >= 2 * 4


def test_initial_weights_depend_on_the_seed_and_shrink_with_depth() -> None:
    first, again, other = (build_model(shape(family="llama", layers=8), VOCABULARY, seed) for seed in (1, 1, 2))
    torch.manual_seed(7)
    for (name, one), two, three in zip(first.named_parameters(), again.parameters(), other.parameters(), strict=True):
        assert torch.equal(one, two), name
        assert one.ndim == 1 or not torch.equal(one, three), name
    layer = first.model.layers[0]
    assert layer.self_attn.q_proj.weight.std().item() == pytest.approx(0.02, rel=0.1)
    assert layer.mlp.down_proj.weight.std().item() == pytest.approx(0.02 / 4, rel=0.1)


@pytest.mark.parametrize("family", ["gpt2", "llama", "modernbert"])
def test_output_projections_may_begin_at_zero(family: str) -> None:
    plain, zero = (
        build_model(shape(family=family, output_projections=way), VOCABULARY, 1) for way in ("scaled", "zero")
    )
    others = dict(zero.named_parameters())
    silent = {name for name, one in plain.named_parameters() if not torch.equal(one, others[name])}
    assert len(silent) == 2 * 2 and all(others[name].abs().max() == 0 for name in silent)
    loss = zero(input_ids=torch.full((1, LENGTH), 20)).logits.square().mean()
    loss.backward()
    assert all(others[name].grad.abs().max() > 0 for name in silent)


def test_a_sparse_masked_model_gives_the_logits_of_the_whole_one() -> None:
    for family in ("bert", "modernbert"):
        whole, sparse = (
            build_model(shape(family=family, layers=3), VOCABULARY, 1, sparse=one) for one in (False, True)
        )
        tokens = torch.arange(2 * LENGTH).reshape(2, LENGTH) + 20
        asked = torch.zeros((2, LENGTH), dtype=torch.bool)
        asked[0, 3] = asked[1, 7] = True
        with torch.no_grad():
            torch.testing.assert_close(sparse(tokens, asked).logits, whole(tokens).logits[asked])


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"family": "llama", "heads": 3}, "architecture.heads"),
        ({"family": "llama", "key_value_heads": 3}, "architecture.key_value_heads"),
        ({"family": "gpt2", "key_value_heads": 2}, "architecture.key_value_heads"),
        ({"family": "bert", "tied_embeddings": False}, "architecture.tied_embeddings"),
        ({"family": "modernbert", "tied_embeddings": False}, "architecture.tied_embeddings"),
        ({"family": "modernbert", "width": 36}, "architecture.heads"),
        ({"family": "bert", "output_projections": "zero"}, "architecture.output_projections"),
        ({"family": "gpt2", "output_projections": "none"}, "architecture.output_projections"),
        ({"family": "mamba"}, "architecture.family"),
    ],
)
def test_shapes_that_contradict_themselves_are_refused_by_key(changes: dict[str, object], key: str) -> None:
    with pytest.raises(UserError, match=key):
        shape(**changes)
