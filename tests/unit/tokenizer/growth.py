"""How much memory training takes; apart from other tests, so that a process of its own loads little else."""

from __future__ import annotations

import re
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from scripts.tokenizer.train import Recipe, train_model


def resident(name: str) -> int:
    """Return what Linux says of the memory of this process, in bytes."""
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text("utf-8"))
    assert found
    return 1024 * int(found[1])


def growth_here(texts: list[str], recipe: Recipe) -> int:
    before = resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")  # the peak begins anew
    train_model({"all": texts}, recipe)
    return resident("VmHWM") - before


def growth(texts: list[str], recipe: Recipe) -> int:
    """Return by how many bytes a new process grows while it trains on texts."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(growth_here, texts, recipe).result()
