"""What a fastText classifier makes of a text, compiled: the sums of `FastText::predict` in its order, without its copies.

A text is UTF-8 (n,) uint8. A token is what stands between ASCII white space; it counts with its own row, if it is a word of
the model, and with those of its character n-grams. Their sum over the number of rows is the text's vector.
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
def _word(token: Bytes, word_row: npt.NDArray[np.int32], word_bytes: Bytes, word_start: npt.NDArray[np.int64]) -> int:
    """Return the row of a token that is a word of the model, else -1."""
    value = OFFSET
    for byte in token:
        value = _mixed(value, byte)
    mask = len(word_row) - 1
    slot = np.int64(value) & mask
    while word_row[slot] >= 0:
        row = word_row[slot]
        start = word_start[row]
        if word_start[row + 1] - start == len(token):
            same = True
            for at in range(len(token)):
                if word_bytes[start + at] != token[at]:
                    same = False
                    break
            if same:
                return int(row)
        slot = (slot + 1) & mask
    return -1


@compiled
def _add(vector: Floats, rows: Floats, row: int) -> None:
    for at in range(SIZE):
        vector[at] += rows[row, at]


@compiled
def _add_ngrams(token: Bytes, vector: Floats, rows: Floats, ngram_row: npt.NDArray[np.int32]) -> int:
    """Add the rows of the n-grams of a marked token to a vector; return how many. No n-gram begins inside a character."""
    added = 0
    size = len(token)
    for start in range(size):
        if token[start] & 0xC0 == 0x80:
            continue
        value = OFFSET
        end = start
        for length in range(1, LONGEST + 1):
            if end == size:
                break
            value = _mixed(value, token[end])
            end += 1
            while end < size and token[end] & 0xC0 == 0x80:
                value = _mixed(value, token[end])
                end += 1
            if length >= SHORTEST:
                row = ngram_row[value % MODULUS]
                if row > 0:
                    _add(vector, rows, row)
                    added += 1
    return added


@compiled
def add_text(
    text: Bytes,
    vector: Floats,
    rows: Floats,
    ngram_row: npt.NDArray[np.int32],
    word_row: npt.NDArray[np.int32],
    word_bytes: Bytes,
    word_start: npt.NDArray[np.int64],
) -> int:
    """Add the rows of every token of a text to a vector (D,); return how many rows."""
    added = 0
    marked = np.empty(len(text) + 2, np.uint8)
    marked[0] = OPEN
    length = 1
    for at in range(len(text) + 1):
        if at < len(text) and not (text[at] == 32 or 9 <= text[at] <= 13 or text[at] == 0):
            marked[length] = text[at]
            length += 1
        elif length > 1:
            row = _word(marked[1:length], word_row, word_bytes, word_start)
            if row >= 0:
                _add(vector, rows, row)
                added += 1
            marked[length] = CLOSE
            added += _add_ngrams(marked[: length + 1], vector, rows, ngram_row)
            length = 1
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
            model.ngram_row,
            model.word_row,
            model.word_bytes,
            model.word_start,
        )
        vector *= np.float32(1.0 / added)
        return label_scores(vector, model.nodes, model.children)
