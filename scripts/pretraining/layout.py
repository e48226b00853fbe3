"""How a recipe is laid out over processes: execution only, never part of the recipe digest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from scripts.lib.errors import UserError

BUCKET = 50_000_000  # elements that ZeRO reduces at once; its default would take 2 GB on a CPU
MICRO_BATCH_TOKENS = 16384


@dataclass(frozen=True)
class Layout:
    """global batch = processes x micro_batch x accumulation. `threads` are those of one process on a CPU.

    Smaller batches, while training warms up, accumulate less often.
    """

    processes: int
    micro_batch: int
    accumulation: int
    zero_stage: int
    threads: int

    def micro_batches(self, rank: int, sequences: int) -> Iterator[tuple[int, slice]]:
        """Number and rows in a batch of `sequences` of each micro-batch that `rank` works on, one per accumulation step.

        A slice depends on its number among all micro-batches only: with an equal micro-batch the same rows
        meet in one slice, however many processes share the work.
        """
        for accumulated in range(sequences // (self.processes * self.micro_batch)):
            number = accumulated * self.processes + rank
            yield number, slice(number * self.micro_batch, (number + 1) * self.micro_batch)


def lay_out(
    global_batch: int,
    sequence_length: int,
    processes: int,
    micro_batch: int | None = None,
    zero_stage: int = 0,
    threads: int = 1,
    micro_batch_tokens: int = MICRO_BATCH_TOKENS,
    smallest: int | None = None,
) -> Layout:
    """Derive the accumulation; without `micro_batch` the largest one within `micro_batch_tokens`. Raises UserError.

    `smallest` is the smallest batch of a run that warms up: what can share it can share all.
    """
    least = smallest or global_batch
    if processes < 1 or least % processes:
        key = "training.global_batch" if least == global_batch else "training.batch_warmup.from"
        raise UserError(
            f"{key}: {least} sequences cannot be shared by {processes} processes; "
            "choose a number of processes that divides it"
        )
    share = least // processes
    if micro_batch is None:
        most = max(micro_batch_tokens // sequence_length, 1)
        micro_batch = max(size for size in range(1, min(share, most) + 1) if share % size == 0)
    if micro_batch < 1 or share % micro_batch:
        raise UserError(
            f"--micro-batch: {micro_batch} does not divide the {share} sequences of one process; choose a divisor"
        )
    return Layout(processes, micro_batch, global_batch // (processes * micro_batch), zero_stage, threads)
