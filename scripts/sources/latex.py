r"""LaTeX source as a stack of texts being read: the file, what `\input` brings, what macros expand to, arguments.

TeX itself puts expansions back in front of its input, and so does this: nothing recurses, however deep braces nest.
Every character that is put back or searched is charged to a budget, so that no macro can blow up and no unclosed group
makes the work quadratic.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

# Papers expand to two or three times their length; definitions that double themselves reach any budget.
BUDGET_FACTOR = 32
BUDGET_FLOOR = 4 << 20
COST = 32  # of an expansion, beside its characters
MAX_DEPTH = 256
MAX_OPTIONAL = 20_000

TOKEN = re.compile(
    r"""(?P<text>[^\\{}$%~\n&]+(?:\n[ \t]*[^\\{}$%~\n&\ \t][^\\{}$%~\n&]*)*)
    |\\(?P<word>[A-Za-z@]+\*?)
    |\\(?P<symbol>[^A-Za-z@])
    |(?P<par>\n[ \t]*\n\s*)
    |(?P<comment>%[^\n]*(?:\n[ \t]*)?)(?P<after>\n\s*)?
    |(?P<between>\}\{(?!\}))
    |(?P<brace>[{}]+?)
    |(?P<math>\$\$?)
    |(?P<space>[\n~&])
    |(?P<lone>\\)""",
    re.X,
)
# TeX skips the white space behind a control word, but not an empty line.
_AFTER_WORD = re.compile(r"[ \t]*(?:\n(?![ \t]*\n)[ \t]*)?")
_SPACES = re.compile(r"(?:[ \t]|\n(?![ \t]*\n)|%[^\n]*\n?)*")
_BRACES = re.compile(r"[{}]|\\.|%[^\n]*", re.S)
_BRACES_RAW = re.compile(r"[{}]|\\[{}\\]")
_BRACKETS = re.compile(r"[][{}]|\\.|%[^\n]*|\n[ \t]*\n", re.S)
_SINGLE = re.compile(r"\\(?:[A-Za-z@]+|.)|[^{}\s]", re.S)


class TooComplex(Exception):
    """The macros of a paper expand without end or beyond reason."""


@dataclass(slots=True)
class Frame:
    """A text being read, what is to be done at its end, and the name of the file where it is one."""

    text: str
    position: int = 0
    done: Callable[[], None] | None = None
    file: str | None = None

    @property
    def barrier(self) -> bool:
        """Whether what stands in here cannot go on behind its end, as a macro's can."""
        return self.done is not None or self.file is not None


class Source:
    """The stack of texts; its top is read first. `length` of the whole paper sets the budget."""

    def __init__(self, length: int) -> None:
        self.frames: list[Frame] = []
        self._budget = BUDGET_FLOOR + BUDGET_FACTOR * length

    def charge(self, characters: int) -> None:
        """Take from the budget. Raises TooComplex where it is spent."""
        self._budget -= characters
        if self._budget < 0:
            raise TooComplex

    def push(self, text: str, done: Callable[[], None] | None = None, file: str | None = None) -> None:
        """Put a text in front of what is left. Raises TooComplex where too many stand open or the budget is spent."""
        self.charge(len(text) + COST)
        frames = self.frames
        while frames and not frames[-1].barrier and frames[-1].position >= len(frames[-1].text):
            frames.pop()
        if len(frames) >= MAX_DEPTH:
            raise TooComplex
        frames.append(Frame(text, 0, done, file))

    def pop(self) -> None:
        """Leave the top text and do what is to be done then."""
        frame = self.frames.pop()
        if frame.done:
            frame.done()

    def leave_file(self) -> None:
        r"""Leave the innermost file, as `\endinput` does."""
        while self.frames:
            is_file = self.frames[-1].file is not None
            self.pop()
            if is_file:
                return

    def files(self) -> list[str]:
        """Return the names of the files that stand open, the outermost first."""
        return [frame.file for frame in self.frames if frame.file is not None]

    def top(self) -> Frame:
        """Return the text that the next character comes from, leaving expansions that are at their end."""
        frames = self.frames
        while len(frames) > 1 and not frames[-1].barrier and frames[-1].position >= len(frames[-1].text):
            frames.pop()
        return frames[-1]

    def skip_after_word(self) -> None:
        """Skip what TeX skips behind a control word: in the text that it stands in, not behind a macro that it ends."""
        frame = self.frames[-1]
        if match := _AFTER_WORD.match(frame.text, frame.position):
            frame.position = match.end()

    def skip_spaces(self) -> Frame:
        """Skip white space within a paragraph, and comments."""
        frame = self.top()
        if match := _SPACES.match(frame.text, frame.position):
            frame.position = match.end()
        return self.top()

    def matched(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Read what matches a pattern here, if anything does."""
        frame = self.top()
        if match := pattern.match(frame.text, frame.position):
            frame.position = match.end()
        return match

    def group(self, raw: bool = False) -> str | None:
        """Read `{...}`, None where no closed group comes next; in a `raw` one (an address) `%` is no comment."""
        frame = self.skip_spaces()
        start = frame.position
        if not frame.text.startswith("{", start):
            return None
        depth = 0
        for match in (_BRACES_RAW if raw else _BRACES).finditer(frame.text, start):
            token = match[0]
            depth += (token == "{") - (token == "}")
            if depth == 0 and token == "}":
                self.charge(match.end() - start)
                frame.position = match.end()
                return frame.text[start + 1 : match.start()]
        self.charge(len(frame.text) - start)
        return None

    def optional(self, adjacent: bool = False) -> str | None:
        """Read `[...]`, None where none comes next (without white space before it, if `adjacent`)."""
        frame = self.top()
        before = frame, frame.position
        frame = frame if adjacent else self.skip_spaces()
        start = frame.position
        if frame.text.startswith("[", start):
            depth = 0
            for match in _BRACKETS.finditer(frame.text, start + 1, start + MAX_OPTIONAL):
                token = match[0]
                if token == "]" and depth == 0:
                    self.charge(match.end() - start)
                    frame.position = match.end()
                    return frame.text[start + 1 : match.start()]
                if token[0] == "\n":
                    break
                depth += (token == "{") - (token == "}")
            self.charge(min(MAX_OPTIONAL, len(frame.text) - start))
        before[0].position = before[1]
        return None

    def argument(self) -> str:
        """Read what TeX takes for an undelimited argument: a group, else one token; nothing at the end."""
        group = self.group()
        if group is not None:
            return group
        self.skip_spaces()
        match = self.matched(_SINGLE)
        return match[0] if match else ""

    def control_word(self) -> str:
        r"""Read a control sequence that is named: `\name` or `{\name}`; returns its name, empty where there is none."""
        name = self.argument().strip()
        return name[1:] if name.startswith("\\") else ""

    def until(self, opening: str | None, closing: str) -> str | None:
        """Read up to the pattern `closing`, over pairs of `opening` and `closing` in between; None where there is none.

        An expansion that has no end goes on in the text behind it: `\\be` for `\\begin{equation}`.
        """
        pattern = re.compile(
            rf"(?P<closing>{closing})|{f'(?P<opening>{opening})|' if opening else ''}\\.|%[^\n]*", re.S
        )
        body: list[str] = []
        marks = [(frame, frame.position) for frame in self.frames]
        while True:
            frame = self.top()
            depth = 0
            for match in pattern.finditer(frame.text, frame.position):
                depth += (match.lastgroup == "opening") - (match.lastgroup == "closing")
                if depth < 0:
                    body.append(frame.text[frame.position : match.start()])
                    self.charge(match.end() - frame.position)
                    frame.position = match.end()
                    return "".join(body)
            self.charge(len(frame.text) - frame.position)
            if frame.barrier or len(self.frames) == 1:
                self.frames = [mark[0] for mark in marks]
                for opened, position in marks:
                    opened.position = position
                return None
            body.append(frame.text[frame.position :])
            self.frames.pop()
