"""What is predicted: the next token, or masked tokens; and the loss over it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from scripts.lib.masking import IGNORED, mask_tokens
from scripts.pretraining.recipe import Recipe, Training

I64 = NDArray[np.int64]


def inputs_and_labels(recipe: Recipe, tokens: I64, step: int, vocabulary: int) -> tuple[I64, I64]:
    """Return model inputs and labels, both [n, sequence_length], of the sequences [n, sequence_length + 1] of a step.

    Row i is sample i of the step; labels are -100 where nothing is to be predicted.
    """
    if recipe.objective == "causal":
        return tokens[:, :-1], tokens[:, 1:]
    return mask_tokens(
        tokens[:, :-1],
        seed=recipe.seed,
        step=step,
        samples=np.arange(len(tokens), dtype=np.int64),
        vocabulary=vocabulary,
        rate=recipe.training.masked_share,
    )


def predicted_tokens(labels: I64) -> int:
    """Return how many tokens the labels ask for."""
    return int(np.count_nonzero(labels != IGNORED))


def token_losses(model: Any, inputs: I64, labels: I64, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return the cross entropy in nats of every position (0 where nothing is asked for) and the labels, [n, length]."""
    logits, wanted, asked = _logits(model, inputs, labels, device)
    losses = functional.cross_entropy(logits, wanted[asked], reduction="none")
    return torch.zeros(wanted.shape, device=device).masked_scatter(asked, losses), wanted


def training_losses(
    model: Any, inputs: I64, labels: I64, device: torch.device, training: Training
) -> tuple[Tensor, Tensor]:
    """Return what is minimised and the cross entropy in nats, each the sum over all positions that are asked for.

    Label smoothing (Szegedy et al. 2016) mixes the wanted token with all of the output layer's; the z-loss
    (Chowdhery et al. 2022, section 5) adds a multiple of log(Z)^2, which keeps logits from drifting.
    """
    if not (training.label_smoothing or training.z_loss):
        losses, _ = token_losses(model, inputs, labels, device)
        return losses.sum(), losses.detach().double().sum()
    logits, wanted, asked = _logits(model, inputs, labels, device)
    targets = wanted[asked]
    minimised = functional.cross_entropy(logits, targets, label_smoothing=training.label_smoothing, reduction="sum")
    if training.z_loss:
        minimised = minimised + training.z_loss * logits.logsumexp(-1).square().sum()
    with torch.no_grad():
        losses = functional.cross_entropy(logits, targets, reduction="none")
    return minimised, losses.double().sum()


def _logits(model: Any, inputs: I64, labels: I64, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Return the logits of what is asked for [positions, rows], the labels and where they ask, both [n, length]."""
    given = torch.from_numpy(np.ascontiguousarray(inputs)).to(device)
    wanted = torch.from_numpy(np.ascontiguousarray(labels)).to(device)
    asked = wanted != IGNORED
    logits = (model(input_ids=given) if asked.all() else model(input_ids=given, asked=asked)).logits
    return logits.float().view(-1, logits.shape[-1]), wanted, asked
