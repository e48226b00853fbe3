"""Sequence parallelism (DeepSpeed Ulysses, Jacobs et al. 2023): ranks share the tokens of sequences, and in attention the heads.

Everything but attention works on a rank's own tokens. Attention needs all tokens and works head by head: an exchange gives each
rank all tokens of a part of the heads, and another one gives the outputs back. Weights are whole on every rank, whose gradients
add up as those of ranks with different sequences do, so that ZeRO counts these ranks among those that it shares states among.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn import functional
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from scripts.pretraining.layout import Layout

ATTENTION = "shared_sequences"  # Hugging Face's name of the attention below


class SharedSequences:
    """The part of this rank; made before DeepSpeed takes the model, on every rank."""

    def __init__(self, model: nn.Module, layout: Layout, rank: int) -> None:
        self._layout, self._rank, self._family = layout, rank, str(model.config.model_type)
        self._group = _group_of(layout, rank)
        AttentionInterface.register(ATTENTION, self.attention)
        model.config._attn_implementation = ATTENTION

    def attention(
        self, module: nn.Module, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, **given: Any
    ) -> tuple[Tensor, None]:
        """Return outputs [n, tokens, heads, width] of queries, keys and values [n, heads, tokens, width] of this rank's tokens.

        The mask is that of whole sequences, [n, 1, length, length].
        """
        whole = (self._all_tokens(one) for one in (query, key, value))
        output, _ = sdpa_attention_forward(module, *whole, mask, **given)
        n, length, heads, width = output.shape
        ranks = self._layout.sequence
        sent = output.view(n, ranks, length // ranks, heads, width).transpose(0, 1)
        received = _Exchange.apply(sent, self._group)  # by rank, whose heads they are
        return received.permute(1, 2, 0, 3, 4).reshape(n, length // ranks, ranks * heads, width), None

    def _all_tokens(self, own: Tensor) -> Tensor:
        """Return all tokens of a part of the heads [n, heads / ranks, length, width] for a part of the tokens of all heads."""
        n, heads, tokens, width = own.shape
        ranks = self._layout.sequence
        sent = own.view(n, ranks, heads // ranks, tokens, width).transpose(0, 1)
        received: Tensor = _Exchange.apply(sent, self._group)  # by rank, whose tokens they are
        return received.permute(1, 2, 0, 3, 4).reshape(n, heads // ranks, ranks * tokens, width)

    def own(self, given: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments of a model for this rank's columns; masks stay whole, as attention sees all tokens."""
        ids: Tensor = given["input_ids"]
        length = ids.shape[1]
        columns = self._layout.columns(self._rank, length)
        places = given.get("position_ids", torch.arange(length, device=ids.device).expand_as(ids))
        cut = {"input_ids": ids[:, columns].contiguous(), "position_ids": places[:, columns].contiguous()}
        if (
            self._family == "modernbert" and "attention_mask" not in given
        ):  # whose local layers need one to see their window
            cut["attention_mask"] = torch.ones(1, 1, length, length, dtype=torch.bool, device=ids.device)
        return given | cut

    def logits(self, forward: Callable[..., Any], ids: Tensor) -> Tensor:
        """Return the logits [n, length, rows] of token ids [n, length]; of masked models only whole training sequences.

        Ids behind the end make the length a multiple of the ranks; a causal model sees nothing of them.
        """
        padded = functional.pad(ids, (0, -ids.shape[1] % self._layout.sequence))
        found = forward(input_ids=padded).logits.contiguous()
        parts = [torch.empty_like(found) for _ in range(self._layout.sequence)]
        dist.all_gather(parts, found, group=self._group)
        return torch.cat(parts, 1)[:, : ids.shape[1]]


class _Exchange(torch.autograd.Function):  # type: ignore[misc]
    """Give rank r of a group the r-th part along the first dimension, and take those of the others in their order."""

    @staticmethod
    def forward(ctx: Any, parts: Tensor, group: Any) -> Tensor:
        ctx.group = group
        return _exchanged(parts, group)

    @staticmethod
    def backward(ctx: Any, *given: Tensor) -> tuple[Tensor, None]:
        return _exchanged(given[0], ctx.group), None


def _exchanged(parts: Tensor, group: Any) -> Tensor:
    sent = parts.contiguous()
    received = torch.empty_like(sent)
    dist.all_to_all_single(received, sent, group=group)
    return received


def _group_of(layout: Layout, rank: int) -> Any:
    """Return the group of the ranks that share sequences with a rank; every rank makes all groups, in one order."""
    members: dict[tuple[int, int, int], list[int]] = {}
    for other in range(layout.processes):
        members.setdefault((layout.stage(other), layout.place(other), other % layout.tensor), []).append(other)
    groups = {tuple(ranks): dist.new_group(ranks) for ranks in members.values()}
    return next(group for ranks, group in groups.items() if rank in ranks)
