"""Event files by the letter of their format, read by other code than writes them."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

from scripts.lib.events import crc32c


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


def noted(path: Path) -> dict[int, dict[str, float]]:
    """Return the numbers of an event file by step and tag."""
    found: dict[int, dict[str, float]] = {}
    for fields in [dict(parse(record)) for record in records(path.read_bytes())][1:]:
        values = [dict(parse(value)) for _, value in parse(fields[5])]
        numbers = {value[1].decode(): struct.unpack("<f", value[2])[0] for value in values}
        found.setdefault(fields[2], {}).update(numbers)
    return found
