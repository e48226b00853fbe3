"""The fast encoder: the ids of a sentencepiece model for many texts at once, by the compiled loops of `segmentation`.

It takes models whose ids follow from characters alone: byte-pair or unigram, byte fallback, text neither normalised nor
prefixed, every character of a piece itself a piece, and for unigram scores that integers hold. Others it refuses.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from scripts.lib.double_array import tree_of
from scripts.lib.pieces import SPACE as SIGN
from scripts.lib.run_cache import KEPT_IDS, new_cache
from scripts.lib.segmentation import (
    CODES,
    SPACE,
    SPACE_SIGN,
    SPREAD,
    Tables,
    encode_texts,
    new_scratch,
)
from scripts.lib.sentencepiece_model import SCORE_STEP, Algorithm, Kind, Model, Piece, Unsuited
from scripts.lib.tables import NONE, capacity_for, fill_table

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
LABELS = 1 << 14  # of characters, at most: which of them stand side by side takes a bit for each pair, 32 MiB


class FastEncoder:
    """Encodes texts to ids; the same ids as sentencepiece's."""

    def __init__(self, model: Model) -> None:
        """Prepare the tables of a model; raises Unsuited for one that is not taken."""
        _check(model)
        self._tables = _tables(model)
        self._cache, self._scratch = new_cache(), new_scratch()

    def encode(self, texts: pa.StringArray, end: int = NONE) -> tuple[I32, I64]:
        """Return the ids of all texts one after another, each text followed by `end` if one is given, and ids per text."""
        data, offsets = _buffers(texts)
        room = int(offsets[-1] - offsets[0]) * self._room + len(texts) + KEPT_IDS
        out, sizes = np.empty(room, np.int32), np.empty(len(texts), np.int64)
        state = np.array([0, offsets[0], 0, 0], np.int64)
        places = (out, sizes, state)
        while more := encode_texts(data, offsets, end, self._tables, self._cache, self._scratch, *places):
            self._scratch = new_scratch(more)
        return out[: state[3]], sizes

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
    normal, symbols = _normal(model), _symbols(model)
    if any(len(character) != 1 or character not in normal for piece in normal for character in piece):
        raise Unsuited("a character of a piece is no piece itself")
    if len(_labels(normal, symbols)) >= LABELS:
        raise Unsuited(f"{LABELS:,} or more characters stand beside others in pieces")
    if model.algorithm == Algorithm.UNIGRAM:
        if symbols:
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


def _symbols(model: Model) -> dict[str, int]:
    """Return the id of each symbol that always stands alone, by its text with plain spaces."""
    return {_text(piece): number for number, piece in enumerate(model.pieces) if piece.kind == Kind.USER_DEFINED}


def _labels(normal: Iterable[str], symbols: Iterable[str]) -> dict[str, int]:
    """Return the labels of characters that are not alone in every piece, from 1 on; the frequent ones are the first."""
    texts = itertools.chain((text for text in normal if len(text) > 1), symbols)
    counts = Counter(character for text in texts for character in text)
    ordered = sorted(counts, key=lambda character: (-counts[character], character))
    return {character: label for label, character in enumerate(ordered, 1)}


def _tables(model: Model) -> Tables:
    normal, symbols = _normal(model), _symbols(model)
    unigram = model.algorithm == Algorithm.UNIGRAM
    label_of = _labels(normal, symbols)
    labels, single = np.zeros(CODES, np.uint16), np.full(CODES, NONE, np.int32)
    for character, label in label_of.items():
        labels[ord(character)] = label
    for text, (_, number) in normal.items():
        if len(text) == 1:
            single[ord(text)] = number
    labelled = np.array([NONE, *(single[ord(character)] for character in label_of)], np.int32)
    labels[SPACE_SIGN], single[SPACE_SIGN] = labels[SPACE], single[SPACE]
    byte = [number for number, piece in enumerate(model.pieces) if piece.kind == Kind.BYTE]
    of_bytes = np.zeros(256, np.int32)
    of_bytes[[int(model.pieces[number].text[3:5], 16) for number in byte]] = byte
    scores = np.array([piece.score for piece in model.pieces], np.float64)
    _, ranks = np.unique(-scores, return_inverse=True)
    weights = np.round(scores / SCORE_STEP).astype(np.int64)
    words = [
        ([label_of[one] for one in text], number, int(weights[number]))
        for text, (_, number) in normal.items()
        if text[0] in label_of
    ]
    return Tables(
        labels, single, labelled, of_bytes, *_beside(normal, label_of), *_hashed({} if unigram else _merges(normal)),
        ranks.astype(np.int32), tree_of(words if unigram else [], len(label_of) + 1),
        tree_of([([label_of[one] for one in text], number, 0) for text, number in symbols.items()], len(label_of) + 1),
        bool(symbols), unigram,
    )  # fmt: skip


def _beside(texts: Iterable[str], label_of: dict[str, int]) -> tuple[NDArray[np.uint64], np.uint64]:
    """Return the bits that say which characters stand side by side in texts, row by row, and how many words a row has."""
    pairs = {(label_of[a], label_of[b]) for text in texts for a, b in itertools.pairwise(text)}
    first, second = np.array(sorted(pairs), np.int64).reshape(-1, 2).T
    words = (len(label_of) + 64) // 64
    beside = np.zeros((len(label_of) + 1, words), np.uint64)
    np.bitwise_or.at(beside, (first, second // 64), np.uint64(1) << (second % 64).astype(np.uint64))
    return beside.reshape(-1), np.uint64(words)


def _merges(normal: dict[str, tuple[float, int]]) -> dict[tuple[int, int], int]:
    """Return what each pair of pieces becomes that makes a piece."""
    return {
        (normal[text[:cut]][1], normal[text[cut:]][1]): number
        for text, (_, number) in normal.items()
        for cut in range(1, len(text))
        if text[:cut] in normal and text[cut:] in normal
    }


def _hashed(entries: dict[tuple[int, int], int]) -> tuple[Any, I32]:
    """Return a table in open addressing, at most half full."""
    size = capacity_for(len(entries))
    keys, values = np.zeros(size, np.uint64), np.zeros(size, np.int32)
    pairs = np.array(list(entries), np.uint64).reshape(-1, 2)
    packed = ((pairs[:, 0] << np.uint64(32) | pairs[:, 1]) + np.uint64(1)) * SPREAD  # as segmentation.pair_key
    fill_table(keys, values, packed, np.array(list(entries.values()), np.int32))
    return keys, values
