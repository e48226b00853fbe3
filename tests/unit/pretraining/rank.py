"""Training in this process, as a group of one rank."""

from __future__ import annotations

import atexit
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file

from scripts.pretraining.engine import start_processes, stop_processes
from scripts.pretraining.inputs import sources_of
from scripts.pretraining.job import Job
from scripts.pretraining.layout import Sizes, check_parallel, lay_out
from scripts.pretraining.recipe import Recipe
from scripts.pretraining.trainer import Trainer
from tests.unit.pretraining import tiny

Weights = dict[str, torch.Tensor]
Rows = list[dict[str, Any]]


@cache
def _start_once() -> torch.device:
    device = start_processes()
    atexit.register(stop_processes)
    return device


@contextmanager
def group_of_one() -> Iterator[torch.device]:
    """Within the block this process is the only rank; the group stays, since DeepSpeed holds on to the first one."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    group = {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    before = {name: os.environ.get(name) for name in group}
    os.environ.update(group)
    yield _start_once()
    for name, value in before.items():
        if value is None:
            del os.environ[name]
        else:
            os.environ[name] = value


def make_job(
    inputs: tiny.Inputs,
    micro_batch: int = 2,
    zero_stage: int = 0,
    data: int = 1,
    tensor: int = 1,
    pipeline: int = 1,
    sequence: int = 1,
    checkpointing: bool = False,
    offload: bool = False,
    compiled: bool = False,
    shape: dict[str, Any] | None = None,
    **chosen: Any,
) -> Job:
    """Return a job for one rank, or for those of a layout; `chosen` goes to the tiny settings, `shape` to the architecture."""
    recipe = Recipe.from_settings(tiny.settings(**chosen))
    recipe = replace(recipe, architecture=replace(recipe.architecture, **(shape or {})).checked())
    training, sizes = recipe.training, Sizes(tensor, pipeline, sequence)
    check_parallel(recipe, sizes, zero_stage, offload, compiled)
    layout = lay_out(
        training.global_batch,
        training.sequence_length,
        data * sizes.together,
        micro_batch,
        zero_stage,
        sizes=sizes,
        checkpointing=checkpointing,
        offload=offload,
        compiled=compiled,
    )
    return Job(
        recipe=recipe,
        weights={},
        layout=layout,
        digest="recipe",
        vocabulary=tiny.VOCABULARY,
        tokenizer=str(inputs.tokenizer.with_suffix("")),
        sources=sources_of(inputs.shards, inputs.orders),
    )


def run(job: Job, folder: Path, device: torch.device) -> tuple[Weights, Rows]:
    """Train, and return the weights and the rows of metrics."""
    folder.mkdir(exist_ok=True)
    assert Trainer(job, folder, device).run()
    lines = (folder / "result" / "metrics.jsonl").read_text("utf-8").splitlines()
    return load_file(folder / "result" / "export" / "model.safetensors"), [json.loads(line) for line in lines]


def losses(rows: Rows) -> list[float]:
    """Return the losses of the steps."""
    return [row["loss"] for row in rows if "loss" in row]


def largest_difference(one: Weights, other: Weights) -> float:
    """Return the largest difference between weights of the same names."""
    assert one.keys() <= other.keys()
    return max(float(np.abs(one[name].numpy() - other[name].detach().numpy()).max()) for name in one)
