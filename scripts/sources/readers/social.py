"""Social posts in the forms that they are published in, told by content: Stack Exchange, Reddit and Hacker News dumps
become threads, tables of posts become timelines.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import regex

from scripts.sources.objects import filled_lines, parse_object
from scripts.sources.readers import hackernews, reddit, stackexchange, timelines
from scripts.sources.records import Outcome, Rejected, SharingReader, key_of, quarantined
from scripts.sources.sevenzip import is_sevenzip
from scripts.sources.shares import WHOLE, Share
from scripts.sources.streams import BrokenStream, iter_lines
from scripts.sources.threads import Lines

# So many lines may be broken before one that tells the form.
_LINES = 1_000
_ELEMENT = regex.compile(rb"<([A-Za-z_][\w.-]*)")
_LINE = regex.compile(r"line (\d+)")
FILES: dict[str, SharingReader] = {"stackexchange": stackexchange.read, "timelines": timelines.read}
# Those whose threads may go on in other files.
DISCUSSIONS: dict[str, Callable[[Lines, str, Mapping[str, Any], Share], Iterator[Outcome]]] = {
    "hackernews": hackernews.read,
    "reddit": reddit.read,
}


def read(path: Path, origin: str, options: Mapping[str, Any], share: Share = WHOLE) -> Iterator[Outcome]:
    """Yield one outcome a thread or timeline, and one a post that is left out; of a share, those of its threads or every n-th.

    Options: `posts` (of a timeline in a document, default 20), `min_score` (of a post in a thread, default none).
    """
    form = form_of(path)
    if form in DISCUSSIONS:
        yield from DISCUSSIONS[form](lambda: filled_lines(iter_lines(path)), key_of(origin), options, share)
    elif form in FILES:
        yield from FILES[form](path, origin, options, share)
    else:
        yield from share.of([quarantined("unknown_form", origin)])


def read_joined(
    files: Sequence[tuple[Path, str]], options: Mapping[str, Any], share: Share
) -> Iterator[tuple[str, Outcome]]:
    """Yield native name and outcome of threads that go on from file to file, as submissions and comments are published.

    All files are of one form, that of the first which tells one; what a file of another is gets into no thread.
    """
    forms = {path: form_of(path) for path, _ in files if path.stat().st_size}
    form = next((found for found in forms.values() if found in DISCUSSIONS), None)
    joined = _Joined([file for file in files if form and forms.get(file[0]) == form])
    for path, origin in files:
        if forms.get(path) != form or not form:
            reason = "not_joinable" if path in forms else "empty_file"
            yield from ((origin, outcome) for outcome in share.of([quarantined(reason, origin)]))
    if form:
        yield from map(joined.placed, DISCUSSIONS[form](joined.lines, "", options, share))


class _Joined:
    """Files that are read as one, their lines numbered on from file to file."""

    def __init__(self, files: Sequence[tuple[Path, str]]) -> None:
        self._files = files
        self._before: list[int] = []  # how many lines stand before each file

    def lines(self) -> Iterator[tuple[int, bytes, Rejected | None]]:
        """Yield (line number, line, why it is none); where a file breaks, the next goes on."""
        self._before, number = [], 0
        for path, origin in self._files:
            before = number
            self._before.append(before)
            for line_number, line, broken in filled_lines(iter_lines(path)):
                number = before + line_number
                if broken is not None:
                    found = _LINE.fullmatch(broken.position)
                    broken = replace(broken, position=f"line {number}" if found else f"{broken.position} of {origin}")
                yield number, line, broken

    def placed(self, outcome: Outcome) -> tuple[str, Outcome]:
        """Return the file that an outcome is from, as far as it is of one line, and the outcome with the line's number there."""
        if not isinstance(outcome, Rejected) or (line := _LINE.fullmatch(outcome.position)) is None:
            return "", outcome
        number = int(line[1])
        file = bisect.bisect_left(self._before, number) - 1
        return self._files[file][1], replace(outcome, position=f"line {number - self._before[file]}")


def form_of(path: Path) -> str | None:
    """Return the form of a file by its first lines: of XML the outermost element tells, of JSON the fields."""
    if is_sevenzip(path):
        return "stackexchange"
    first = b""
    try:
        for _, line, whole in itertools.islice(iter_lines(path), _LINES):
            line = line.strip()
            first = first or line[:1]
            if first == b"<":
                if element := _ELEMENT.search(line):
                    return "stackexchange" if element[1] in (b"posts", b"row") else None
            elif whole and line.startswith(b"{"):
                row = parse_object(line, "")
                if isinstance(row, Rejected):
                    continue
                if reddit.is_item(row):
                    return "reddit"
                if hackernews.is_item(row):
                    return "hackernews"
    except BrokenStream:
        pass  # the reader comes to the break itself
    return None if first in (b"<", b"{") else "timelines"
