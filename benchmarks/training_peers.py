"""The loops that training is measured against, each on a job's model and batches in fp32; `turn` is called before every step.

nanoGPT's model and loop are written anew from what it does (https://github.com/karpathy/nanoGPT, `model.py` and `train.py`):
scaled dot-product attention, batches at random places of one memory-mapped file, the next one drawn before the backward pass,
clipping, a learning rate that is set by hand. The two others train the very model that ours builds. All have fused AdamW, which
nanoGPT leaves off on a CPU.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from scripts.pretraining.architecture import build_model
from scripts.pretraining.job import Job
from scripts.pretraining.recipe import Architecture

Turn = Callable[[], None]
Loop = Callable[[Job, Path, Turn], None]
LOG_EVERY = 10  # steps between two looks at the loss


class Attention(nn.Module):
    """Causal attention with one matrix for queries, keys and values."""

    def __init__(self, shape: Architecture, bias: bool) -> None:
        super().__init__()
        self.heads, width = shape.heads, shape.width
        self.c_attn, self.c_proj = nn.Linear(width, 3 * width, bias), nn.Linear(width, width, bias)

    def forward(self, hidden: Tensor) -> Tensor:
        """Return what each position takes from those before it, [n, length, width]."""
        n, length, width = hidden.shape
        parts = self.c_attn(hidden).split(width, dim=2)
        query, key, value = (one.view(n, length, self.heads, width // self.heads).transpose(1, 2) for one in parts)
        found = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        return self.c_proj(found.transpose(1, 2).contiguous().view(n, length, width))


class Block(nn.Module):
    """A layer: attention, then two matrices with a GELU between them."""

    def __init__(self, shape: Architecture, bias: bool) -> None:
        super().__init__()
        width, inner = shape.width, shape.feed_forward
        self.ln_1, self.ln_2 = nn.LayerNorm(width, bias=bias), nn.LayerNorm(width, bias=bias)
        self.attn = Attention(shape, bias)
        self.mlp = nn.Sequential(nn.Linear(width, inner, bias), nn.GELU(), nn.Linear(inner, width, bias))

    def forward(self, hidden: Tensor) -> Tensor:
        """Return the hidden states behind the layer."""
        hidden = hidden + self.attn(self.ln_1(hidden))
        return hidden + self.mlp(self.ln_2(hidden))


class NanoGPT(nn.Module):
    """A GPT-2 with tied embeddings; `bias` in linear maps and norms as GPT-2 has it, or as nanoGPT's default leaves it out."""

    def __init__(self, shape: Architecture, rows: int, bias: bool = True) -> None:
        super().__init__()
        self.wte, self.wpe = nn.Embedding(rows, shape.width), nn.Embedding(shape.context, shape.width)
        self.h = nn.ModuleList(Block(shape, bias) for _ in range(shape.layers))
        self.ln_f, self.lm_head = nn.LayerNorm(shape.width, bias=bias), nn.Linear(shape.width, rows, bias=False)
        for name, parameter in self.named_parameters():
            if parameter.dim() > 1:
                residual = name.endswith(("c_proj.weight", "mlp.2.weight"))  # they write into the residual stream
                nn.init.normal_(
                    parameter, std=shape.initial_deviation / (math.sqrt(2 * shape.layers) if residual else 1)
                )
        self.wte.weight = self.lm_head.weight

    def logits(self, tokens: Tensor) -> Tensor:
        """Return the logits of every position."""
        hidden = self.wte(tokens) + self.wpe(torch.arange(tokens.shape[1]))
        for block in self.h:
            hidden = block(hidden)
        return self.lm_head(self.ln_f(hidden))

    def forward(self, tokens: Tensor, targets: Tensor) -> Tensor:
        """Return the mean loss."""
        logits = self.logits(tokens)
        return functional.cross_entropy(logits.view(-1, logits.shape[-1]), targets.view(-1), ignore_index=-1)


def optimizer_of(model: nn.Module, job: Job) -> torch.optim.Optimizer:
    """Return fused AdamW that decays matrices."""
    settings = job.recipe.training.optimizer
    parts: list[list[Tensor]] = [[], []]
    for parameter in model.parameters():
        parts[parameter.dim() < 2].append(parameter)
    groups = [{"params": parts[0], "weight_decay": settings.weight_decay}, {"params": parts[1], "weight_decay": 0.0}]
    betas = (settings.beta1, settings.beta2)
    return torch.optim.AdamW(groups, lr=settings.learning_rate, betas=betas, fused=True)


def random_windows(tokens: Path, length: int, batch: int) -> tuple[Tensor, Tensor]:
    """Return windows of a file of tokens at random places and what follows each token, as nanoGPT's `get_batch`."""
    data = np.memmap(tokens, np.uint16, mode="r")
    places = torch.randint(len(data) - length, (batch,))
    given = torch.stack([torch.from_numpy(data[i : i + length].astype(np.int64)) for i in places])
    wanted = torch.stack([torch.from_numpy(data[i + 1 : i + 1 + length].astype(np.int64)) for i in places])
    return given, wanted


def nano_gpt(job: Job, tokens: Path, turn: Turn) -> None:
    """Train with nanoGPT's loop."""
    training, shape = job.recipe.training, job.recipe.architecture
    length, batch = training.sequence_length, training.global_batch
    model = NanoGPT(shape, shape.padded_vocabulary(job.vocabulary))
    optimizer = optimizer_of(model, job)

    given, wanted = random_windows(tokens, length, batch)
    for step in count():
        turn()
        for group in optimizer.param_groups:
            group["lr"] = training.learning_rate(step)
        loss = model(given, wanted)
        given, wanted = random_windows(tokens, length, batch)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), training.gradient_clipping)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if step % LOG_EVERY == 0 and not math.isfinite(loss.item()):
            raise AssertionError(f"step {step}: the loss is {loss.item()}")


class Windows(Dataset[dict[str, Tensor]]):
    """A file of tokens in windows, as models of Hugging Face want them: they move the labels themselves."""

    def __init__(self, tokens: Path, length: int) -> None:
        self._tokens, self._length = np.memmap(tokens, np.uint16, mode="r"), length

    def __len__(self) -> int:
        return len(self._tokens) // self._length

    def __getitem__(self, number: int) -> dict[str, Tensor]:
        start = number * self._length
        ids = torch.from_numpy(self._tokens[start : start + self._length].astype(np.int64))
        return {"input_ids": ids, "labels": ids}


def hugging_face_loop(job: Job, tokens: Path, turn: Turn) -> None:
    """Train with a plain loop."""
    training = job.recipe.training
    model: Any = build_model(job.recipe.architecture, job.vocabulary, job.recipe.seed)
    optimizer = optimizer_of(model, job)
    peak = training.optimizer.learning_rate
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: training.learning_rate(step) / peak)
    loader = DataLoader(Windows(tokens, training.sequence_length), training.global_batch, shuffle=True, drop_last=True)
    step = 0
    while True:
        for batch in loader:
            turn()
            loss = model(**batch).loss
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), training.gradient_clipping)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            step += 1
            if step % LOG_EVERY == 0 and not math.isfinite(loss.item()):
                raise AssertionError(f"step {step}: the loss is {loss.item()}")


def hugging_face_trainer(job: Job, tokens: Path, turn: Turn) -> None:
    """Train with transformers.Trainer; it needs accelerate."""
    from transformers import Trainer, TrainerCallback, TrainingArguments, default_data_collator

    class Steps(TrainerCallback):  # type: ignore[misc]
        def on_step_begin(self, *_: Any, **__: Any) -> None:
            turn()

    training = job.recipe.training
    settings = training.optimizer
    arguments = TrainingArguments(
        output_dir=str(tokens.parent / "trainer"),
        use_cpu=True,
        per_device_train_batch_size=training.global_batch,
        max_steps=training.steps,
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        adam_beta1=settings.beta1,
        adam_beta2=settings.beta2,
        max_grad_norm=training.gradient_clipping,
        lr_scheduler_type="cosine",
        warmup_steps=training.schedule.warmup,
        optim="adamw_torch_fused",
        dataloader_pin_memory=False,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )
    Trainer(
        model=build_model(job.recipe.architecture, job.vocabulary, job.recipe.seed),
        args=arguments,
        train_dataset=Windows(tokens, training.sequence_length),
        data_collator=default_data_collator,
        callbacks=[Steps()],
    ).train()


def peers(family: str) -> dict[str, Loop]:
    """Return the loops that are installed and have a model of the family, by name."""
    found: dict[str, Loop] = {"nanoGPT's loop": nano_gpt} if family == "gpt2" else {}
    found["plain HF loop"] = hugging_face_loop
    if find_spec("accelerate") is not None:
        found["HF Trainer"] = hugging_face_trainer
    return found
