"""Hacker News: items as JSON lines, as the site's API gives them or as BigQuery exports them.

A document is a story, poll or job with its comments, depth first. A comment names its parent alone, which may be a
comment too; the thread is found from there.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from scripts.sources.decoding import has_surrogates, unescape
from scripts.sources.discussions import Form, discussion
from scripts.sources.objects import Object, iso_date, parse_object, whole_number
from scripts.sources.posthtml import TooDeep, html_text
from scripts.sources.records import Outcome, Rejected, quarantined, removed
from scripts.sources.shares import WHOLE, Share
from scripts.sources.threads import Lines, Post, low_score, spooling, thread_outcomes

_OPENINGS = frozenset(("job", "poll", "story"))
_REPLIES = frozenset(("comment", "pollopt"))
_FORM = Form(str, lambda name: f"https://news.ycombinator.com/item?id={name}")


def is_item(row: Object) -> bool:
    """Tell whether an object is an item of a type that the site has."""
    kind = row.get("type")
    return isinstance(kind, str) and kind in _OPENINGS | _REPLIES and whole_number(row.get("id")) is not None


def read(lines: Lines, origin: str, options: Mapping[str, Any], share: Share) -> Iterator[Outcome]:
    """Yield one outcome a thread, and one a post that is left out. Options: `min_score` (of a post, default none)."""
    compose = functools.partial(discussion, form=_FORM, origin=origin)
    parse = functools.partial(_item, min_score=options.get("min_score"))
    if share == WHOLE:
        yield from thread_outcomes(itertools.starmap(parse, lines()), compose, parents_only=True)
        return
    with spooling() as spool:
        for number, line, broken in lines():
            place = broken or _place(parse_object(line, f"line {number}"), f"line {number}", line)
            if isinstance(place, Post):
                spool.add_place(place, number)
            elif share.takes(number):
                yield place
        spool.find_roots()
        chosen = itertools.starmap(parse, _chosen(lines(), spool.lines(share)))
        yield from thread_outcomes(chosen, compose, parents_only=True)


def _chosen(
    lines: Iterator[tuple[int, bytes, Rejected | None]], numbers: Iterator[int]
) -> Iterator[tuple[int, bytes, Rejected | None]]:
    """Yield the lines with these numbers, ascending."""
    wanted = next(numbers, None)
    for number, line, broken in lines:
        if wanted is None:
            return
        if number == wanted:
            yield number, line, broken
            wanted = next(numbers, None)


def _place(row: Object | Rejected, position: str, line: bytes) -> Post | Rejected:
    """Return a post's place in the tree, without what it says. Its parent alone tells that, so its thread need not be right."""
    if isinstance(row, Rejected):
        return row
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
    thread = number if parent is None else parent
    return Post(thread, number, parent, whole_number(row.get("score")), left_out=gone)


def _item(number: int, line: bytes, broken: Rejected | None, min_score: int | None) -> Post | Rejected:
    """Return a post; one whose text is broken keeps its place in the tree."""
    position = f"line {number}"
    row = broken or parse_object(line, position)
    place = _place(row, position, line)
    if isinstance(place, Rejected) or isinstance(row, Rejected):
        return place
    said = _said(row, place, position, line)
    if isinstance(said, Rejected):
        return replace(place, left_out=place.left_out or said)
    text, about = said
    left_out = place.left_out or low_score(place.score, min_score, position, text)
    if not left_out and not (text or about.get("title")):
        left_out = removed("empty", position)
    return replace(place, text=text, about=about, left_out=left_out)


def _said(row: Object, place: Post, position: str, line: bytes) -> tuple[str, dict[str, Any]] | Rejected:
    """Return what a post says and what is known of it, or why it cannot be read."""
    source, title = row.get("text") or "", row.get("title") or ""
    if not isinstance(source, str) or not isinstance(title, str):
        return quarantined("text_not_string", position, line)
    if has_surrogates(source + title):
        return quarantined("lone_surrogates", position, line)
    try:
        text = html_text(source)
    except TooDeep:
        return quarantined("too_deep", position, line)
    about: dict[str, Any] = {"date": iso_date(row.get("time"))}
    if place.parent is None:
        about["title"] = unescape(title).strip()
    return text, about
