"""Start a run as a terminal does, and find the programs that it started."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import time
from pathlib import Path

from tests.workflow.conftest import Run
from tests.workflow.harness import command, environment


def find_process(text: str, folder: Path) -> int | None:
    """Return a process whose command line holds `text` and which works in `folder`."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
                if text in words and "bash" not in words and (entry / "cwd").resolve() == folder.resolve():
                    return int(entry.name)
    return None


def wait_for_process(text: str, folder: Path, running: subprocess.Popen[str]) -> int:
    """Wait until such a process is there; the run must not end before."""
    while running.poll() is None:
        found = find_process(text, folder)
        if found is not None:
            return found
        time.sleep(0.02)
    raise AssertionError(f"the run ended before {text} was seen")


def start(target: Run, *arguments: str) -> subprocess.Popen[str]:
    return started(target, command(target.project, target.workdir, *arguments))


def through_run_sh(target: Run) -> list[str]:
    """The command line that `make` runs."""
    return ["bash", str(target.project / "scripts" / "run.sh"), *command(target.project, target.workdir)[3:]]


def started(target: Run, words: list[str]) -> subprocess.Popen[str]:
    """Start a command in a group of its own, as a terminal does."""
    return subprocess.Popen(
        words,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment(),
        cwd=target.workdir,
        start_new_session=True,
        # Under nohup and in the background of a script this process ignores Ctrl-C, and what it starts would, too.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
