"""The parts of a sentencepiece model file that its Python interface does not show: kinds of pieces and normalisation.

The file is a protocol buffer `ModelProto` (sentencepiece, src/sentencepiece_model.proto); only the fields named here are read,
and `with_pieces` changes the pieces and leaves every other byte as it was.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

from scripts.lib.errors import UserError

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # wire types
Field = tuple[int, int, bytes]  # number, wire type, value
SCORE_STEP = (
    2.0**-6
)  # between the scores of our unigram models: sums of up to 2¹⁸ are exact in 32 bits of floating point


class Unsuited(Exception):
    """A model that a form or an engine does not take; says why."""


class Kind(IntEnum):
    """What a piece is."""

    NORMAL = 1
    UNKNOWN = 2
    CONTROL = 3
    USER_DEFINED = 4
    UNUSED = 5
    BYTE = 6


class Algorithm(IntEnum):
    """What a model segments by."""

    UNIGRAM = 1
    BPE = 2
    WORD = 3
    CHARACTER = 4


@dataclass(frozen=True)
class Piece:
    """One piece: its text (a space is U+2581), its score as stored, its kind."""

    text: str
    score: float
    kind: Kind


@dataclass(frozen=True)
class Model:
    """What decides the ids that a model gives; `exact_text` says that text is neither normalised nor prefixed."""

    algorithm: Algorithm
    pieces: tuple[Piece, ...]
    byte_fallback: bool
    exact_text: bool


def read_model(data: bytes) -> Model:
    """Return the model in the bytes of a file; raises UserError for bytes that are none."""
    try:
        return _model(data)
    except (IndexError, KeyError, ValueError, struct.error) as error:
        raise UserError(f"This is no sentencepiece model ({error}); make the tokenizer again.") from None


def algorithm_of(data: bytes) -> Algorithm:
    """Return what the model in the bytes of a file segments by, without looking at its pieces."""
    try:
        trainer = next((_by_number(value) for number, _, value in _fields(data) if number == 2), {})
        return Algorithm(_integer(trainer.get(3, b"\x01")))
    except (IndexError, ValueError) as error:
        raise UserError(f"This is no sentencepiece model ({error}); make the tokenizer again.") from None


def with_pieces(data: bytes, pieces: Sequence[Piece]) -> bytes:
    """Return a model file with other pieces."""
    rest = b"".join(_field(*field) for field in _fields(data) if field[0] != 1)
    return b"".join(_field(1, BYTES, _encoded(piece)) for piece in pieces) + rest


def _model(data: bytes) -> Model:
    pieces: list[Piece] = []
    trainer: dict[int, bytes] = {}
    normalizer: dict[int, bytes] = {}
    for number, _, value in _fields(data):
        if number == 1:
            pieces.append(_piece(value))
        elif number == 2:
            trainer = _by_number(value)
        elif number == 3:
            normalizer = _by_number(value)
    if not pieces:
        raise ValueError("no pieces")
    flag = {number: _integer(normalizer.get(number, b"\x01")) == 1 for number in (3, 4, 5)}
    suffix = _integer(trainer.get(24, b"\x00")) == 1
    return Model(
        Algorithm(_integer(trainer.get(3, b"\x01"))),
        tuple(pieces),
        _integer(trainer.get(35, b"\x00")) == 1,
        not normalizer.get(2) and not flag[3] and not flag[4] and flag[5] and not suffix,
    )


def _piece(data: bytes) -> Piece:
    found = _by_number(data)
    (score,) = struct.unpack("<f", found.get(2, bytes(4)))
    return Piece(found[1].decode("utf-8"), score, Kind(_integer(found.get(3, b"\x01"))))


def _encoded(piece: Piece) -> bytes:
    kind = b"" if piece.kind == Kind.NORMAL else _field(3, VARINT, _varint(piece.kind))
    return _field(1, BYTES, piece.text.encode("utf-8")) + _field(2, FIXED32, struct.pack("<f", piece.score)) + kind


def _fields(data: bytes) -> Iterator[Field]:
    position = 0
    while position < len(data):
        tag, position = _read_varint(data, position)
        wire = tag & 7
        if wire == VARINT:
            end = _read_varint(data, position)[1]
        elif wire == BYTES:
            size, position = _read_varint(data, position)
            end = position + size
        elif wire in (FIXED32, FIXED64):
            end = position + (4 if wire == FIXED32 else 8)
        else:
            raise ValueError(f"wire type {wire}")
        if end > len(data):
            raise ValueError("it ends too early")
        yield tag >> 3, wire, data[position:end]
        position = end


def _by_number(data: bytes) -> dict[int, bytes]:
    return {number: value for number, _, value in _fields(data)}


def _field(number: int, wire: int, value: bytes) -> bytes:
    return _varint(number << 3 | wire) + (_varint(len(value)) if wire == BYTES else b"") + value


def _read_varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        value, shift, position = value | (byte & 127) << shift, shift + 7, position + 1
        if byte < 128:
            return value, position


def _varint(value: int) -> bytes:
    found = bytearray()
    while value >= 128:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])


def _integer(data: bytes) -> int:
    return _read_varint(data, 0)[0]
