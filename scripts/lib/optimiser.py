"""The optimiser of pretraining and fine-tuning: AdamW that spares norms, biases and embeddings from decay, or Muon."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from scripts.lib.schedule import Optimizer

MOMENTUM = 0.95  # of Muon (Jordan 2024)


def parts_of(model: torch.nn.Module) -> dict[str, list[torch.nn.Parameter]]:
    """The parameters by part, in the model's order: matrices of the layers, embeddings, head, vectors (norms, biases).

    A head that is tied to the embeddings is one of them.
    """
    embeddings = {
        id(parameter)
        for module in model.modules()
        if isinstance(module, torch.nn.Embedding)
        for parameter in module.parameters()
    }
    output = getattr(model, "get_output_embeddings", lambda: None)()
    head = set() if output is None else {id(parameter) for parameter in output.parameters()}
    parts: dict[str, list[torch.nn.Parameter]] = {"matrices": [], "embeddings": [], "head": [], "vectors": []}
    for parameter in model.parameters():
        if parameter.dim() < 2:
            part = "vectors"
        elif id(parameter) in embeddings:
            part = "embeddings"
        else:
            part = "head" if id(parameter) in head else "matrices"
        parts[part].append(parameter)
    return parts


def parameter_groups(
    model: torch.nn.Module, weight_decay: float, rates: Mapping[str, float] | None = None
) -> list[dict[str, Any]]:
    """Groups in the model's order: matrices and the untied head (decayed), then norms, biases and embeddings (not).

    With `rates` every part is a group of its own that carries its factor of the learning rate as `rate`.
    """
    parts = parts_of(model)
    decays = {"matrices": weight_decay, "head": weight_decay}
    if rates:
        return [
            {"params": found, "weight_decay": decays.get(part, 0.0), "rate": rates[part]}
            for part, found in parts.items()
            if found
        ]
    decayed = {id(parameter) for part in decays for parameter in parts[part]}
    groups: list[list[torch.nn.Parameter]] = [[], []]
    for parameter in model.parameters():
        groups[id(parameter) not in decayed].append(parameter)
    return [{"params": groups[0], "weight_decay": weight_decay}, {"params": groups[1], "weight_decay": 0.0}]


def build_optimizer(model: torch.nn.Module, settings: Optimizer) -> torch.optim.Optimizer:
    """Fused AdamW over `parameter_groups`, or Muon with it; the learning rate is set before every update."""
    groups = parameter_groups(model, settings.weight_decay, settings.rates)
    if settings.name == "adamw":
        return _adamw(groups, settings)
    matrices = parts_of(model)["matrices"]
    rate = settings.rates.get("matrices", 1.0)
    return MuonWithAdamW([{"params": matrices, "rate": rate}], _without(groups, matrices), settings)


def set_learning_rate(optimizer: torch.optim.Optimizer, learning_rate: float) -> None:
    """Give every group its share of the learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate * group.get("rate", 1.0)


def holders(optimizer: torch.optim.Optimizer) -> list[torch.optim.Optimizer]:
    """Return the optimisers that hold the states of parameters: this one, or the parts that it is made of."""
    return optimizer.parts if isinstance(optimizer, MuonWithAdamW) else [optimizer]


class MuonWithAdamW(torch.optim.Optimizer):  # type: ignore[misc]
    """Muon for matrices of layers, AdamW for the rest, as one optimiser.

    Muon's steps are scaled to the size of AdamW's (Liu et al. 2025, arXiv 2502.16982), so that both take one learning
    rate and one decay. A matrix has to be whole, so that this does not go with ZeRO 1 to 3.
    """

    def __init__(self, matrices: list[dict[str, Any]], rest: list[dict[str, Any]], settings: Optimizer) -> None:
        self.parts: list[torch.optim.Optimizer] = [
            torch.optim.Muon(
                matrices,
                lr=settings.learning_rate,
                weight_decay=settings.weight_decay,
                momentum=MOMENTUM,
                adjust_lr_fn="match_rms_adamw",
            ),
            _adamw(rest, settings),
        ]
        super().__init__([{"params": group["params"]} for part in self.parts for group in part.param_groups], {})
        self._share_groups()

    def _share_groups(self) -> None:
        self.param_groups = [group for part in self.parts for group in part.param_groups]

    def step(self, closure: Callable[[], float] | None = None) -> None:
        """Update all parameters."""
        for part in self.parts:
            part.step()

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Clear all gradients."""
        for part in self.parts:
            part.zero_grad(set_to_none)

    def state_dict(self) -> dict[str, Any]:
        """The states of both."""
        return {"parts": [part.state_dict() for part in self.parts]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Read what `state_dict` gave."""
        for part, state in zip(self.parts, state_dict["parts"], strict=True):
            part.load_state_dict(state)
        self._share_groups()


def _adamw(groups: list[dict[str, Any]], settings: Optimizer) -> torch.optim.Optimizer:
    return torch.optim.AdamW(
        groups,
        lr=settings.learning_rate,
        betas=(settings.beta1, settings.beta2),
        eps=settings.epsilon,
        fused=True,
    )


def _without(groups: list[dict[str, Any]], taken: list[torch.nn.Parameter]) -> list[dict[str, Any]]:
    """The groups without the parameters that are taken, and without groups that are empty then."""
    names = {id(parameter) for parameter in taken}
    left = [{**group, "params": [p for p in group["params"] if id(p) not in names]} for group in groups]
    return [group for group in left if group["params"]]
