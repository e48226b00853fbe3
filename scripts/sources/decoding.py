"""From bytes to text, and from text to the one form that documents have."""

from __future__ import annotations

import codecs
import unicodedata

import regex

BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# How UTF-16 and UTF-32 begin without a mark where the first character is `<`.
UNMARKED = (
    (b"<\0\0\0", codecs.BOM_UTF32_LE),
    (b"\0\0\0<", codecs.BOM_UTF32_BE),
    (b"<\0", codecs.BOM_UTF16_LE),
    (b"\0<", codecs.BOM_UTF16_BE),
)
# Control characters other than tab and newline have no place in text; U+0085 and form feed mean a new line.
_CONTROLS = regex.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")
_LINE_ENDS = regex.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_TRAILING = regex.compile(r"[ \t]+(?=\n|\Z)")
_SURROGATES = regex.compile(r"[\ud800-\udfff]")


def decode(data: bytes, encoding: str | None = None) -> str | None:
    """Return bytes as text by byte order mark, else by `encoding`, else as UTF-8; None where they are not that."""
    for mark, name in BOMS:
        if data.startswith(mark):
            data, encoding = data[len(mark) :], name
            break
    try:
        return data.decode(encoding or "utf-8")
    except (UnicodeDecodeError, LookupError):
        return None


def decode_legacy(data: bytes) -> str:
    """Return bytes of an old plain text: UTF-8 where valid, else Windows-1252 as Project Gutenberg used it."""
    text = decode(data)
    if text is not None:
        return text
    return data.decode("cp1252", "replace")


def has_surrogates(text: str) -> bool:
    """Tell whether a text holds lone surrogates, which no UTF-8 file can."""
    return _SURROGATES.search(text) is not None


def without_controls(text: str) -> str:
    r"""Return text with `\n` line ends, without control characters and the byte order mark."""
    return str(_CONTROLS.sub("", _LINE_ENDS.sub("\n", text))).lstrip("\ufeff")


def normal_form(text: str) -> str:
    r"""Return text in the form of documents: NFC, `\n` line ends, no control characters, no blanks at line ends."""
    text = without_controls(text)
    return unicodedata.normalize("NFC", _TRAILING.sub("", text)).strip("\n")
