r"""The definitions of a LaTeX paper: macros, environments, theorems and conditionals, as read and as expanded."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from scripts.sources.latex import Source

MAX_DELIMITED = 20_000
_PARAMETERS = re.compile(r"[^{\n]*")
_HASH = re.compile(r"#([1-9#])")
_WORD_END = re.compile(r"\\[A-Za-z@]+\Z")
_PRIVATE = re.compile(r"\\[A-Za-z]*@")
_EQUALS = re.compile(r"[ \t]*=?[ \t]*")
_BRANCH = re.compile(r"\\(if[A-Za-z@]*|else|or|fi)(?![A-Za-z@])|%[^\n]*|\\.", re.S)
_ARGUMENT_KIND = re.compile(r"[mosvrdgt]|O\s*(?:\{[^{}]*\})?")
_NAME_KEY = re.compile(r"(?:^|,)\s*name\s*=\s*(?:\{([^}]*)\}|([^,]*))")
CONDITIONALS = frozenset((
    "if", "ifcase", "ifcat", "ifcsname", "ifdefined", "ifdim", "ifeof", "iffalse", "ifhbox", "ifhmode", "ifinner",
    "ifluatex", "ifmmode", "ifnum", "ifodd", "ifpdf", "iftrue", "ifvbox", "ifvmode", "ifvoid", "ifx", "ifxetex",
))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a macro: mandatory `m`, optional `o` with a default, star `s`, or up to a `delimiter`."""

    kind: str
    default: str = ""
    delimiter: str = ""


@dataclass(frozen=True, slots=True)
class Macro:
    """A macro: its parameters and its body."""

    parameters: tuple[Parameter, ...]
    body: str

    def expanded(self, arguments: list[str]) -> str:
        """Return the body with its arguments; a control word never runs into an argument's letters."""
        if "#" not in self.body:
            return self.body
        out: list[str] = []
        for number, part in enumerate(_HASH.split(self.body)):
            if number % 2 == 0:
                out.append(part)
            elif part == "#":
                out.append("#")
            elif int(part) <= len(arguments):
                argument = arguments[int(part) - 1]
                glued = argument[:1].isalpha() and out and _WORD_END.search(out[-1])
                out.append(f" {argument}" if glued else argument)
        return "".join(out)


@dataclass(slots=True)
class Definitions:
    """What a paper has defined so far. `protected` names keep their meaning whatever the paper makes of them."""

    protected: Callable[[str], bool]
    macros: dict[str, Macro] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    environments: dict[str, tuple[Macro, str]] = field(default_factory=dict)
    theorems: dict[str, str] = field(default_factory=dict)
    flags: dict[str, bool] = field(default_factory=dict)
    enders: dict[str, Macro] = field(default_factory=dict)

    def define(self, name: str, parameters: tuple[Parameter, ...], body: str | None) -> None:
        """Take a definition, unless the name is protected or the body is made of a package's private commands."""
        name = name.rstrip("*")
        if not name or body is None or self.protected(name) or _PRIVATE.search(body):
            return
        self.aliases.pop(name, None)
        self.macros[name] = Macro(parameters, body)
        if "\\end" in body or "$$" in body or "\\]" in body:
            self.enders[name] = self.macros[name]

    def closers(self, closing: str) -> list[str]:
        """Return the names of the macros without parameters that stand for (or hold) `closing`."""
        return [name for name, macro in self.enders.items() if closing in macro.body and self.macros[name] is macro]

    def newcommand(self, source: Source) -> None:
        r"""Read what comes after `\newcommand` and its likes."""
        name = source.control_word()
        parameters = _numbered(source)
        self.define(name, parameters, source.group())

    def document_command(self, source: Source) -> None:
        r"""Read what comes after `\NewDocumentCommand` and its likes."""
        name, kinds = source.control_word(), source.argument()
        parameters = []
        for kind in _ARGUMENT_KIND.findall(kinds):
            default = kind[1:].strip(" {}") if kind[0] == "O" else ""
            parameters.append(Parameter({"O": "o", "o": "o", "s": "s"}.get(kind[0], "m"), default))
        self.define(name, tuple(parameters), source.group())

    def operator(self, source: Source) -> None:
        r"""Read what comes after `\DeclareMathOperator`."""
        name = source.control_word()
        self.define(name, (), source.group())

    def primitive(self, source: Source) -> None:
        r"""Read what comes after `\def`: the name, parameters with their delimiters, the body."""
        name = source.control_word()
        match = source.matched(_PARAMETERS)
        pieces = _HASH.split(match[0]) if match else [""]
        parameters = [Parameter("m", delimiter=pieces[at + 1].strip()) for at in range(1, len(pieces), 2)]
        body = source.group()
        if not pieces[0].strip():
            self.define(name, tuple(parameters), body)

    def let(self, source: Source) -> None:
        r"""Read what comes after `\let`: a name gets the meaning that another one has now."""
        name = source.control_word()
        source.matched(_EQUALS)
        other = source.control_word()
        if not name or not other or self.protected(name):
            return
        if other in self.macros:
            self.define(name, self.macros[other].parameters, self.macros[other].body)
        elif self.aliases.get(other, other) != name:
            self.macros.pop(name, None)
            self.aliases[name] = self.aliases.get(other, other)
        else:
            self.aliases.pop(name, None)
            self.macros.pop(name, None)

    def environment(self, source: Source) -> None:
        r"""Read what comes after `\newenvironment`."""
        name = source.argument().strip()
        parameters = _numbered(source)
        begin, end = source.group(), source.group()
        if begin is None or end is None or _PRIVATE.search(begin + end) or self.protected(name):
            return
        self.environments[name] = (Macro(parameters, begin), end)

    def theorem(self, source: Source) -> None:
        r"""Read what comes after `\newtheorem`: the environment and what it is called in print."""
        name = source.argument().strip().rstrip("*")
        source.optional()
        title = source.group()
        source.optional()
        if name and title:
            self.theorems[name] = title

    def declared_theorem(self, source: Source) -> None:
        r"""Read what comes after `\declaretheorem` of thmtools."""
        options = source.optional() or ""
        name = source.argument().strip()
        options += "," + (source.optional() or "")
        match = _NAME_KEY.search(options)
        self.theorems[name] = (match[1] or match[2]).strip() if match else name.capitalize()

    def arguments(self, source: Source, macro: Macro) -> list[str]:
        """Read the arguments of a macro."""
        found = []
        for parameter in macro.parameters:
            if parameter.kind == "o":
                given = source.optional()
                found.append(parameter.default if given is None else given)
            elif parameter.kind == "s":
                found.append("")
            elif parameter.delimiter:
                found.append(_delimited(source, parameter.delimiter))
            else:
                found.append(source.argument())
        return found

    def conditional(self, source: Source, name: str) -> None:
        r"""Read on in the branch that counts: the second one where only TeX could tell, as of `\ifx`."""
        if not self.flags.get(name, name == "iftrue"):
            skip_branch(source, to_else=True)


def _numbered(source: Source) -> tuple[Parameter, ...]:
    count = source.optional() or "0"
    number = int(count) if count.strip().isdecimal() and len(count) < 3 else 0
    default = source.optional() if number else None
    kinds = [Parameter("m")] * min(number, 9)
    return tuple([Parameter("o", default), *kinds[1:]] if default is not None and kinds else kinds)


def _delimited(source: Source, delimiter: str) -> str:
    frame = source.top()
    start = frame.position
    end = frame.text.find(delimiter, start, start + MAX_DELIMITED)
    if end < 0:
        return source.argument()
    source.charge(end - start)
    frame.position = end + len(delimiter)
    found = frame.text[start:end].strip()
    return found[1:-1] if found.startswith("{") and found.endswith("}") else found


def skip_branch(source: Source, to_else: bool) -> None:
    r"""Skip to the `\fi` that closes the branch, or behind its `\else`; nothing where neither stands in this text."""
    frame = source.top()
    depth = 0
    for match in _BRANCH.finditer(frame.text, frame.position):
        word = match[1]
        if not word:
            continue
        if depth == 0 and (word == "fi" or (word == "else" and to_else)):
            source.charge(match.end() - frame.position)
            frame.position = match.end()
            return
        if word == "fi":
            depth -= 1
        elif word.startswith("if") and word not in ("iff", "ifthenelse", "ifdef", "ifstrequal"):
            depth += 1
    source.charge(len(frame.text) - frame.position)
