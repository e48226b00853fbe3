"""Programs that train in turn, each in a process of its own, and the ratios of their times."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import random
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import torch

from benchmarks.training_peers import Loop
from scripts.pretraining.job import Job

RESAMPLED = 10_000
Times = tuple[float, float]  # seconds by the clock and of the processors


class Turns:
    """Lets a loop go on for a round of steps when it is told to, and tells what they took; called before every step."""

    def __init__(self, talk: Connection, steps: int) -> None:
        self._talk, self._steps, self._left = talk, steps, 0
        self._began = now()

    def __call__(self) -> None:
        if self._left == 0:
            ended = now()
            self._talk.send((ended[0] - self._began[0], ended[1] - self._began[1]))
            self._talk.recv()
            self._left, self._began = self._steps, now()
        self._left -= 1


def now() -> Times:
    """Return the time by the clock and of this process's processors, all threads."""
    return time.perf_counter(), time.process_time()


def enter(loop: Loop, job: Job, tokens: Path, talk: Connection, steps: int) -> None:
    """Be the process of a loop."""
    torch.set_num_threads(job.layout.threads)
    loop(job, tokens, Turns(talk, steps))


@contextlib.contextmanager
def environment(told: Mapping[str, str]) -> Iterator[None]:
    """Add variables to the environment that a process is started with."""
    before = dict(os.environ)
    os.environ |= told
    try:
        yield
    finally:
        os.environ.clear()
        os.environ |= before


class Entrant:
    """One or several processes that train side by side."""

    def __init__(self, loops: Sequence[Loop], job: Job, tokens: Path, steps: int, told: Mapping[str, str]) -> None:
        context = multiprocessing.get_context("spawn")
        self._talks, self._processes = [], []
        for loop in loops:
            here, there = context.Pipe()
            process = context.Process(target=enter, args=(loop, job, tokens, there, steps), daemon=True)
            with environment(told):
                process.start()
            there.close()  # so that the end of the process is the end of what it says
            self._talks.append(here)
            self._processes.append(process)

    def wait(self) -> Times:
        """Wait until all have ended their round; return the longest time by the clock and the sum of the processors'."""
        told = [talk.recv() for talk in self._talks]
        return max(clock for clock, _ in told), sum(processors for _, processors in told)

    def round(self) -> Times:
        """Do a round."""
        for talk in self._talks:
            talk.send(None)
        return self.wait()

    def end(self) -> None:
        """End the processes."""
        for process in self._processes:
            process.kill()
            process.join()


def timed(makers: Mapping[str, Callable[[], Entrant]], rounds: int) -> dict[str, list[Times]]:
    """Return the times of every round but a first one; the order changes from round to round."""
    entrants: dict[str, Entrant] = {}
    seconds: dict[str, list[Times]] = {name: [] for name in makers}
    try:
        for name, make in makers.items():
            entrants[name] = make()
            entrants[name].wait()
        names = list(entrants)
        for number in range(rounds + 1):
            random.Random(number).shuffle(names)
            for name in names:
                times = entrants[name].round()
                seconds[name] += [times] if number else []
    finally:
        for entrant in entrants.values():
            entrant.end()
    return seconds


def ratio(ours: Sequence[Times], theirs: Sequence[Times], kind: int) -> str:
    """Return the median over rounds of their time beside ours, and its 95 % interval by resampling rounds."""
    found = np.array([other[kind] / own[kind] for own, other in zip(ours, theirs, strict=True)])
    drawn = np.random.default_rng(1).choice(found, (RESAMPLED, len(found)))
    low, high = np.quantile(np.median(drawn, axis=1), (0.025, 0.975))
    return f"{np.median(found):.3f} ({low:.3f} to {high:.3f})"


def middle(times: Sequence[Times], kind: int) -> float:
    """Return the median of one of the two times."""
    return statistics.median(one[kind] for one in times)
