"""Event files that TensorBoard reads, written without it: `tensorboard --logdir results/checkpoints`.

They lie in the folder of a recipe's state and are no result: they hold times, and a run that goes on writes another one.
The format is TFRecord (length, masked CRC-32C of it, bytes, masked CRC-32C of these) around protocol buffers of
tensorflow/core/util/event.proto, of which numbers need four fields.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Mapping
from pathlib import Path

FOLDER, VERSION = "events", b"brain.Event:2"
POLYNOMIAL = 0x82F63B78  # of CRC-32C (Castagnoli), reflected
WORD = 0xFFFFFFFF


def _entry(value: int) -> int:
    for _ in range(8):
        value = (value >> 1) ^ (POLYNOMIAL if value & 1 else 0)
    return value


TABLE = [_entry(value) for value in range(256)]


class EventFile:
    """One file of numbers by step, in a folder of the run."""

    def __init__(self, folder: Path) -> None:
        (folder / FOLDER).mkdir(parents=True, exist_ok=True)
        self.path = folder / FOLDER / f"events.out.tfevents.{time.time_ns()}.groundwork"
        self._write(_field(1, 1, struct.pack("<d", time.time())) + _bytes(3, VERSION))

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Append numbers by their tag."""
        inside = b"".join(
            _bytes(1, _bytes(1, tag.encode("utf-8")) + _field(2, 5, struct.pack("<f", value)))
            for tag, value in values.items()
        )
        self._write(_field(1, 1, struct.pack("<d", time.time())) + _field(2, 0, _varint(step)) + _bytes(5, inside))

    def _write(self, data: bytes) -> None:
        length = struct.pack("<Q", len(data))
        with self.path.open("ab") as stream:
            stream.write(length + _checksum(length) + data + _checksum(data))


def crc32c(data: bytes) -> int:
    """Return the CRC-32C of bytes (RFC 3720, appendix B.4 gives test vectors)."""
    value = WORD
    for byte in data:
        value = (value >> 8) ^ TABLE[(value ^ byte) & 0xFF]
    return value ^ WORD


def _checksum(data: bytes) -> bytes:
    """Return the masked CRC of TFRecord, 4 bytes."""
    value = crc32c(data)
    return struct.pack("<I", (((value >> 15) | (value << 17)) + 0xA282EAD8) & WORD)


def _varint(value: int) -> bytes:
    """Return a number of a protocol buffer: 7 bits a byte, the lowest first."""
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def _field(number: int, kind: int, data: bytes) -> bytes:
    """Return a field: kind 0 is a varint, 1 has 8 bytes, 2 has a length, 5 has 4 bytes."""
    return _varint(number << 3 | kind) + data


def _bytes(number: int, data: bytes) -> bytes:
    return _field(number, 2, _varint(len(data)) + data)
