"""What was decided on the documents of a part, read along with them: why one goes, or what is cut out of it.

The tables of a corpus tell of some documents only, part by part and in the order in which the documents come, so no more than a
row group of each is in memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from scripts.cleaning.cuts import Span
from scripts.lib.documents import read_rows
from scripts.lib.errors import UserError

Row = dict[str, Any]
ROWS = 2_000  # that are read at once


@dataclass(frozen=True)
class Fate:
    """Why a document goes (None where it stays), places of evaluation items in it, numbers of its repeated paragraphs."""

    reason: str | None
    spans: list[Span]
    paragraphs: set[int]


class Following:
    """Rows about some documents of a part, handed out as these come."""

    def __init__(self, path: Path, columns: Sequence[str], source: str, part: str) -> None:
        self.path = path
        self._rows = _rows_of_part(path, columns, source, part)
        self._next = next(self._rows, None)

    def of(self, identifier: str) -> list[Row]:
        """Return the rows of the document that comes next."""
        found = []
        while self._next is not None and self._next["id"] == identifier:
            found.append(self._next)
            self._next = next(self._rows, None)
        return found

    def finish(self) -> None:
        """Raise UserError where a row belongs to none of the documents that came."""
        if self._next is not None:
            raise UserError(
                f"{self.path} tells of {self._next['id']}, which does not come in that order among the documents of its part; "
                "remove its manifest and run again."
            )


def _rows_of_part(path: Path, columns: Sequence[str], source: str, part: str) -> Iterator[Row]:
    """Yield the rows of a part; row groups that cannot hold any are skipped."""
    mine = {"source": source, "part": part}
    with pq.ParquetFile(path, pre_buffer=False) as file:
        places = {name: file.schema_arrow.get_field_index(name) for name in mine}
        for number in range(file.num_row_groups):
            group = file.metadata.row_group(number)
            ranges = [(value, group.column(places[name]).statistics) for name, value in mine.items()]
            if not all(told is None or told.min <= value <= told.max for value, told in ranges):
                continue
            for batch in file.iter_batches(ROWS, [number], ["id", *mine, *columns]):
                rows = pa.Table.from_batches([batch])
                yield from rows.filter((pc.field("source") == source) & (pc.field("part") == part)).to_pylist()


class Fates:
    """The decisions of the selection, the duplicates, the repeated paragraphs and the contamination, from their tables."""

    def __init__(
        self, selection: Path, copies: Path, paragraphs: Path, contamination: Path, mine: tuple[str, str]
    ) -> None:
        self._selection = selection
        self._verdicts = read_rows(selection, ["id", "reason"])
        self._copies = Following(copies, ["kind"], *mine)
        self._paragraphs = Following(paragraphs, ["paragraph"], *mine)
        self._held = Following(contamination, ["start", "stop", "removed"], *mine)

    def of(self, identifier: str) -> Fate:
        """Return the fate of the document that comes next: the first failing filter, else a copy, else contaminated.

        Raises UserError when the selection is of other documents.
        """
        verdict = next(self._verdicts, {"id": None, "reason": None})
        if verdict["id"] != identifier:
            raise self._disagreement(identifier)
        copies, held = self._copies.of(identifier), self._held.of(identifier)
        paragraphs = {row["paragraph"] for row in self._paragraphs.of(identifier)}
        reason = verdict["reason"] or (f"{copies[0]['kind']}_duplicate" if copies else None)
        if any(row["removed"] for row in held):
            reason = reason or "contaminated"
        return Fate(reason, [(row["start"], row["stop"]) for row in held], paragraphs)

    def finish(self) -> None:
        """Raise UserError where something was decided on a document that did not come."""
        left = next(self._verdicts, None)
        if left is not None:
            raise self._disagreement(left["id"])
        for table in (self._copies, self._paragraphs, self._held):
            table.finish()

    def _disagreement(self, identifier: str) -> UserError:
        return UserError(
            f"{self._selection} does not decide on the same documents as there are ({identifier} stands in one of the two "
            "only, or elsewhere); remove its manifest and run again."
        )
