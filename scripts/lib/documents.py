"""Documents as they pass between steps: Parquet, zstd, one fixed schema, identical bytes for identical rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from scripts.lib.errors import UserError

DOCUMENT_SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("id", "text", "url", "date", "language", "license", "meta")]
)
ROW_GROUP_BYTES = 16 << 20  # of text and other values, so that memory does not grow with the part
ROW_GROUP_ROWS = 20_000


class DocumentWriter:
    """Write rows to a Parquet file with fixed settings; row groups are cut by size, never by arrival."""

    def __init__(self, path: Path, schema: pa.Schema = DOCUMENT_SCHEMA) -> None:
        self.schema = schema
        self.rows = 0
        self._writer = pq.ParquetWriter(path, schema, compression="zstd", compression_level=3)
        self._pending: list[dict[str, Any]] = []
        self._pending_bytes = 0

    def write(self, row: dict[str, Any]) -> None:
        """Add one row, a mapping with exactly the columns of the schema."""
        self._pending.append(row)
        self._pending_bytes += sum(len(value) for value in row.values() if isinstance(value, str | bytes))
        self.rows += 1
        if self._pending_bytes >= ROW_GROUP_BYTES or len(self._pending) >= ROW_GROUP_ROWS:
            self._flush()

    def write_table(self, table: pa.Table) -> None:
        """Add all rows of a table as one row group."""
        self._flush()
        self._writer.write_table(table.cast(self.schema))
        self.rows += table.num_rows

    def _flush(self) -> None:
        if self._pending:
            self._writer.write_table(pa.Table.from_pylist(self._pending, schema=self.schema))
            self._pending, self._pending_bytes = [], 0

    def __enter__(self) -> DocumentWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._flush()
        self._writer.close()


def write_table(path: Path, table: pa.Table) -> None:
    """Write a whole table with the fixed settings."""
    with DocumentWriter(path, table.schema) as writer:
        writer.write_table(table)


def read_batches(path: Path, columns: Sequence[str] | None = None, rows: int = 2_000) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a Parquet file in batches of at most `rows`; raises UserError for a file that is none.

    A batch never joins row groups, which hold a bounded number of bytes: rows may be whole books.
    """
    wanted = list(columns) if columns else None
    try:
        with pq.ParquetFile(path, pre_buffer=False) as file:
            for group in range(file.num_row_groups):
                yield from file.iter_batches(batch_size=rows, row_groups=[group], columns=wanted)
    except pa.ArrowInvalid as error:
        raise UserError(f"{path} is not a readable Parquet file ({error}); remove it and run again.") from None


def read_rows(path: Path, columns: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
    """Yield the rows of a Parquet file as dictionaries, in order."""
    for batch in read_batches(path, columns):
        yield from batch.to_pylist()
