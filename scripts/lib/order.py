"""The data order: the global batch at a step is a pure function of seed, mixture, shards and step.

Every source's stream is cut into windows of `sequence_length` predictions that follow one another, so no token is lost or
predicted twice within an epoch. In each epoch the windows of a source are shuffled by a keyed permutation of its own. Which
source gives the n-th sample is read off a low-discrepancy sequence (n times the golden ratio, modulo 1) that falls into
intervals as wide as the sources' weights; how many of the first n samples a source has given is a sum of floors, computed in
O(log n). So any step is found at once, and neither ranks, micro-batches, resumes nor parts matter. Adding a source leaves the
order within the others as it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scripts.lib.errors import UserError
from scripts.lib.permutation import Permutation
from scripts.lib.seeds import seed_for
from scripts.lib.streams import SourceStream, Span

I64 = NDArray[np.int64]
MODULUS = 1 << 62
STRIDE = int(MODULUS * 0.6180339887498949) | 1  # odd, so that every residue is visited once


@dataclass(frozen=True)
class Sample:
    """One row of a batch: its source, the epoch and number of its window, and the documents in it."""

    source: str
    epoch: int
    window: int
    spans: list[Span]


@dataclass(frozen=True)
class Realised:
    """What a number of steps takes from a source."""

    samples: int
    tokens: int
    epochs: float


def floor_sum(count: int, modulus: int, factor: int, start: int) -> int:
    """Return the sum over i < count of floor((factor * i + start) / modulus), exactly; start may be negative.

    The Euclid-like recursion of Graham, Knuth and Patashnik, Concrete Mathematics, section 3.5.
    """
    total = 0
    if start < 0:
        shift = -(start // modulus)
        total -= shift * count
        start += shift * modulus
    while True:
        total += (count - 1) * count // 2 * (factor // modulus) + count * (start // modulus)
        factor, start = factor % modulus, start % modulus
        reach = factor * count + start
        if reach < modulus:
            return total
        count, start = divmod(reach, modulus)
        modulus, factor = factor, modulus


class Mixture:
    """Which source gives which sample, for weights that sum up to anything above 0."""

    def __init__(self, weights: Mapping[str, float], seed: int) -> None:
        total = sum(weights.values())
        self.names = sorted(weights)
        self._phase = seed_for(seed, "mixture") % MODULUS
        bounds = np.cumsum([0.0, *[weights[name] / total for name in self.names]])
        self._bounds = [round(float(bound) * (1 << 52)) * (MODULUS >> 52) for bound in bounds]
        self._bounds[-1] = MODULUS

    def source(self, sample: int) -> int:
        """Return the index into `names` of the source of a sample."""
        place = (sample * STRIDE + self._phase) % MODULUS
        return next(index for index, bound in enumerate(self._bounds[1:]) if place < bound)

    def given(self, samples: int, index: int) -> int:
        """Return how many of the first `samples` samples come from a source."""
        low, high = self._bounds[index], self._bounds[index + 1]
        return self._below(samples, high) - self._below(samples, low)

    def _below(self, samples: int, bound: int) -> int:
        """Return how many of the first samples fall below a bound."""
        if samples == 0 or bound == 0:
            return 0
        if bound == MODULUS:
            return samples
        whole = floor_sum(samples, MODULUS, STRIDE, self._phase)
        return whole - floor_sum(samples, MODULUS, STRIDE, self._phase - bound)

    def nth(self, index: int, number: int) -> int:
        """Return the sample that is number `number` (from 0) of a source."""
        low, high = 0, 1
        while self.given(high, index) <= number:
            low, high = high, high * 2
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.given(middle, index) <= number else (low, middle)
        return low


class DataOrder:
    """The batches of a run. `weights` are given per source; a source without one counts with its share of tokens.

    Raises UserError when no source has a whole window of training text.
    """

    def __init__(
        self,
        streams: Sequence[SourceStream],
        weights: Mapping[str, float],
        sequence_length: int,
        global_batch: int,
        seed: int,
    ) -> None:
        self.sequence_length, self.global_batch, self._seed = sequence_length, global_batch, seed
        usable = [stream for stream in streams if stream.tokens > sequence_length]
        if not usable:
            raise UserError(f"No source has {sequence_length + 1} training tokens; lower training.sequence_length.")
        self._streams = {stream.name: stream for stream in usable}
        self._mixture = Mixture(mixture_weights(usable, weights), seed)
        self._permutations: dict[tuple[str, int], Permutation] = {}

    @property
    def sources(self) -> list[str]:
        """The sources that are used, by name."""
        return self._mixture.names

    def windows(self, source: str) -> int:
        """Return the number of windows of a source."""
        return (self._streams[source].tokens - 1) // self.sequence_length

    def batch(self, step: int) -> I64:
        """Return the token ids of a step's batch, int64 [global_batch, sequence_length + 1]; rows in sample order."""
        return np.stack([self._tokens(source, window) for source, _, window in self._rows(step)])

    def locate(self, step: int) -> list[Sample]:
        """Return what stands in each row of a step's batch."""
        rows = []
        for source, epoch, window in self._rows(step):
            start = window * self.sequence_length
            spans = self._streams[source].spans(start, start + self.sequence_length + 1)
            rows.append(Sample(source, epoch, window, spans))
        return rows

    def steps_of(self, source: str, part: int, document: int, steps: int) -> list[int]:
        """Return the steps below `steps` whose batches hold tokens of a document, ascending."""
        start, stop = self._streams[source].place(part, document)
        if start == stop:
            return []  # a document without tokens stands in no batch
        windows = self.windows(source)
        last = min((stop - 1) // self.sequence_length, windows - 1)
        touched = np.arange(max(start - 1, 0) // self.sequence_length, last + 1, dtype=np.int64)
        index = self._mixture.names.index(source)
        given = self._mixture.given(steps * self.global_batch, index)
        found: set[int] = set()
        for epoch in range(-(-given // windows)):
            for position in self._permutation(source, epoch).backward(touched).tolist():
                number = epoch * windows + position
                if number < given:
                    found.add(self._mixture.nth(index, number) // self.global_batch)
        return sorted(found)

    def realised(self, steps: int) -> dict[str, Realised]:
        """Return exactly what the first `steps` steps take from each source."""
        result = {}
        for index, source in enumerate(self._mixture.names):
            samples = self._mixture.given(steps * self.global_batch, index)
            result[source] = Realised(samples, samples * self.sequence_length, samples / self.windows(source))
        return result

    def _rows(self, step: int) -> list[tuple[str, int, int]]:
        """Return source, epoch and window of every sample of a step; each permutation is asked once for all of its."""
        first = step * self.global_batch
        given = [self._mixture.given(first, index) for index in range(len(self.sources))]
        asked: dict[tuple[str, int], list[tuple[int, int]]] = {}
        for row in range(self.global_batch):
            index = self._mixture.source(first + row)
            source = self.sources[index]
            epoch, position = divmod(given[index], self.windows(source))
            given[index] += 1
            asked.setdefault((source, epoch), []).append((row, position))
        rows = [("", 0, 0)] * self.global_batch
        for (source, epoch), entries in asked.items():
            positions = np.array([position for _, position in entries], dtype=np.int64)
            windows = self._permutation(source, epoch).forward(positions).tolist()
            for (row, _), window in zip(entries, windows, strict=True):
                rows[row] = (source, epoch, window)
        return rows

    def _tokens(self, source: str, window: int) -> I64:
        start = window * self.sequence_length
        return self._streams[source].read(start, start + self.sequence_length + 1)

    def _permutation(self, source: str, epoch: int) -> Permutation:
        key = (source, epoch)
        if key not in self._permutations:
            self._permutations[key] = Permutation(self.windows(source), self._seed, "windows", source, str(epoch))
        return self._permutations[key]


def mixture_weights(streams: Sequence[SourceStream], weights: Mapping[str, float]) -> dict[str, float]:
    """Return the weight of every source: the given one, or its share of all training tokens."""
    total = sum(stream.tokens for stream in streams)
    return {stream.name: float(weights.get(stream.name, stream.tokens / total)) for stream in streams}


def validation_windows(stream: SourceStream, sequence_length: int, limit: int) -> I64:
    """Return at most `limit` windows of a stream from its start, int64 [n, sequence_length + 1]; n may be 0.

    Only whole windows count here; the evaluation after training scores every document to its end.
    """
    count = min(max(stream.tokens - 1, 0) // sequence_length, limit)
    if count == 0:
        return np.zeros((0, sequence_length + 1), np.int64)
    tokens = stream.read(0, count * sequence_length + 1)
    return np.stack([tokens[i * sequence_length : (i + 1) * sequence_length + 1] for i in range(count)])
