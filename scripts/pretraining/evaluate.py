"""Validation while training: loss and bits per byte of every source, over the same sequences each time."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from scripts.pretraining.data import TrainingData
from scripts.pretraining.engine import Engine
from scripts.pretraining.job import Job
from scripts.pretraining.objective import I64, inputs_and_labels, token_losses

VALIDATION = -1  # in place of a step where masks are drawn


def validation(
    job: Job,
    engine: Engine,
    data: TrainingData,
    token_bytes: I64,
    continues: NDArray[np.bool_],
    note: Callable[[str], None],
) -> dict[str, dict[str, float | int]]:
    """Return per source: loss (nats per predicted token), tokens, and for causal models bits_per_byte.

    `token_bytes` are the bytes of text of each id and `continues` those of words, for masks; special
    tokens cost bits and stand for no bytes. `note` is told each source before its turn.
    Every rank has to call it; a source without validation tokens is left out.
    """
    engine.model.eval()
    results: dict[str, dict[str, float | int]] = {}
    for source in data.sources:
        note(source)
        tokens = data.validation(source, job.recipe.training.evaluate_sequences)
        if not len(tokens):
            continue
        nats, count, size = _totals(job, engine, tokens, token_bytes, continues)
        results[source] = {"loss": nats / max(count, 1), "tokens": count}
        if job.recipe.objective == "causal" and size:
            results[source]["bits_per_byte"] = nats / math.log(2) / size
    return results


def _totals(
    job: Job, engine: Engine, tokens: I64, token_bytes: I64, continues: NDArray[np.bool_]
) -> tuple[float, int, int]:
    """Return nats, predicted tokens and their bytes over all ranks.

    Micro-batches go round; a rank that has none left repeats the first without counting it, since with ZeRO 3 all
    ranks have to take part in a forward pass.
    """
    inputs, labels = inputs_and_labels(job.recipe, tokens, VALIDATION, job.vocabulary, continues)
    size, layout = job.layout.micro_batch, job.layout
    table = torch.from_numpy(token_bytes).to(engine.device)
    totals = torch.zeros(3, dtype=torch.float64, device=engine.device)
    batches, columns = -(-len(tokens) // size), engine.columns(labels.shape[1])
    for turn in range(-(-batches // layout.data)):
        number = turn * layout.data + layout.place(engine.rank)
        rows = slice(number * size, (number + 1) * size) if number < batches else slice(0, size)
        with torch.no_grad():
            losses, wanted = token_losses(
                job.recipe, engine.forward, inputs[rows], labels[rows, columns], engine.device
            )
        if number < batches and layout.speaks(engine.rank):
            asked = wanted >= 0
            sums = [losses.double().sum(), asked.sum().double(), table[wanted[asked]].sum().double()]
            totals += torch.stack(sums)
    nats, count, length = engine.total(totals).tolist()
    return nats, int(count), int(length)
