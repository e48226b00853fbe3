"""The data order: the global batch at a step is a pure function of seed, mixture, shards and step.

Every source's stream is cut into windows of `sequence_length` predictions that follow one another, so no token is predicted
twice within an epoch and none is left out but those at the end that fill no window. In each epoch the windows of a source
are shuffled by a keyed permutation of its own. Which source gives the n-th sample is decided by the mixture
(scripts.lib.mixture). So any step is found at once, and neither ranks, micro-batches, resumes nor parts matter. Adding a
source leaves the order within the others as it was. Where a source is packed (scripts.lib.packing), its packed samples are
what is shuffled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from scripts.lib.errors import UserError
from scripts.lib.indexed import Ids
from scripts.lib.mixture import Mixture
from scripts.lib.packing import Packing
from scripts.lib.permutation import Permutation
from scripts.lib.special_tokens import END, PAD
from scripts.lib.streams import SourceStream, Span, copy_runs

I64 = NDArray[np.int64]
WHOLE = slice(None)
AHEAD = 4096  # samples that are found together, since finding few costs as much
BLOCK = 1 << 20  # packed samples that are counted together
KEPT_EPOCHS = 4  # permutations of a source that are kept; those of other epochs are made anew


@dataclass(frozen=True)
class Sample:
    """One row of a batch: its source, the epoch and number of its window or packed sample, and what a model reads there.

    `spans` are the tokens of documents that it is fed or asked for, in the order of the row.
    """

    source: str
    epoch: int
    window: int
    spans: list[Span]


@dataclass(frozen=True)
class Pieces:
    """Pieces of a source in the rows of a plan, which ascend: `sizes` of its `ids` from `offsets` on go to `targets`.

    Targets count over the tokens of all rows of the plan.
    """

    ids: Ids
    rows: I64
    offsets: I64
    sizes: I64
    targets: I64


@dataclass(frozen=True)
class Plan:
    """What samples from `first` on are made of: source (as an index), epoch and window of each, and their pieces, by source."""

    first: int
    sources: I64
    epochs: I64
    windows: I64
    pieces: list[Pieces]


@dataclass(frozen=True)
class Taken:
    """What a number of samples takes from a source."""

    samples: int
    tokens: int
    epochs: float


class DataOrder:
    """The batches of a run. `weights` and `temperature` are those of `mixture_weights`; `packings` are those of sources that are
    packed, by name.

    A row holds one token more than a model takes: a causal model is fed all but the last and asked for all but the first. One
    that is not `causal` reads no further token: not the last of a window, not the first of a packed sample.

    Raises UserError when no source has a whole window, or any packed sample, of training text.
    """

    def __init__(
        self,
        streams: Sequence[SourceStream],
        weights: Mapping[str, float],
        sequence_length: int,
        global_batch: int,
        seed: int,
        temperature: float = 1.0,
        packings: Mapping[str, Packing] = MappingProxyType({}),
        causal: bool = True,
    ) -> None:
        self._packings, self._causal = packings, causal
        self.sequence_length, self.global_batch, self._seed = sequence_length, global_batch, seed
        usable = [stream for stream in streams if self._samples(stream)]
        if not usable:
            raise UserError(f"No source has {sequence_length + 1} training tokens; lower training.sequence_length.")
        self._streams = {stream.name: stream for stream in usable}
        self._mixture = Mixture(mixture_weights(usable, weights, temperature), seed)
        self._permutations: dict[str, dict[int, Permutation]] = {name: {} for name in self._streams}
        self._dtype = np.result_type(*(self._streams[name].ids.dtype for name in self.sources))
        self._plan: Plan | None = None

    @property
    def sources(self) -> list[str]:
        """The sources that are used, by name."""
        return self._mixture.names

    def windows(self, source: str) -> int:
        """Return the number of windows, or of packed samples, of a source."""
        return self._samples(self._streams[source])

    def left_over(self, source: str) -> int:
        """Return how many tokens at the end of a source no epoch feeds, since they fill no window; none where it is packed.

        All others are fed once an epoch. A causal model is asked for as many: not for the very first one of a source, but for
        the first of those left over, which follows the last window.
        """
        if source in self._packings:
            return 0
        return self._streams[source].tokens - self.windows(source) * self.sequence_length

    def _samples(self, stream: SourceStream) -> int:
        packing = self._packings.get(stream.name)
        return max(stream.tokens - 1, 0) // self.sequence_length if packing is None else packing.samples

    def batch(self, step: int) -> Ids:
        """Return the token ids of a step's batch [global_batch, sequence_length + 1]; rows in sample order.

        They have the type of the shards, which is the smallest that holds the vocabulary.
        """
        return self.draw(step)[0]

    def draw(self, step: int, among: slice = WHOLE) -> tuple[Ids, list[str]]:
        """Return the batch of a step and the source of each of its rows, or some of these alone."""
        plan, rows = self._plan_of(step, among)
        tokens = np.empty((rows.stop - rows.start, self.sequence_length + 1), self._dtype)
        if self._packings:
            tokens[:] = PAD  # what stands behind the text of a packed sample
            tokens[:, 0] = END  # and what stands before the first one of a stream
        flat, shift = tokens.reshape(-1), rows.start * tokens.shape[1]
        for one in plan.pieces:
            copy_runs(flat, one.ids, one.rows, one.offsets, one.sizes, one.targets, rows.start, rows.stop, shift)
        names = self.sources
        return tokens, [names[index] for index in plan.sources[rows].tolist()]

    def locate(self, step: int, among: slice = WHOLE) -> list[Sample]:
        """Return what a model reads in each row of a step's batch, or in some of them."""
        rows = []
        plan, chosen = self._plan_of(step, among)
        columns = (plan.sources[chosen], plan.epochs[chosen], plan.windows[chosen])
        for index, epoch, window in zip(*(column.tolist() for column in columns), strict=True):
            source = self.sources[index]
            stream = self._streams[source]
            spans = [span for run in self._runs(source, window) for span in stream.spans(*run)]
            rows.append(Sample(source, epoch, window, spans))
        return rows

    def samples_of(self, source: str, part: int, document: int, samples: int) -> list[int]:
        """Return the numbers below `samples` of the samples in which a model reads tokens of a document, ascending."""
        start, stop = self._streams[source].place(part, document)
        if start == stop:
            return []  # a document without tokens stands in no batch
        windows, touched = self.windows(source), self._touched(source, start, stop)
        index = self._mixture.names.index(source)
        given = self._mixture.given(samples, index)
        found: list[int] = []
        for epoch in range(-(-given // windows)):
            for position in self._permutation(source, epoch).backward(touched).tolist():
                number = epoch * windows + position
                if number < given:
                    found.append(self._mixture.nth(index, number))
        return sorted(found)

    def _touched(self, source: str, start: int, stop: int) -> I64:
        """Return the windows or packed samples of a source in which tokens of its stream from `start` up to `stop` are read."""
        if source not in self._packings:
            first = max(start - self._causal, 0) // self.sequence_length  # its first token may be a window's last one
            last = min((stop - 1) // self.sequence_length, self.windows(source) - 1)
            return np.arange(first, last + 1, dtype=np.int64)
        packing = self._packings[source]
        touched = packing.holding(start, stop)
        if self._causal:  # its last token stands before the sample that begins behind it
            behind = packing.holding(stop, stop + 1)
            begins = packing.of_samples(behind)[1]["start"][:1] == stop
            touched = np.union1d(touched, behind[begins])
        return touched

    def taken(self, samples: int) -> dict[str, Taken]:
        """Return exactly what the first samples take from each source."""
        result = {}
        for source, given in zip(self.sources, self._mixture.given_each(samples), strict=True):
            result[source] = Taken(given, self._predicted(source, given), given / self.windows(source))
        return result

    def _predicted(self, source: str, samples: int) -> int:
        """Return how many tokens the first samples of a source hold; padding is none."""
        if source not in self._packings:
            return samples * self.sequence_length
        packing, (epochs, rest) = self._packings[source], divmod(samples, self.windows(source))
        order = self._permutation(source, epochs)
        blocks = (np.arange(start, min(start + BLOCK, rest), dtype=np.int64) for start in range(0, rest, BLOCK))
        return epochs * self._streams[source].tokens + sum(packing.tokens(order.forward(block)) for block in blocks)

    def _runs(self, source: str, window: int) -> list[tuple[int, int]]:
        """Return the runs of a source's stream that a model reads in a window or packed sample."""
        if source not in self._packings:
            start = window * self.sequence_length
            return [(start, start + self.sequence_length + self._causal)]
        pieces = self._packings[source].of_samples(np.array([window], np.int64))[1]
        runs = [(int(piece["start"]), int(piece["start"]) + int(piece["size"])) for piece in pieces]
        if self._causal:  # the token before the first one stands before it here too
            runs[0] = (max(runs[0][0] - 1, 0), runs[0][1])
        return runs

    def _plan_of(self, step: int, among: slice) -> tuple[Plan, slice]:
        """Return a plan that holds a step and rows of it there. Whoever reads on gets more and more steps at once."""
        plan, first = self._plan, step * self.global_batch
        if plan is None or not plan.first <= first < plan.first + len(plan.sources):
            follows = plan is not None and first == plan.first + len(plan.sources)
            steps = min(8 * len(plan.sources), AHEAD) // self.global_batch if plan is not None and follows else 1
            plan = self._plan = self._make_plan(first, max(steps, 1) * self.global_batch)
        start, stop, _ = among.indices(self.global_batch)
        return plan, slice(first - plan.first + start, first - plan.first + stop)

    def _make_plan(self, first: int, count: int) -> Plan:
        """Find `count` samples from `first` on: source, epoch and window, and the pieces of shards that they are made of."""
        sources = self._mixture.source_of(first, count)
        epochs, windows = np.empty_like(sources), np.empty_like(sources)
        pieces = []
        for index, (name, before) in enumerate(zip(self.sources, self._mixture.given_each(first), strict=True)):
            rows = np.flatnonzero(sources == index)
            if not len(rows):
                continue
            turns, drawn = np.divmod(before + np.arange(len(rows), dtype=np.int64), self.windows(name))
            for epoch in range(int(turns[0]), int(turns[-1]) + 1):
                among = slice(*np.searchsorted(turns, (epoch, epoch + 1)).tolist())
                drawn[among] = self._permutation(name, epoch).forward(drawn[among])
            epochs[rows], windows[rows] = turns, drawn
            owners, places, starts, sizes = self._runs_of(name, rows, drawn)
            stream = self._streams[name]
            which, offsets, taken, filled = stream.pieces(starts, sizes)
            owners = owners[which]
            targets = owners * (self.sequence_length + 1) + places[which] + filled
            pieces.append(Pieces(stream.ids, owners, offsets, taken, targets))
        return Plan(first, sources, epochs, windows, pieces)

    def _runs_of(self, source: str, rows: I64, windows: I64) -> tuple[I64, I64, I64, I64]:
        """Return row, place in it, start in the stream and size of the runs of tokens that windows or packed samples are made of.

        Before a packed sample stands the token before it in the stream, which ends a text or is one of a cut one.
        """
        if source not in self._packings:
            size = np.full_like(rows, self.sequence_length + 1)
            return rows, np.zeros_like(rows), windows * self.sequence_length, size
        which, pieces = self._packings[source].of_samples(windows)
        places, starts, sizes = (pieces[name].astype(np.int64) for name in ("place", "start", "size"))
        more = ((places == 0) & (starts > 0)).astype(np.int64)
        return rows[which], places + 1 - more, starts - more, sizes + more

    def _permutation(self, source: str, epoch: int) -> Permutation:
        kept = self._permutations[source]
        if epoch not in kept:
            if len(kept) == KEPT_EPOCHS:
                del kept[next(iter(kept))]  # the one that was made first
            kept[epoch] = Permutation(self.windows(source), self._seed, "windows", source, str(epoch))
        return kept[epoch]


def open_packings(streams: Sequence[SourceStream], length: int) -> dict[str, Packing]:
    """Open the packings of streams for samples of a length, by source."""
    return {stream.name: Packing.open(stream.folder, length, stream.tokens) for stream in streams}


def mixture_weights(
    streams: Sequence[SourceStream], weights: Mapping[str, float], temperature: float = 1.0
) -> dict[str, float]:
    """Return the weight of every source: the given one, or its share of all training tokens to the power 1 / temperature.

    Above 1 the temperature raises small sources (as mT5 does with languages, Xue et al. 2021, where alpha is 1 / temperature).
    """
    total = sum(stream.tokens for stream in streams)
    shares = {stream.name: (stream.tokens / total) ** (1 / temperature) for stream in streams}
    return {name: float(weights.get(name, share)) for name, share in shares.items()}


def validation_windows(stream: SourceStream, sequence_length: int, limit: int) -> I64:
    """Return at most `limit` windows of a stream from its start, int64 [n, sequence_length + 1]; n may be 0.

    Only whole windows count here; the evaluation after training scores every document to its end.
    """
    count = min(max(stream.tokens - 1, 0) // sequence_length, limit)
    if count == 0:
        return np.zeros((0, sequence_length + 1), np.int64)
    tokens = stream.read(0, count * sequence_length + 1)
    return np.stack([tokens[i * sequence_length : (i + 1) * sequence_length + 1] for i in range(count)])
