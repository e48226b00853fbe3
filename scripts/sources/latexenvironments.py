r"""The environments of LaTeX, and formulae, which are environments by other names (`$`, `\[`)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scripts.sources.latexblocks import MARK
from scripts.sources.latexsymbols import THEOREMS

if TYPE_CHECKING:
    from scripts.sources.latextext import Converter

_MATH = re.compile(
    r".*(?:equation|align|gather|multline|eqnarray|math|dgroup|empheq|prooftree|formula|array|matrix).*|split\*?|[a-z]{0,3}cases\*?"
)
_ALIGNED = re.compile(r"align|eqnarray|gather|multline")
_VERBATIM = frozenset(("verbatim", "Verbatim", "BVerbatim", "lstlisting", "minted", "alltt", "code", "semiverbatim"))
_FLOATS = frozenset((
    "figure", "table", "wrapfigure", "wraptable", "sidewaysfigure", "sidewaystable", "algorithm", "longtable",
    "deluxetable", "SCfigure", "floatingfigure", "listing", "supertabular", "marginfigure", "margintable", "plate",
))  # fmt: skip
_DROPPED = frozenset((
    "CCSXML", "IEEEkeywords", "algorithm2e", "algorithmic", "bibdiv", "biblist", "comment", "feynmandiagram", "figwindow",
    "filecontents", "keyword", "keywords", "pgfpicture", "picture", "pspicture", "references",
    "tabbing", "tabu", "tabular", "tabularx", "tabulary", "thebibliography", "theglossary", "theindex", "tikzcd",
    "tikzpicture", "xy", "circuitikz", "forest", "pseudocode", "htmlonly", "rawhtml", "acronym",
    "tablenotes", "subfigure", "axis", "asy", "thereferences",
))  # fmt: skip
_LISTS = frozenset((
    "itemize", "enumerate", "description", "list", "trivlist", "compactitem", "compactenum", "inparaenum", "asparaenum",
    "compactdesc", "asparaitem", "inlinelist", "enumerate*", "itemize*", "compactenumerate", "dinglist",
))  # fmt: skip
_ARGUMENTS = {
    "minipage": "ooood", "multicols": "d", "spacing": "d", "adjustwidth": "dd", "list": "dd", "minted": "od",
    "lstlisting": "o", "Verbatim": "o", "addmargin": "od", "tcolorbox": "o", "mdframed": "o", "itemize": "o",
    "enumerate": "o", "description": "o", "compactitem": "o", "compactenum": "o", "inparaenum": "o", "asparaenum": "o",
    "CJK": "odd", "CJK*": "odd", "otherlanguage": "d", "adjustbox": "d", "textblock": "d", "restatable": "o", "dinglist": "d",
}  # fmt: skip
_SILENT = frozenset(
    ("subequations", "document", "NoHyper", "small", "footnotesize", "normalsize", "sloppypar", "CJK", "CJK*")
)
ENVIRONMENTS = _VERBATIM | _FLOATS | _DROPPED | _LISTS | _SILENT | {"abstract", "proof", "quote", "quotation", "verse"}
_APPARATUS = re.compile(r"\\(?:label|tag\*?)\s*\{[^{}]*\}|\\(?:nonumber|notag)(?![A-Za-z])")
_COMMENT = re.compile(r"(?<!\\)((?:\\\\)*)%[^\n]*\n?[ \t]*")
MAX_FORMULA = 20_000  # characters of one in a line
_SIMPLE = re.compile(r"([^$\\{}%\n]*)\$")
_FORMULA = re.compile(r"[{}$]|\\.|%[^\n]*|\n[ \t]*\n", re.S)
_CAPTION = re.compile(r"\\(?:sub)?caption\*?(?=\s*[\[{])|%[^\n]*|\\.", re.S)
_FULL_STOP = re.compile(r"\.[\s~}]*(?:\\[A-Za-z]+\s*)?\Z")


def begin_environment(converter: Converter) -> None:
    r"""Do what `\begin{name}` says."""
    source, blocks, definitions = converter.source, converter.blocks, converter.definitions
    name = (source.group() or "").strip()
    base = name.removesuffix("*")
    if name in definitions.environments:
        macro = definitions.environments[name][0]
        source.push(macro.expanded(definitions.arguments(source, macro)))
    elif name == "document":
        if len(source.files()) == 1:
            blocks.reset()
    elif base in _VERBATIM:
        for kind in _ARGUMENTS.get(base, ""):
            source.optional(adjacent=True) if kind == "o" else source.argument()
        body = source.until(None, closing(converter, name, aliases=False))
        blocks.verbatim(body or "")
    elif base in definitions.theorems or base in THEOREMS or base == "proof":
        theorem(converter, base)
    elif base in _FLOATS:
        floating(converter, name)
    elif base in _DROPPED:
        skip(converter, name)
    elif _MATH.fullmatch(name):
        display(converter, closing(converter, name), f"\\end{{{name}}}", name)
    else:
        begin_other(converter, name)


def begin_other(converter: Converter, name: str) -> None:
    """Begin a list, the abstract or an environment that changes but the look of its text."""
    source, blocks = converter.source, converter.blocks
    if name == "restatable":
        source.optional()
        inner = source.argument()
        source.argument()
        theorem(converter, inner.strip())
        return
    if name in _LISTS:
        blocks.begin_list()
    elif name == "abstract":
        blocks.end_environment()
        blocks.in_abstract = True
    elif name not in _SILENT:
        blocks.end_environment()
    for kind in _ARGUMENTS.get(name, "o"):
        source.optional(adjacent=True) if kind == "o" else source.argument()


def end_environment(converter: Converter) -> None:
    r"""Do what `\end{name}` says."""
    source, blocks, definitions = converter.source, converter.blocks, converter.definitions
    name = (source.group() or "").strip()
    if name in definitions.environments:
        source.push(definitions.environments[name][1])
    elif name == "document":
        if len(source.files()) > 1:
            source.leave_file()
        else:
            while source.frames:
                source.pop()
    elif name in _LISTS:
        blocks.end_list()
    elif name not in _SILENT and not _MATH.fullmatch(name):
        blocks.end_environment()
        blocks.in_abstract = blocks.in_abstract and name != "abstract"


def closing(converter: Converter, name: str, aliases: bool = True) -> str:
    """Return the pattern of what ends an environment: `\\end{name}`, or a macro of the paper that stands for it."""
    literal = rf"\\end[ \t]*\{{{re.escape(name)}\}}"
    if not aliases:
        return literal
    words = [literal, _words(converter, f"{{{name}}}")]
    for own, (_, end) in converter.definitions.environments.items():
        if f"\\end{{{name}}}" in end:
            words.append(rf"\\end[ \t]*\{{{re.escape(own)}\}}")
    return "|".join(words)


def _words(converter: Converter, literal: str) -> str:
    names = "|".join(map(re.escape, converter.definitions.closers(literal)))
    return rf"\\(?:{names})(?![A-Za-z@])" if names else "(?!)"


def theorem(converter: Converter, name: str) -> None:
    """Begin a theorem or the like: its name, and what it is called, lead its first paragraph."""
    blocks = converter.blocks
    title = converter.definitions.theorems.get(name) or THEOREMS.get(name, name.capitalize())
    note = converter.source.optional()
    blocks.end_environment()
    named = f"{title} ({note})" if note else title
    lead = note if note and name == "proof" else named

    def done(found: str) -> None:
        blocks.lead = found.replace("()", "").rstrip(" .:") + "."

    converter.capture(lead, done)


def skip(converter: Converter, name: str) -> str:
    """Read an environment and return its source; nothing where it has no end."""
    opening = rf"\\begin[ \t]*\{{{re.escape(name)}\}}"
    return converter.source.until(opening, closing(converter, name)) or ""


def floating(converter: Converter, name: str) -> None:
    """Read a figure or table; its captions come after the paragraph that it stands in."""
    body = skip(converter, name)
    if not converter.captions:
        return
    starts = [match.start() for match in _CAPTION.finditer(body) if match[0].endswith(("caption", "caption*"))]
    for start in reversed(starts):
        converter.source.push(_argument_of(body, start))


def _argument_of(body: str, start: int) -> str:
    """Return a caption command with its arguments, cut from the source of a float."""
    depth, at = 0, start
    for match in re.finditer(r"[{}]|\\.|%[^\n]*", body[start:], re.S):
        depth += (match[0] == "{") - (match[0] == "}")
        if depth == 0 and match[0] == "}":
            at = start + match.end()
            break
    return body[start:at].replace("\\subcaption", "\\caption")


def display(converter: Converter, ending: str, literal: str, name: str = "") -> None:
    """Read a displayed formula; kept only on demand. The full stop of one that is left out stays."""
    opening = rf"\\begin[ \t]*\{{{re.escape(name)}\}}" if name else None
    pattern = ending if name else f"{ending}|{_words(converter, literal)}"
    body = converter.source.until(opening, pattern)
    if body is not None:
        keep_display(converter, body, aligned=_ALIGNED.search(name) is not None)


def keep_display(converter: Converter, body: str, aligned: bool = False) -> None:
    """Add a displayed formula where they are kept, else its full stop."""
    formula = formula_source(body)
    if not converter.formulae:
        frame = converter.source.top()
        follows = frame.text[frame.position : frame.position + 1] in (",", ";", ":", ".")
        converter.blocks.emit(f"{MARK}. " if _FULL_STOP.search(formula) else MARK if follows else " ")
    elif formula:
        if aligned and ("&" in formula or "\\\\" in formula):
            formula = f"\\begin{{aligned}} {formula} \\end{{aligned}}"
        converter.blocks.emit(f" $${formula}$$ ")


def formula_source(body: str) -> str:
    """Return a formula without comments, labels and line ends."""
    if "%" in body:
        body = _COMMENT.sub(r"\1", body)
    if "\\" in body:
        body = _APPARATUS.sub("", body)
    return " ".join(body.split())


def inline_formula(converter: Converter, ending: str = "") -> None:
    r"""Read a formula in a line, after `$` (or, with `ending`, after `\(`); a `$` that opens none is left out."""
    source = converter.source
    if ending:
        body = source.until(None, ending)
    else:
        match = source.matched(_SIMPLE)
        body = match[1] if match else _dollars(converter)
    if body and (formula := formula_source(body)):
        converter.blocks.emit(f"${formula}$")


def _dollars(converter: Converter) -> str | None:
    """Read up to the `$` that ends a formula: not one in braces, which opens a formula in a text in the formula."""
    frame = converter.source.top()
    start, depth = frame.position, 0
    first: re.Match[str] | None = None
    ending: re.Match[str] | None = None
    scanned = start
    for match in _FORMULA.finditer(frame.text, start, start + MAX_FORMULA):
        scanned = match.end()
        token = match[0]
        depth += (token == "{") - (token == "}")
        if token == "$":
            first = first or match
            ending = match if depth <= 0 else None
        if ending or token[0] == "\n":
            break
    ending = ending or first
    converter.source.charge(scanned - start)
    if ending is None:
        return None
    frame.position = ending.end()
    return frame.text[start : ending.start()]
