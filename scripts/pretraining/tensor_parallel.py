"""Tensor parallelism (Shoeybi et al. 2019) by DeepSpeed's AutoTP: which matrices are cut where, and whole tensors again.

A group of ranks shares the matrices of every layer, by heads and by inner features, and works on the same micro-batches;
embeddings, norms, head and the biases that follow a sum stay whole, equal on all ranks. Outside of this module and
DeepSpeed's layers parameters have Hugging Face's shapes: `TensorShares.whole` puts them together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

COLUMN, ROW = 0, 1  # the dimension of a linear layer's weight [outputs, inputs] that is cut


@dataclass(frozen=True)
class Cut:
    """How a weight is cut: along `dim`, each of its `fused` equal matrices by itself.

    `turned` tells one that Hugging Face keeps as [inputs, outputs], which GPT-2 does.
    """

    dim: int
    fused: int = 1
    turned: bool = False

    def joined(self, shares: Sequence[Tensor]) -> Tensor:
        """Return the whole of the shares of all ranks."""
        blocks = [share.chunk(self.fused, self.dim) for share in shares]
        whole = torch.cat([block[number] for number in range(self.fused) for block in blocks], self.dim)
        return whole.T.contiguous() if self.turned else whole

    def share(self, whole: Tensor, ranks: int, rank: int) -> Tensor:
        """Return what one of so many ranks has of a whole."""
        blocks = (whole.T if self.turned else whole).chunk(self.fused, self.dim)
        return torch.cat([block.chunk(ranks, self.dim)[rank] for block in blocks], self.dim)


# By Hugging Face's name of the family: layers by the end of their names, those whose outputs are cut and those behind them.
CUTS: dict[str, dict[str, Cut]] = {
    "llama": {r"self_attn\.[qkv]_proj|mlp\.(gate|up)_proj": Cut(COLUMN), r"self_attn\.o_proj|mlp\.down_proj": Cut(ROW)},
    "gpt2": {r"attn\.c_attn": Cut(COLUMN, fused=3), r"mlp\.c_fc": Cut(COLUMN), r"(attn|mlp)\.c_proj": Cut(ROW)},
    "bert": {
        r"self\.(query|key|value)|intermediate\.dense": Cut(COLUMN),
        r"layer\.\d+\.(attention\.)?output\.dense": Cut(ROW),
    },
    "modernbert": {
        r"attn\.Wqkv": Cut(COLUMN, fused=3),
        r"mlp\.Wi": Cut(COLUMN, fused=2),
        r"(attn|mlp)\.Wo": Cut(ROW),
    },
}


def share_name(name: str, rank: int) -> str:
    """Return the name of a rank's share of a parameter."""
    return f"{name}#{rank}"


def layer_specs(family: str) -> list[dict[str, Any]]:
    """Return the cuts of a family as DeepSpeed's configuration names them."""
    return [
        {
            "patterns": [rf".*\.({layers})\.weight$"],
            "partition_type": "column" if cut.dim == COLUMN else "row",
            **({"shape": [cut.fused, -1], "partition_dim": 0} if cut.fused > 1 else {}),
        }
        for layers, cut in CUTS[family].items()
    ]


def cuts_of(model: nn.Module) -> dict[str, Cut]:
    """Return how tensor parallelism cuts the parameters of a model, by name; those that stay whole are left out."""
    found = {}
    for path, layer in model.named_modules():
        cuts = (
            cut for layers, cut in CUTS[str(model.config.model_type)].items() if re.fullmatch(rf".*\.({layers})", path)
        )
        for cut in cuts:
            found[f"{path}.weight"] = replace(cut, turned=isinstance(layer, Conv1D))
            if cut.dim == COLUMN and getattr(layer, "bias", None) is not None:
                found[f"{path}.bias"] = cut
    return found


def use_linear_layers(model: nn.Module, ranks: int) -> None:
    """Put linear layers in the place of GPT-2's own kind, which DeepSpeed cannot cut.

    The parameters stay the same objects with turned values. GPT-2 also notes the width of its queries, which is cut.
    """
    for module in list(model.modules()):
        for name, layer in module.named_children():
            if not isinstance(layer, Conv1D):
                continue
            with torch.device("meta"):
                linear = nn.Linear(*layer.weight.shape)
            layer.weight.data = layer.weight.data.T.contiguous()
            linear.weight, linear.bias = layer.weight, layer.bias
            setattr(module, name, linear)
        if hasattr(module, "split_size"):
            module.split_size //= ranks


class TensorShares:
    """The shares of a model's matrices on this rank, one of `group`; made before the model is cut."""

    def __init__(self, model: nn.Module, cuts: Mapping[str, Cut], ranks: int) -> None:
        self.family, self.ranks, self._named = str(model.config.model_type), ranks, cuts
        self.group: Callable[[], Any] = _group
        use_linear_layers(model, ranks)
        self._cuts = {parameter: cuts[name] for name, parameter in model.named_parameters() if name in cuts}

    def stored(self, name: str) -> str | None:
        """Return the name by which this rank stores what it has of a parameter; the first stores what all have."""
        rank = dist.get_rank(self.group())
        if name in self._named:
            return share_name(name, rank)
        return None if rank else name

    def settings(self) -> dict[str, Any]:
        """Return DeepSpeed's configuration."""
        specs = {"use_default_specs": False, "layer_specs": layer_specs(self.family)}
        return {"autotp_size": self.ranks, "partition_config": specs}

    def cut(self, module: nn.Module, group: Any) -> None:
        """Put DeepSpeed's layers in the place of those linear ones of a module that are cut, for a group of its own.

        What `deepspeed.initialize` does by itself with `settings`, but for pipelines, whose groups it would forget then.
        """
        from deepspeed.module_inject import LinearAllreduce, LinearLayer, SubParamLinearLayer, set_autotp_mode

        set_autotp_mode(training=True)
        self.group = lambda: group
        for path, layer in list(module.named_modules()):
            cut = self._cuts.get(layer.weight) if isinstance(layer, nn.Linear) else None
            if cut is None:
                continue
            parent, _, name = path.rpartition(".")
            if cut.dim == ROW:
                made = LinearAllreduce(layer, group, name=path)
            elif cut.fused > 1:
                made = SubParamLinearLayer(layer, group, (cut.fused, -1), partition_dim=0, name=path)
            else:
                made = LinearLayer(layer, group, name=path)
            setattr(module.get_submodule(parent), name, made)

    def _joined(self, share: Tensor, cut: Cut) -> Tensor:
        pieces = [torch.empty_like(share, memory_format=torch.contiguous_format) for _ in range(self.ranks)]
        dist.all_gather(pieces, share.contiguous(), group=self.group())
        return cut.joined(pieces)

    def share(self, parameter: nn.Parameter, whole: Tensor) -> Tensor:
        """Return what this rank has of the whole of a parameter."""
        cut = self._cuts.get(parameter)
        return whole if cut is None else cut.share(whole, self.ranks, dist.get_rank(self.group()))

    @contextmanager
    def whole(self, parameters: list[nn.Parameter], changed: bool = False) -> Iterator[None]:
        """Make parameters whole within the block; with `changed` all ranks take over what rank 0 made of them.

        A share goes back to where it lay, since ZeRO keeps views of that memory.
        """
        shares = [(parameter, parameter.data, self._cuts.get(parameter)) for parameter in parameters]
        for parameter, share, cut in shares:
            if cut is not None:
                parameter.data = self._joined(share, cut)
        yield
        for parameter, share, cut in shares:
            if changed:
                dist.broadcast(parameter.data, 0)
                if cut is not None:
                    share.copy_(self.share(parameter, parameter.data))
            parameter.data = share

    def norm(self, parameters: list[nn.Parameter]) -> Tensor:
        """Return the norm of the whole gradient: shares of all ranks, and once what every rank has."""
        here = [parameter for parameter in parameters if parameter.grad is not None]
        cut = nn.utils.get_total_norm([p.grad for p in here if p in self._cuts]).square()
        dist.all_reduce(cut, group=self.group())
        uncut: Tensor = nn.utils.get_total_norm([p.grad for p in here if p not in self._cuts])
        return (cut + uncut.square()).sqrt()


def _group() -> Any:
    from deepspeed.utils import groups

    return groups.get_tensor_model_parallel_group()
