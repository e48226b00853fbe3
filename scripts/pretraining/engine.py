"""The DeepSpeed side of training: processes, ZeRO, tensor and sequence parallelism, one update, whole weights.

Everything that depends on the layout stands here; the loop in `scripts.pretraining.trainer` reads like one process.
DeepSpeed is imported when the engine starts, since the import takes seconds and looks at the machine.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from scripts.lib.optimiser import set_learning_rate
from scripts.pretraining.compiling import as_written, compile_layers
from scripts.pretraining.layout import BUCKET, Layout
from scripts.pretraining.presence import FOLDER, IN_FILE, RENDEZVOUS
from scripts.pretraining.recipe import AUTOCAST, BF16, Training
from scripts.pretraining.sequence_parallel import SharedSequences
from scripts.pretraining.tensor_parallel import TensorShares, cuts_of

TIMEOUT = 1800.0  # seconds; of a wait for other ranks where nobody else watches over them
Begin = Callable[[int], None]
Loss = Callable[[Any, int, slice], Tensor]
Given = Callable[[slice], dict[str, Tensor]]


def start_processes(timeout: float = TIMEOUT) -> torch.device:
    """Join the other ranks and return this rank's device; they meet where the launcher says, else at MASTER_ADDR."""
    accelerated = torch.cuda.is_available()
    os.environ.setdefault("DS_ACCELERATOR", "cuda" if accelerated else "cpu")
    import deepspeed

    if not accelerated:
        _use_gloo_alone()
        torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    shared = os.environ.get(FOLDER)
    meeting: dict[str, Any] = {}
    if shared and os.environ["MASTER_PORT"] == IN_FILE:
        file = f"file://{Path(shared) / RENDEZVOUS}"  # not quoted, since torch does not unquote it
        meeting = {"init_method": file, "rank": int(os.environ["RANK"]), "world_size": int(os.environ["WORLD_SIZE"])}
    backend, wait = "nccl" if accelerated else "gloo", timedelta(seconds=timeout)
    deepspeed.init_distributed(dist_backend=backend, timeout=wait, verbose=False, **meeting)
    if not accelerated:
        return torch.device("cpu")
    torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    return torch.device("cuda", torch.cuda.current_device())


def _use_gloo_alone() -> None:
    """Keep DeepSpeed from compiling its shared-memory collective, which takes minutes and which gloo does without.

    The table is private to DeepSpeed; where it is gone there is nothing to switch off.
    """
    import deepspeed.ops

    table = getattr(deepspeed.ops, "__compatible_ops__", None)
    if table is not None:
        deepspeed.ops.__compatible_ops__ = {**table, "deepspeed_shm_comm": False}


def stop_processes() -> None:
    """Leave the process group in order."""
    if dist.is_initialized():
        dist.destroy_process_group()


class Engine:
    """A model with its optimiser, laid out over the processes."""

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        training: Training,
        layout: Layout,
        device: torch.device,
    ) -> None:
        import deepspeed

        self.layout, self.device, self.rank = layout, device, dist.get_rank()
        self.optimizer = optimizer
        self._clipping = training.gradient_clipping
        self._moving = True
        self._guard(optimizer)
        self._shapes = {name: parameter.shape for name, parameter in model.named_parameters()}
        self._tied = tied_names(model)
        self.cuts = cuts_of(model)
        self._shares = TensorShares(model, self.cuts, layout.tensor) if layout.tensor > 1 else None
        self._sequences = SharedSequences(model, layout, self.rank) if layout.sequence > 1 else None
        if layout.checkpointing:
            again: Any = model
            again.activation_checkpointing_enable({"use_reentrant": False})  # the other kind loses keyword arguments
        if layout.compiled:
            compile_layers(model, device)
        if training.precision == AUTOCAST:
            keep_lookups_exact(model)
        module, settings = self._prepared(model)
        config = engine_config(training, layout) | settings
        if layout.zero_stage == 3 and layout.tensor == 1:
            share_weights(module, training, config, device)
        # DeepSpeed puts on the device what it has cut.
        engine, *_ = deepspeed.initialize(model=module, optimizer=optimizer, config=config)
        if layout.sharing == 1 and not layout.zero_stage:
            engine.enable_backward_allreduce = False  # it would copy all gradients to add up those of one rank
        self.model: Any = engine

    def _prepared(self, model: nn.Module) -> tuple[nn.Module, dict[str, Any]]:
        """Return what DeepSpeed is given of a model, and what of its configuration belongs to that."""
        return model, {} if self._shares is None else {"tensor_parallel": self._shares.settings()}

    def columns(self, length: int) -> slice:
        """Return which tokens of sequences of `length` this rank predicts."""
        return self.layout.columns(self.rank, length)

    def gradient(self, sequences: int, begin: Begin, loss: Loss, given: Given) -> None:
        """Add up the gradient of a batch: `begin` is called before a micro-batch, `loss` gives what is minimised.

        `given` returns the arguments of the model, which `loss` asks for by itself where it has the whole model. The
        loss is that of this rank's columns.
        """
        passes = list(self.layout.micro_batches(self.rank, sequences))
        for number, rows in passes:
            begin(number)
            self.accumulate(loss(self.forward, number, rows), last=number == passes[-1][0])

    def forward(self, **given: Any) -> Any:
        """Return what the model gives for this rank's columns, of which callers take the logits; every rank has to call it."""
        learning = self.model.module.training or not self.layout.compiled
        with nullcontext() if learning else as_written():
            return self.model(**self._own(given))

    def _own(self, given: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments of a model for this rank's columns of whole sequences."""
        return given if self._sequences is None else self._sequences.own(given)

    def logits(self, ids: Tensor) -> Tensor:
        """Return the logits [n, length, rows] of token ids [n, length] on every rank; every rank has to call it."""
        if self._sequences is not None:
            return self._sequences.logits(self.forward, ids)
        found: Tensor = self.forward(input_ids=ids).logits
        return found

    def accumulate(self, loss: Tensor, last: bool) -> None:
        """Add the gradient of a loss: over all ranks and micro-batches of a step, losses add up.

        DeepSpeed averages over both; the factor undoes that, so that a loss divided by the step's tokens counts
        every token the same, however many a micro-batch has. `last` marks the last micro-batch of a step, which is told,
        since a step has fewer of them while the batch warms up.
        """
        self.model.set_gradient_accumulation_boundary(last)
        self.model.backward(self._scaled(loss))
        if not last:
            self.model.step()

    def _scaled(self, loss: Tensor) -> Tensor:
        return loss * (self.layout.sharing * self.layout.accumulation)

    def update(self, learning_rate: float, check: Callable[[float], None], move: bool = True) -> float:
        """Clip, update the weights, and return the gradient's global norm before clipping.

        `check` is given the norm, with ZeRO 0 before the weights change; it raises for one that is not finite. Without
        `move` the gradient is dropped: weights and the optimiser's state stay as they are.
        """
        self._moving = move
        set_learning_rate(self.model.optimizer, learning_rate)
        if self.layout.zero_stage:
            self._step()
            norm = float(self.model.get_global_grad_norm() or 0.0)
            check(float("inf") if self.model.skipped_steps else norm)  # it skips such steps without a word
            return norm
        parameters = [parameter for _, parameter in self.named_parameters()]
        found = self._shares.norm(parameters) if self._shares else nn.utils.get_total_norm(_gradients(parameters))
        norm = float(found)
        check(norm)
        nn.utils.clip_grads_with_norm_(parameters, self._clipping or float("inf"), found)
        self._step()
        return norm

    def _step(self) -> None:
        self.model.step()

    def _guard(self, optimizer: torch.optim.Optimizer) -> None:
        """Put a switch before the optimiser's step, which DeepSpeed calls with every ZeRO stage."""
        step = optimizer.step

        def switched(closure: Callable[[], float] | None = None) -> float | None:
            return step(closure) if self._moving else None

        optimizer.step = switched

    def peak_memory(self) -> dict[str, float]:
        """Return the most bytes of tensors that the device of any rank has held, on a CPU the most memory of any process.

        Every rank has to call it.
        """
        if self.device.type == "cuda":
            tag, own = "peak_bytes", float(torch.cuda.max_memory_allocated(self.device))
        else:
            tag, own = "peak_resident_bytes", 1024.0 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        most = torch.tensor(own, dtype=torch.float64, device=self.device)
        dist.all_reduce(most, op=dist.ReduceOp.MAX)
        return {tag: float(most)}

    def total(self, value: Tensor) -> Tensor:
        """Return the sum over all ranks."""
        dist.all_reduce(value)
        return value

    def named_parameters(self) -> list[tuple[str, nn.Parameter]]:
        """Return the parameters with their names; tied ones once."""
        return list(self.model.module.named_parameters())

    def shapes(self) -> dict[str, torch.Size]:
        """Return the whole shapes of all parameters by name, whatever a rank holds of them."""
        return self._shapes

    def stored(self, name: str) -> str | None:
        """Return the name by which this rank stores what it has of a parameter; None where another rank stores it."""
        return self._shares.stored(name) if self._shares else name

    @contextmanager
    def whole(self, parameters: list[nn.Parameter], changed: bool = False) -> Iterator[None]:
        """Make parameters whole on every rank within the block (ZeRO 3 and tensor parallelism hold shares).

        With `changed` all ranks hold afterwards what rank 0 made of them.
        """
        import deepspeed

        with ExitStack() as stack:
            if self.layout.zero_stage == 3:
                gathered = deepspeed.zero.GatheredParameters(parameters, modifier_rank=0 if changed else None)
                stack.enter_context(gathered)
            if self._shares:
                stack.enter_context(self._shares.whole(parameters, changed))
            yield
            if changed and self.layout.zero_stage < 3 and not self._shares:
                for parameter in parameters:
                    dist.broadcast(parameter.data, 0)

    def each_whole(self) -> Iterator[tuple[str, Tensor]]:
        """Yield each parameter, whole, with its name; every rank has to go through all of them.

        A few are whole at a time, since a device that holds a share of a model need not have room for all of it.
        """
        for some in self._some_at_a_time():
            with self.whole([parameter for _, parameter in some]):
                yield from ((name, parameter.detach()) for name, parameter in some)

    def _some_at_a_time(self) -> Iterator[list[tuple[str, nn.Parameter]]]:
        """Yield the parameters in runs of at most BUCKET elements, or of one that has more."""
        some: list[tuple[str, nn.Parameter]] = []
        size = 0
        for name, parameter in self.named_parameters():
            elements = self.shapes()[name].numel()
            if some and size + elements > BUCKET:
                yield some
                some, size = [], 0
            some.append((name, parameter))
            size += elements
        yield some

    def replace_weights(self, values: Mapping[str, Tensor]) -> None:
        """Put the values that rank 0 has by name in the place of the weights; no update may follow."""
        for some in self._some_at_a_time():
            with self.whole([parameter for _, parameter in some], changed=True):
                for name, parameter in some if self.rank == 0 else ():
                    parameter.data.copy_(values[name])

    def weights(self) -> dict[str, Tensor]:
        """Return a copy of all weights in fp32 on the CPU by name, on rank 0; every rank has to call it."""
        own = ((name, value) for name, value in self.each_whole() if self.rank == 0)
        copies = {name: value.to("cpu", torch.float32, copy=True) for name, value in own}
        return copies | {name: copies[first] for name, first in self._tied.items() if copies}


def share_weights(module: nn.Module, training: Training, config: Mapping[str, Any], device: torch.device) -> None:
    """Put each rank's share of the weights on its device, one tensor after the other, as ZeRO 3 holds them.

    DeepSpeed would do it by itself, but put the whole model on each device first.
    """
    import deepspeed

    if training.precision == BF16:
        for parameter in module.parameters():
            parameter.data = parameter.data.bfloat16()
    deepspeed.zero.Init(module=module, config_dict_or_path=dict(config))
    module.to(device)  # what is no parameter


class TiedHead(nn.Linear):  # type: ignore[misc]
    """An output head whose matrix is the embeddings as well; a class of its own, since DeepSpeed goes by classes.

    Under autocast it sends the weights of `nn.Linear` in bf16, and with ZeRO 3 small ones sometimes whole: the embeddings of a
    step would be rounded or not by what was gathered before it, and a run that goes on would end with other bits.
    """


def tied_names(model: nn.Module) -> dict[str, str]:
    """Return the other names of parameters that have several, with their first ones."""
    first = {parameter: name for name, parameter in model.named_parameters()}
    every = model.named_parameters(remove_duplicate=False)
    return {name: first[parameter] for name, parameter in every if first[parameter] != name}


def keep_lookups_exact(model: Any) -> None:
    """Have tied embeddings looked up in fp32, as they are without ZeRO 3."""
    head = model.get_output_embeddings()
    if head.weight is model.get_input_embeddings().weight:
        head.__class__ = TiedHead


def _gradients(parameters: list[nn.Parameter]) -> list[Tensor]:
    return [parameter.grad for parameter in parameters if parameter.grad is not None]


def engine_config(training: Training, layout: Layout) -> dict[str, Any]:
    """Return the configuration; with ZeRO 0 `Engine.update` clips, where the norm is known before the update."""
    offload = {"offload_optimizer": {"device": "cpu"}} if layout.offload else {}
    # DeepSpeed's own optimiser for the host is compiled on the spot, and one recipe has one kind of optimiser.
    ours: dict[str, Any] = {"zero_force_ds_cpu_optimizer": False} if layout.offload else {}
    if training.precision == BF16:
        ours["bf16"] = {"enabled": True}
    return {
        "train_micro_batch_size_per_gpu": layout.micro_batch,
        "gradient_accumulation_steps": layout.accumulation,
        "gradient_clipping": training.gradient_clipping if layout.zero_stage else 0.0,
        "zero_optimization": {
            "stage": layout.zero_stage,
            "reduce_bucket_size": BUCKET,
            "allgather_bucket_size": BUCKET,
            **offload,
        },
        "torch_autocast": {"enabled": training.precision == AUTOCAST, "dtype": "bfloat16"},
        "steps_per_print": 1_000_000_000,
        **ours,
    }
