"""What turns the documents of a part into ids: sentencepiece, or the compiled encoder that is checked against it.

Both give the same ids, so which one ran is execution and changes no digest: the provenance names it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from scripts.lib.pieces import SPACE
from scripts.lib.sentencepiece_model import read_model
from scripts.lib.vocabulary import Vocabulary, certain_cut, neighbours_of

Ids = tuple[NDArray[np.integer[Any]], NDArray[np.int64]]  # of all texts one after another, and how many each has

COMPILING_BYTES = 32_000_000  # of text: below, making the machine code for the first time may take longer than it saves
LOADING_BYTES = 4_000_000  # below, loading it may
CHECKED_FIRST, CHECKED_EVERY = 32, 256  # the first documents of a part are checked, and then each so many
CHECKED_CHARACTERS = 20_000  # of a checked document: from its start up to where no piece can cross


class DifferentIds(Exception):
    """The compiled encoder gave other ids than sentencepiece."""


class Engine(Protocol):
    """Encodes texts, each followed by the token `end`."""

    name: str

    def encode(self, texts: pa.StringArray, end: int) -> Ids:
        """Return the ids of texts."""
        ...


class Reference:
    """sentencepiece itself."""

    name = "sentencepiece"

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary

    def encode(self, texts: pa.StringArray, end: int) -> Ids:
        """Return the ids of texts."""
        found = [np.array([*self._vocabulary.encode(text), end], np.int64) for text in texts.to_pylist()]
        return np.concatenate([np.zeros(0, np.int64), *found]), np.array([len(ids) for ids in found], np.int64)


class Checked:
    """The compiled encoder; raises DifferentIds when a document of the sample gets other ids than from sentencepiece.

    What is compared is what will be written. `neighbours` are the pairs of characters that stand side by side in pieces.
    """

    name = "compiled"

    def __init__(self, fast: Any, vocabulary: Vocabulary, neighbours: frozenset[str]) -> None:
        self._fast, self._vocabulary, self._neighbours = fast, vocabulary, neighbours
        self._seen = 0
        self.checked = 0

    def encode(self, texts: pa.StringArray, end: int) -> Ids:
        """Return the ids of texts."""
        ids, sizes = self._fast.encode(texts, end)
        first = range(self._seen, min(CHECKED_FIRST, self._seen + len(texts)))
        then = range(-(-self._seen // CHECKED_EVERY) * CHECKED_EVERY, self._seen + len(texts), CHECKED_EVERY)
        stops = np.cumsum(sizes)
        for number in sorted({*first, *then}):
            place = number - self._seen
            self._check(texts[place].as_py(), ids[stops[place] - sizes[place] : stops[place]], end)
        self._seen += len(texts)
        return ids, sizes

    def _check(self, text: str, ids: NDArray[np.integer[Any]], end: int) -> None:
        stop = certain_cut(text.replace(SPACE, " "), 0, CHECKED_CHARACTERS, self._neighbours)
        expected = [*self._vocabulary.encode(text[:stop]), *([end] if stop == len(text) else [])]
        compared = ids if stop == len(text) else ids[: len(expected)]
        if compared.tolist() != expected:
            raise DifferentIds(f"other ids for {text[:40]!r}")
        self.checked += 1


def compiled_engine(model: Path, vocabulary: Vocabulary) -> Checked:
    """Return the compiled engine of a model file; raises Unsuited when it does not take the model."""
    from scripts.lib.encoding import FastEncoder  # loads numba

    read = read_model(model.read_bytes())
    return Checked(FastEncoder(read), vocabulary, neighbours_of(read))


def worth_compiling(size: int) -> bool:
    """Tell whether the compiled encoder has encoded so many bytes of text sooner than sentencepiece, its start included."""
    if not LOADING_BYTES <= size < COMPILING_BYTES:
        return size >= COMPILING_BYTES
    from scripts.lib.compiled import cache_folder  # loads numba

    folder = cache_folder("scripts.lib.segmentation")
    return folder is not None and any(folder.glob("*encode_texts*.nbi"))


def text_bytes(documents: Path) -> int:
    """Return about how many bytes of text a Parquet file holds, from its footer."""
    with pq.ParquetFile(documents) as file:
        groups = [file.metadata.row_group(number) for number in range(file.num_row_groups)]
        column = file.schema_arrow.get_field_index("text")
        return sum(group.column(column).total_uncompressed_size for group in groups)
