"""What was found of the terms of lexicons in the documents of a part (scripts.cleaning.flag), as columns that rules look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from scripts.cleaning.aligned import Aligned
from scripts.cleaning.filters import lexicon_column
from scripts.lib.step import Step

MEASURED = ("matches", "share")


class Flags:
    """The flags of a part by lexicon, handed out in the order in which its documents come."""

    def __init__(self, tables: Mapping[str, Aligned]) -> None:
        self._tables = tables

    @classmethod
    def open(cls, step: Step, names: Sequence[str], manifests: Sequence[Path]) -> Flags:
        """Return the flags of a part; `manifests` are in the order of the names."""
        opened = [step.read("flags", manifest) for manifest in manifests]
        pairs = zip(names, opened, strict=True)
        return cls({name: Aligned(one.path(f"{one.manifest_path.stem}.parquet"), MEASURED) for name, one in pairs})

    def measure(self, ids: pa.Array) -> dict[str, npt.NDArray[np.float64]]:
        """Return the columns of the next documents; NaN where a lexicon has no terms for a document's language."""
        found = {}
        for name, table in self._tables.items():
            rows = table.of(ids)
            for column in MEASURED:
                values = rows[column].combine_chunks().cast(pa.float64())
                found[lexicon_column(name, column)] = values.to_numpy(zero_copy_only=False)
        return found


NO_FLAGS = Flags({})
