"""Tables that hold a row for each document of a part, in its order, read along with it a bounded number of rows at a time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from scripts.lib.documents import read_batches
from scripts.lib.errors import UserError


class Aligned:
    """The rows of a table, handed out in the order in which the documents come."""

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self.path = path
        self._batches = read_batches(path, ["id", *columns])
        self._waiting: pa.Table = pq.read_schema(path).empty_table().select(["id", *columns])

    def of(self, ids: pa.Array) -> pa.Table:
        """Return the rows of the next documents; raises UserError when the table is of others."""
        while self._waiting.num_rows < len(ids) and (batch := next(self._batches, None)) is not None:
            self._waiting = pa.concat_tables([self._waiting, pa.Table.from_batches([batch])])
        now, self._waiting = self._waiting.slice(0, len(ids)), self._waiting.slice(len(ids))
        if now["id"].to_pylist() != ids.to_pylist():
            raise UserError(f"{self.path} is of other documents than were measured; remove its manifest and run again.")
        return now
