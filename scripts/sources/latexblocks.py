"""The text of a paper as it grows: headings, paragraphs with their footnotes, lists, blocks kept as they are."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

MARK = "\ue000"  # stands for a citation, a reference or a footnote until what surrounds it is gone too
FIXED = "\ue001"  # a blank that is kept as it is
_BRACKETED = re.compile(
    rf"\s*[\[(](?:[\s,;{MARK}]|e\.\s?g\.|i\.\s?e\.|[Cc]f\.|[Ss]ee\b|also\b|and\b|for example\b)*{MARK}[\s,;.{MARK}]*[\])]"
)
_MARKS = re.compile(rf"\s*{MARK}(?:(?:[\s,;~–-]|and\b)*{MARK})*(?P<glued>(?=[\w(]))?")
_OPENED = re.compile(rf"(?<=[(\[])\s*{MARK}[\s,;{MARK}]*")
_SPACE_BEFORE = re.compile(r"(?<=[\w$)”’])\s+([,.;:])(?=\s|$)")
_TWO_STOPS = re.compile(r"(?<=[A-Za-z]{2})\.\.(?=\s|\Z)")  # "Eq.", a reference, "."
_DOUBLED = re.compile(r"([.,;:])\s+\.(?=\s|$)")
_LIGATURES = re.compile(r"---|--|``|''|`|'|\?`|!`")
_UNICODE = {"---": "—", "--": "–", "``": "“", "''": "”", "`": "‘", "'": "’", "?`": "¿", "!`": "¡"}


def ligatures(text: str) -> str:
    """Return text with the dashes and quotes that TeX's fonts make of ASCII characters."""
    if "'" in text or "--" in text or "`" in text:
        return _LIGATURES.sub(lambda match: _UNICODE[match[0]], text)
    return text


def tidy(text: str) -> str:
    """Return a paragraph with white space folded and without the marks, what bracketed them and what joined them."""
    text = " ".join(text.split())
    if MARK in text:
        text = _BRACKETED.sub(MARK, text)
        text = _OPENED.sub("", text)
        text = _MARKS.sub(lambda match: "" if match["glued"] is None else " ", text)
        text = _TWO_STOPS.sub(".", _SPACE_BEFORE.sub(r"\1", text))
    return _DOUBLED.sub(r"\1", text).replace(FIXED, " ").strip()


@dataclass(slots=True)
class Blocks:
    """Blocks of text in order. Lines of one list stand together, other blocks have an empty line between them."""

    blocks: list[tuple[str, bool]] = field(default_factory=list)
    abstract: list[tuple[str, bool]] = field(default_factory=list)
    in_abstract: bool = False
    pieces: list[str] = field(default_factory=list)
    lead: str = ""
    bullet: bool = False
    depth: int = 0
    notes: list[str] = field(default_factory=list)
    captions: list[str] = field(default_factory=list)
    _listed: bool = False
    _captured: list[list[str]] = field(default_factory=list)

    def emit(self, text: str) -> None:
        """Add to the paragraph."""
        self.pieces.append(text)

    def capture(self) -> None:
        """Begin a text apart, such as a footnote."""
        self._captured.append(self.pieces)
        self.pieces = []

    def captured(self) -> str:
        """End a text apart and return it."""
        text = tidy("".join(self.pieces))
        self.pieces = self._captured.pop()
        return text

    def paragraph(self) -> None:
        """End the paragraph; its footnotes follow in parentheses. In a text apart it goes on."""
        if self._captured:
            self.pieces.append(" ")
            return
        text = tidy("".join(self.pieces))
        self.pieces.clear()
        text = " ".join([text, *(f"({note})" for note in self.notes if note)]).strip()
        self.notes.clear()
        if text:
            self._add(f"{self.lead} {text}" if self.lead else text)
            self.lead = ""
        for caption in self.captions:
            self._block(caption)
        self.captions.clear()

    def end_environment(self) -> None:
        """End the paragraph, and one that has but a lead (an empty proof) too."""
        self.paragraph()
        if self.lead and not self._captured:
            self._add(self.lead)
            self.lead = ""

    def heading(self, text: str) -> None:
        """Add a block of its own."""
        self.end_environment()
        self._listed = False
        if text:
            self._block(text)

    def verbatim(self, text: str) -> None:
        """Add a block that stays as it is."""
        if self._captured:
            self.pieces.append(text.replace(" ", FIXED))
            return
        self.end_environment()
        self._listed = False
        lines = [line.rstrip() for line in text.split("\n")]
        while lines and not lines[0]:
            lines.pop(0)
        if any(lines):
            self._block("\n".join(lines).rstrip())

    def begin_list(self) -> None:
        """Begin a list, maybe inside another."""
        self.end_environment()
        self._listed = self._listed and self.depth > 0
        self.depth += 1

    def item(self) -> None:
        """Begin an item of a list."""
        self.paragraph()
        self.bullet = True

    def end_list(self) -> None:
        """End a list."""
        self.end_environment()
        self.bullet = False
        self.depth = max(self.depth - 1, 0)
        self._listed = self._listed and self.depth > 0

    def reset(self) -> None:
        """Forget all but the abstract: what came so far was the preamble."""
        self.blocks.clear()
        self.pieces.clear()
        self.notes.clear()
        self.captions.clear()
        self.lead, self.depth, self.bullet, self._listed = "", 0, False, False

    def _add(self, text: str) -> None:
        if not self.depth:
            self._block(text)
            return
        indent = "  " * min(self.depth - 1, 8)
        line = f"{indent}{'- ' if self.bullet else '  '}{text}"
        self._block(line, tight=self._listed)
        self.bullet, self._listed = False, True

    def _block(self, text: str, tight: bool = False) -> None:
        (self.abstract if self.in_abstract else self.blocks).append((text, tight))


def joined(blocks: list[tuple[str, bool]]) -> str:
    """Return blocks as one text."""
    return "".join(("\n" if tight else "\n\n") + text for text, tight in blocks).lstrip("\n")
