"""XML files cut into their records before they are parsed, so that each stands for itself.

A parser gives up at the first fault, which would lose every record after it. Here a record goes from its start tag to its
end tag; one that lacks its end goes to the next start tag. Nothing is looked at but these tags, comments, CDATA and instructions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from scripts.sources.streams import MAX_RECORD_BYTES, BrokenStream, Window

HEAD_BYTES = 1 << 16
TAIL_BYTES = 1 << 16
LONGEST_NAME = 1 << 8
SAMPLE_BYTES = 1_000
_SECTIONS = {b"<!--": b"-->", b"<![CDATA[": b"]]>", b"<?": b"?>"}
_REST_OF_TAG = re.compile(rb"""(?:[^<>"']++|"[^"<]*+"|'[^'<]*+')*+>""")


@dataclass(frozen=True, slots=True)
class Piece:
    """A record, or with a `reason` the first bytes of what is none; `position` counts bytes."""

    position: int
    data: bytes
    reason: str | None = None


class XmlPieces:
    """The records of an XML file in UTF-8: the elements with some names, whatever their namespaces.

    `head` is what stands before the first of them, up to HEAD_BYTES, `tail` the end of what stands after the last, and
    `position` where the window is, in bytes.
    """

    def __init__(self, chunks: Iterator[bytes], names: Sequence[str], limit: int = MAX_RECORD_BYTES) -> None:
        tag = rb"(/?)(?:[\w.-]{1,64}:)?(%s)(?=[\s/>])" % "|".join(names).encode("ascii")
        self._tag = re.compile(b"<" + tag)
        self._start = re.compile(b"<" + tag.replace(b"(/?)", b""))
        self._token = re.compile(rb"<(?:%s|!--|!\[CDATA\[|\?)" % tag)
        self._window = Window(chunks)
        self._data = self._window.data
        self._limit = limit
        self.position = 0
        self._begun = False
        self.head = b""
        self.tail = b""

    @property
    def broken(self) -> BrokenStream | None:
        """How the stream broke, None where it did not or has not ended."""
        return self._window.broken

    def __iter__(self) -> Iterator[Piece]:
        while match := self._next_tag():
            if match[1]:  # the end of a record whose start tag is damaged
                yield Piece(self.position, bytes(self._data[: match.end()]), "malformed_xml")
                self._leave(match.end())
                continue
            self._leave(match.start())
            self._begun, self.tail = True, b""
            piece = self._record()
            if piece.reason != "truncated" or not self.broken:
                yield piece

    def _next_tag(self) -> re.Match[bytes] | None:
        """Return the next tag of a record in the window, None at the end of the file."""
        while not (match := self._tag.search(self._data)):
            size = max(len(self._data) - LONGEST_NAME, 0)  # a tag may stand across two chunks
            self._leave(size)
            if not self._window.fill(len(self._data) + 1):
                self._leave(len(self._data))
                return None
        return match

    def _record(self) -> Piece:
        """Return the record that the window begins with, and move the window behind it."""
        while (found := self._end()) is None:
            size = len(self._data)
            if size > self._limit:
                return self._passed_over()
            self._window.fill(min(2 * size, self._limit + 1))  # then it is looked through again, so by doubling
            if len(self._data) == size:
                return self._taken(size, "truncated")
        size, reason = found
        return self._taken(size, "too_long" if size > self._limit else reason)

    def _passed_over(self) -> Piece:
        """Move the window behind a record that is too long: to its end, or to the next record where it has none."""
        piece = self._taken(len(self._data) - LONGEST_NAME, "too_long")
        if (match := self._next_tag()) and match[1]:
            self._leave(match.end())
        return piece

    def _taken(self, size: int, reason: str | None) -> Piece:
        piece = Piece(self.position, bytes(self._data[: min(size, SAMPLE_BYTES) if reason else size]), reason)
        self._drop(size)
        return piece

    def _leave(self, size: int) -> None:
        """Move the window behind what stands between records."""
        gap = bytes(self._data[:size])
        if not self._begun and len(self.head) < HEAD_BYTES:
            self.head = (self.head + gap)[:HEAD_BYTES]
        self.tail = (self.tail + gap)[-TAIL_BYTES:]
        self._drop(size)

    def _drop(self, size: int) -> None:
        del self._data[:size]
        self.position += size

    def _next_record(self, at: int, stop: int) -> int:
        """Return where the next record begins before `stop`: its start tag behind an end tag, as others may stand in a comment.

        `stop` where there is none.
        """
        ended = False
        for match in self._tag.finditer(self._data, at, stop):
            if match[1]:
                ended = True
            elif ended:
                return match.start()
        return stop

    def _end(self) -> tuple[int, str | None] | None:
        """Return the length of the record that the window begins with and what is wrong with it, None where more is needed."""
        data = self._data
        begin = self._start.match(data)
        assert begin is not None, "the window begins with a start tag"
        tag = _REST_OF_TAG.match(data, begin.end())
        if tag and data[tag.end() - 2] == ord("/"):
            return tag.end(), None
        at = begin.end()
        while token := self._token.search(data, at):
            if token[2] is None:
                end = _SECTIONS[token[0]]
                closed = data.find(end, token.end())
                stop = closed if closed >= 0 else len(data)
                following = self._next_record(
                    at, stop
                )  # up to there alone, or each comment would cost a look at all that follows
                if following < stop:
                    return following, "malformed_xml"
                if closed < 0:
                    return None
                at = closed + len(end)
            elif not token[1]:
                return token.start(), "malformed_xml"
            elif token[2] == begin[1]:
                closed = data.find(b">", token.end())
                return (closed + 1, None) if closed >= 0 else None
            else:
                at = token.end()
        return None
