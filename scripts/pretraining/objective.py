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
from scripts.pretraining.recipe import Recipe

I64 = NDArray[np.int64]


def inputs_and_labels(recipe: Recipe, tokens: I64, step: int, vocabulary: int) -> tuple[I64, I64]:
    """Return model inputs and labels, both [n, sequence_length], of the sequences [n, sequence_length + 1] of a step.

    Row i is sample i of the step; labels are -100 where nothing is to be predicted. Raises UserError for an id that the
    tokenizer does not have.
    """
    if tokens.size and not 0 <= int(tokens.min()) <= int(tokens.max()) < vocabulary:
        raise UserError(
            f"models.{recipe.model}: the shards hold the token ids {tokens.min()} to {tokens.max()}, but its tokenizer "
            f"has {vocabulary} pieces; give shards that this tokenizer made."
        )
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
    given = torch.from_numpy(np.ascontiguousarray(inputs)).to(device)
    wanted = torch.from_numpy(np.ascontiguousarray(labels)).to(device)
    asked = wanted != IGNORED
    logits = (model(input_ids=given) if asked.all() else model(input_ids=given, asked=asked)).logits
    losses = functional.cross_entropy(logits.float().view(-1, logits.shape[-1]), wanted[asked], reduction="none")
    return torch.zeros(wanted.shape, device=device).masked_scatter(asked, losses), wanted
