"""Parquet files, with the names of the columns as options.

A row group that cannot be read costs its own rows, a text that is no UTF-8 its own row. A share of a file is a range of its
rows, of which the row groups are read that hold some.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from scripts.sources.records import Outcome, key_of, quarantined
from scripts.sources.rows import COLUMNS, row_record
from scripts.sources.shares import WHOLE, Share
from scripts.sources.streams import MAX_RECORD_BYTES

BATCH = 64  # rows, fewer where they are long
BATCH_BYTES = 16 << 20
UNREADABLE = object()


def read(path: Path, origin: str, options: Mapping[str, Any]) -> Iterator[Outcome]:
    """Yield one outcome a row. Options: the columns `text`, `id`, `url`, `date`, `language`, `license`."""
    return read_share(path, origin, options, WHOLE)


def read_share(path: Path, origin: str, options: Mapping[str, Any], share: Share) -> Iterator[Outcome]:
    """Yield the outcomes of a share of the rows."""
    columns = {**COLUMNS, **options}
    try:
        file = pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20)  # else a whole column of a row group is held
    except (pa.ArrowException, OSError) as error:
        yield from share.of([quarantined("no_parquet", origin, str(error))])
        return
    with file:
        wanted = [name for name in file.schema_arrow.names if any(_needs(name, column) for column in columns.values())]
        wanted = wanted or file.schema_arrow.names[:1]  # so that rows without any of the columns are counted
        first, last = share.within(file.metadata.num_rows)
        end = 0
        for group in range(file.num_row_groups):
            number, end = end, end + file.metadata.row_group(group).num_rows
            if end <= first or number >= last:
                continue
            try:
                for batch in file.iter_batches(_rows_at_once(file, group), row_groups=[group], columns=wanted):
                    start, stop = max(first, number), min(last, number + len(batch))
                    if start < stop:
                        for place, row in enumerate(_rows(batch.slice(start - number, stop - start)), start + 1):
                            yield _outcome(row, columns, key_of(origin), place)
                    number += len(batch)
                    if number >= last:
                        break
            except (pa.ArrowException, OSError) as error:
                for lost in range(max(number, first) + 1, min(end, last) + 1):
                    yield quarantined("damaged_row_group", f"row {lost}", str(error))


def _rows_at_once(file: pq.ParquetFile, group: int) -> int:
    """Return how many rows of a row group to hold at once, by their mean size as the file states it."""
    stated = file.metadata.row_group(group)
    rows, size = int(stated.num_rows), int(stated.total_byte_size)
    return max(1, min(BATCH, BATCH_BYTES * rows // max(size, 1)))


def _needs(name: str, column: str) -> bool:
    return column == name or column.startswith(f"{name}.")


def _rows(batch: pa.RecordBatch) -> Iterator[dict[str, Any]]:
    """Yield the rows of a batch with its texts as bytes, since one that is no UTF-8 would fail all of them."""
    values = []
    for column in batch.columns:
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            column = column.cast(pa.large_binary())
        try:
            values.append(column.to_pylist())
        except (ValueError, OverflowError):  # one value fails the whole column
            values.append([_value(scalar) for scalar in column])
    for row in zip(*values, strict=True):
        yield dict(zip(batch.schema.names, row, strict=True))


def _value(scalar: Any) -> Any:
    """Return a value, or UNREADABLE where Python has none for it: a date after the year 9999, text that is no UTF-8."""
    try:
        return scalar.as_py()
    except (ValueError, OverflowError):
        return UNREADABLE


def _outcome(row: dict[str, Any], columns: Mapping[str, str], key: str, number: int) -> Outcome:
    decoded: dict[str, Any] = {}
    for name, value in row.items():
        if value is UNREADABLE:
            return quarantined("unreadable_value", f"row {number}", name)
        if isinstance(value, bytes):
            if len(value) > MAX_RECORD_BYTES:
                return quarantined("too_long", f"row {number}", value)
            try:
                value = value.decode("utf-8")
            except UnicodeDecodeError:
                if _needs(name, columns["text"]):
                    return quarantined("invalid_utf8", f"row {number}", value)
                value = value.hex()  # an identifier of 16 bytes or a digest
        decoded[name] = value
    return row_record(decoded, columns, key, number, str(decoded.get(columns["text"]))[:200])
