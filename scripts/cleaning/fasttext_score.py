"""What a fastText classifier makes of a text, compiled: the sums of `FastText::predict` in its order, without its copies.

A text is UTF-8 (n,) uint8. A token is what stands between ASCII white space; it counts with its own row, if it is a word of
the model, and with those of its character n-grams. Their sum over the number of rows is the text's vector. Only `</s>`
and `__label__…` in a text are words like others here, while fastText ends the line at the one and skips the other.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from scripts.cleaning.fasttext_model import BUCKETS, DIMENSIONS, FNV_OFFSET, FNV_PRIME, LONGEST, SHORTEST, FastTextModel
from scripts.lib.compiled import compiled

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

OFFSET, PRIME = np.uint32(FNV_OFFSET), np.uint32(FNV_PRIME)
SIZE, MODULUS = DIMENSIONS, np.uint32(BUCKETS)  # constants, so that loops unroll and no division is left
OPEN, CLOSE = np.uint8(ord("<")), np.uint8(ord(">"))  # the marks around a token whose n-grams are taken
TINY = 1e-5  # fastText's guard of logarithms


@compiled
def _mixed(value: np.uint32, byte: np.uint8) -> np.uint32:
    """One step of FNV-1a over a signed byte."""
    return np.uint32((value ^ np.uint32(np.int32(np.int8(byte)))) * PRIME)


@compiled
def _word(
    marked: Bytes, size: int, word_row: npt.NDArray[np.int32], word_bytes: Bytes, word_start: npt.NDArray[np.int64]
) -> int:
    """Return the row of the token between the marks, if it is a word of the model, else -1."""
    value = OFFSET
    for at in range(1, size - 1):
        value = _mixed(value, marked[at])
    mask = len(word_row) - 1
    slot = np.int64(value) & mask
    while word_row[slot] >= 0:
        row = word_row[slot]
        start = word_start[row]
        same = word_start[row + 1] - start == size - 2
        at = 1
        while same and at < size - 1:
            same = word_bytes[start + at - 1] == marked[at]
            at += 1
        if same:
            return int(row)
        slot = (slot + 1) & mask
    return -1


@compiled
def _add(vector: Floats, rows: Floats, row: int) -> None:
    for at in range(SIZE):
        vector[at] += rows[row, at]


@compiled
def _add_ngrams(
    marked: Bytes, size: int, vector: Floats, rows: Floats, kept: Bytes, ngram_row: npt.NDArray[np.int32]
) -> int:
    """Add the rows of the n-grams of a marked token to a vector; return how many. No n-gram begins inside a character."""
    added = 0
    for start in range(size):
        if marked[start] & 0xC0 == 0x80:
            continue
        value = OFFSET
        end = start
        for length in range(1, LONGEST + 1):
            if end == size:
                break
            value = _mixed(value, marked[end])
            end += 1
            while end < size and marked[end] & 0xC0 == 0x80:
                value = _mixed(value, marked[end])
                end += 1
            if length >= SHORTEST:
                bucket = value % MODULUS
                if kept[bucket >> 3] >> (bucket & 7) & 1:
                    _add(vector, rows, ngram_row[bucket])
                    added += 1
    return added


@compiled
def add_text(
    text: Bytes,
    vector: Floats,
    rows: Floats,
    kept: Bytes,
    ngram_row: npt.NDArray[np.int32],
    word_row: npt.NDArray[np.int32],
    word_bytes: Bytes,
    word_start: npt.NDArray[np.int64],
) -> int:
    """Add the rows of every token of a text to a vector (D,); return how many rows."""
    added = 0
    marked = np.empty(len(text) + 2, np.uint8)
    marked[0] = OPEN
    size = 1
    for at in range(len(text) + 1):
        if at < len(text) and not (text[at] == 32 or 9 <= text[at] <= 13 or text[at] == 0):
            marked[size] = text[at]
            size += 1
        elif size > 1:
            marked[size] = CLOSE
            row = _word(marked, size + 1, word_row, word_bytes, word_start)
            if row >= 0:
                _add(vector, rows, row)
                added += 1
            added += _add_ngrams(marked, size + 1, vector, rows, kept, ngram_row)
            size = 1
    return added


@compiled
def label_scores(vector: Floats, nodes: Floats, children: npt.NDArray[np.int32]) -> Floats:
    """Return the log probability (L,) of each label for the mean of a text's rows (D,): the way to it through the tree."""
    labels = len(nodes) + 1
    scores = np.zeros(2 * labels - 1, np.float32)
    for node in range(labels - 2, -1, -1):
        turn = np.float32(0)
        for at in range(SIZE):
            turn += nodes[node, at] * vector[at]
        right = np.float32(1) / (np.float32(1) + np.exp(-turn))
        scores[children[node, 0]] = scores[labels + node] + np.float32(np.log(1.0 - right + TINY))
        scores[children[node, 1]] = scores[labels + node] + np.float32(np.log(right + TINY))
    return scores[:labels]


@compiled
def best_label(scores: Floats, possible: npt.NDArray[np.bool_]) -> tuple[int, float]:
    """Return the likeliest of the possible labels by log probability (L,), and its log odds against the rest of them."""
    best = -1
    total = 0.0
    for label in range(len(scores)):
        if possible[label]:
            total += np.exp(np.float64(scores[label]))
            if best < 0 or scores[label] > scores[best]:
                best = label
    others = max(total - np.exp(np.float64(scores[best])), 1e-30)
    return best, np.float64(scores[best]) - np.log(others)


class Scorer:
    """A model with its compiled functions."""

    def __init__(self, model: FastTextModel) -> None:
        self.model = model

    def log_probabilities(self, text: bytes) -> Floats:
        """Return the log probability of each label for a text in one line, as `predict` of fastText has it."""
        model = self.model
        vector = model.rows[0].copy()  # every line ends with the row of its end
        added = 1 + add_text(
            np.frombuffer(text, np.uint8),
            vector,
            model.rows,
            model.kept,
            model.ngram_row,
            model.word_row,
            model.word_bytes,
            model.word_start,
        )
        vector *= np.float32(1.0 / added)
        return label_scores(vector, model.nodes, model.children)
