"""Social posts in the forms that they are published in, told by content: Stack Exchange, Reddit and Hacker News dumps
become threads, tables of posts become timelines.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import regex

from scripts.sources.objects import parse_object
from scripts.sources.readers import hackernews, reddit, stackexchange, timelines
from scripts.sources.records import Deferred, Outcome, Reader, Rejected, quarantined
from scripts.sources.sevenzip import is_sevenzip
from scripts.sources.streams import BrokenStream, iter_lines

# So many lines may be broken before one that tells the form.
_LINES = 1_000
_ELEMENT = regex.compile(rb"<([A-Za-z_][\w.-]*)")


def read(path: Path, origin: str, options: Mapping[str, Any]) -> Iterator[Outcome | Deferred]:
    """Yield one outcome a thread or timeline, and one a post that is left out.

    Options: `posts` (of a timeline in a document, default 20), `min_score` (of a post in a thread, default none).
    """
    reader = stackexchange.read if is_sevenzip(path) else form_of(path)
    if reader is None:
        yield quarantined("unknown_form", origin)
    else:
        yield from reader(path, origin, options)


def form_of(path: Path) -> Reader | None:
    """Return the reader of a file by its first lines: of XML the outermost element tells, of JSON the fields."""
    first = b""
    try:
        for _, line, whole in itertools.islice(iter_lines(path), _LINES):
            line = line.strip()
            first = first or line[:1]
            if first == b"<":
                if element := _ELEMENT.search(line):
                    return stackexchange.read if element[1] in (b"posts", b"row") else None
            elif whole and line.startswith(b"{"):
                row = parse_object(line, "")
                if isinstance(row, Rejected):
                    continue
                if reddit.is_item(row):
                    return reddit.read
                if hackernews.is_item(row):
                    return hackernews.read
    except BrokenStream:
        pass  # the reader comes to the break itself
    return None if first in (b"<", b"{") else timelines.read
