"""From the TeX files of a paper to its record: which file is the main one, what encoding they have, what is no paper."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from typing import Any

from scripts.sources.decoding import decode, normal_form
from scripts.sources.latex import Source, TooComplex
from scripts.sources.latexblocks import FIXED, MARK
from scripts.sources.latextext import Converter
from scripts.sources.papers import Paper
from scripts.sources.records import Outcome, Record, quarantined, removed

MAX_NOTICE = 1_500  # characters of a notice that says that a paper was withdrawn
MAX_NAMES = 100
_CLASS = re.compile(r"^[^%\n]*\\document(?:class|style)(?![A-Za-z])", re.M)
_BEGIN = re.compile(r"^[^%\n]*\\begin\s*\{document\}", re.M)
_PLAIN = re.compile(r"^[^%\n]*\\(?:bye|magnification|endtopmatter|enddocument)(?![A-Za-z])", re.M)
_INCLUDED = re.compile(r"\\(?:input|include|subfile|(?:sub)?import\s*\{[^{}]*\})\s*(?:\{([^{}]*)\}|([^\s{}\\%]+))")
_ENCODING = re.compile(r"\\usepackage\s*\[([A-Za-z0-9-]+)\]\s*\{inputenc\}")
_ENCODINGS = {
    "latin1": "cp1252", "ansinew": "cp1252", "cp1252": "cp1252", "latin2": "iso8859-2", "latin3": "iso8859-3",
    "latin4": "iso8859-4", "latin5": "iso8859-9", "latin9": "iso8859-15", "latin10": "iso8859-16", "cp1250": "cp1250",
    "cp1251": "cp1251", "cp437": "cp437", "cp850": "cp850", "cp852": "cp852", "cp866": "cp866", "koi8-r": "koi8-r",
    "koi8-u": "koi8-u", "applemac": "mac_roman",
}  # fmt: skip
_TOP_LEVEL = re.compile(
    r"^(\S+)[ \t]+toplevelfile|\"filename\"\s*:\s*\"([^\"]+)\"[^{}]*\"usage\"\s*:\s*\"toplevel\""
    r"|\"usage\"\s*:\s*\"toplevel\"[^{}]*\"filename\"\s*:\s*\"([^\"]+)\"",
    re.M,
)
_NAMES = ("main", "ms", "paper", "article", "manuscript")
_WITHDRAWN = re.compile(r"\bwithdrawn\b", re.I)
_UNWANTED = str.maketrans("", "", MARK + FIXED + "\0")


def paper_outcome(paper: Paper, options: Mapping[str, Any]) -> Outcome:
    """Return the record of a paper, or why it has none."""
    files, declared = decoded(paper.files)
    main = main_file(files)
    if main is None:
        return removed("no_tex", paper.key)
    converter = Converter(
        files=files,
        source=Source(sum(map(len, files.values()))),
        formulae=options.get("formulae", False),
        captions=options.get("captions", False),
        folder=posixpath.dirname(main),
    )
    try:
        converter.convert(main)
    except TooComplex:
        return quarantined("macro_bomb", paper.key, files[main])
    text = normal_form(converter.text())
    if files[main].lstrip().startswith("%auto-ignore") or (len(text) < MAX_NOTICE and _WITHDRAWN.search(text)):
        return removed("withdrawn", paper.key, text)
    if not text.strip():
        return removed("no_text", paper.key, files[main])
    meta: dict[str, Any] = {
        "title": normal_form(converter.title) or None,
        "files": converter.read[:MAX_NAMES],
        "missing": converter.missing[:MAX_NAMES],
    }
    return Record(key=paper.key, text=text, meta=meta | ({"encoding": declared} if declared else {}))


def decoded(files: Mapping[str, bytes]) -> tuple[dict[str, str], str | None]:
    """Return the files as text: UTF-8, else what `inputenc` says, else Windows-1252; and the encoding if not UTF-8."""
    found: dict[str, str] = {}
    legacy: dict[str, bytes] = {}
    for name, data in files.items():
        text = decode(data)
        if text is None:
            legacy[name] = data
        else:
            found[name] = text
    encoding = None
    if legacy:
        heads = [*found.values(), *(data.decode("latin-1") for data in legacy.values())]
        declared = next((match[1].lower() for text in heads if (match := _ENCODING.search(text))), "")
        encoding = _ENCODINGS.get(declared, "cp1252")
        found |= {name: data.decode(encoding, "replace") for name, data in legacy.items()}
    lines = re.compile(r"\r\n?")
    return {name: lines.sub("\n", text.translate(_UNWANTED)) for name, text in found.items()}, encoding


def main_file(files: Mapping[str, str]) -> str | None:
    """Return the file that the paper begins with.

    In this order: 00README names it; it has both `\\documentclass` and `\\begin{document}`, or one of them, or is plain
    TeX; no other includes it; it is called main, ms or paper; it is longer; its name is first by Unicode.
    """
    readme = "\n".join(text for name, text in files.items() if posixpath.basename(name).upper().startswith("00README"))
    named = {posixpath.normpath(name) for match in _TOP_LEVEL.finditer(readme) for name in match.groups() if name}
    texts = {name: text for name, text in files.items() if _is_text(name, text)}
    included = {name for text in texts.values() for name in _included(text)}

    def order(name: str) -> tuple[Any, ...]:
        text = texts[name]
        stem = posixpath.splitext(name)[0]
        base = posixpath.basename(stem).lower()
        whole = -2 * bool(_CLASS.search(text)) - 2 * bool(_BEGIN.search(text)) - bool(_PLAIN.search(text))
        inner = not included.isdisjoint((name, stem, posixpath.basename(name), posixpath.basename(stem)))
        rank = _NAMES.index(base) if base in _NAMES else len(_NAMES)
        return (name not in named, whole, inner, rank, -len(text), name)

    return min(texts, key=order, default=None)


def _is_text(name: str, text: str) -> bool:
    if posixpath.basename(name).upper().startswith("00README"):
        return False
    suffix = posixpath.splitext(name)[1].lower()
    return suffix in (".tex", ".ltx", ".latex") or (suffix in ("", ".txt") and _CLASS.search(text) is not None)


def _included(text: str) -> list[str]:
    return [
        posixpath.normpath((match[1] or match[2]).strip()) for match in _INCLUDED.finditer(text) if any(match.groups())
    ]
