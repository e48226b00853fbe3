"""What is predicted: the next token, or masked tokens; and the loss over it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from scripts.lib.errors import UserError
from scripts.lib.masking import IGNORED, mask_tokens
from scripts.lib.special_tokens import END, PAD
from scripts.pretraining.cross_entropy import cross_entropy
from scripts.pretraining.recipe import BEST_FIT, Recipe

I64 = NDArray[np.int64]


def inputs_and_labels(
    recipe: Recipe,
    tokens: I64,
    batch: int,
    vocabulary: int,
    continues: NDArray[np.bool_] | None = None,
    first_row: int = 0,
) -> tuple[I64, I64]:
    """Return model inputs and labels, both [n, sequence_length], of sequences [n, sequence_length + 1].

    They are the rows of a batch from `first_row` on; labels are -100 where nothing is to be predicted. `continues` tells the ids
    that go on with a word and those behind which one may, for masks of whole words. Raises UserError for an id that the tokenizer
    does not have.
    """
    if tokens.size and not 0 <= int(tokens.min()) <= int(tokens.max()) < vocabulary:
        raise UserError(
            f"models.{recipe.model}: the shards hold the token ids {tokens.min()} to {tokens.max()}, but its tokenizer "
            f"has {vocabulary} pieces; give shards that this tokenizer made."
        )
    if recipe.objective == "causal":
        return tokens[:, :-1], np.where(tokens[:, 1:] == PAD, IGNORED, tokens[:, 1:])
    # A packed sample begins behind the token before it; of windows the last token is the first of the next one.
    return mask_tokens(
        tokens[:, 1:] if recipe.training.packing == BEST_FIT else tokens[:, :-1],
        seed=recipe.seed,
        step=batch,
        samples=first_row + np.arange(len(tokens), dtype=np.int64),
        vocabulary=vocabulary,
        rate=recipe.training.masked_share,
        continues=continues if recipe.training.whole_words else None,
    )


def predicted_tokens(labels: I64) -> int:
    """Return how many tokens the labels ask for."""
    return int(np.count_nonzero(labels != IGNORED))


def document_numbers(recipe: Recipe, inputs: I64) -> I64:
    """Return the number of the document of each position in its row, int64 [n, length].

    A causal model begins a text from the token that ends the text before, also when it generates, so that token opens a document
    there; all tokens are predicted, the first of a document too. For a masked model it closes its own document.
    """
    ends = inputs == END
    opened = np.cumsum(ends, axis=1)
    return opened if recipe.objective == "causal" else opened - ends


def separation(recipe: Recipe, inputs: I64) -> dict[str, NDArray[Any]]:
    """Return what keeps the documents of a row apart, as arguments of a model.

    Who attends to whom is bool [n, 1, length, length], positions, which begin anew with each document, are
    int64 [n, length]. Nothing where the recipe lets documents see each other.
    """
    if not recipe.training.separates:
        return {}
    numbers = np.where(inputs == PAD, -1, document_numbers(recipe, inputs))  # only padding attends to padding
    length = inputs.shape[1]
    places = np.broadcast_to(np.arange(length, dtype=np.int64), inputs.shape)
    begins = np.diff(numbers, axis=1, prepend=-2) != 0
    positions = places - np.maximum.accumulate(np.where(begins, places, 0), axis=1)
    attends = numbers[:, None, :, None] == numbers[:, None, None, :]
    if recipe.objective == "causal":
        attends &= np.tri(length, dtype=bool)
    return {"attention_mask": attends, "position_ids": positions}


def model_inputs(recipe: Recipe, inputs: I64, device: torch.device) -> dict[str, Tensor]:
    """Return the arguments of a model for token ids [n, length]: these, and what keeps the documents of a row apart."""
    given = {"input_ids": np.ascontiguousarray(inputs), **separation(recipe, inputs)}
    return {name: torch.from_numpy(values).to(device) for name, values in given.items()}


def token_losses(recipe: Recipe, model: Any, inputs: I64, labels: I64, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return the cross entropy in nats of every position (0 where nothing is asked for) and the labels, [n, length]."""
    logits, wanted, asked = _logits(recipe, model, inputs, labels, device)
    losses = cross_entropy(logits, wanted[asked])
    return torch.zeros(wanted.shape, device=device).masked_scatter(asked, losses), wanted


def training_losses(
    recipe: Recipe, model: Any, inputs: I64, labels: I64, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Return what is minimised and the cross entropy in nats, each the sum over all positions that are asked for.

    Label smoothing (Szegedy et al. 2016) mixes the wanted token with all of the output layer's; the z-loss
    (Chowdhery et al. 2022, section 5) adds a multiple of log(Z)^2, which keeps logits from drifting.
    """
    training = recipe.training
    if not (training.label_smoothing or training.z_loss):
        losses, _ = token_losses(recipe, model, inputs, labels, device)
        return losses.sum(), losses.detach().double().sum()
    logits, wanted, asked = _logits(recipe, model, inputs, labels, device)
    targets = wanted[asked]
    minimised = functional.cross_entropy(logits, targets, label_smoothing=training.label_smoothing, reduction="sum")
    if training.z_loss:
        minimised = minimised + training.z_loss * logits.logsumexp(-1).square().sum()
    with torch.no_grad():
        losses = functional.cross_entropy(logits, targets, reduction="none")
    return minimised, losses.double().sum()


def _logits(
    recipe: Recipe, model: Any, inputs: I64, labels: I64, device: torch.device
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the logits of what is asked for [positions, rows], the labels and where they ask, both [n, length]."""
    given = model_inputs(recipe, inputs, device)
    wanted = torch.from_numpy(np.ascontiguousarray(labels)).to(device)
    asked = wanted != IGNORED
    if recipe.objective == "causal":
        logits = model(use_cache=False, **given).logits  # a cache would copy keys and values
        logits = logits if asked.all() else logits[asked]
    else:
        logits = model(asked=asked, **given).logits
    return logits.float().view(-1, logits.shape[-1]), wanted, asked
