"""What is written to event files is what other code reads from them."""

from __future__ import annotations

import struct
import time
from pathlib import Path

import pytest

from scripts.lib.events import FOLDER, EventFile, crc32c, read_events
from tests.unit.pretraining.event_reader import noted, parse, records


@pytest.mark.parametrize(
    ("data", "expected"),
    [(b"123456789", 0xE3069283), (bytes(32), 0x8A9136AA), (b"\xff" * 32, 0x62A8AB43), (bytes(range(32)), 0x46DD794E)],
)
def test_checksums_are_those_of_the_rfc(data: bytes, expected: int) -> None:
    assert crc32c(data) == expected


def test_what_was_added_is_what_a_reader_finds(tmp_path: Path) -> None:
    file = EventFile(tmp_path)
    file.add(1, {"loss": 2.5, "lr": 0.125})
    file.add(70_000, {"validation/books/loss": -1.0})
    assert file.path.parent == tmp_path / FOLDER and "tfevents" in file.path.name
    first, *_ = [dict(parse(record)) for record in records(file.path.read_bytes())]
    assert first[3] == b"brain.Event:2"
    assert abs(struct.unpack("<d", first[1])[0] - time.time()) < 600
    assert noted(file.path) == {1: {"loss": 2.5, "lr": 0.125}, 70_000: {"validation/books/loss": -1.0}}


def test_of_a_run_that_was_killed_and_went_on_the_later_numbers_are_read(tmp_path: Path) -> None:
    assert read_events(tmp_path, ["loss"]) == {}
    first = EventFile(tmp_path)
    first.add(1, {"loss": 2.5, "lr": 0.5})
    first.add(2, {"loss": 2.0})
    first.add(3, {"loss": 1.0})
    first.path.write_bytes(first.path.read_bytes()[:-1])
    EventFile(tmp_path).add(2, {"loss": 0.25, "speed": 4.0})
    assert read_events(tmp_path, ["loss", "speed"]) == {1: {"loss": 2.5}, 2: {"loss": 0.25, "speed": 4.0}}


def test_a_wrong_byte_costs_at_most_the_records_from_there_on(tmp_path: Path) -> None:
    file = EventFile(tmp_path)
    for step in (1, 2, 3):
        file.add(step, {"loss": float(step)})
    whole, written = read_events(tmp_path, ["loss"]), file.path.read_bytes()
    for place in range(len(written)):
        damaged = bytearray(written)
        damaged[place] ^= 0x21
        file.path.write_bytes(damaged)
        found = read_events(tmp_path, ["loss"])
        assert (found.items() <= whole.items() and len(found) < len(whole)) or place < len(written) // 4
