"""Stack Exchange: `Posts.xml` of the data dumps, in any compression or among the members of a 7z archive.

A document is a question with its answers, the best first. Each row is parsed alone, so that a broken one takes no
neighbour along; it is a line of its own in the published dumps, and need not be one here. Posts are numbered anew in each
site, so the native name of a question begins with that of its file, unless this is no more than `Posts.xml`.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import regex
from lxml import etree

from scripts.sources.objects import whole_number
from scripts.sources.posthtml import TooDeep, html_text
from scripts.sources.records import Outcome, Record, Rejected, key_of, quarantined, removed
from scripts.sources.sevenzip import is_sevenzip, iter_member
from scripts.sources.shares import WHOLE, Share
from scripts.sources.streams import MAX_RECORD_BYTES, BrokenStream, in_utf8, iter_chunks, split_lines
from scripts.sources.threads import Post, Thread, low_score, posts_of_share, thread_outcomes
from scripts.sources.xml import OPTIONS, fault

MEMBER = "Posts.xml"
_QUESTION, _ANSWER = "1", "2"
_PROGRAM = "-1"  # Community, a user that the site itself is
_PARSER = etree.XMLParser(**OPTIONS)
_TAG = regex.compile(r"[^<>|]+")  # `<a><b>`, in newer dumps `|a|b|`
_NUMBER = regex.compile(rb"""(?<=\s(?:Parent)?)Id\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_FRAME = regex.compile(rb"<\?xml\b[^>]*>|</?posts\s*>|<posts\s*/>")
# Between two rows on one line. So many bytes at the end of a chunk may be the beginning of one.
_BETWEEN = regex.compile(rb">[ \t]*+(?=<row\s|</posts)")
_LONGEST_BETWEEN = 32


def read(path: Path, origin: str, options: Mapping[str, Any], share: Share = WHOLE) -> Iterator[Outcome]:
    """Yield one outcome a question, and one a post that is left out. Options: `min_score` (of a post, default none)."""
    chunks = iter_member(path, MEMBER) if is_sevenzip(path) else iter_chunks(path)
    parse = functools.partial(_row, min_score=options.get("min_score"))
    posts = posts_of_share(_rows(chunks), threads_named, parse, share)
    yield from thread_outcomes(posts, functools.partial(_question, site=_site(origin)))


def _rows(chunks: Iterator[bytes]) -> Iterator[tuple[int, bytes, Rejected | None]]:
    """Yield (number of its first line, a row, why it is none), without the frame around the rows."""
    number, ended = 0, False
    try:
        for number, line, whole in _joined(split_lines(_parted(in_utf8(chunks)))):
            rest = _FRAME.sub(b"", line).strip() if not line.startswith(b"<row") else line
            ended = ended or line.endswith((b"</posts>", b"<posts/>"))
            if not whole:
                yield number, line, quarantined("too_long_or_cut", f"line {number}", line)
            elif rest:
                yield number, rest, None
    except BrokenStream as error:
        yield number, b"", quarantined(error.reason, f"byte {error.position}")
    else:
        if not ended:
            yield number, b"", quarantined("truncated", f"line {number}")


def _parted(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the bytes with a line end between rows that have none, as most programs but the publisher's write them."""
    rest, broken = b"", None
    try:
        for chunk in chunks:
            data = rest + chunk
            last = data.rfind(b">", max(len(data) - _LONGEST_BETWEEN, 0))
            size = len(data) if last < 0 else last
            yield _BETWEEN.sub(b">\n", data[:size])
            rest = data[size:]
    except BrokenStream as error:
        broken = error
    yield rest
    if broken:
        raise broken


def _joined(lines: Iterator[tuple[int, bytes, bool]]) -> Iterator[tuple[int, bytes, bool]]:
    """Yield the lines without blanks around them, those of one row together: up to its end, or to the next tag."""
    row = bytearray()  # blank lines count too: a list of them would grow without end
    first = 0
    for number, line, whole in lines:
        line = line.strip()
        if row and not (whole and not line.startswith(b"<") and len(row) + len(line) + 1 <= MAX_RECORD_BYTES):
            yield first, bytes(row), True
            row = bytearray()
        if row or (whole and line.startswith(b"<row") and not line.endswith(b">")):
            first = first if row else number
            row += (b"\n" if row else b"") + line
        if not row:
            yield number, line, whole
        elif line.endswith(b">"):
            yield first, bytes(row), True
            row = bytearray()
    if row:
        yield first, bytes(row), True


def threads_named(row: bytes) -> list[int] | None:
    """Return the questions that a row may be or answer, by the numbers in it; None where only a parser can tell."""
    found = []
    for quoted, single in _NUMBER.findall(row):
        value = (quoted or single).decode("ascii", "replace")
        if "&" in value:
            return None
        if (number := whole_number(value)) is not None:
            found.append(number)
    return None if b"<!" in row else found  # a declaration gives an element attributes too


def _row(number_of_line: int, line: bytes, min_score: int | None) -> Post | Rejected:
    position = f"line {number_of_line}"
    try:
        row = dict(etree.fromstring(line, _PARSER).attrib)
    except etree.XMLSyntaxError as error:
        return quarantined(fault(error), position, line)
    number, kind = whole_number(row.get("Id")), row.get("PostTypeId")
    if number is None:
        return quarantined("no_identifier", position, line)
    if kind not in (_QUESTION, _ANSWER):
        return removed("other_post_type", f"post {number}", row.get("Body", ""))
    parent = whole_number(row.get("ParentId")) if kind == _ANSWER else None
    if kind == _ANSWER and parent is None:
        return removed("question_missing", f"post {number}", row.get("Body", ""))
    return _post(row, number, parent, min_score)


def _post(row: Mapping[str, str], number: int, parent: int | None, min_score: int | None) -> Post | Rejected:
    score, position = whole_number(row.get("Score")), f"post {number}"
    try:
        text = html_text(row.get("Body", "")).strip("\n")
    except TooDeep:
        return quarantined("too_deep", position, row.get("Body", ""))
    left_out = low_score(score, min_score, position, text)
    if row.get("DeletionDate"):
        left_out = removed("deleted", position, text)
    elif parent is not None and row.get("OwnerUserId") == _PROGRAM:  # a question would take its answers along
        left_out = removed("bot", position, text)
    elif not text.strip():
        left_out = removed("empty", position)
    about: dict[str, Any] = {"license": row.get("ContentLicense", "").replace(" ", "-")}
    if parent is None:
        about |= {
            "title": row.get("Title", "").strip(),
            "date": row.get("CreationDate"),
            "accepted": whole_number(row.get("AcceptedAnswerId")),
            "tags": _TAG.findall(row.get("Tags", "")),
        }
    return Post(number if parent is None else parent, number, parent, score, text, about, left_out)


def _site(origin: str) -> str:
    """Return what the native names of the questions of a file begin with."""
    name, plain = key_of(origin), key_of(MEMBER)
    return "" if name == plain else name.removesuffix(f"/{plain}") + "/"


def _question(thread: Thread, site: str) -> Iterator[Outcome]:
    question = thread.opening
    if question is None:
        for post in thread.in_order():
            yield removed("question_missing", f"post {post.id}", post.text)
        return
    about = question.about
    answers = thread.in_order(preferred=about["accepted"])
    licenses = {post.about["license"] for post in (question, *answers)} - {""}
    yield Record(
        key=f"{site}{question.id}",
        text="\n\n".join(filter(None, [about["title"], question.text, *(post.text for post in answers)])),
        date=about["date"],
        license=" and ".join(sorted(licenses)) or None,
        meta={
            "title": about["title"] or None,
            "score": question.score,
            "answers": len(answers),
            "tags": about["tags"],
        },
    )
