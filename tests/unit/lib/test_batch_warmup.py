"""The sizes of updates while the batch warms up, against counting step by step."""

from __future__ import annotations

from itertools import pairwise

import pytest

from scripts.lib.batch_warmup import Batches, BatchWarmup
from scripts.lib.errors import UserError


@pytest.mark.parametrize(
    ("whole", "start", "over", "tokens"),
    [(8, 1, 12, None), (64, 8, 100, None), (64, 8, 1, None), (48, 3, 1000, None), (64, 16, 64 * 128 * 40, 128)],
)
def test_everything_is_what_counting_gives(whole: int, start: int, over: int, tokens: int | None) -> None:
    batches = Batches(whole, BatchWarmup(start, over), tokens)
    sizes = [batches.size(step) for step in range(batches.warm + 5)]
    assert (sizes[0], sizes[batches.warm - 1], sizes[batches.warm :]) == (start, whole // 2, [whole] * 5)
    assert batches.smallest == start
    assert all(after in (before, 2 * before) for before, after in pairwise(sizes))
    runs = batches.runs(len(sizes))
    assert [size for count, size in runs for _ in range(count)] == sizes
    assert not [count for count, size in runs if count * size % whole], "a size is kept for whole batches of the order"
    total = 0
    for step, size in enumerate(sizes):
        batch, rows = batches.place(step)
        assert batches.before(step) == batch * whole + rows.start == total
        assert rows.stop == rows.start + size <= whole
        assert {batches.step_of(sequence) for sequence in range(total, total + size)} == {step}
        total += size


def test_the_warmup_is_shared_among_the_sizes() -> None:
    assert Batches(64, BatchWarmup(8, 100)).runs(200) == [(32, 8), (32, 16), (34, 32), (102, 64)]
    assert Batches(64, BatchWarmup(8, 100)).runs(40) == [(32, 8), (8, 16)]
    two_batches_each = 3 * 2 * 64 * 16
    assert Batches(64, BatchWarmup(8, two_batches_each), 16).runs(30) == [(16, 8), (8, 16), (4, 32), (2, 64)]


def test_without_a_warmup_all_are_whole() -> None:
    batches = Batches.from_settings({"global_batch": 8, "sequence_length": 16})
    assert (batches.smallest, batches.warm, batches.before(5), batches.step_of(39)) == (8, 0, 40, 4)
    assert batches.runs(5) == [(5, 8)]
    assert batches.place(3) == (3, slice(0, 8))


def test_settings_say_what_it_is_counted_in() -> None:
    training = {"global_batch": 8, "sequence_length": 16, "batch_warmup": {"from": 4, "over": 640}}
    assert Batches.from_settings(training).warm == 640
    assert Batches.from_settings(training | {"schedule_unit": "tokens"}).warm == 640 // (4 * 16)


@pytest.mark.parametrize(("whole", "start"), [(8, 3), (8, 8), (8, 16), (12, 4)])
def test_a_size_that_does_not_double_to_the_whole_is_refused(whole: int, start: int) -> None:
    with pytest.raises(
        UserError, match=rf"batch_warmup\.from: {start} sequences never double to .*{whole}; give its half"
    ):
        Batches(whole, BatchWarmup(start, 10))
