"""Calls in processes of which each makes a few: what one keeps in memory goes with it."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def in_processes(function: Callable[[T], R], items: Sequence[T], each: int) -> Iterator[R]:
    """Yield what a function returns for the items, in order; one process after another takes `each` of them.

    `max_tasks_per_child` would say the same, and hangs in Python 3.11 (CPython's issue 115634).
    """
    fresh = multiprocessing.get_context("spawn")
    for start in range(0, len(items), each):
        with ProcessPoolExecutor(1, fresh) as process:
            yield from process.map(function, items[start : start + each])
