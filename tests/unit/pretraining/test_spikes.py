"""Spikes by hand."""

from __future__ import annotations

import pytest

from scripts.lib.errors import UserError
from scripts.pretraining.spikes import Spikes, SpikeWatch


def test_a_jump_above_the_robust_deviation_is_a_spike_and_is_not_remembered() -> None:
    watch = SpikeWatch(Spikes("skip", window=5, threshold=4.0, most=2))
    assert [watch.score(loss) for loss in (3.0, 100.0, 3.2, 2.9, 3.1)] == [None] * 5, "until the window is full"
    assert watch.score(9.0) == pytest.approx((9.0 - 3.1) / (1.4826 * 0.1)), "median 3.1, deviation 0.1"
    assert watch.score(3.4) is None, "two deviations"
    assert watch.score(9.0) is not None and not watch.exhausted
    assert watch.score(9.0) is not None and watch.exhausted
    assert watch.score(-50.0) is None, "a fall is none"


def test_constant_losses_make_no_spike_of_a_small_rise() -> None:
    watch = SpikeWatch(Spikes("skip", window=4, threshold=6.0))
    assert [watch.score(2.0) for _ in range(4)] == [None] * 4
    assert watch.score(2.01) is None
    assert watch.score(2.05) == pytest.approx(25.0)


def test_a_batch_that_asks_for_nothing_is_not_compared_with() -> None:
    watch = SpikeWatch(Spikes("skip", window=4, threshold=6.0))
    losses = [0.0, 3.0, 0.0, 0.0, 3.1, 0.0, 2.9, 3.0, 0.0, 3.1]
    assert [watch.score(loss) for loss in losses] == [None] * len(losses)
    again = SpikeWatch(Spikes("skip", window=4, threshold=6.0))
    again.restore({"step": n, "loss": loss} for n, loss in enumerate(losses))
    assert watch.score(9.0) == again.score(9.0) is not None


def test_off_by_default_and_restored_from_the_rows() -> None:
    assert SpikeWatch(Spikes()).score(1e9) is None
    rows = [{"step": n, "loss": loss} for n, loss in enumerate((9.9, 3.0, 3.1, 2.9, 3.2))]
    rows.insert(2, {"step": 9, "loss": 50.0, "spike": {"z": 99.0}})
    rows.append({"step": 5, "validation": {}})
    watch, other = (SpikeWatch(Spikes("skip", window=4, threshold=6.0)) for _ in range(2))
    watch.restore(rows)
    for loss in (3.0, 3.1, 2.9, 3.2):
        other.score(loss)
    assert watch.count == 1
    assert watch.score(5.0) == other.score(5.0) == pytest.approx(1.95 / (1.4826 * 0.1))
    watch.restore(rows)
    assert watch.count == 2, "a spike since then stays counted"


@pytest.mark.parametrize(
    ("changes", "key"),
    [({"action": "stop"}, "action"), ({"window": 3}, "window"), ({"threshold": 0}, "threshold"), ({"most": 0}, "most")],
)
def test_settings_that_make_no_sense_are_refused_by_key(changes: dict[str, object], key: str) -> None:
    with pytest.raises(UserError, match=rf"training\.spikes\.{key}"):
        Spikes.from_settings(changes)
