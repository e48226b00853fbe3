"""The total order of documents, by which the first of several copies survives.

A document stands before another by the priority of its source, then by its quality where the selection gives one, then by the
length of its text, then by its id. Neither arrival nor the number of parts counts. (Two documents of one id and one length
differ by the digests of their texts, and only then by their parts.)
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from scripts.cleaning.corpus import Corpus
from scripts.cleaning.spool import I64
from scripts.lib.versions import source_ids


def ranked(
    corpus: Corpus, positions: I64, group: NDArray[np.generic], number: NDArray[np.generic] | None = None
) -> I64:
    """Return the order of documents by group and, within each, by the total order, int64 [positions].

    A document may stand there several times; `number` then tells which of these is the first.
    """
    exact = corpus.exact.pick(positions)
    columns = {"group": pa.array(group), "source": pa.array(corpus.sources(positions))}
    if corpus.quality is not None:
        columns["quality"] = pa.array(corpus.quality[positions])
    columns["characters"] = pa.array(corpus.characters[positions])
    columns["id"] = source_ids(corpus.names.pick(positions))
    columns |= {f"exact{place}": pa.array(np.ascontiguousarray(exact[:, place])) for place in range(exact.shape[1])}
    columns["part"] = pa.array(corpus.part[positions])
    if number is not None:
        columns["number"] = pa.array(number)
    falling = ("quality", "characters")
    keys = [(name, "descending" if name in falling else "ascending") for name in columns]
    found: I64 = pc.sort_indices(pa.table(columns), sort_keys=keys).to_numpy().astype(np.int64)
    return found


def firsts(group: NDArray[np.generic]) -> I64:
    """Return for every row of sorted groups the row where its group starts."""
    begins = np.concatenate([[True], group[1:] != group[:-1]]) if len(group) else np.zeros(0, np.bool_)
    found: I64 = np.flatnonzero(begins)[np.cumsum(begins) - 1]
    return found
