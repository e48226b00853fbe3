"""One part of a corpus as a stream: every document with what was measured, what was decided, and what became of it.

All artefacts of a part keep the order of its documents, so they are read side by side and memory does not grow with the part.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from scripts.lib.documents import read_rows
from scripts.lib.errors import UserError
from scripts.lib.manifest import Artefact
from scripts.lib.versions import source_id

DOCUMENT = ["id", "text", "language", "license", "date"]
EMPTIED = "nothing_left"  # the reason of documents that cuts and edits of lines leave empty
MEASURED = ["id", "language", "words"]


@dataclass(frozen=True, slots=True)
class Seen:
    """One document: its text as read, the curated one (None when it went) and the first reason why it went."""

    identifier: str
    text: str
    curated: str | None
    reason: str | None
    declared: str | None
    identified: str | None
    license: str | None
    date: str | None
    words: int


@dataclass(frozen=True)
class Part:
    """The verified artefacts of one part."""

    source: str
    documents: Artefact
    annotations: Artefact
    selection: Artefact
    curated: Artefact


def table_path(artefact: Artefact) -> Path:
    """Return the Parquet file of an artefact."""
    return artefact.path(f"{artefact.manifest_path.stem}.parquet")


def later_reasons(source: str, part: str, duplicates: Artefact, contamination: Artefact) -> dict[str, str]:
    """Return why documents of a part that its filters keep may still go, by id: as a duplicate, else as contaminated."""
    mine = (pc.field("source") == source) & (pc.field("part") == part)
    copies = pq.read_table(table_path(duplicates), columns=["id", "kind"], filters=mine)
    found = {row["id"]: f"{row['kind']}_duplicate" for row in copies.to_pylist()}
    for row in pq.read_table(table_path(contamination), columns=["id"], filters=mine & pc.field("removed")).to_pylist():
        found.setdefault(row["id"], "contaminated")
    return found


def read_part(part: Part, later: dict[str, str]) -> Iterator[Seen]:
    """Yield the documents of a part; raises UserError when its artefacts do not tell of the same documents."""
    paths = [table_path(one) for one in (part.documents, part.annotations, part.selection)]
    if len({pq.read_metadata(path).num_rows for path in paths}) > 1:
        raise _disagreement(part)
    rows = zip(
        read_rows(paths[0], DOCUMENT),
        read_rows(paths[1], MEASURED),
        read_rows(paths[2], ["id", "reason"]),
        strict=True,
    )
    curated = read_rows(table_path(part.curated), ["id", "text"])
    upcoming = next(curated, None)
    emptied = part.curated.manifest["accounting"]["removed"].get(EMPTIED, 0)
    for document, measured, verdict in rows:
        identifier = document["id"]
        reason = verdict["reason"] or later.get(identifier)
        stays = reason is None and upcoming is not None and upcoming["id"] == source_id(identifier)
        text = upcoming["text"] if upcoming is not None and stays else None
        if reason is None and text is None and emptied:
            reason, emptied = EMPTIED, emptied - 1
        if not identifier == measured["id"] == verdict["id"] or (text is None) != (reason is not None):
            raise _disagreement(part)
        upcoming = upcoming if text is None else next(curated, None)
        yield _seen(document, measured, text, reason)
    if upcoming is not None or emptied:
        raise _disagreement(part)


def _seen(document: dict[str, Any], measured: dict[str, Any], curated: str | None, reason: str | None) -> Seen:
    return Seen(
        identifier=document["id"],
        text=document["text"],
        curated=curated,
        reason=reason,
        declared=document["language"],
        identified=measured["language"],
        license=document["license"],
        date=document["date"],
        words=measured["words"],
    )


def _disagreement(part: Part) -> UserError:
    return UserError(
        f"{part.curated.manifest_path} does not hold what the decisions on {part.documents.manifest_path} leave; run again."
    )
