"""A plain loop over whole global batches, with nothing but torch: what training has to equal."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import numpy as np
import torch
from torch import nn

from scripts.lib.optimiser import build_optimizer, set_learning_rate
from scripts.pretraining.architecture import build_model
from scripts.pretraining.data import TrainingData
from scripts.pretraining.job import Job
from scripts.pretraining.objective import inputs_and_labels, model_inputs
from scripts.pretraining.recipe import AUTOCAST, BF16


def losses_by_hand(job: Job, model: nn.Module, data: TrainingData, step: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return what is minimised and the loss of a step, by the definitions: mean over all predicted tokens."""
    training = job.recipe.training
    place, rows = job.recipe.place(step)
    inputs, labels = inputs_and_labels(job.recipe, data.batch(step), place, job.vocabulary, first_row=rows.start)
    with torch.autocast("cpu", torch.bfloat16, enabled=training.precision == AUTOCAST):
        logits = model(**model_inputs(job.recipe, inputs, torch.device("cpu"))).logits.float().flatten(0, 1)
    wanted = torch.from_numpy(np.array(labels)).flatten()
    logits, wanted = logits[wanted >= 0], wanted[wanted >= 0]
    chances = logits.log_softmax(-1)
    loss = -chances.gather(1, wanted[:, None]).mean()
    smooth = training.label_smoothing
    minimised = (1 - smooth) * loss - smooth * chances.mean(-1).mean()
    return minimised + training.z_loss * logits.exp().sum(-1).log().square().mean(), loss


def rounded(model: nn.Module) -> nn.Module:
    """Return a copy of a model with its weights in bf16."""
    copied = copy.deepcopy(model)
    for parameter in copied.parameters():
        parameter.data = parameter.data.bfloat16()
    return copied


def plain_steps(job: Job) -> Iterator[tuple[float, float, dict[str, torch.Tensor]]]:
    """Yield loss, gradient norm and a copy of the weights after every update."""
    training = job.recipe.training
    model = build_model(job.recipe.architecture, job.vocabulary, job.recipe.seed)
    optimizer = build_optimizer(model, training.optimizer)
    data = TrainingData(job.recipe, job.weights, job.sources)
    for step in range(training.steps):
        computing = rounded(model) if training.precision == BF16 else model
        minimised, loss = losses_by_hand(job, computing, data, step)
        optimizer.zero_grad()
        minimised.backward()
        for parameter, other in zip(model.parameters(), computing.parameters(), strict=True):
            parameter.grad = None if other.grad is None else other.grad.float()
        norm = float(nn.utils.clip_grad_norm_(model.parameters(), training.gradient_clipping))
        set_learning_rate(optimizer, training.learning_rate(step))
        optimizer.step()
        yield loss.item(), norm, {name: value.detach().clone() for name, value in model.named_parameters()}
