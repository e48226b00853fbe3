r"""What LaTeX's commands do in a conversion."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from scripts.sources.latex import Source
from scripts.sources.latexarguments import character, if_value, joined, replaced, script, spanning
from scripts.sources.latexblocks import FIXED, MARK
from scripts.sources.latexenvironments import begin_environment, end_environment
from scripts.sources.latexmacros import Definitions, skip_branch
from scripts.sources.latexsymbols import REFERENCES

if TYPE_CHECKING:
    from scripts.sources.latextext import Converter

MAX_INPUT_DEPTH = 16
VERBS = frozenset(("verb", "lstinline", "mintinline", "Verb", "path", "url", "nolinkurl"))
_VERB = re.compile(
    r"[ \t]*(?:\[[^\]\n]*\])?(?:\{(?P<braced>[^{}\n]*)\}|(?P<quote>[^\sA-Za-z])(?P<text>[^\n]*?)(?P=quote))"
)
_FONT = re.compile(r"[ \t]*\\[A-Za-z@]+[ \t]*=?[ \t]*\S+(?:[ \t]+(?:scaled|at)[ \t]*\S+)?")
_NAME = re.compile(r"\\(?!begin|end)[A-Za-z@]+")
_FILE = re.compile(r"\s*(?:\{([^{}]*)\}|\"([^\"\n]*)\"|([^\s{}\\]+))")
_ENDCSNAME = re.compile(r"[^\n]*?\\endcsname")
OVERLAY = re.compile(r"<[-+\d,.|]{1,40}>")  # of beamer: the slides that something is on
_ENDS = re.compile(
    r"(?:eqs?|eqns?|eqnarray|equations?|relations?|formulas?|formulae|inequality|inequalities)\.?\Z", re.I
)
_PRINTED_END = (".", "?", "!", ":", ";")


def drop_arguments(converter: Converter, kinds: str) -> None:
    r"""Read arguments that are no text: `o` optional, `d` a group, where they come (`\setlength\parindent{0pt}` too)."""
    for number, kind in enumerate(kinds, start=1):
        if kind == "o":
            converter.source.optional()
        elif converter.source.group() is None and "d" in kinds[number:]:
            converter.source.matched(_NAME)


def heading(converter: Converter, name: str) -> None:
    """Read a heading; the ones of paragraphs stay in them."""
    source, blocks = converter.source, converter.blocks
    source.optional()
    text = source.group()
    if text is None:
        return
    if name in ("title", "icmltitle"):
        converter.capture(text, lambda found: entitle(converter, found))
    elif name in ("paragraph", "subparagraph"):
        blocks.paragraph()
        converter.capture(
            text, lambda found: blocks.emit(f"{found} " if found.endswith(_PRINTED_END) else f"{found}. ")
        )
    else:
        blocks.end_environment()
        converter.capture(text, blocks.heading)


def entitle(converter: Converter, title: str) -> None:
    """Take the first title; what its footnotes say (thanks, addresses) is no text."""
    converter.title = converter.title or title
    converter.blocks.notes.clear()


def quotation(converter: Converter) -> None:
    r"""Read `\enquote{...}`."""
    text = converter.source.group()
    if text is not None:
        converter.source.push(f"“{text}”")


def font(converter: Converter) -> None:
    r"""Read what comes after `\font`."""
    converter.source.matched(_FONT)


def footnote(converter: Converter) -> None:
    """Read a footnote; it goes to the end of the paragraph."""
    converter.source.optional()
    text = converter.source.group()
    if text is not None:
        converter.blocks.emit(MARK)
        converter.capture(text, converter.blocks.notes.append)


def abstract(converter: Converter) -> None:
    r"""Read `\abstract{...}`, as some journals' styles have it."""
    text = converter.source.group()
    if text:
        converter.capture(text, lambda found: converter.blocks.abstract.append((found, False)) if found else None)


def reference(converter: Converter, named: bool, equation: bool = False) -> None:
    """Read a reference: its number is not known, its name (`Theorem`) where the command prints one."""
    label = converter.source.group() or ""
    prefix = label.partition(",")[0].strip().partition(":")[0].lower()
    blocks = converter.blocks
    if equation and not _ENDS.search("".join(blocks.pieces[-3:]).rstrip(" ~\n()")):
        blocks.emit("equation")
    elif named and ":" in label and prefix in REFERENCES:
        blocks.emit(REFERENCES[prefix])
    else:
        blocks.emit(MARK)


def verbatim_argument(converter: Converter, name: str) -> None:
    r"""Read `\verb|...|`, `\mintinline{c}|...|`, `\url{...}`."""
    source = converter.source
    if name == "mintinline":
        drop_arguments(converter, "od")
    if name in ("url", "path", "nolinkurl"):
        source.skip_spaces()
        text = source.group(raw=True)
        if text is not None:
            converter.blocks.emit(text.replace("\\", "").strip())
            return
    if match := source.matched(_VERB):
        text = match["braced"] if match["braced"] is not None else match["text"]
        converter.blocks.emit(text.replace(" ", FIXED))


def item(converter: Converter) -> None:
    r"""Begin an item; its own label stays."""
    converter.source.matched(OVERLAY)
    label = converter.source.optional()
    converter.blocks.item()
    if label:
        converter.source.push(f"{label} ")


def import_file(converter: Converter, folder: bool = False) -> None:
    r"""Read the file that `\input` names; one that is missing, open already or too deep down is noted or left out."""
    source = converter.source
    base = (source.group() or "").strip() if folder else ""
    match = source.matched(_FILE)
    name = next((part for part in match.groups() if part), "").strip() if match else ""
    if not name:
        return
    opened = source.files()
    main = converter.folder
    for start in (posixpath.join(main, base), posixpath.dirname(opened[-1]) if opened else "", main):
        for candidate in (name, f"{name}.tex"):
            path = posixpath.normpath(posixpath.join(start, candidate))
            if path in converter.files:
                if path not in opened and len(opened) < MAX_INPUT_DEPTH:
                    open_file(converter, path)
                return
    if name not in converter.missing:
        converter.missing.append(name)


def include(converter: Converter) -> None:
    r"""Read the file that `\include` names, which begins a page."""
    converter.blocks.paragraph()
    import_file(converter)


def open_file(converter: Converter, path: str) -> None:
    """Read on in a file; the end of its last line is a space, as that of any line."""
    if path not in converter.read:
        converter.read.append(path)
    converter.source.push(converter.files[path], done=lambda: converter.blocks.emit(" "), file=path)


def package(converter: Converter) -> None:
    """Read the definitions of packages that come with the paper."""
    drop_arguments(converter, "o")
    for name in reversed((converter.source.group() or "").split(",")):
        path = posixpath.normpath(posixpath.join(converter.folder, f"{name.strip()}.sty"))
        if path in converter.files and path not in converter.read:
            open_file(converter, path)


def link(converter: Converter) -> None:
    r"""Read the address of `\href{...}{text}`."""
    converter.source.optional()
    converter.source.group(raw=True)


def two_forms(converter: Converter) -> None:
    r"""Read `\texorpdfstring{text}{bookmark}`."""
    first = converter.source.argument()
    converter.source.argument()
    converter.source.push(first)


def if_then_else(converter: Converter) -> None:
    r"""Read `\ifthenelse{test}{one}{other}`: what the test says is not known, so the other."""
    drop_arguments(converter, "dd")


def caption_of(converter: Converter) -> None:
    r"""Read `\caption[short]{...}` outside a float (inside, the environment reads it)."""
    source = converter.source
    source.optional()
    text = source.group()
    if text and converter.captions:
        converter.capture(text, converter.blocks.captions.append)


def named_caption(converter: Converter) -> None:
    r"""Read `\captionof{figure}{...}`."""
    converter.source.argument()
    caption_of(converter)


def ensure_math(converter: Converter) -> None:
    r"""Read `\ensuremath{...}` as the formula that it is in text."""
    formula = converter.source.group()
    if formula:
        converter.blocks.emit(f"${formula}$")


def new_flag(converter: Converter) -> None:
    r"""Read what comes after `\newif`."""
    converter.definitions.flags.setdefault(converter.source.control_word(), False)


def xspace(converter: Converter) -> None:
    """Stand for a space that is there anyway: a macro that ends in this does not swallow what is behind it."""


def finish(converter: Converter) -> None:
    """Leave all that is being read."""
    while converter.source.frames:
        converter.source.pop()


_Handler = Callable[["Converter"], None]


def _defining(method: Callable[[Definitions, Source], None]) -> _Handler:
    return lambda converter: method(converter.definitions, converter.source)


HANDLERS: dict[str, _Handler] = {
    **dict.fromkeys(("newcommand", "renewcommand", "providecommand", "DeclareRobustCommand", "newrobustcmd"),
                    _defining(Definitions.newcommand)),
    **dict.fromkeys(("NewDocumentCommand", "RenewDocumentCommand", "DeclareDocumentCommand", "ProvideDocumentCommand"),
                    _defining(Definitions.document_command)),
    **dict.fromkeys(("def", "gdef", "edef", "xdef"), _defining(Definitions.primitive)),
    **dict.fromkeys(("newenvironment", "renewenvironment"), _defining(Definitions.environment)),
    **dict.fromkeys(("newtheorem", "spnewtheorem"), _defining(Definitions.theorem)),
    "let": _defining(Definitions.let), "DeclareMathOperator": _defining(Definitions.operator),
    "declaretheorem": _defining(Definitions.declared_theorem), "newif": new_flag,
    **dict.fromkeys(("footnote", "sidenote", "endnote"), footnote), "abstract": abstract, "item": item,
    **dict.fromkeys(("ref", "pageref", "vref", "subref", "labelcref", "fref"), lambda it: reference(it, named=False)),
    **dict.fromkeys(("cref", "Cref", "autoref", "nameref", "Autoref", "crefrange"), lambda it: reference(it, named=True)),
    "eqref": lambda it: reference(it, named=False, equation=True),
    **dict.fromkeys(("input", "subfile", "InputIfFileExists"), import_file), "include": include,
    **dict.fromkeys(("import", "subimport", "inputfrom", "subinputfrom"), lambda it: import_file(it, folder=True)),
    "usepackage": package, "RequirePackage": package, "begin": begin_environment, "end": end_environment,
    "texorpdfstring": two_forms, "href": link,
    "font": font, "enquote": quotation, "ifthenelse": if_then_else, "ensuremath": ensure_math,
    "caption": caption_of, "captionof": named_caption,
    **dict.fromkeys(("par", "clearpage", "newpage", "cleardoublepage", "bigskip", "medskip", "smallskip", "endgraf",
                     "maketitle", "tableofcontents", "appendix", "pagebreak"), lambda it: it.blocks.paragraph()),
    **dict.fromkeys(("else", "or"), lambda it: skip_branch(it.source, to_else=False)), "fi": lambda it: None,
    "endinput": lambda it: it.source.leave_file(), "bye": finish, "xspace": xspace,
    "IfValueTF": lambda it: if_value(it, True),
    "IfNoValueTF": lambda it: if_value(it, False),
    "IfBooleanTF": if_then_else, **dict.fromkeys(("nicefrac", "sfrac"), lambda it: joined(it, "/")),
    "char": character, "replaced": replaced,
    **dict.fromkeys(("IEEEPARstart", "lettrine"), lambda it: joined(it, "")), "twocolumn": spanning,
    "textsuperscript": lambda it: script(it, "sup"), "textsubscript": lambda it: script(it, "sub"),
    "csname": lambda it: it.source.matched(_ENDCSNAME) and None,
}  # fmt: skip
