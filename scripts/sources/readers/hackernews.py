"""Hacker News: items as JSON lines, as the site's API gives them or as BigQuery exports them.

A document is a story, poll or job with its comments, depth first. A comment names its parent alone, which may be a
comment too; the thread is found from there.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from scripts.sources.decoding import has_surrogates, unescape
from scripts.sources.discussions import Form, discussion, iso_date
from scripts.sources.objects import Object, iter_objects, whole_number
from scripts.sources.posthtml import TooDeep, html_text
from scripts.sources.records import Outcome, Rejected, key_of, quarantined, removed
from scripts.sources.threads import Post, low_score, thread_outcomes

_OPENINGS = frozenset(("job", "poll", "story"))
_REPLIES = frozenset(("comment", "pollopt"))
_FORM = Form(str, lambda name: f"https://news.ycombinator.com/item?id={name}")


def is_item(row: Object) -> bool:
    """Tell whether an object is an item of a type that the site has."""
    kind = row.get("type")
    return isinstance(kind, str) and kind in _OPENINGS | _REPLIES and whole_number(row.get("id")) is not None


def read(path: Path, origin: str, options: Mapping[str, Any]) -> Iterator[Outcome]:
    """Yield one outcome a thread, and one a post that is left out. Options: `min_score` (of a post, default none)."""
    compose = functools.partial(discussion, form=_FORM, origin=key_of(origin))
    yield from thread_outcomes(_posts(path, options.get("min_score")), compose, parents_only=True)


def _posts(path: Path, min_score: int | None) -> Iterator[Post | Rejected]:
    for number, line, row in iter_objects(path):
        yield row if isinstance(row, Rejected) else _item(row, f"line {number}", line, min_score)


def _item(row: Object, position: str, line: bytes, min_score: int | None) -> Post | Rejected:
    gone = next((removed(name, position) for name in ("deleted", "dead") if row.get(name) in (True, "true")), None)
    if not is_item(row):
        return gone or quarantined("unknown_item", position, line)
    number, parent = whole_number(row["id"]), None
    assert number is not None, "an item has one"
    if row["type"] in _REPLIES:
        parent = whole_number(row.get("parent") or row.get("poll"))
        if parent is None:
            return gone or quarantined("no_parent", position, line)
        if parent >= number:
            return quarantined("parent_not_before", position, line)
    source, title = row.get("text") or "", row.get("title") or ""
    if not isinstance(source, str) or not isinstance(title, str):
        return quarantined("text_not_string", position, line)
    if has_surrogates(source + title):
        return quarantined("lone_surrogates", position, line)
    try:
        text = html_text(source)
    except TooDeep:
        return quarantined("too_deep", position, line)
    score, title = whole_number(row.get("score")), unescape(title).strip()
    about: dict[str, Any] = {"date": iso_date(row.get("time"))}
    if parent is None:
        about["title"] = title
    left_out = gone or low_score(score, min_score, position, text)
    if not left_out and not (text or (parent is None and title)):
        left_out = removed("empty", position)
    return Post(number if parent is None else parent, number, parent, score, text, about, left_out)
