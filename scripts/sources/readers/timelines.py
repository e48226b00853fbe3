"""Timelines: CSV files of posts with the columns source_id (`account-number`) and text.

Posts of one account that follow each other become documents of up to `posts` posts, one a line, since a single post is
too short to learn from. Links are left out.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import regex

from scripts.sources.decoding import unescape
from scripts.sources.records import Outcome, Record, Rejected, removed
from scripts.sources.shares import WHOLE, Share
from scripts.sources.tables import iter_rows

POSTS = 20
_LINK = regex.compile(r"(?<!\s)\s*+\(?\b(?:https?://|www\.|pic\.twitter\.com/)\S*")
_LEFT_OVER = regex.compile(
    r"(?r)(?:\s*(?:[:|>»→-]|\bvia\b))+\s*$", regex.I
)  # from the end: else it is tried at each mark
_RETWEET = regex.compile(r"^(?:RT|MT)\s+@\w+:?\s*")
_SPACES = regex.compile(r"\s+")
_MIN_WORDS = 3


def read(path: Path, origin: str, options: Mapping[str, Any], share: Share = WHOLE) -> Iterator[Outcome]:
    """Yield one outcome a timeline, and one a post that is left out. Options: `posts` (a document, default 20).

    Where one document ends depends on all posts before, so those of another share are read too.
    """
    return share.of(_outcomes(path, origin, options.get("posts", POSTS)))


def _outcomes(path: Path, origin: str, limit: int) -> Iterator[Outcome]:
    waiting: list[tuple[str, str]] = []
    account = ""
    for line, row in iter_rows(path, origin, ("source_id", "text")):
        if isinstance(row, Rejected):
            yield row
            continue
        name, text = row.get("source_id", f"unknown-{line}"), clean_post(row.get("text", ""))
        if len(text.split()) < _MIN_WORDS:
            yield removed("no_text", f"line {line}", row.get("text", ""))
            continue
        if waiting and (len(waiting) == limit or name.rpartition("-")[0] != account):
            yield _timeline(account, waiting)
            waiting = []
        account = name.rpartition("-")[0]
        waiting.append((name, text))
    if waiting:
        yield _timeline(account, waiting)


def _timeline(account: str, posts: list[tuple[str, str]]) -> Record:
    lines = [text for text, _ in itertools.groupby(text for _, text in posts)]
    return Record(key=posts[0][0], text="\n".join(lines), meta={"account": account, "posts": len(posts)})


def clean_post(text: str) -> str:
    """Return what a post says: entities resolved, without links and the mark of a repeated post, on one line."""
    text = _LINK.sub("", _RETWEET.sub("", unescape(unescape(text))))
    return str(_SPACES.sub(" ", _LEFT_OVER.sub("", text))).strip()
