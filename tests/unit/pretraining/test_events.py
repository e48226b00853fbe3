"""Event files by the letter of their format, read by other code than writes them."""

from __future__ import annotations

import struct
import time
from pathlib import Path
from typing import Any

import pytest

from scripts.pretraining.events import FOLDER, EventFile, crc32c


def records(data: bytes) -> list[bytes]:
    """Split a TFRecord file and check every checksum."""
    found = []
    while data:
        (length,) = struct.unpack("<Q", data[:8])
        for part, stored in ((data[:8], data[8:12]), (data[12 : 12 + length], data[12 + length : 16 + length])):
            crc = crc32c(part)
            assert struct.unpack("<I", stored)[0] == ((crc >> 15 | crc << 17 & 0xFFFFFFFF) + 0xA282EAD8) % 2**32
        found.append(data[12 : 12 + length])
        data = data[16 + length :]
    return found


def varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if data[at - 1] < 0x80:
            return value, at


def parse(data: bytes) -> list[tuple[int, Any]]:
    """Return the fields of a protocol buffer."""
    fields, at = [], 0
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            value, at = varint(data, at)
        else:
            size, at = varint(data, at) if key & 7 == 2 else ({1: 8, 5: 4}[key & 7], at)
            value, at = data[at : at + size], at + size
        fields.append((key >> 3, value))
    return fields


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
    first, *events = [parse(record) for record in records(file.path.read_bytes())]
    assert dict(first)[3] == b"brain.Event:2"
    assert abs(struct.unpack("<d", dict(first)[1])[0] - time.time()) < 600
    found = []
    for event in events:
        fields = dict(event)
        values = [dict(parse(value)) for _, value in parse(fields[5])]
        found.append((fields[2], {v[1].decode(): struct.unpack("<f", v[2])[0] for v in values}))
    assert found == [(1, {"loss": 2.5, "lr": 0.125}), (70_000, {"validation/books/loss": -1.0})]
