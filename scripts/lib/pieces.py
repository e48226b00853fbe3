"""What the pieces of a tokenizer stand for: bytes of text, so that losses of different tokenizers compare, and parts of words."""

from __future__ import annotations

import re
import unicodedata

import numpy as np
from numpy.typing import NDArray

from scripts.lib.special_tokens import SPECIAL_COUNT

SPACE = "\u2581"  # how sentencepiece writes a space
BYTE = re.compile(r"<0x[0-9A-F]{2}>")


def piece_bytes(pieces: list[str]) -> NDArray[np.int64]:
    """Return the UTF-8 bytes of text that each piece stands for, by id; special tokens stand for none."""
    sizes = [0 if number < SPECIAL_COUNT else _size(piece) for number, piece in enumerate(pieces)]
    return np.array(sizes, dtype=np.int64)


def word_continuations(pieces: list[str]) -> NDArray[np.bool_]:
    """Return for every piece whether it continues the word before it: the second and later pieces of a word.

    A piece begins a word when it holds the space before it, when it is no letter, mark or digit (punctuation, line ends), or when
    its script has no spaces, where every piece counts as a word. Bytes that spell a rare character continue.
    """
    return np.array([_continues(number, piece) for number, piece in enumerate(pieces)], dtype=bool)


def _continues(number: int, piece: str) -> bool:
    if number < SPECIAL_COUNT or not piece or piece.startswith(SPACE):
        return False
    if BYTE.fullmatch(piece):
        return int(piece[3:5], 16) >= 0x80  # a byte of ASCII is a character of its own
    kind = unicodedata.category(piece[0])
    return kind[0] in "LMN" and kind != "Lo"  # ideographs, kana, Thai and others without case or spaces


def _size(piece: str) -> int:
    return 1 if BYTE.fullmatch(piece) else len(piece.replace(SPACE, " ").encode("utf-8"))
