"""Elements of wikitext that are written as in XML (`<ref>`, `<math>`), replaced in one pass over a page.

A regular expression for an element looks for the end of each one that has none through the rest of the page, which takes
the square of their number.
"""

from __future__ import annotations

import functools
from bisect import bisect_left
from collections.abc import Callable

import regex

LONGEST_OPENING = 10_000  # a longer one is none, since its text is copied for each opening within it
# Name in small letters, attributes and content, None where it has none; returns what is shown, None to leave the opening.
Shown = Callable[[str, str, str | None], str | None]


def replace_elements(text: str, names: str, shown: Shown) -> str:
    """Return a page with each element whose name is one of `names` (with bars between) as `shown` has it.

    An element ends with the next closing of its name. One that is closed by itself (`<ref />`) or never has no content.
    """
    opening, closing = _tags(names)
    closings: dict[str, list[tuple[int, int]]] = {}
    for match in closing.finditer(text):
        closings.setdefault(match[1].lower(), []).append(match.span())
    out: list[str] = []
    done = at = 0
    end = -1  # of an opening: it is looked for only when it is behind, since many openings may have the same
    while match := opening.search(text, at):
        at = match.end()
        end = text.find(">", at) if end < at else end
        if end < 0:
            break
        if end - at > LONGEST_OPENING:
            continue
        name, attributes = match[1].lower(), text[at:end]
        known = closings.get(name, [])
        place = bisect_left(known, (end + 1,))
        paired = place < len(known) and not attributes.rstrip().endswith("/")
        left, right = known[place] if paired else (end + 1, end + 1)
        replacement = shown(name, attributes, text[end + 1 : left] if paired else None)
        if replacement is not None:
            out += text[done : match.start()], replacement
            done = at = right
    return "".join([*out, text[done:]])


@functools.cache
def _tags(names: str) -> tuple[regex.Pattern[str], regex.Pattern[str]]:
    return regex.compile(rf"<({names})\b", regex.I), regex.compile(rf"</({names})\s*+>", regex.I)
