"""Pipeline parallelism by DeepSpeed: the layers of a model over stages, one forward, one backward (Narayanan et al. 2021).

Parameters keep Hugging Face's names. Every stage draws the batch by itself and knows which micro-batch comes next, so that
hidden states [n, length, width] and their gradients are all that is sent. Tied embeddings stand on the first and the last
stage: their gradients are summed, and both make the same update. Ranks of a stage may share its matrices: each of them goes
through a pipeline of its own, with those that have the same share on the other stages.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import torch
import torch.distributed as dist
from deepspeed.runtime.pipe.module import PipelineModule, TiedLayerSpec
from deepspeed.runtime.pipe.schedule import OptimizerStep, TrainSchedule
from deepspeed.runtime.pipe.topology import PipeModelDataParallelTopology
from torch import Tensor, nn
from torch.nn import functional

from scripts.pretraining.engine import Begin, Engine, Given, Loss
from scripts.pretraining.layout import Layout

TABLE = "table"


class Beside:
    """What layers are told of a micro-batch beside its hidden states: the places of tokens, and who attends to whom."""

    def __init__(self) -> None:
        self.mask: Tensor | None = None
        self.places = torch.empty(0)

    def tell(self, given: Mapping[str, Tensor]) -> None:
        """Take the arguments of a model for the micro-batch whose forward pass comes next."""
        ids = given["input_ids"]
        self.mask = given.get("attention_mask")
        self.places = given.get("position_ids", torch.arange(ids.shape[1], device=ids.device)[None])


class Table(nn.Module):  # type: ignore[misc]
    """The embeddings of tokens, which may be the output head too."""

    def __init__(self, table: nn.Embedding) -> None:
        super().__init__()
        self.table = table

    def forward(self, ids: Tensor) -> Tensor:
        """Return the embeddings [n, length, width] of token ids [n, length]."""
        embedded: Tensor = self.table(ids)
        return embedded


def tied_head(table: Table, hidden: Tensor) -> Tensor:
    """Return the logits [n, length, rows] of hidden states."""
    return functional.linear(hidden, table.table.weight)


class Places(nn.Module):  # type: ignore[misc]
    """GPT-2's embeddings of places, which are added, and the dropout behind them."""

    def __init__(self, table: nn.Embedding, dropout: nn.Module, beside: Beside) -> None:
        super().__init__()
        self.table, self.dropout, self.beside = table, dropout, beside

    def forward(self, hidden: Tensor) -> Tensor:
        """Return hidden states that know their places."""
        dropped: Tensor = self.dropout(hidden + self.table(self.beside.places))
        return dropped


class Block(nn.Module):  # type: ignore[misc]
    """A layer of a model; `rotary` gives Llama's rotations."""

    def __init__(self, layer: nn.Module, beside: Beside, rotary: nn.Module | None) -> None:
        super().__init__()
        self.layer, self.beside, self.rotary = layer, beside, rotary

    def forward(self, hidden: Tensor) -> Tensor:
        """Return the hidden states behind the layer."""
        places = self.beside.places
        turned = {} if self.rotary is None else {"position_embeddings": self.rotary(hidden, position_ids=places)}
        behind: Tensor = self.layer(hidden, attention_mask=self.beside.mask, position_ids=places, **turned)
        return behind


def layers_of(model: Any, beside: Beside) -> list[nn.Module | TiedLayerSpec]:
    """Return a causal model as layers of which each takes what the one before gives."""
    gpt2 = model.config.model_type == "gpt2"
    inner = model.transformer if gpt2 else model.model
    table, norm = (inner.wte, inner.ln_f) if gpt2 else (inner.embed_tokens, inner.norm)
    places = [Places(inner.wpe, inner.drop, beside)] if gpt2 else []
    blocks = [Block(layer, beside, None if gpt2 else inner.rotary_emb) for layer in (inner.h if gpt2 else inner.layers)]
    if model.lm_head.weight is not table.weight:
        return [Table(table), *places, *blocks, norm, model.lm_head]
    first, last = (
        TiedLayerSpec(TABLE, Table, table, forward_fn=given, tied_weight_attr=f"{TABLE}.weight")
        for given in (None, tied_head)
    )
    return [first, *places, *blocks, norm, last]


class Stages(PipelineModule):  # type: ignore[misc]
    """The layers of this rank's stage, equally many blocks each; `coming` gives what is known of the next micro-batch."""

    def __init__(self, model: nn.Module, layout: Layout, loss: Any) -> None:
        beside = Beside()
        ranks = PipeModelDataParallelTopology(num_pp=layout.pipeline, num_mp=layout.tensor, num_dp=layout.sharing)
        super().__init__(layers_of(model, beside), topology=ranks, loss_fn=loss, dynamic_shape=True)
        self.beside = beside
        self.coming: Iterator[Mapping[str, Tensor]] = iter(())

    def _partition_layers(self, method: str = "") -> None:
        """Give every stage as many blocks, as forecasts reckon; DeepSpeed's own ways need not come out equal."""
        blocks = [number for number, layer in enumerate(self._layer_specs) if isinstance(layer, Block)]
        each = len(blocks) // self.num_stages
        self.parts = [0, *blocks[each::each], len(self._layer_specs)]
        self._set_bounds(self.parts[self.stage_id], self.parts[self.stage_id + 1])

    def forward(self, forward_input: Tensor) -> Tensor:
        """Return hidden states, or logits on the last stage."""
        self.beside.tell(next(self.coming))
        output: Tensor = super().forward(forward_input)
        return output


class Gradients(TrainSchedule):  # type: ignore[misc]
    """The forward and backward passes of a step and the sums of gradients over ranks, without the update."""

    def steps(self) -> Iterator[list[Any]]:
        """Yield the instructions of a stage."""
        for commands in super().steps():
            yield [command for command in commands if not isinstance(command, OptimizerStep)]


class PipelinedEngine(Engine):
    """A model with its optimiser, its layers over the stages of pipelines that work on different micro-batches."""

    def _prepared(self, model: nn.Module) -> tuple[nn.Module, dict[str, Any]]:
        """Return the layers of this rank's stage, cut, and have hidden states sent whole."""
        layout = self.layout
        names = {parameter: name for name, parameter in model.named_parameters()}
        with torch.no_grad():  # tied weights are sent from stage to stage, which is no part of what is learned
            self._stages = Stages(model, layout, self._loss_of)
        self._names = {parameter: names[parameter] for parameter in self._stages.parameters()}
        held: list[set[str]] = [set() for _ in range(layout.processes)]
        dist.all_gather_object(held, set(self._names.values()))
        self._owners = {name: next(rank for rank, own in enumerate(held) if name in own) for name in names.values()}
        _keep_only(self.optimizer, set(self._names))
        stage = layout.processes // layout.pipeline
        self._last = layout.processes - stage + self.rank % stage
        self._rows = model.get_output_embeddings().weight.shape[0]
        if self._shares is not None:
            self._shares.cut(self._stages, self._stages.mpu().get_slice_parallel_group())
        return self._stages, {"pipeline": {"pipe_partitioned": False, "grad_partitioned": False}}

    def gradient(self, sequences: int, begin: Begin, loss: Loss, given: Given) -> None:
        """Add up the gradient of a batch: every stage goes through the same micro-batches, of which the last tells the loss."""
        passes = list(self.layout.micro_batches(self.rank, sequences))

        def coming() -> Iterator[Mapping[str, Tensor]]:
            for number, rows in passes:
                begin(number)
                yield self._own(given(rows))

        def scaled(logits: Tensor, turn: int) -> Tensor:
            return self._scaled(loss(lambda **_: SimpleNamespace(logits=logits), *passes[turn]))

        self._stages.coming, self._loss = coming(), scaled
        self.model.total_loss, self.model._compute_loss = None, True
        loaded = ((self._own(given(rows))["input_ids"], torch.tensor(turn)) for turn, (_, rows) in enumerate(passes))
        self.model.set_dataiterator(loaded)
        self.model._exec_schedule(Gradients(len(passes), self.layout.pipeline, self.layout.stage(self.rank)))

    def _loss_of(self, logits: Tensor, turn: Tensor) -> Tensor:
        return self._loss(logits, int(turn))

    def _step(self) -> None:
        self.model._exec_optimizer_step()

    def forward(self, **given: Any) -> Any:
        """Return the logits of a model's arguments on every rank of a pipeline; every rank has to call it."""
        own = self._own(given)
        ids = own["input_ids"]
        self._stages.coming = iter([own])
        self.model.total_loss = None  # it would add up what all evaluations give, whatever its shape
        _, logits = self.model.eval_batch(
            iter([(ids, ids)]), return_logits=True, compute_loss=False, reduce_output=None, num_micro_batches=1
        )
        rows = (
            torch.empty(*ids.shape, self._rows, device=self.device) if logits is None else logits.float().contiguous()
        )
        dist.broadcast(rows, self._last, group=self.model.mpu.get_pipe_parallel_group())
        return SimpleNamespace(logits=rows)

    def named_parameters(self) -> list[tuple[str, nn.Parameter]]:
        """Return the parameters of this rank's stage with their names; tied ones once."""
        return [(name, parameter) for parameter, name in self._names.items()]

    def stored(self, name: str) -> str | None:
        """Return the name by which this rank stores a parameter; None for one that an earlier stage stores."""
        return super().stored(name) if self.layout.stage(self._owners[name]) == self.layout.stage(self.rank) else None

    def _sent(self, name: str, own: Mapping[str, nn.Parameter]) -> Tensor:
        """Return a whole parameter of the first rank that has it; every rank has to call it with its own parameters."""
        here = [own[name]] if name in own else []
        with self._shares.whole(here) if self._shares else nullcontext():
            if self.rank == self._owners[name]:
                held = here[0].detach().contiguous()
            else:
                held = torch.empty(self.shapes()[name], dtype=next(iter(own.values())).dtype, device=self.device)
        dist.broadcast(held, self._owners[name])
        return held

    def each_whole(self) -> Iterator[tuple[str, Tensor]]:
        """Yield each parameter of the model, whole, with its name; every rank has to go through all of them."""
        own = dict(self.named_parameters())
        yield from ((name, self._sent(name, own)) for name in self._owners)

    def replace_weights(self, values: Mapping[str, Tensor]) -> None:
        """Put the values that rank 0 has by name in the place of the weights; no update may follow."""
        own = dict(self.named_parameters())
        for name, shape in self.shapes().items():
            value = (
                values[name].to(self.device).contiguous() if self.rank == 0 else torch.empty(shape, device=self.device)
            )
            dist.broadcast(value, 0)
            if name in own:
                own[name].data.copy_(self._shares.share(own[name], value) if self._shares else value)


def _keep_only(optimizer: torch.optim.Optimizer, own: set[nn.Parameter]) -> None:
    """Leave an optimiser the parameters of a stage."""
    for group in optimizer.param_groups:
        group["params"] = [parameter for parameter in group["params"] if parameter in own]
    optimizer.param_groups[:] = [group for group in optimizer.param_groups if group["params"]]
