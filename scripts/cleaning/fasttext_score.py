"""What a fastText classifier makes of a text, compiled: the sums of `FastText::predict` in its order, without its copies.

A text is UTF-8 (n,) uint8. A token is what stands between ASCII white space; it counts with its own row, if it is a word of
the model, and with those of its character n-grams. Their sum over the number of rows is the text's vector. Only `</s>`
and `__label__…` in a text are words like others here, while fastText ends the line at the one and skips the other.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from scripts.cleaning.fasttext_model import BUCKETS, DIMENSIONS, FNV_OFFSET, FNV_PRIME, LONGEST, SHORTEST, FastTextModel
from scripts.lib.compiled import compiled, compiled_inner

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

OFFSET, PRIME = np.uint32(FNV_OFFSET), np.uint32(FNV_PRIME)
SIZE, MODULUS = DIMENSIONS, np.uint32(BUCKETS)  # constants, so that loops unroll and no division is left
OPEN, CLOSE = np.uint8(ord("<")), np.uint8(ord(">"))  # the marks around a token whose n-grams are taken
TINY = 1e-5  # fastText's guard of logarithms
MOST_ODDS = 12.0  # log odds beyond which nothing is surer


@compiled_inner
def _mixed(value: np.uint32, byte: np.uint8) -> np.uint32:
    """One step of FNV-1a over a signed byte."""
    return np.uint32((value ^ np.uint32(np.int32(np.int8(byte)))) * PRIME)


@compiled_inner
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


@compiled_inner
def _add(vector: Floats, rows: Floats, row: int) -> None:
    for at in range(SIZE):
        vector[at] += rows[row, at]


@compiled_inner
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
def label_probabilities(vector: Floats, added: int, nodes: Floats, children: npt.NDArray[np.int32]) -> Doubles:
    """Return the probability (L,) of each label for the mean of `added` rows (D,): the product of the turns to it in the tree."""
    labels = len(nodes) + 1
    scale = np.float32(1.0 / added)
    found = np.ones(2 * labels - 1, np.float64)
    for node in range(labels - 2, -1, -1):
        turn = np.float32(0)
        for at in range(SIZE):
            turn += nodes[node, at] * (vector[at] * scale)
        right = np.float32(1) / (np.float32(1) + np.exp(-turn))
        found[children[node, 0]] = found[labels + node] * (1.0 - right + TINY)
        found[children[node, 1]] = found[labels + node] * (right + TINY)
    return found[:labels]


@compiled_inner
def likeliest(probabilities: Doubles, possible: npt.NDArray[np.bool_]) -> tuple[int, float]:
    """Return the likeliest of the possible labels, and its log odds against the rest of them, at most `MOST_ODDS`."""
    best = -1
    others = 0.0
    for label in range(len(probabilities)):
        if possible[label]:
            if best < 0 or probabilities[label] > probabilities[best]:
                others += probabilities[best] if best >= 0 else 0.0
                best = label
            else:
                others += probabilities[label]
    return best, np.log(probabilities[best] / max(others, probabilities[best] * np.exp(-MOST_ODDS)))


@compiled
def identified(
    text: Bytes,
    possible: npt.NDArray[np.bool_],
    rows: Floats,
    kept: Bytes,
    ngram_row: npt.NDArray[np.int32],
    word_row: npt.NDArray[np.int32],
    word_bytes: Bytes,
    word_start: npt.NDArray[np.int64],
    nodes: Floats,
    children: npt.NDArray[np.int32],
) -> tuple[Doubles, int, float]:
    """Return the probabilities (L,) of all labels for a text in one line, and what `likeliest` makes of them."""
    vector = rows[0].copy()  # every line ends with the row of its end
    added = 1 + add_text(text, vector, rows, kept, ngram_row, word_row, word_bytes, word_start)
    probabilities = label_probabilities(vector, added, nodes, children)
    best, odds = likeliest(probabilities, possible)
    return probabilities, best, odds


class Scorer:
    """A model with its compiled functions."""

    def __init__(self, model: FastTextModel) -> None:
        self.labels = model.labels
        self._every = np.ones(len(model.labels), np.bool_)
        self._arrays = model[1:]

    def probabilities(self, text: bytes) -> Doubles:
        """Return the probability of each label for a text in one line, as `predict` of fastText has it."""
        found, _, _ = identified(np.frombuffer(text, np.uint8), self._every, *self._arrays)
        return found

    def likeliest(self, text: bytes, possible: npt.NDArray[np.bool_]) -> tuple[str, float]:
        """Return the likeliest of the possible labels (one at least), and its log odds against the rest of them."""
        _, best, odds = identified(np.frombuffer(text, np.uint8), possible, *self._arrays)
        return self.labels[best], odds
