"""Protocol buffers as far as the files need them that we read and write: numbered fields of four wire types.

https://protobuf.dev/programming-guides/encoding: a field is a varint of its number and wire type, and its value.
"""

from __future__ import annotations

from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # wire types
Field = tuple[int, int, bytes]  # number, wire type, value


def fields(data: bytes) -> Iterator[Field]:
    """Yield the fields of a message. Raises IndexError or ValueError for bytes that are none."""
    position = 0
    while position < len(data):
        tag, position = read_varint(data, position)
        wire = tag & 7
        if wire == VARINT:
            end = read_varint(data, position)[1]
        elif wire == BYTES:
            size, position = read_varint(data, position)
            end = position + size
        elif wire in (FIXED32, FIXED64):
            end = position + (4 if wire == FIXED32 else 8)
        else:
            raise ValueError(f"wire type {wire}")
        if end > len(data):
            raise ValueError("it ends too early")
        yield tag >> 3, wire, data[position:end]
        position = end


def by_number(data: bytes) -> dict[int, bytes]:
    """Return the values of a message by the numbers of their fields, of those that come again the last one."""
    return {number: value for number, _, value in fields(data)}


def field(number: int, wire: int, value: bytes) -> bytes:
    """Return a field; of bytes the length is added."""
    return varint(number << 3 | wire) + (varint(len(value)) if wire == BYTES else b"") + value


def varint(value: int) -> bytes:
    """Return a number that is not negative: 7 bits a byte, the lowest first."""
    found = bytearray()
    while value >= 128:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])


def read_varint(data: bytes, position: int) -> tuple[int, int]:
    """Return the number at a position and the position behind it."""
    value = shift = 0
    while True:
        byte = data[position]
        value, shift, position = value | (byte & 127) << shift, shift + 7, position + 1
        if byte < 128:
            return value, position


def integer(data: bytes) -> int:
    """Return the number that bytes begin with."""
    return read_varint(data, 0)[0]
