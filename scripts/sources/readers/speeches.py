"""Speeches: CSV files in the form of ParlSpeech V2 (Rauh and Schwalbach 2020, doi:10.7910/DVN/L4OAKN)."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import regex

from scripts.sources.records import Deferred, Outcome, Record, Rejected, key_of, removed
from scripts.sources.tables import Row, iter_rows

_BEFORE = regex.compile(r"\s+([.,;:!?)\]](?=\s|\Z))")
_AFTER = regex.compile(r"(?<=[(\[])\s+")
_DASH = regex.compile(r"(?<=\s)_(?=\s)")
_GAP = regex.compile(r"[ \t]{4,}")
_SPACES = regex.compile(r"[ \t]{2,}")


def read(path: Path, origin: str, options: Mapping[str, Any]) -> Iterator[Outcome | Deferred]:
    """Yield one outcome a speech. No options."""
    for line, row in iter_rows(path, origin, ("date", "speaker", "text", "parliament", "parlspeech_row")):
        yield row if isinstance(row, Rejected) else functools.partial(_speech, row, origin, line)


def _speech(row: Row, origin: str, line: int) -> Outcome:
    if "text" not in row:
        return removed("no_text", f"line {line}", row.get("speaker", ""))
    meta: dict[str, str] = {name: row[name] for name in ("speaker", "party", "agenda", "parliament") if name in row}
    key = f"{row.get('parliament', key_of(origin))}/{row.get('parlspeech_row', line)}"
    return Record(key=key, text=clean_speech(row["text"]), date=row.get("date"), meta=meta)


def clean_speech(text: str) -> str:
    """Return a speech without the spaces that tokenizing put around punctuation, gaps as paragraphs."""
    text = _GAP.sub("\n\n", _DASH.sub("–", text))
    return str(_SPACES.sub(" ", _AFTER.sub("", _BEFORE.sub(r"\1", text)))).strip()
