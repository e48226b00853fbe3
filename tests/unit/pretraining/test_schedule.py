"""Learning rates by hand, and the shares of processes."""

from __future__ import annotations

import pytest

from scripts.lib.errors import UserError
from scripts.lib.schedule import Schedule, learning_rate
from scripts.pretraining.layout import Layout, lay_out
from scripts.pretraining.recipe import Recipe
from tests.unit.pretraining.tiny import settings


def rates(decay: str, warmup: int, final: float, steps: int) -> list[float]:
    return [learning_rate(Schedule(decay, warmup, final), 1.0, steps, step) for step in range(steps)]


@pytest.mark.parametrize(
    ("decay", "expected"),
    [
        ("cosine", [0.5, 1.0, 0.2 + 0.8 * 0.853553390593, 0.6, 0.2 + 0.8 * 0.146446609407, 0.2]),
        ("linear", [0.5, 1.0, 0.8, 0.6, 0.4, 0.2]),
        ("exponential", [0.5, 1.0, 0.2**0.25, 0.2**0.5, 0.2**0.75, 0.2]),
        ("constant", [0.5, 1.0, 1.0, 1.0, 1.0, 1.0]),
        ("inverse_sqrt", [0.5, 1.0, (2 / 3) ** 0.5, 0.5**0.5, 0.4**0.5, (1 / 3) ** 0.5]),
    ],
)
def test_warmup_then_decay(decay: str, expected: list[float]) -> None:
    assert rates(decay, 2, 0.2, 6) == pytest.approx(expected)


def test_without_warmup_the_first_update_has_the_peak_and_one_step_works() -> None:
    assert rates("cosine", 0, 0.0, 3) == pytest.approx([1.0, 0.5, 0.0])
    assert rates("linear", 0, 0.1, 1) == [1.0]


def test_wsd_decays_in_the_cooldown_alone_and_inverse_sqrt_stops_at_the_final_share() -> None:
    schedule = Schedule("wsd", 2, 0.2, cooldown=0.4)
    found = [learning_rate(schedule, 2.0, 10, step) for step in range(10)]
    falling = [0.2 + 0.8 * (1 - (part / 4) ** 0.5) for part in (1, 2, 3, 4)]
    assert found == pytest.approx([1.0] + [2.0] * 5 + [2.0 * share for share in falling])
    late = Schedule("wsd", 8, 0.2, cooldown=0.4)  # the warmup reaches into the cooldown
    assert [learning_rate(late, 1.0, 10, step) for step in (7, 8, 9)] == pytest.approx([1.0, 1 - 0.8 * 0.5**0.5, 0.2])
    assert rates("inverse_sqrt", 1, 0.5, 9)[3:] == pytest.approx([0.5] * 6)


def test_in_tokens_the_rate_is_that_of_the_same_number_of_steps() -> None:
    by_steps = settings(steps=10, schedule={"decay": "linear", "warmup": 4, "final": 0.1})
    by_tokens = settings(
        steps=10, schedule={"decay": "linear", "warmup": 4 * 8 * 24, "final": 0.1}, schedule_unit="tokens"
    )
    one, other = (Recipe.from_settings(chosen).training for chosen in (by_steps, by_tokens))
    assert [one.learning_rate(step) for step in range(10)] == [other.learning_rate(step) for step in range(10)]
    half = settings(steps=10, schedule={"warmup": 4 * 8 * 24 + 96}, schedule_unit="tokens")
    assert Recipe.from_settings(half).training.learning_rate(3) == pytest.approx(0.01 * 4 / 4.5)
    with pytest.raises(UserError, match=r"warmup: 1920 tokens do not fit into 1920 tokens"):
        Recipe.from_settings(settings(steps=10, schedule={"warmup": 1920}, schedule_unit="tokens"))


def test_micro_batches_cover_the_global_batch_once_and_keep_their_numbers() -> None:
    by_layout = {}
    for processes in (1, 2, 3):
        layout = lay_out(12, 16, processes, 2)
        numbered = [item for rank in range(processes) for item in layout.micro_batches(rank, 12)]
        by_layout[processes] = sorted((number, rows.start, rows.stop) for number, rows in numbered)
    assert by_layout[1] == [(n, 2 * n, 2 * n + 2) for n in range(6)]
    assert by_layout[1] == by_layout[2] == by_layout[3]


def test_the_micro_batch_is_the_largest_divisor_within_the_limit() -> None:
    assert lay_out(48, 2048, 2).micro_batch == 8
    assert lay_out(6, 100_000, 2).micro_batch == 1
    assert lay_out(16, 256, 2, micro_batch_tokens=1024) == Layout(2, 4, 2, 0, 1)


@pytest.mark.parametrize(("processes", "micro"), [(5, None), (0, None), (2, 4), (2, 0)])
def test_shares_that_do_not_divide_are_refused(processes: int, micro: int | None) -> None:
    with pytest.raises(UserError, match=r"divi"):
        lay_out(12, 16, processes, micro)
