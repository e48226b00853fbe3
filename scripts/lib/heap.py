"""A heap of numbers in an array, the smallest first, for compiled loops."""

from __future__ import annotations

from typing import Any

import numpy as np

from scripts.lib.compiled import compiled_inner

Array = np.ndarray[tuple[int], np.dtype[Any]]


@compiled_inner
def push(heap: Array, size: int, entry: int) -> int:
    """Add to a heap whose smallest entry comes first; return its size."""
    child = size
    while child > 0:
        parent = (child - 1) >> 1
        if heap[parent] <= entry:
            break
        heap[child] = heap[parent]
        child = parent
    heap[child] = entry
    return size + 1


@compiled_inner
def pop(heap: Array, size: int) -> int:
    """Take the first entry out of a heap; return the size of what is left."""
    size -= 1
    entry = heap[size]
    parent = 0
    while True:
        child = 2 * parent + 1
        if child >= size:
            break
        if child + 1 < size and heap[child + 1] < heap[child]:
            child += 1
        if heap[child] >= entry:
            break
        heap[parent] = heap[child]
        parent = child
    heap[parent] = entry
    return size
