"""Documents that are kept apart in one sequence train exactly as documents in sequences of their own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import PreTrainedModel

from scripts.lib.special_tokens import END, SPECIAL_COUNT
from scripts.pretraining.architecture import build_model
from scripts.pretraining.objective import document_numbers, inputs_and_labels, separation, token_losses
from scripts.pretraining.recipe import Recipe
from tests.unit.pretraining import tiny

CPU = torch.device("cpu")
SIZES = [[7, 0, 9, 5], [23], [1, 1, 12, 6]]  # tokens of the documents in each row, before their ends


def recipe_of(family: str, separate: bool = True) -> Recipe:
    recipe = Recipe.from_settings(tiny.settings(family, separate_documents=separate, masked_share=0.4))
    return replace(recipe, architecture=replace(recipe.architecture, initial_deviation=0.3))


def rows() -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """Rows of 25 tokens: documents with their ends, the last one cut off."""
    made, random = [], np.random.default_rng(3)
    for sizes in SIZES:
        ids = [token for size in sizes for token in [*random.integers(SPECIAL_COUNT, tiny.VOCABULARY, size), END]]
        made.append((ids + list(random.integers(SPECIAL_COUNT, tiny.VOCABULARY, 25)))[:25])
    return np.array(made, np.int64)


def gradients(model: PreTrainedModel, total: torch.Tensor) -> list[torch.Tensor]:
    model.zero_grad()
    total.backward()
    return [parameter.grad.clone() for parameter in model.parameters() if parameter.grad is not None]


@pytest.mark.parametrize("family", ["llama", "gpt2", "bert", "modernbert"])
def test_gradients_equal_those_of_unpacked_documents(family: str) -> None:
    recipe = recipe_of(family)
    model = build_model(recipe.architecture, tiny.VOCABULARY, 1, sparse=True).double()
    if family == "modernbert":
        model.config.local_attention = 8  # shorter than documents, so that local layers differ from the others
    inputs, labels = inputs_and_labels(recipe, rows(), 0, tiny.VOCABULARY)
    packed, _ = token_losses(recipe, model, inputs, labels, CPU)
    expected, numbers, mixed = torch.zeros(()), document_numbers(recipe, inputs), recipe_of(family, separate=False)
    losses = torch.zeros(inputs.shape)
    for row, number in sorted({(row, int(n)) for row, line in enumerate(numbers) for n in line}):
        place = numbers[row] == number
        alone, _ = token_losses(mixed, model, inputs[row, place][None], labels[row, place][None], CPU)
        losses[row, torch.from_numpy(place)] = alone[0].detach()
        expected = expected + alone.sum()
    assert torch.allclose(packed.detach(), losses, atol=1e-5)
    found, wanted = gradients(model, packed.sum()), gradients(model, expected)
    together = gradients(model, token_losses(mixed, model, inputs, labels, CPU)[0].sum())
    scale = max(float(gradient.abs().max()) for gradient in wanted)
    assert len(found) == len(wanted) == len(together) > 10
    assert max(float((one - other).abs().max()) for one, other in zip(found, wanted, strict=True)) < 1e-5 * scale
    assert max(float((one - other).abs().max()) for one, other in zip(together, wanted, strict=True)) > 1e-2 * scale


def test_an_end_opens_a_causal_document_and_closes_a_masked_one() -> None:
    tokens = np.array([[20, END, 21, 22, END, END, 23]])
    assert document_numbers(recipe_of("llama"), tokens).tolist() == [[0, 1, 1, 1, 2, 3, 3]]
    assert document_numbers(recipe_of("bert"), tokens).tolist() == [[0, 0, 1, 1, 1, 2, 3]]
    assert separation(recipe_of("llama"), tokens)["position_ids"].tolist() == [[0, 0, 1, 2, 0, 0, 1]]
    assert separation(recipe_of("bert"), tokens)["position_ids"].tolist() == [[0, 1, 0, 1, 2, 0, 0]]
    attends = separation(recipe_of("llama"), tokens)["attention_mask"][0, 0].astype(int)
    assert attends[3].tolist() == [0, 1, 1, 1, 0, 0, 0]
    assert separation(recipe_of("llama", separate=False), tokens) == {}
