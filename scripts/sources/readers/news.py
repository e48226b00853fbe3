"""News: CSV files of articles with the columns article_id, publish_date, article_source_link, title, subtitle, text."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import regex

from scripts.sources.records import Deferred, Outcome, Record, Rejected, removed, stem
from scripts.sources.tables import Row, iter_rows

_DATE = regex.compile(r"(\d{4})[/-](\d{1,2})[/-](\d{1,2})")
_APOSTROPHE = regex.compile(r"(?<=\p{L})\"(?=(?:s|t|re|ve|ll|d|m)\b)")
_DASH = regex.compile(r"(?<=\s)\"{1,2}\?(?=\p{L})")
_QUOTE = regex.compile(r"\"\??")
_LEFT_OVER = regex.compile(r",-1\"?\s*\Z")
_STRAY_HYPHEN = regex.compile(r"(?<=[.!?])-(?=\s|\p{Lu})")
_GAP = regex.compile(r"[ \t]{4,}")
_SPACES = regex.compile(r"[ \t]{2,}")


def read(path: Path, origin: str, options: Mapping[str, Any]) -> Iterator[Outcome | Deferred]:
    """Yield one outcome an article: title, subtitle and text, apart by empty lines. No options."""
    key = stem(origin).removesuffix(".csv")
    for line, row in iter_rows(path, origin, ("article_id", "title", "text")):
        yield row if isinstance(row, Rejected) else functools.partial(_article, row, key, line)


def _article(row: Row, key: str, line: int) -> Outcome:
    if "text" not in row:
        return removed("no_text", f"line {line}", row.get("title", ""))
    title, subtitle, text = (mend(row.get(name, "")) for name in ("title", "subtitle", "text"))
    if text.startswith(subtitle):
        subtitle = ""
    return Record(
        key=f"{key}/{row.get('article_id', line)}",
        text="\n\n".join(part for part in (title, subtitle, text) if part),
        url=row.get("article_source_link"),
        date=iso_date(row.get("publish_date", "")),
        meta={"title": title},
    )


def mend(text: str) -> str:
    r"""Return a text with the quotes and dashes mended that were lost on the way to the published file.

    Each curly quote, dash and hard space became `"`, often with a `?`. `didn"t` was an apostrophe, ` "?and` a dash; any
    other `"?` was a space, after a closing quote where one is open. A hyphen after a sentence was a space too.
    """
    text = _STRAY_HYPHEN.sub(" ", _DASH.sub("– ", _APOSTROPHE.sub("'", _LEFT_OVER.sub("", text))))
    is_open = False

    def quote(match: regex.Match[str]) -> str:
        nonlocal is_open
        was_open, is_open = is_open, match[0] == '"' and not is_open
        return '"' if match[0] == '"' else '" ' if was_open else " "

    return str(_SPACES.sub(" ", _GAP.sub("\n\n", _QUOTE.sub(quote, text)))).strip()


def iso_date(date: str) -> str | None:
    """Return `2017/2/7` as `2017-02-07`; None for what is no date."""
    match = _DATE.match(date)
    return f"{match[1]}-{int(match[2]):02d}-{int(match[3]):02d}" if match else None
