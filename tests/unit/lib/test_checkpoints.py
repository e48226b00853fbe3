"""Which checkpoint a run goes on from."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.lib import checkpoints

LAYOUT = {"zero_stage": 0, "processes": 2}


def write(folder: Path, step: int, recipe: str = "mine", keep: checkpoints.Keep | None = None) -> Path:
    path = checkpoints.pending_path(folder, step)
    checkpoints.prepare(path)
    (path / "deepspeed").mkdir()
    (path / "deepspeed" / "state.pt").write_bytes(b"weights" * step)
    checkpoints.commit(path, step, recipe, LAYOUT, keep)
    return folder / f"step-{step:08d}"


def test_the_newest_two_are_kept_and_the_newest_is_taken(tmp_path: Path) -> None:
    for step in (5, 10, 15):
        write(tmp_path, step)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-00000010", "step-00000015"]
    found = checkpoints.newest(tmp_path, "mine")
    assert found is not None
    assert (found.step, dict(found.layout)) == (15, LAYOUT)


@pytest.mark.parametrize(
    ("keep", "left"),
    [
        (checkpoints.Keep(1), [23]),
        (checkpoints.Keep(3), [15, 20, 23]),
        (checkpoints.Keep(1, every=10), [10, 20, 23]),
        (checkpoints.Keep(1, period=5), [20, 23]),
        (checkpoints.Keep(2, every=15, period=5), [15, 20, 23]),
        (checkpoints.Keep(1, steps=(5, 15, 30)), [5, 15, 23]),
    ],
    ids=str,
)
def test_what_is_kept(tmp_path: Path, keep: checkpoints.Keep, left: list[int]) -> None:
    for step in (5, 10, 15, 20, 23):
        write(tmp_path, step, keep=keep)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"step-{step:08d}" for step in left]


def test_the_newest_of_at_most_some_steps_is_taken(tmp_path: Path) -> None:
    for step in (5, 10, 15):
        write(tmp_path, step, keep=checkpoints.Keep(9))
    found = [checkpoints.newest(tmp_path, "mine", most=most) for most in (15, 14, 10, 4)]
    assert [one and one.step for one in found] == [15, 10, 10, None]
    tear(tmp_path / "step-00000010")
    earlier = checkpoints.newest(tmp_path, "mine", most=14)
    assert earlier is not None and earlier.step == 5


def test_a_torn_one_with_a_higher_number_does_not_push_out_the_new_one(tmp_path: Path) -> None:
    tear(write(tmp_path, 20))
    new = write(tmp_path, 10, keep=checkpoints.Keep(1))
    found = checkpoints.newest(tmp_path, "mine")
    assert found is not None and found.path == new


def test_a_torn_one_does_not_push_out_the_regular_one_before_it(tmp_path: Path) -> None:
    tear(write(tmp_path, 30))
    keep = checkpoints.Keep(1, period=10)
    write(tmp_path, 20, keep=keep)
    write(tmp_path, 25, keep=keep)
    assert [checkpoints.newest(tmp_path, "mine", multiple).step for multiple in (1, 10)] == [25, 20]


def test_only_multiples_are_looked_at_when_asked(tmp_path: Path) -> None:
    for step in (10, 13):
        write(tmp_path, step)
    found = checkpoints.newest(tmp_path, "mine", 5)
    assert found is not None and found.step == 10


def tear(path: Path) -> None:
    with (path / "deepspeed" / "state.pt").open("r+b") as stream:
        stream.truncate(3)


def flip(path: Path) -> None:
    (path / "deepspeed" / "state.pt").write_bytes(b"wEights" * 10)


def empty(path: Path) -> None:
    shutil.rmtree(path)
    path.mkdir()


def unrecorded(path: Path) -> None:
    (path / "checkpoint.json").unlink()


def foreign(path: Path) -> None:
    shutil.rmtree(path)
    write(path.parent, 10, "another")


def renamed(path: Path) -> None:
    path.rename(path.with_name("step-00000011"))


@pytest.mark.parametrize("damage", [tear, flip, empty, unrecorded, foreign, renamed])
def test_what_is_not_whole_or_not_ours_is_passed_over_by_name(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: Callable[[Path], None]
) -> None:
    write(tmp_path, 5)
    damage(write(tmp_path, 10))
    with caplog.at_level(logging.WARNING):
        found = checkpoints.newest(tmp_path, "mine")
    assert found is not None and found.step == 5
    assert "passing over the checkpoint step-000000" in caplog.text


def test_a_pending_one_does_not_count_and_is_cleared_by_the_next(tmp_path: Path) -> None:
    left = checkpoints.pending_path(tmp_path, 5)
    checkpoints.prepare(left)
    (left / "half").write_bytes(b"x")
    assert checkpoints.newest(tmp_path, "mine") is None
    write(tmp_path, 6)
    assert not left.exists()
