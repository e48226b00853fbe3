"""The optimiser of pretraining and fine-tuning: AdamW that spares norms, biases and embeddings from decay."""

from __future__ import annotations

from typing import Any

import torch

from scripts.lib.schedule import Optimizer


def parameter_groups(model: torch.nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Two groups in the model's order: matrices of the layers (decayed), then norms, biases and embeddings (not)."""
    embeddings = {
        id(parameter)
        for module in model.modules()
        if isinstance(module, torch.nn.Embedding)
        for parameter in module.parameters()
    }
    decayed: list[torch.nn.Parameter] = []
    plain: list[torch.nn.Parameter] = []
    for parameter in model.parameters():
        spared = parameter.dim() < 2 or id(parameter) in embeddings
        (plain if spared else decayed).append(parameter)
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": plain, "weight_decay": 0.0}]


def build_optimizer(model: torch.nn.Module, settings: Optimizer) -> torch.optim.Optimizer:
    """Fused AdamW over `parameter_groups`; the learning rate is set before every update."""
    return torch.optim.AdamW(
        parameter_groups(model, settings.weight_decay),
        lr=settings.learning_rate,
        betas=(settings.beta1, settings.beta2),
        eps=settings.epsilon,
        fused=True,
    )
