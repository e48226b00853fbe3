"""Event files that TensorBoard reads, written and read without it: `tensorboard --logdir results/checkpoints`.

They lie in the folder of a recipe's state and are no result: they hold times, and a run that goes on writes another one.
The format is TFRecord (length, masked CRC-32C of it, bytes, masked CRC-32C of these) around protocol buffers of
tensorflow/core/util/event.proto, of which numbers need four fields.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from scripts.lib.protobuf import BYTES, FIXED32, FIXED64, VARINT, by_number, field, fields, integer, varint

FOLDER, VERSION = "events", b"brain.Event:2"
TIME, STEP, FILE_VERSION, SUMMARY = 1, 2, 3, 5  # fields of an event
VALUE, TAG, NUMBER = 1, 1, 2  # field of a summary, and those of a value
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
        self._write(field(FILE_VERSION, BYTES, VERSION))

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Append numbers by their tag."""
        inside = b"".join(
            field(
                VALUE, BYTES, field(TAG, BYTES, tag.encode("utf-8")) + field(NUMBER, FIXED32, struct.pack("<f", value))
            )
            for tag, value in values.items()
        )
        self._write(field(STEP, VARINT, varint(step)) + field(SUMMARY, BYTES, inside))

    def _write(self, event: bytes) -> None:
        data = field(TIME, FIXED64, struct.pack("<d", time.time())) + event
        length = struct.pack("<Q", len(data))
        with self.path.open("ab") as stream:
            stream.write(length + _checksum(length) + data + _checksum(data))


def read_events(folder: Path, tags: Collection[str]) -> dict[int, dict[str, float]]:
    """Return the numbers with some tags in all event files of a run, by step; of a step that was done again the later ones."""
    found: dict[int, dict[str, float]] = {}
    wanted = {tag.encode("utf-8"): tag for tag in tags}
    for path in sorted((folder / FOLDER).glob("events.out.tfevents.*")):
        for event in map(by_number, _records(path.read_bytes())):
            for _, _, value in fields(event.get(SUMMARY, b"")):
                entry = by_number(value)
                if (tag := wanted.get(entry[TAG])) is not None:
                    (found.setdefault(integer(event[STEP]), {})[tag],) = struct.unpack("<f", entry[NUMBER])
    return dict(sorted(found.items()))


def _records(data: bytes) -> Iterator[bytes]:
    """Yield the records of a file that their checksums prove; the last one of a run that was killed may not be whole."""
    start = 0
    while start + 12 <= len(data) and data[start + 8 : start + 12] == _checksum(data[start : start + 8]):
        stop = start + 12 + int.from_bytes(data[start : start + 8], "little")
        if data[stop : stop + 4] == _checksum(data[start + 12 : stop]):
            yield data[start + 12 : stop]
        start = stop + 4


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
