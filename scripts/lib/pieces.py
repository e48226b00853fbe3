"""How many bytes of text a token stands for, so that losses of different tokenizers compare (bits per byte)."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from scripts.lib.special_tokens import SPECIAL_COUNT

SPACE = "\u2581"  # how sentencepiece writes a space
BYTE = re.compile(r"<0x[0-9A-F]{2}>")


def piece_bytes(pieces: list[str]) -> NDArray[np.int64]:
    """Return the UTF-8 bytes of text that each piece stands for, by id; special tokens stand for none."""
    sizes = [0 if number < SPECIAL_COUNT else _size(piece) for number, piece in enumerate(pieces)]
    return np.array(sizes, dtype=np.int64)


def _size(piece: str) -> int:
    return 1 if BYTE.fullmatch(piece) else len(piece.replace(SPACE, " ").encode("utf-8"))
