"""Ranks on two machines of a Slurm job; where there is no Slurm with two of them, only what is refused."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

import pytest

from scripts.lib.errors import UserError
from scripts.pretraining.machines import SlurmRanks, take_rank_from_slurm
from scripts.pretraining.presence import FOLDER, SAVED
from tests.unit.pretraining import tiny

SHARED = ("--processes", "2", "--micro-batch", "2", "--zero-stage", "1")


@cache
def machines() -> int:
    """Return how many machines Slurm has here."""
    if shutil.which("sinfo") is None or shutil.which("salloc") is None:
        return 0
    asked = subprocess.run(
        ["sinfo", "-h", "-N", "-t", "idle,mixed,allocated"], capture_output=True, text=True, check=False
    )
    return len(set(line.split()[0] for line in asked.stdout.splitlines() if line.strip()))


needs_slurm = pytest.mark.skipif("machines() < 2", reason="no Slurm with two machines here")


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> tiny.Inputs:
    return tiny.Inputs(tmp_path_factory.mktemp("inputs") / "in")


def start(inputs: tiny.Inputs, folder: Path, log: Path) -> subprocess.Popen[bytes]:
    """Start a training on two machines in a job of its own."""
    words = tiny.command(inputs, folder, tiny.settings(dropout=0.1), *SHARED, "--machines", "2")
    job = ["salloc", "--quiet", "--nodes=2", "--ntasks-per-node=1", "--mem=3000"]
    environment = {**os.environ, "PYTHONPATH": str(tiny.ROOT), "OMP_NUM_THREADS": "1"}
    with log.open("wb") as stream:
        program = [sys.executable, "-m", "scripts.pretraining.train", *words]
        return subprocess.Popen([*job, *program], stdout=stream, stderr=stream, env=environment, cwd=tiny.ROOT)


def launcher(process: subprocess.Popen[bytes]) -> int:
    """Return the process that watches over the ranks."""
    for _ in range(600):
        for pid in tiny.descendants(process.pid):
            if b"scripts.pretraining.train" in Path(f"/proc/{pid}/cmdline").read_bytes():
                return pid
        time.sleep(0.1)
    raise AssertionError("it did not start")


def wait_for(log: Path, words: str, process: subprocess.Popen[bytes]) -> None:
    while words not in log.read_text("utf-8", errors="replace"):
        assert process.poll() is None, log.read_text("utf-8", errors="replace")[-4000:]
        time.sleep(0.05)


@needs_slurm
def test_two_machines_make_what_one_makes_also_when_asked_to_stop_and_killed(
    inputs: tiny.Inputs, tmp_path: Path
) -> None:
    tiny.run(tiny.command(inputs, tmp_path / "one", tiny.settings(dropout=0.1), *SHARED), tmp_path / "one.log")
    asked, killed, last = (tmp_path / f"{name}.log" for name in ("asked", "killed", "last"))
    process = start(inputs, tmp_path / "two", asked)
    wait_for(asked, "step 3 of 20", process)
    os.kill(launcher(process), signal.SIGTERM)
    assert process.wait() == SAVED, asked.read_text("utf-8", errors="replace")[-4000:]
    process = start(inputs, tmp_path / "two", killed)
    wait_for(killed, "step 13 of 20", process)
    os.kill(launcher(process), signal.SIGKILL)
    process.wait()
    code = start(inputs, tmp_path / "two", last).wait()
    said = last.read_text("utf-8", errors="replace")
    assert code == 0, said[-4000:]
    assert re.search(r"resuming after step (5|10)\n", said)
    one, two = (tmp_path / name / "models" / "tiny" / "model.json" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


def test_machines_without_slurm_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    with pytest.raises(
        UserError, match="--machines: to reach 2 machines takes a job of Slurm and its srun, and this is none"
    ):
        SlurmRanks("tiny", 4, tmp_path, 60.0, "", 2)
    with pytest.raises(UserError, match="--machines: 2 cannot share 3 processes equally; choose a divisor"):
        SlurmRanks("tiny", 3, tmp_path, 60.0, "", 2)


def test_a_rank_takes_its_number_from_slurm_where_nobody_else_gave_one() -> None:
    slurm = {"SLURM_PROCID": "5", "SLURM_LOCALID": "1", "SLURM_NTASKS": "8"}
    started, ours, alone = {**slurm, FOLDER: "x"}, {**slurm, FOLDER: "x", "RANK": "0"}, dict(slurm)
    for environment in (started, ours, alone):
        take_rank_from_slurm(environment)
    assert (started["RANK"], started["LOCAL_RANK"], started["WORLD_SIZE"]) == ("5", "1", "8")
    assert ours["RANK"] == "0" and "RANK" not in alone
