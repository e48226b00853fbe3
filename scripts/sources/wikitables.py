"""Tables of wikitext, in its own marks (`{| ... |}`) and in HTML, each possibly inside the other: they are no prose."""

from __future__ import annotations

import regex

_OWN = regex.compile(r"\{\||\|\}")
_ALL = regex.compile(r"\{\||\|\}|<(/?)table\b[^<>]*>", regex.I)


def drop_tables(text: str, marks: regex.Pattern[str] = _ALL) -> str:
    """Return a page without its tables.

    The end of one ends what was opened in it. One that has no end goes to the next heading; in HTML it is none.
    """
    out: list[str] = []
    opened: list[bool] = []  # of each open table, whether it is HTML
    count, start = [0, 0], 0
    for mark in marks.finditer(text):
        html = mark[0][0] == "<"
        opens = not mark[1] if html else mark[0] == "{|"
        begin = mark.start() if html else _line_start(text, mark.start(), " \t:*#" if opens else " \t")
        if begin is None:
            continue
        if opens:
            if not opened:
                out.append(text[start:begin])
                start = begin
            opened.append(html)
            count[html] += 1
        elif count[html]:
            last = None
            while last is not html:
                last = opened.pop()
                count[last] -= 1
            start = start if opened else mark.end()
    if not opened:
        out.append(text[start:])
    elif opened[0]:
        out.append(drop_tables(text[start:], _OWN))
    elif (heading := text.find("\n==", start)) >= 0:
        out.append(text[heading:])
    return "".join(out)


def _line_start(text: str, at: int, before: str) -> int | None:
    """Return where the line of a mark begins; None where something else than `before` stands before it."""
    while at and text[at - 1] in before:
        at -= 1
    return at if at == 0 or text[at - 1] == "\n" else None
