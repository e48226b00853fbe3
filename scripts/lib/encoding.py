"""The fast encoder: the ids of a sentencepiece model for many texts at once, by the compiled loops of `segmentation`.

It takes models whose ids follow from characters alone: byte-pair or unigram, byte fallback, text neither normalised nor
prefixed, every character of a piece itself a piece, and for unigram scores that integers hold. Others it refuses.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from scripts.lib import segmentation
from scripts.lib.pieces import SPACE as SIGN
from scripts.lib.run_cache import new_cache
from scripts.lib.segmentation import CODES, SPACE, SPREAD, Tables
from scripts.lib.sentencepiece_model import SCORE_STEP, Algorithm, Kind, Model, Piece, Unsuited
from scripts.lib.tables import NONE, capacity_for, fill_table

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]


class FastEncoder:
    """Encodes texts to ids; the same ids as sentencepiece's."""

    def __init__(self, model: Model) -> None:
        """Prepare the tables of a model; raises Unsuited for one that is not taken."""
        _check(model)
        self._tables = _tables(model)
        self._cache = new_cache()

    def encode(self, texts: pa.StringArray, end: int = NONE) -> tuple[I32, I64]:
        """Return the ids of all texts one after another, each text followed by `end` if one is given, and ids per text."""
        data, offsets = _buffers(texts)
        room = int(offsets[-1] - offsets[0]) * self._room + len(texts)
        out, sizes = np.empty(room, np.int32), np.empty(len(texts), np.int64)
        count = segmentation.encode_texts(data, offsets, end, self._tables, self._cache, out, sizes)
        return out[:count], sizes

    @property
    def _room(self) -> int:
        """The most ids that one byte of text can become: three for a space without a piece, by its sign."""
        return 1 if self._tables.single[SPACE] != NONE else 3


def _buffers(texts: pa.StringArray) -> tuple[NDArray[np.uint8], I64]:
    """Return the bytes of texts and where each begins, without a copy of the bytes."""
    if texts.null_count:
        raise ValueError("a text is null")
    _, offsets, data = texts.buffers()
    kind = np.int64 if pa.types.is_large_string(texts.type) else np.int32
    places = np.frombuffer(offsets, kind)[texts.offset : texts.offset + len(texts) + 1] if offsets else np.zeros(1)
    held = np.frombuffer(data, np.uint8) if data else np.zeros(0, np.uint8)
    return held, places.astype(np.int64)


def _check(model: Model) -> None:
    if model.algorithm not in (Algorithm.BPE, Algorithm.UNIGRAM):
        raise Unsuited(f"the algorithm {model.algorithm.name.lower()} is not taken")
    if not model.exact_text or not model.byte_fallback:
        raise Unsuited("the model normalises text or has no byte fallback")
    if sum(piece.kind == Kind.BYTE for piece in model.pieces) != 256:
        raise Unsuited("the model lacks a piece for some byte")
    normal = _normal(model)
    if any(len(character) != 1 or character not in normal for piece in normal for character in piece):
        raise Unsuited("a character of a piece is no piece itself")
    user = [piece for piece in model.pieces if piece.kind == Kind.USER_DEFINED]
    if model.algorithm == Algorithm.UNIGRAM:
        if user:
            raise Unsuited("the model weighs user symbols against other pieces")
        if any(value / SCORE_STEP != round(value / SCORE_STEP) for value, _ in normal.values()):
            raise Unsuited("the scores are no multiples of a step")


def _text(piece: Piece) -> str:
    return piece.text.replace(SIGN, " ")


def _normal(model: Model) -> dict[str, tuple[float, int]]:
    """Return score and id of each piece that text can give, by its text with plain spaces."""
    return {
        _text(piece): (piece.score, number) for number, piece in enumerate(model.pieces) if piece.kind == Kind.NORMAL
    }


def _tables(model: Model) -> Tables:
    normal = _normal(model)
    single = np.full(CODES, NONE, np.int32)
    for text, (_, number) in normal.items():
        if len(text) == 1:
            single[ord(text)] = number
    byte = [number for number, piece in enumerate(model.pieces) if piece.kind == Kind.BYTE]
    values = [int(model.pieces[number].text[3:5], 16) for number in byte]
    of_bytes = np.zeros(256, np.int32)
    of_bytes[values] = byte
    pairs = {(ord(a), ord(b)) for text in normal for a, b in itertools.pairwise(text)}
    ascii_pairs = np.zeros(128 * 128, np.bool_)
    ascii_pairs[[a << 7 | b for a, b in pairs if a < 128 and b < 128]] = True
    neighbours, _ = _hashed({pair: 1 for pair in pairs if max(pair) >= 128})
    unigram = model.algorithm == Algorithm.UNIGRAM
    merges, merged = _hashed({} if unigram else _merges(normal))
    steps, nodes, ends = _tree({text: number for text, (_, number) in normal.items()} if unigram else {})
    user = {_text(piece): number for number, piece in enumerate(model.pieces) if piece.kind == Kind.USER_DEFINED}
    scores = np.array([piece.score for piece in model.pieces], np.float64)
    _, ranks = np.unique(-scores, return_inverse=True)
    return Tables(
        single, of_bytes, ascii_pairs, neighbours, merges, merged, ranks.astype(np.int32), steps, nodes, ends,
        np.round(scores / SCORE_STEP).astype(np.int64), *_tree(user), unigram,
    )  # fmt: skip


def _merges(normal: dict[str, tuple[float, int]]) -> dict[tuple[int, int], int]:
    """Return what each pair of pieces becomes that makes a piece."""
    return {
        (normal[text[:cut]][1], normal[text[cut:]][1]): number
        for text, (_, number) in normal.items()
        for cut in range(1, len(text))
        if text[:cut] in normal and text[cut:] in normal
    }


def _tree(pieces: dict[str, int]) -> tuple[Any, Any, I32]:
    """Return the steps of the tree of pieces by their characters, where they lead, and the piece that ends at each node."""
    steps: dict[tuple[int, int], int] = {}
    ends = {0: NONE}
    for text, number in pieces.items():
        node = 0
        for character in text:
            node = steps.setdefault((node, ord(character)), len(ends))
            ends.setdefault(node, NONE)
        ends[node] = number
    return *_hashed(steps), np.array([ends[node] for node in range(len(ends))], np.int32)


def _hashed(entries: dict[tuple[int, int], int]) -> tuple[NDArray[np.uint64], I32]:
    """Return a table in open addressing, at most half full."""
    size = capacity_for(len(entries))
    keys, values = np.zeros(size, np.uint64), np.zeros(size, np.int32)
    pairs = np.array(list(entries), np.uint64).reshape(-1, 2)
    packed = ((pairs[:, 0] << np.uint64(32) | pairs[:, 1]) + np.uint64(1)) * SPREAD  # as segmentation.pair_key
    fill_table(keys, values, packed, np.array(list(entries.values()), np.int32))
    return keys, values
