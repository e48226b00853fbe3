"""What the pieces of a tokenizer stand for: bytes of text, so that losses of different tokenizers compare, and parts of words."""

from __future__ import annotations

import re

import numpy as np
import regex
from numpy.typing import NDArray

from scripts.lib.special_tokens import SPECIAL_COUNT
from scripts.lib.unspaced import SCRIPTS

SPACE = "\u2581"  # how sentencepiece writes a space
BYTE = re.compile(r"<0x[0-9A-F]{2}>")
INSIDE = r"\p{L}\p{M}\p{N}\u200c\u200d"  # what words are made of; joiners stand inside words of Persian and Hindi
GOES_ON = regex.compile(rf"\p{{M}}|[{INSIDE}--[{SCRIPTS}]]", regex.VERSION1)
MAY_GO_ON = regex.compile(rf"[{INSIDE}{SPACE}]\Z")


def piece_bytes(pieces: list[str]) -> NDArray[np.int64]:
    """Return the UTF-8 bytes of text that each piece stands for, by id; special tokens stand for none."""
    sizes = [0 if number < SPECIAL_COUNT else _size(piece) for number, piece in enumerate(pieces)]
    return np.array(sizes, dtype=np.int64)


def word_continuations(pieces: list[str]) -> NDArray[np.bool_]:
    """Return [2, pieces]: whether a piece goes on with a word that is begun before it, and whether a word may go on behind it.

    The second and later pieces of a word are those that go on behind one that a word may go on behind. A piece does not go on
    that begins with the space before it, with punctuation or a line end, or with a letter of a script that has no spaces, where
    every piece counts as a word. Bytes that spell a rare character go on.
    """
    return np.array([_borders(number, piece) for number, piece in enumerate(pieces)], dtype=bool).T


def _borders(number: int, piece: str) -> tuple[bool, bool]:
    if number < SPECIAL_COUNT:
        return False, False
    if BYTE.fullmatch(piece):
        rare = int(piece[3:5], 16) >= 0x80  # a byte of ASCII is a character of its own
        return rare, rare
    return GOES_ON.match(piece) is not None, MAY_GO_ON.search(piece) is not None


def _size(piece: str) -> int:
    return 1 if BYTE.fullmatch(piece) else len(piece.replace(SPACE, " ").encode("utf-8"))
