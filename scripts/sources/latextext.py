r"""The prose of a LaTeX paper.

Kept: title, abstract, headings, paragraphs, lists with dashes, quotes, theorems with their name, footnotes (in
parentheses at the end of their paragraph), inline formulae as `$...$`, verbatim text. Left out: displayed formulae (as
in peS2o and S2ORC; with `formulae` they are kept as `$$...$$`), figures, tables, algorithms (with `captions` their
captions are kept), bibliography, front matter, citations, numbers of references. Macros are expanded outside formulae.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from scripts.sources.latex import TOKEN, Source
from scripts.sources.latexblocks import MARK, Blocks, joined, ligatures
from scripts.sources.latexcommands import HANDLERS, OVERLAY, VERBS, drop_arguments, heading, verbatim_argument
from scripts.sources.latexenvironments import ENVIRONMENTS, display, inline_formula, keep_display
from scripts.sources.latexmacros import CONDITIONALS, Definitions
from scripts.sources.latexsymbols import ACCENTS, ARGUMENTS, CHARACTERS, SYMBOLS, accented
from scripts.sources.latexunits import QUANTITIES

_CITATION = re.compile(r"(?:no|foot|text|paren|auto|super|full|short|small|online|ref)?[Cc]ite[A-Za-z]*")
_HEADINGS = frozenset((
    "part", "chapter", "section", "subsection", "subsubsection", "addchap", "addsec", "title", "icmltitle",
    "paragraph", "subparagraph",
))  # fmt: skip
_ASSIGNMENT = re.compile(
    r"[ \t]*=?[ \t]*-?[\d.]*(?:[ \t]*(?:true[ \t]*)?(?:pt|em|ex|cm|mm|in|pc|sp)(?![a-z])|\\[a-z]+)?"
    r"(?:\s*(?:plus|minus)\s*[\d.]+\s*(?:pt|em|ex|cm|mm|in|fil+))*"
)
_ASSIGNED = re.compile(r"\s*=\s*-?(?:\\[A-Za-z]+|[\d.]+\s*(?:(?:pt|em|ex|cm|mm|in)(?![a-z])|\\[A-Za-z]+)?)")
_DIMENSIONS = frozenset((
    "abovedisplayskip", "baselineskip", "belowdisplayskip", "clubpenalty", "hangafter", "hangindent", "hoffset",
    "hskip", "hsize", "interlinepenalty", "kern", "leftskip", "lineskip", "lower", "magnification", "moveleft",
    "moveright", "pageno", "parindent", "parskip", "penalty", "raise", "rightskip", "textheight", "textwidth",
    "tolerance", "topmargin", "voffset", "vskip", "vsize", "widowpenalty", "mathsurround", "tabcolsep", "fboxsep",
))  # fmt: skip
_BRANCHES = frozenset(("else", "fi", "or"))
_STAR = re.compile(r"\*?")
_NEAR = 400
_MAX_FORMULA = 2_000
_SCRIPT = re.compile(r"(?<!\\)[_^]")
_INNER = re.compile(r"\\[A-Za-z]+\*?(?:\[[^\]]*\])?\{[^{}]*\}")


@dataclass(slots=True)
class Converter:
    """The state of a conversion: what is being read, what is defined, what has come of it."""

    files: Mapping[str, str]
    source: Source
    formulae: bool
    captions: bool
    folder: str = ""
    blocks: Blocks = field(default_factory=Blocks)
    title: str = ""
    read: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    definitions: Definitions = field(default_factory=lambda: Definitions(is_protected))

    def capture(self, text: str, done: Callable[[str], None]) -> None:
        """Read a piece of LaTeX as a text apart and give it to `done`."""
        self.blocks.capture()
        self.source.push(text, lambda: done(self.blocks.captured()))

    def convert(self, main: str) -> None:
        """Read a file and what it brings. Raises TooComplex."""
        self.read.append(main)
        self.source.push(self.files[main], file=main)
        source, frames, emit = self.source, self.source.frames, self.blocks.emit
        while frames := source.frames:
            frame = frames[-1]
            match = TOKEN.match(frame.text, frame.position)
            if match is None:
                source.pop()
                continue
            frame.position = match.end()
            kind = match.lastgroup
            if kind == "text":
                emit(ligatures(match[0]))
            elif kind == "word":
                command(self, match["word"])
            elif kind == "space":
                emit(" ")
            elif kind == "symbol":
                symbol(self, match["symbol"])
            elif kind == "math":
                if match[0] == "$$":
                    display(self, r"\$\$", "$$")
                else:
                    inline_formula(self)
            elif kind == "par" or kind == "after":
                self.blocks.paragraph()
            elif kind == "between":
                emit(" ")
        self.blocks.end_environment()

    def text(self) -> str:
        """Return title, abstract and body."""
        head = [(self.title, False)] if self.title else []
        return joined([*head, *self.blocks.abstract, *_without_bare_references(self.blocks.blocks)])


def _without_bare_references(blocks: list[tuple[str, bool]]) -> list[tuple[str, bool]]:
    """Leave out the heading of a bibliography that is itself left out."""
    while blocks and blocks[-1][0].lower().strip(" .:") in ("references", "bibliography"):
        blocks = blocks[:-1]
    return blocks


def is_protected(name: str) -> bool:
    """Tell whether a command or environment has a meaning here that a paper's own definition must not hide."""
    tables = (HANDLERS, _HEADINGS, ENVIRONMENTS, CONDITIONALS, VERBS, _BRANCHES)
    if any(name in table for table in tables) or _CITATION.fullmatch(name):
        return True
    return name in ARGUMENTS


def command(converter: Converter, word: str) -> None:
    """Do what a control word says."""
    name = word.rstrip("*")
    definitions, source = converter.definitions, converter.source
    macro = definitions.macros.get(name)
    if macro is not None:
        if macro.parameters or "\\xspace" not in macro.body:
            source.skip_after_word()
        source.push(macro.expanded(definitions.arguments(source, macro)))
        return
    name = definitions.aliases.get(name, name)
    if name == "@":  # it is no word, so the space behind it stays
        return
    if name in VERBS:
        verbatim_argument(converter, name)
        return
    source.skip_after_word()
    if handler := HANDLERS.get(name):
        handler(converter)
    elif name in QUANTITIES:
        quantity(converter, name)
    elif name in _DIMENSIONS:
        source.matched(_ASSIGNMENT)
        converter.blocks.emit("" if name in ("kern", "raise", "lower") else " ")
    elif name in ARGUMENTS:
        drop_arguments(converter, ARGUMENTS[name])
        if name in SYMBOLS:
            converter.blocks.emit(SYMBOLS[name])
    elif name in SYMBOLS:
        converter.blocks.emit(SYMBOLS[name])
    elif name in _HEADINGS:
        heading(converter, name)
    elif name in ACCENTS:
        accent(converter, name)
    elif _CITATION.fullmatch(name):
        drop_arguments(converter, "ood")
        converter.blocks.emit(MARK)
    elif name in CONDITIONALS or name in definitions.flags:
        definitions.conditional(source, name)
    elif "@" in name:
        while source.group() is not None:
            continue  # a package's private command prints none of its arguments
    elif not _flag(definitions, name):
        unknown(converter)


def quantity(converter: Converter, name: str) -> None:
    r"""Read a quantity of siunitx, or of the package units, which has its value in brackets: `\unit[5]{km}`."""
    source = converter.source
    number, shown = QUANTITIES[name]
    option = source.optional() or ""
    arguments = [group for _ in range(number) if (group := source.group()) is not None]
    if len(arguments) < number:
        source.push(" ".join([*arguments, ""]))  # another package has a command of this name
    else:
        source.push((f"{option} " if name == "unit" and option and "=" not in option else "") + shown(*arguments))


def unknown(converter: Converter) -> None:
    """Pass over a command that means nothing here: what it is set to or its optional argument; other arguments stay.

    TeX allows `_` and `^` in formulae alone, so an argument that has one (and no `$`) is a formula or a label, no text.
    """
    source = converter.source
    if not source.matched(_ASSIGNED):
        source.optional(adjacent=True)
        source.matched(OVERLAY)
    frame = source.top()
    start = frame.position
    near = frame.text[start : start + _NEAR]
    if near.startswith("{") and _SCRIPT.search(near) and (group := source.group()) is not None:
        after, frame.position = frame.position, start
        if "$" not in group and len(group) <= _MAX_FORMULA and _SCRIPT.search(_INNER.sub("", group)):
            frame.position = after
            keep_display(converter, group if "\\" in group else "")


def _flag(definitions: Definitions, name: str) -> bool:
    r"""Set a conditional of `\newif`, if that is what a name does."""
    for suffix, value in (("true", True), ("false", False)):
        flag = f"if{name.removesuffix(suffix)}"
        if name.endswith(suffix) and flag in definitions.flags:
            definitions.flags[flag] = value
            return True
    return False


def symbol(converter: Converter, character: str) -> None:
    """Do what a control sequence of one other character says."""
    if character in CHARACTERS:
        if character == "\\":
            converter.source.matched(_STAR)
            converter.source.optional(adjacent=True)
        converter.blocks.emit(CHARACTERS[character])
    elif character in ACCENTS:
        accent(converter, character)
    elif character == "(":
        inline_formula(converter, r"\\\)")
    elif character == "[":
        display(converter, r"\\\]", r"\]")


def accent(converter: Converter, name: str) -> None:
    """Put an accent on the letter that comes next."""
    argument = converter.source.argument()
    if argument.startswith("\\") and argument[1:] in SYMBOLS and argument not in ("\\i", "\\j"):
        argument = SYMBOLS[argument[1:]]
    result = accented(name, argument)
    if "\\" in result or "{" in result:
        converter.source.push(result)
    else:
        converter.blocks.emit(result)
