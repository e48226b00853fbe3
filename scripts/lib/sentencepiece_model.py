"""The parts of a sentencepiece model file that its Python interface does not show: kinds of pieces and normalisation.

The file is a protocol buffer `ModelProto` (sentencepiece, src/sentencepiece_model.proto); only the fields named here are read,
and `with_pieces` changes the pieces and leaves every other byte as it was.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from scripts.lib.errors import UserError
from scripts.lib.protobuf import BYTES, FIXED32, VARINT, by_number, field, fields, integer, varint

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
        trainer = next((by_number(value) for number, _, value in fields(data) if number == 2), {})
        return Algorithm(integer(trainer.get(3, b"\x01")))
    except (IndexError, ValueError) as error:
        raise UserError(f"This is no sentencepiece model ({error}); make the tokenizer again.") from None


def with_pieces(data: bytes, pieces: Sequence[Piece]) -> bytes:
    """Return a model file with other pieces."""
    rest = b"".join(field(*one) for one in fields(data) if one[0] != 1)
    return b"".join(field(1, BYTES, _encoded(piece)) for piece in pieces) + rest


def _model(data: bytes) -> Model:
    pieces: list[Piece] = []
    trainer: dict[int, bytes] = {}
    normalizer: dict[int, bytes] = {}
    for number, _, value in fields(data):
        if number == 1:
            pieces.append(_piece(value))
        elif number == 2:
            trainer = by_number(value)
        elif number == 3:
            normalizer = by_number(value)
    if not pieces:
        raise ValueError("no pieces")
    flag = {number: integer(normalizer.get(number, b"\x01")) == 1 for number in (3, 4, 5)}
    suffix = integer(trainer.get(24, b"\x00")) == 1
    return Model(
        Algorithm(integer(trainer.get(3, b"\x01"))),
        tuple(pieces),
        integer(trainer.get(35, b"\x00")) == 1,
        not normalizer.get(2) and not flag[3] and not flag[4] and flag[5] and not suffix,
    )


def _piece(data: bytes) -> Piece:
    found = by_number(data)
    (score,) = struct.unpack("<f", found.get(2, bytes(4)))
    return Piece(found[1].decode("utf-8"), score, Kind(integer(found.get(3, b"\x01"))))


def _encoded(piece: Piece) -> bytes:
    kind = b"" if piece.kind == Kind.NORMAL else field(3, VARINT, varint(piece.kind))
    return field(1, BYTES, piece.text.encode("utf-8")) + field(2, FIXED32, struct.pack("<f", piece.score)) + kind
