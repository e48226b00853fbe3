"""Watching over ranks: real processes that do nothing but take notes."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from scripts.lib.errors import UserError
from scripts.pretraining import launch
from scripts.pretraining.presence import NOTE_BYTES, SAVED, Presence, read_note
from scripts.pretraining.ranks import Ranks, Saved, stopping_on_signals
from tests.unit.pretraining.tiny import ROOT

RANK = """
import os, signal, sys, time
from scripts.pretraining.presence import SAVED, Presence
rank = int(os.environ["RANK"])
presence = Presence(rank)
presence.listen()
def steps(count):
    for step in range(count):
        presence.note(f"step {step}: forward")
        if presence.asked_to_stop():
            sys.exit(SAVED)
        time.sleep(0.02)
"""


def ranks(folder: Path, program: str, timeout: float = 60.0) -> Ranks:
    """Start two ranks that run a program after the common lines."""
    started = Ranks("tiny", 2, folder, timeout, "give the job more memory")
    started.start([sys.executable, "-c", RANK + program], {**os.environ, "PYTHONPATH": str(ROOT)})
    return started


def watch(watched: Ranks, until: float | None = None) -> None:
    try:
        for _ in watched.watch(until):
            pass
    finally:
        watched.end()


def test_ranks_that_end_well_end_the_watch(tmp_path: Path) -> None:
    watch(ranks(tmp_path, "steps(3)"))
    assert [read_note(tmp_path, rank).number for rank in range(2)] == [3, 3]


def test_a_rank_that_is_killed_is_named_and_takes_the_others_along(tmp_path: Path) -> None:
    program = "steps(2)\nif rank == 1: os.kill(os.getpid(), signal.SIGKILL)\nsteps(100000)"
    watched = ranks(tmp_path, program)
    with pytest.raises(UserError, match=r"tiny stopped: rank 1 \(step 1: forward\) was killed by SIGKILL") as caught:
        watch(watched)
    assert "\n" not in str(caught.value)
    assert "where it was not you, give the job more memory: run again" in str(caught.value)
    assert watched.processes[0].returncode == -signal.SIGKILL


def test_a_rank_that_was_killed_comes_before_those_that_fail_for_want_of_it(tmp_path: Path) -> None:
    program = "steps(2)\nif rank == 1: os.kill(os.getpid(), signal.SIGSEGV)\ntime.sleep(0.5); sys.exit(1)"
    with pytest.raises(UserError, match=r"rank 1 \(step 1: forward\) was killed by SIGSEGV"):
        watch(ranks(tmp_path, program))


def test_the_rank_that_failed_first_is_named(tmp_path: Path) -> None:
    program = "steps(1)\nif rank == 1: sys.exit(3)\ntime.sleep(2); sys.exit(1)"
    with pytest.raises(UserError, match=r"rank 1 \(step 0: forward\) ended with exit code 3"):
        watch(ranks(tmp_path, program))


def test_a_rank_that_fails_is_named_with_its_code_or_with_its_own_sentence(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with pytest.raises(UserError, match=r"rank 1 \(step 0: forward\) ended with exit code 3; the lines above"):
        watch(ranks(tmp_path / "a", "steps(1)\nif rank == 1: sys.exit(3)\nsteps(100000)"))
    with pytest.raises(UserError, match=r"^Memory ran out\.$"):
        watch(ranks(tmp_path / "b", "if rank == 1: presence.fail('Memory ran out.'); sys.exit(1)\nsteps(100000)"))


def test_ranks_that_do_not_get_on_are_ended_and_the_one_behind_is_named(tmp_path: Path) -> None:
    program = "steps(2)\nif rank == 0: presence.note('step 1: backward')\ntime.sleep(600)"
    watched = ranks(tmp_path, program, timeout=1.5)
    with pytest.raises(UserError, match=r"no rank got on for 1\.5 seconds, and rank 1 .*\(step 1: forward\)"):
        watch(watched)
    assert [process.returncode for process in watched.processes] == [-signal.SIGKILL] * 2


def test_a_signal_or_the_deadline_makes_them_save(tmp_path: Path) -> None:
    for number in (signal.SIGTERM, signal.SIGUSR1):
        folder = tmp_path / str(number)
        folder.mkdir()
        before = signal.getsignal(number)
        watched = ranks(folder, "steps(100000)")
        with pytest.raises(Saved, match=f"exit code {SAVED}"), stopping_on_signals(watched):
            os.kill(os.getpid(), number)
            watch(watched)
        assert signal.getsignal(number) is before
    with pytest.raises(Saved):
        watch(ranks(tmp_path, "steps(100000)"), until=time.time())


def test_the_deadline_is_before_the_walltime_and_the_end_of_the_slurm_job(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1e9
    monkeypatch.setattr(launch, "time", SimpleNamespace(time=lambda: now))
    deadline = launch.deadline
    assert deadline(0, {}) is None
    assert deadline(0, {"SLURM_JOB_END_TIME": "UNLIMITED"}) is None
    assert deadline(1000, {}) == now + 900
    assert deadline(100_000, {}) == now + 99_700
    assert deadline(100_000, {"SLURM_JOB_END_TIME": str(int(now) + 500)}) == now + 450


def test_a_long_note_is_cut_and_the_next_one_replaces_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROUNDWORK_RANKS", str(tmp_path))
    presence = Presence(3)
    presence.note("x" * 500)
    assert len(read_note(tmp_path, 3).words) == NOTE_BYTES - 2
    presence.note("short")
    assert read_note(tmp_path, 3).words == "short" and read_note(tmp_path, 3).number == 2
    assert read_note(tmp_path, 4).number == 0
