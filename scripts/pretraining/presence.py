"""What a rank and the program that started it tell each other, through files in a folder that lives as long as the run.

A rank notes what it is about to do, leaves the sentence for the user when it cannot go on, and looks whether it is
asked to save and stop. Ranks that were started by other means than `scripts.pretraining.launch` have no such folder.
"""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

FOLDER = "GROUNDWORK_RANKS"  # environment variable that names the folder
RENDEZVOUS, STOP = "rendezvous", "stop"
IN_FILE = "0"  # in place of a port: the ranks meet in a file of the folder
SAVED = 75  # exit code of a run that saved and can go on: EX_TEMPFAIL of sysexits.h
NOTE_BYTES = 120


@dataclass(frozen=True)
class Note:
    """What a rank was about to do. All ranks make the same notes, so `number` tells who is behind."""

    number: int
    words: str


class Presence:
    """The side of a rank."""

    def __init__(self, rank: int) -> None:
        named = os.environ.get(FOLDER)
        self._folder = Path(named) if named else None
        self._rank, self._number, self._asked, self.words = rank, 0, False, "starting"
        self._file = os.open(note_path(self._folder, rank), os.O_WRONLY | os.O_CREAT) if self._folder else -1

    def listen(self) -> None:
        """Take SIGTERM and SIGUSR1 as the request to save and stop: a scheduler may send them to every process."""

        def ask(number: int, frame: FrameType | None) -> None:
            self._asked = True

        for number in (signal.SIGTERM, signal.SIGUSR1):
            signal.signal(number, ask)

    def note(self, words: str) -> None:
        """Say what comes next; costs one small write."""
        self._number += 1
        self.go_on(words)

    def go_on(self, words: str) -> None:
        """Say what comes next in what this rank noted last, which others may not have to do."""
        self.words = words
        if self._folder:
            os.pwrite(self._file, f"{self._number} {words}".ljust(NOTE_BYTES).encode()[:NOTE_BYTES], 0)

    def asked_to_stop(self) -> bool:
        """Return whether this rank knows of a request to save and stop; the others may not know yet."""
        return self._asked or (self._folder is not None and (self._folder / STOP).exists())

    def fail(self, sentence: str) -> None:
        """Leave the sentence for the user."""
        if self._folder:
            failure_path(self._folder, self._rank).write_text(sentence, encoding="utf-8")


def note_path(folder: Path, rank: int) -> Path:
    """Return where a rank notes what it does."""
    return folder / f"note-{rank}"


def failure_path(folder: Path, rank: int) -> Path:
    """Return where a rank says why it cannot go on."""
    return folder / f"failure-{rank}"


def read_note(folder: Path, rank: int) -> Note:
    """Return the last note of a rank; number 0 before its first."""
    path = note_path(folder, rank)
    number, _, words = path.read_text("utf-8").partition(" ") if path.is_file() else ("", "", "")
    return Note(int(number or 0), words.strip() or "starting")
