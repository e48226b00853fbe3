"""Rows of 64-bit numbers, more of them than memory holds, in lexicographic order.

Runs are sorted in memory, written, and merged some at a time (Knuth 1998, The Art of Computer Programming 3, 5.4). What comes
out is cut, grouped and joined with other sorted rows block by block.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scripts.cleaning.folding import I64, U64
from scripts.lib.compiled import compiled, compiled_inner

NUMBERS = 1 << 22  # that are sorted in memory at a time: 32 MB, three times as much while they are
FAN_IN = 16  # runs that are merged at a time


class Sorter:
    """Rows, uint64 [n, width], that are put in and come back in order; memory is bounded whatever their number.

    They can be read several times, and more can be put in after that. Files are named after `path`.
    """

    def __init__(self, path: Path, width: int) -> None:
        self.path, self.width = path, width
        self._most = max(1, NUMBERS // width)  # rows that are sorted in memory
        self._waiting: list[U64] = []
        self._held, self._made = 0, 0
        self._runs: list[Path] = []

    def add(self, rows: U64) -> None:
        """Put rows in; they are copied."""
        for start in range(0, len(rows), self._most):
            self._waiting.append(np.array(rows[start : start + self._most], np.uint64))
            self._held += len(self._waiting[-1])
            if self._held >= self._most:
                self._write([self._ordered()])
                self._waiting, self._held = [], 0

    def blocks(self) -> Iterator[U64]:
        """Yield all rows in order, some at a time."""
        if self._held:
            self._waiting = [self._ordered()]
        if self._runs:
            if self._held:
                self._write(self._waiting)
                self._waiting, self._held = [], 0
            while len(self._runs) > FAN_IN:
                first, self._runs = self._runs[:FAN_IN], self._runs[FAN_IN:]
                self._write(_merged(first, self.width))
                for run in first:
                    run.unlink()
            yield from _merged(self._runs, self.width)
        for rows in self._waiting:
            yield from sliced([rows], max(1, self._most // FAN_IN))

    def remove(self) -> None:
        """Remove the files and forget the rows."""
        for run in self._runs:
            run.unlink()
        self._runs, self._waiting, self._held = [], [], 0

    def _ordered(self) -> U64:
        return ordered(np.concatenate(self._waiting))

    def _write(self, blocks: Iterable[U64]) -> None:
        path = self.path.with_name(f"{self.path.name}.run{self._made}")
        self._made += 1
        with path.open("wb") as stream:
            for block in blocks:
                stream.write(np.ascontiguousarray(block).data)
        self._runs.append(path)


class Lookup:
    """Values by key, asked for in ascending order. The rows are (key, values …), ascending, of different keys."""

    def __init__(self, blocks: Iterator[U64], width: int) -> None:
        self._blocks = blocks
        self._rows: U64 = np.empty((0, width), np.uint64)

    def of(self, keys: U64, otherwise: U64) -> U64:
        """Return the values of ascending keys, uint64 [keys, values]; for those without any, the rows of `otherwise`."""
        found = np.array(otherwise if otherwise.ndim > 1 else otherwise[:, np.newaxis], np.uint64)
        while len(keys):
            if len(self._rows):
                places = np.minimum(np.searchsorted(self._rows[:, 0], keys), len(self._rows) - 1)
                known = self._rows[places, 0] == keys
                found[known] = self._rows[places[known], 1:]
                if self._rows[-1, 0] >= keys[-1]:
                    break
            following = next(self._blocks, None)
            if following is None:
                break
            self._rows = following
        return found


def ordered(rows: U64) -> U64:
    """Return rows in lexicographic order: by the first number, and only where that is the same by the others."""
    rows = rows[np.argsort(np.ascontiguousarray(rows[:, 0]))]
    tied = shared(rows[:, 0])
    some = rows[tied]
    rows[tied] = some[np.lexsort(some.T[::-1])]
    return rows


def distinct(blocks: Iterable[U64]) -> Iterator[U64]:
    """Yield the same sorted rows, each once."""
    last: U64 = np.empty((0, 0), np.uint64)
    for block in blocks:
        new = np.ones(len(block), np.bool_)
        new[1:] = (block[1:] != block[:-1]).any(axis=1)
        new[0] = not len(last) or bool((block[0] != last[0]).any())
        yield block[new]
        last = block[-1:]


def distinct_pairs(one: NDArray[np.integer[Any]], other: NDArray[np.integer[Any]]) -> I64:
    """Return the different pairs of two arrays of numbers from 0 on, in order, int64 [pairs, 2]."""
    rows = ordered(np.stack([one, other], axis=1).astype(np.uint64))
    return np.concatenate([rows[:0], *distinct([rows][: len(rows)])]).astype(np.int64)


def shared(numbers: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Tell of each number of an ascending array whether another one equals it."""
    found = np.zeros(len(numbers), np.bool_)
    same = numbers[1:] == numbers[:-1]
    found[1:] |= same
    found[:-1] |= same
    return found


def firsts(group: NDArray[np.generic]) -> I64:
    """Return for every row of sorted groups the row where its group starts."""
    begins = np.concatenate([[True], group[1:] != group[:-1]]) if len(group) else np.zeros(0, np.bool_)
    found: I64 = np.flatnonzero(begins)[np.cumsum(begins) - 1]
    return found


def sliced(blocks: Iterable[U64], rows: int) -> Iterator[U64]:
    """Yield the same rows in blocks of `rows`, the last of which may have fewer."""
    waiting: list[U64] = []
    held = 0
    for block in blocks:
        while held + len(block) >= rows:
            cut = rows - held
            yield np.concatenate([*waiting, block[:cut]])
            waiting, held, block = [], 0, block[cut:]
        if len(block):
            waiting.append(block)
            held += len(block)
    if waiting:
        yield np.concatenate(waiting)


def _merged(runs: list[Path], width: int) -> Iterator[U64]:
    """Yield the rows of sorted files in order."""
    size = max(1, NUMBERS // width // (4 * FAN_IN))
    buffers = np.empty((len(runs), size, width), np.uint64)
    places, stops = np.zeros(len(runs), np.int64), np.zeros(len(runs), np.int64)
    more, merged = np.ones(len(runs), np.bool_), np.empty((size * FAN_IN, width), np.uint64)
    with ExitStack() as stack:
        streams = [stack.enter_context(run.open("rb")) for run in runs]
        while more.any():
            for run in np.flatnonzero((places == stops) & more):
                rows = np.fromfile(streams[run], np.uint64, size * width).reshape(-1, width)
                buffers[run, : len(rows)] = rows
                places[run], stops[run], more[run] = 0, len(rows), len(rows) > 0
            count = _merge(buffers, places, stops, more, merged)
            if count:
                yield merged[:count].copy()


@compiled
def _merge(buffers: U64, places: I64, stops: I64, more: NDArray[np.bool_], merged: U64) -> int:
    """Move the smallest rows until there is no room or a buffer has to be filled again; returns how many."""
    count = 0
    while count < len(merged):
        least = -1
        for run in range(len(buffers)):
            if places[run] == stops[run]:
                if more[run]:
                    return count
            elif least < 0 or _before(buffers, run, places[run], least, places[least]):
                least = run
        if least < 0:
            return count
        for number in range(buffers.shape[2]):
            merged[count, number] = buffers[least, places[least], number]
        places[least] += 1
        count += 1
    return count


@compiled_inner
def _before(buffers: U64, run: int, place: int, other: int, other_place: int) -> bool:
    """Tell whether a row of a run stands before one of another."""
    for number in range(buffers.shape[2]):
        mine, its = buffers[run, place, number], buffers[other, other_place, number]
        if mine != its:
            return bool(mine < its)
    return False
