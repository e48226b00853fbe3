"""A bar is drawn on the terminal of the user while a step runs, and nowhere else."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from tests.conftest import ROOT

PROGRAM = """
import os, sys, time
if sys.argv[1:]:
    os.open(sys.argv[1], os.O_RDWR)  # it becomes the terminal of this session
from scripts.lib.progress import byte_progress, progress
assert list(progress(iter("abcd"), 4, "letters")) == list("abcd")
for _ in progress(range(4), 4, "items"):
    time.sleep(0.3)
pieces = [b"x" * 1000] * 4
assert list(byte_progress(iter(pieces), 9000, "file.txt", 5000)) == pieces
for _ in byte_progress(iter(pieces), 9000, "slow.txt", 5000):
    time.sleep(0.3)
"""


def run(log: Path, *terminal: str, **environment: str) -> str:
    """Run the program in a session of its own and return what its output and errors say."""
    values = {key: value for key, value in os.environ.items() if key != "CI"} | environment
    with log.open("wb") as stream:
        command = [sys.executable, "-c", PROGRAM, *terminal]
        subprocess.run(command, cwd=ROOT, env=values, start_new_session=True, stdout=stream, stderr=stream, check=True)
    return log.read_text("utf-8")


@pytest.mark.parametrize("ci", ["", "true"])
def test_a_bar_is_drawn_on_the_terminal_and_not_into_the_log(tmp_path: Path, ci: str) -> None:
    master, slave = pty.openpty()
    try:
        termios.tcsetwinsize(slave, (24, 100))
        assert run(tmp_path / "log", os.ttyname(slave), CI=ci) == ""
        os.set_blocking(master, False)
        drawn = read(master)
    finally:
        os.close(master)
        os.close(slave)
    if ci:
        assert drawn == ""
    else:
        assert "items:  50%" in drawn and "2/4" in drawn
        assert "slow.txt:  78%" in drawn and "7.00k/9.00k" in drawn


def read(terminal: int) -> str:
    """Return all that was written to a terminal."""
    pieces = []
    while True:
        try:
            pieces.append(os.read(terminal, 65536))
        except BlockingIOError:
            return b"".join(pieces).decode("utf-8")


def test_nothing_is_drawn_without_a_terminal(tmp_path: Path) -> None:
    assert run(tmp_path / "log") == ""
