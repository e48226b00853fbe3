"""Cross entropy over a vocabulary, with the gradient made while the logits are in the processor's cache.

PyTorch goes over all logits several times forward and again backward, each time through main memory, which for small models on
a CPU takes as long as the layers do. Here some rows at a time are read once and left as their gradient.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

CHUNK = 1 << 18  # logits that are worked on together, 1 MiB


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the cross entropy in nats [n] of logits, fp32 [n, vocabulary], to the wanted ids, int64 [n].

    Backward works once, as its gradient overwrites what was kept for it.
    """
    if logits.device.type != "cpu" or not (torch.is_grad_enabled() and logits.requires_grad):
        return functional.cross_entropy(logits, targets, reduction="none")
    losses: Tensor = _Chunked.apply(logits, targets)
    return losses


class _Chunked(torch.autograd.Function):  # type: ignore[misc]
    @staticmethod
    def forward(ctx: Any, logits: Tensor, targets: Tensor) -> Tensor:
        """Keep softmax(logits) minus one where the target is, the gradient of a loss."""
        gradient, losses = torch.empty_like(logits), logits.new_empty(len(logits))
        rows = max(CHUNK // logits.shape[1], 1)
        for start in range(0, len(logits), rows):
            some, into = logits[start : start + rows], gradient[start : start + rows]
            wanted = targets[start : start + rows, None]
            normaliser = some.logsumexp(-1, keepdim=True)
            losses[start : start + rows] = (normaliser - some.gather(1, wanted)).squeeze(1)
            torch.sub(some, normaliser, out=into).exp_()
            into.scatter_add_(1, wanted, into.new_full((1, 1), -1.0).expand_as(wanted))
        ctx.save_for_backward(gradient)
        return losses

    @staticmethod
    def backward(ctx: Any, *given: Tensor) -> tuple[Tensor, None]:
        """Scale the gradients of the losses in place; autograd refuses to do it twice."""
        (gradient,) = ctx.saved_tensors
        return gradient.mul_(given[0][:, None]), None
