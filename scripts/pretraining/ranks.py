"""Processes of one training run on this machine: start them, watch over them, and say in one sentence why they ended.

A rank that dies takes the others along within `GRACE` seconds; ranks that no longer get on end after the stated time.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from scripts.lib.errors import UserError
from scripts.pretraining.presence import FOLDER, IN_FILE, SAVED, STOP, Note, failure_path, read_note

LOOK = 0.5  # seconds between two looks
GRACE = 5.0  # seconds that ranks have to end by themselves when one of them has ended
STARTING = 600.0  # seconds at least until every rank has joined: imports from a busy file system are slow
AGAIN = "mend it and run again, which goes on from the last checkpoint"


class Saved(Exception):
    """The run was asked to stop; it saved and can go on."""


class Ranks:
    """The processes `command` in `count` copies; `folder` is an empty one that they share with us.

    `advice` says what to do where ranks are killed and it was not the user: a system that lacks memory leaves no other word.
    """

    def __init__(self, model: str, count: int, folder: Path, timeout: float, advice: str) -> None:
        self.model, self.count, self.folder, self.timeout, self.advice = model, count, folder, timeout, advice
        self.processes: list[subprocess.Popen[bytes]] = []
        self._notes: list[Note] = []
        self._changed = time.monotonic()

    def start(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start the ranks in sessions of their own, each with a pipe that closes when we die."""
        shared = {
            "WORLD_SIZE": str(self.count),
            "LOCAL_WORLD_SIZE": str(self.count),
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": IN_FILE,
            FOLDER: str(self.folder),
        }
        for rank in range(self.count):
            own = {"RANK": str(rank), "LOCAL_RANK": str(rank)}
            self.processes.append(
                subprocess.Popen(
                    list(command),
                    stdin=subprocess.PIPE,
                    stdout=sys.stderr,
                    env={**environment, **shared, **own},
                    start_new_session=True,
                )
            )

    def watch(self, deadline: float | None) -> Iterator[None]:
        """Yield at every look until the ranks have ended well.

        From `deadline` (seconds of `time.time`) on they are asked to save and stop. Raises Saved when they did, and
        UserError when they failed.
        """
        first: list[int | None] = []
        while None in (codes := self._codes()):
            if any(code not in (None, 0, SAVED) for code in codes):
                first = codes
                self._wait(GRACE)
                codes = self._codes()
                self.end()
                break
            time.sleep(LOOK)
            if deadline is not None and time.time() >= deadline:
                self.ask_to_stop()
            self._require_progress()
            yield
        if any(codes):
            raise self._ending(codes, first or codes)

    def ask_to_stop(self) -> None:
        """Ask the ranks to save and stop after the update that they are at."""
        (self.folder / STOP).touch()

    def end(self) -> None:
        """End what still runs, at once."""
        for process in self.processes:
            if process.poll() is None:
                process.kill()
        self._wait(None)

    def _codes(self) -> list[int | None]:
        return [process.poll() for process in self.processes]

    def _wait(self, seconds: float | None) -> None:
        until = time.monotonic() + (seconds or 0)
        for process in self.processes:
            try:
                process.wait(None if seconds is None else max(until - time.monotonic(), 0))
            except subprocess.TimeoutExpired:
                return

    def _require_progress(self) -> None:
        """Raise UserError when no rank has made a note for too long."""
        notes = [read_note(self.folder, rank) for rank in range(self.count)]
        now = time.monotonic()
        if notes != self._notes:
            self._notes, self._changed = notes, now
        limit = self.timeout if all(note.number for note in notes) else max(self.timeout, STARTING)
        if now - self._changed <= limit:
            return
        self.end()
        last = min(note.number for note in notes)
        behind = [rank for rank, note in enumerate(notes) if note.number == last]
        raise UserError(
            f"Training of {self.model} was ended: no rank got on for {limit:g} seconds, and {_ranks(behind)} had come "
            f"least far ({notes[behind[0]].words}); look for a full disk, a lost file system or a stuck device there, then "
            "run again, which goes on from the last checkpoint, or raise --timeout-minutes."
        )

    def _ending(self, codes: list[int | None], first: list[int | None]) -> Exception:
        """Return why the ranks ended; their codes are None where we had to end them, `first` those when the first had ended."""
        early = (-signal.SIGTERM, None) if (self.folder / STOP).exists() else ()  # it had not begun to listen
        if all(code in (0, SAVED, *early) for code in codes):
            return Saved(
                f"Training of {self.model} was asked to stop and saved: run again, which goes on from there (exit code {SAVED})."
            )
        failures = [failure_path(self.folder, rank) for rank in range(self.count)]
        sentence = next((path.read_text("utf-8") for path in failures if path.is_file()), None)
        if sentence:
            return UserError(sentence)
        return self._died(first)

    def _died(self, first: Sequence[int | None]) -> UserError:
        """Return the error for ranks of which one died without a sentence."""
        dead = [(rank, code) for rank, code in enumerate(first) if code is not None and code not in (0, SAVED)]
        rank, code = min(dead, key=lambda entry: entry[1] > 0)  # others fail for want of one that was killed
        doing = f"rank {rank} ({read_note(self.folder, rank).words})"
        if code > 0:
            return UserError(
                f"Training of {self.model} stopped: {doing} ended with exit code {code}; the lines above tell why: {AGAIN}."
            )
        return UserError(
            f"Training of {self.model} stopped: {doing} was killed by {signal.Signals(-code).name}, and the others were "
            f"ended; where it was not you, {self.advice}: run again, which goes on from the last checkpoint."
        )


@contextmanager
def stopping_on_signals(ranks: Ranks) -> Iterator[None]:
    """Within the block SIGTERM and SIGUSR1 ask the ranks to save and stop; only the main thread may call it."""

    def ask(number: int, frame: FrameType | None) -> None:
        ranks.ask_to_stop()

    before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGUSR1)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ranks(numbers: Sequence[int]) -> str:
    return f"rank {numbers[0]}" if len(numbers) == 1 else f"ranks {', '.join(map(str, numbers))}"
