"""A supervised fastText model with quantised rows, read into plain arrays (Joulin et al. 2016, FastText.zip).

The layout of `.ftz` files is that of fastText 0.9.2 (`FastText::loadModel`): arguments, dictionary, rows of words and of
character n-grams as product-quantised codes, rows of the output layer. What is read here is what language identifiers use:
one word at a time, subwords, hierarchical softmax. Anything else is refused.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from scripts.lib.errors import UserError

MAGIC, VERSION = 793712314, 12
HIERARCHICAL_SOFTMAX, SUPERVISED = 1, 3
DIMENSIONS, BUCKETS, SHORTEST, LONGEST = 16, 2_000_000, 2, 4  # of rows, of hashed n-grams, of n-grams in characters
CENTROIDS = 256  # of each part of a row
LABEL = "__label__"
FNV_OFFSET, FNV_PRIME = 2166136261, 16777619


class FastTextModel(NamedTuple):
    """The arrays of a model; W words, N n-grams that were kept, D dimensions, L labels.

    labels: names without prefix, in the order of the file, the commonest first. rows (W + N, D) float32: dequantised.
    kept (buckets / 8,): a bit for each bucket of n-grams, set where it was not pruned; ngram_row (buckets,) int32: its row.
    word_row (2^k,) int32: open addressing by the hash of a word, -1 where free; word_bytes, word_start (W + 1,): the words.
    nodes (L - 1, D): output rows. children (L - 1, 2) int32: of each inner node; labels are 0 … L - 1, inner nodes L … from the
    bottom up.
    """

    labels: tuple[str, ...]
    rows: npt.NDArray[np.float32]
    kept: npt.NDArray[np.uint8]
    ngram_row: npt.NDArray[np.int32]
    word_row: npt.NDArray[np.int32]
    word_bytes: npt.NDArray[np.uint8]
    word_start: npt.NDArray[np.int64]
    nodes: npt.NDArray[np.float32]
    children: npt.NDArray[np.int32]


class _Reader:
    """Values of a byte string, one after another."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def values(self, layout: str) -> tuple[int, ...]:
        found = struct.unpack_from("<" + layout, self.data, self.at)
        self.at += struct.calcsize("<" + layout)
        return found

    def value(self, layout: str) -> int:
        return self.values(layout)[0]

    def array(self, kind: str, count: int) -> npt.NDArray[np.generic]:
        found = np.frombuffer(self.data, kind, count, self.at)
        self.at += found.nbytes
        return found

    def string(self) -> bytes:
        end = self.data.index(b"\0", self.at)
        found = self.data[self.at : end]
        self.at = end + 1
        return found


def load(path: Path) -> FastTextModel:
    """Read a model; raises UserError where the file is none, or of a kind that is not read here."""
    try:
        return _load(_Reader(path.read_bytes()))
    except (struct.error, ValueError, IndexError) as error:
        raise UserError(f"{path.name} is no model that is read here ({error}); install the pinned version.") from None


def _load(reader: _Reader) -> FastTextModel:
    if reader.values("ii") != (MAGIC, VERSION):
        raise ValueError("other magic number or version")
    dimensions, _, _, _, _, word_ngrams, loss, model, buckets, shortest, longest, _ = reader.values("12i")
    reader.value("d")
    if (word_ngrams, loss, model) != (1, HIERARCHICAL_SOFTMAX, SUPERVISED):
        raise ValueError("not a classifier by subwords and hierarchical softmax")
    if (dimensions, buckets, shortest, longest) != (DIMENSIONS, BUCKETS, SHORTEST, LONGEST):
        raise ValueError("other dimensions or n-grams than those of lid.176")
    size, words, labels = reader.values("3i")
    _, pruned = reader.values("2q")
    entries = [(reader.string(), reader.value("q"), reader.value("b")) for _ in range(size)]
    kept = np.asarray(reader.array("<i4", 2 * pruned)).reshape(pruned, 2)
    ngram_row = np.zeros(buckets, np.int32)
    ngram_row[kept[:, 0]] = words + kept[:, 1]
    rows = _quantised_rows(reader, dimensions)
    if reader.value("?"):
        raise ValueError("the output layer is quantised")
    outputs, width = reader.values("2q")
    if (outputs, width) != (labels, dimensions) or len(rows) != words + pruned:
        raise ValueError("its layers do not fit together")
    output = np.asarray(reader.array("<f4", outputs * width), np.float32).reshape(outputs, width)
    vocabulary = [word for word, _, _ in entries[:words]]
    return FastTextModel(
        labels=tuple(word.decode("utf-8").removeprefix(LABEL) for word, _, _ in entries[words:]),
        rows=rows,
        kept=np.packbits(ngram_row > 0, bitorder="little"),
        ngram_row=ngram_row,
        word_row=_word_table(vocabulary),
        word_bytes=np.frombuffer(b"".join(vocabulary), np.uint8),
        word_start=np.concatenate(([0], np.cumsum([len(word) for word in vocabulary]))).astype(np.int64),
        nodes=output[: labels - 1].copy(),
        children=_huffman([count for _, count, _ in entries[words:]]),
    )


def _quantised_rows(reader: _Reader, dimensions: int) -> npt.NDArray[np.float32]:
    """Return the rows (n, D) of a product-quantised matrix: centroids of each part, times the quantised norm of the row."""
    if not reader.value("?") or not reader.value("?"):
        raise ValueError("its rows are not quantised with their norms")
    count, width = reader.values("2q")
    codes = np.asarray(reader.array("u1", reader.value("i"))).reshape(count, -1)
    centroids = _centroids(reader, width)
    if width != dimensions or codes.shape[1] != len(centroids):
        raise ValueError("its codes do not fit its dimensions")
    norm_codes = np.asarray(reader.array("u1", count))
    (norms,) = _centroids(reader, 1)
    parts = [part[codes[:, number]] for number, part in enumerate(centroids)]
    return np.ascontiguousarray(np.concatenate(parts, axis=1) * norms[norm_codes])


def _centroids(reader: _Reader, width: int) -> list[npt.NDArray[np.float32]]:
    """Return the centroids (256, d) of each part of a product quantiser; the last part may be narrower."""
    dimensions, parts, usual, last = reader.values("4i")
    if dimensions != width or (parts - 1) * usual + last != dimensions:
        raise ValueError("the parts of its quantiser do not fit")
    widths = [usual] * (parts - 1) + [last]
    return [np.asarray(reader.array("<f4", CENTROIDS * part), np.float32).reshape(CENTROIDS, part) for part in widths]


def fnv(word: bytes) -> int:
    """Return fastText's hash of a word: FNV-1a of 32 bits over bytes that are taken as signed."""
    value = FNV_OFFSET
    for byte in word:
        value = ((value ^ (byte | 0xFFFFFF00 if byte > 127 else byte)) * FNV_PRIME) & 0xFFFFFFFF
    return value


def _word_table(words: list[bytes]) -> npt.NDArray[np.int32]:
    table = np.full(1 << (4 * len(words)).bit_length(), -1, np.int32)
    for row, word in enumerate(words):
        slot = fnv(word) & (len(table) - 1)
        while table[slot] >= 0:
            slot = (slot + 1) & (len(table) - 1)
        table[slot] = row
    return table


def _huffman(counts: list[int]) -> npt.NDArray[np.int32]:
    """Return the children of the inner nodes of the Huffman tree over labels, whose counts descend (`buildTree`)."""
    leaves = len(counts)
    count = [*counts, *([10**15] * (leaves - 1))]
    children = np.zeros((leaves - 1, 2), np.int32)
    leaf, node = leaves - 1, leaves
    for made in range(leaves, 2 * leaves - 1):
        for side in range(2):
            if leaf >= 0 and count[leaf] < count[node]:
                children[made - leaves, side], leaf = leaf, leaf - 1
            else:
                children[made - leaves, side], node = node, node + 1
        count[made] = count[children[made - leaves, 0]] + count[children[made - leaves, 1]]
    return children
