"""Documents that are kept apart in one sequence train exactly as documents in sequences of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import PreTrainedModel

from scripts.lib.masking import IGNORED
from scripts.lib.order import DataOrder
from scripts.lib.packing import pack
from scripts.lib.permutation import I64
from scripts.lib.special_tokens import END, PAD, SPECIAL_COUNT
from scripts.pretraining.architecture import build_model
from scripts.pretraining.objective import document_numbers, inputs_and_labels, separation, token_losses
from scripts.pretraining.recipe import Recipe
from tests.making import one_block
from tests.unit.lib.test_order import document_of, shard
from tests.unit.pretraining import tiny

CPU = torch.device("cpu")
FAMILIES = ["llama", "gpt2", "bert", "modernbert"]
SIZES = [[7, 0, 9, 5], [23], [1, 1, 12, 6]]  # tokens of the documents in each row, before their ends
LENGTH = 24  # of the recipe's sequences
PACKED = [5, 30, 9, 1, 16, 3, 24, 7, 49, 2, 8, 29]  # tokens of documents, their ends included; three of them are cut
Piece = tuple[int, I64, I64, I64]  # row, its places, inputs, labels


def recipe_of(family: str, separate: bool = True, **training: str) -> Recipe:
    recipe = Recipe.from_settings(tiny.settings(family, separate_documents=separate, masked_share=0.4, **training))
    return replace(recipe, architecture=replace(recipe.architecture, initial_deviation=0.3))


def rows() -> I64:
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


def check_apart(
    family: str, tokens: I64, pieces: Callable[[Recipe, I64, I64], Iterator[Piece]], **training: str
) -> None:
    """Losses and gradients of rows are those of the pieces of documents in them, each in a sequence of its own."""
    recipe, mixed = recipe_of(family, **training), recipe_of(family, separate=False)
    model = build_model(recipe.architecture, tiny.VOCABULARY, 1, sparse=True).double()
    if family == "modernbert":
        model.config.local_attention = 8  # shorter than documents, so that local layers differ from the others
    inputs, labels = inputs_and_labels(recipe, tokens, 0, tiny.VOCABULARY)
    packed, _ = token_losses(recipe, model, inputs, labels, CPU)
    expected, losses = torch.zeros(()), torch.zeros(inputs.shape)
    for row, place, given, wanted in pieces(recipe, inputs, labels):
        alone, _ = token_losses(mixed, model, given[None], wanted[None], CPU)
        losses[row, torch.from_numpy(place)] = alone[0].detach()
        expected = expected + alone.sum()
    assert torch.allclose(packed.detach(), losses, atol=1e-5)
    found, right = gradients(model, packed.sum()), gradients(model, expected)
    together = gradients(model, token_losses(mixed, model, inputs, labels, CPU)[0].sum())
    scale = max(float(gradient.abs().max()) for gradient in right)
    assert len(found) == len(right) == len(together) > 10
    assert max(float((one - other).abs().max()) for one, other in zip(found, right, strict=True)) < 1e-5 * scale
    assert max(float((one - other).abs().max()) for one, other in zip(together, right, strict=True)) > 1e-2 * scale


@pytest.mark.parametrize("family", FAMILIES)
def test_gradients_equal_those_of_unpacked_documents(family: str) -> None:
    def pieces(recipe: Recipe, inputs: I64, labels: I64) -> Iterator[Piece]:
        numbers = document_numbers(recipe, inputs)
        for row, number in sorted({(row, int(n)) for row, line in enumerate(numbers) for n in line}):
            place = np.flatnonzero(numbers[row] == number)
            yield row, place, inputs[row, place], labels[row, place]

    check_apart(family, rows(), pieces)


@pytest.mark.parametrize("family", FAMILIES)
def test_gradients_of_best_fit_samples_equal_those_of_unpacked_documents(family: str, tmp_path: Path) -> None:
    """The documents of a sample are those that its spans name, whatever stands in the row; its padding trains nothing."""
    random = np.random.default_rng(3)
    texts = {
        f"d:{n}": [*random.integers(SPECIAL_COUNT, tiny.VOCABULARY, size - 1).tolist(), END]
        for n, size in enumerate(PACKED)
    }
    stream = shard(tmp_path / "books", texts, 2)
    ends = np.load(tmp_path / "books" / "order.train.npy")["end"]
    packing = one_block(np.concatenate(list(pack(ends, LENGTH))), LENGTH)
    order = DataOrder([stream], {}, LENGTH, packing.samples, 1, 1.0, {"books": packing}, causal=False)
    tokens, samples = order.batch(0).astype(np.int64), order.locate(0)
    assert (tokens == PAD).any() and any(len(sample.spans) > 2 for sample in samples)
    assert any(span.start for sample in samples for span in sample.spans), "some document is cut"

    def pieces(recipe: Recipe, inputs: I64, labels: I64) -> Iterator[Piece]:
        for row, sample in enumerate(samples):
            filled = 0
            for number, span in enumerate(sample.spans):
                document = document_of(stream, span.part, span.document).astype(np.int64)
                text, place = document[span.start : span.stop], filled + np.arange(span.stop - span.start)
                filled += len(text)
                if recipe.objective == "causal":
                    # The first rest of a cut document follows what is before it in the text.
                    before = document[span.start - 1] if number == 0 and span.start else END
                    yield row, place, np.array([before, *text[:-1]]), text
                else:
                    yield row, place, inputs[row, place], labels[row, place]
            assert (labels[row, filled:] == IGNORED).all()

    check_apart(family, tokens, pieces, packing="best_fit")


def test_an_end_opens_a_causal_document_and_closes_a_masked_one() -> None:
    tokens = np.array([[20, END, 21, 22, END, END, 23]])
    assert document_numbers(recipe_of("llama"), tokens).tolist() == [[0, 1, 1, 1, 2, 3, 3]]
    assert document_numbers(recipe_of("bert"), tokens).tolist() == [[0, 0, 1, 1, 1, 2, 3]]
    assert separation(recipe_of("llama"), tokens)["position_ids"].tolist() == [[0, 0, 1, 2, 0, 0, 1]]
    assert separation(recipe_of("bert"), tokens)["position_ids"].tolist() == [[0, 1, 0, 1, 2, 0, 0]]
    attends = separation(recipe_of("llama"), tokens)["attention_mask"][0, 0].astype(int)
    assert attends[3].tolist() == [0, 1, 1, 1, 0, 0, 0]
    assert separation(recipe_of("llama", separate=False), tokens) == {}
