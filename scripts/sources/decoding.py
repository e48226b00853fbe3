"""From bytes to text, and from text to the one form that documents have."""

from __future__ import annotations

import codecs
import html
import unicodedata
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import regex

from scripts.lib.compiled import compiled

Bytes = npt.NDArray[np.uint8]
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
UNMARKED_OBJECTS = tuple(("{".encode(name), mark) for mark, name in BOMS[1:])  # and where JSON lines begin
# Control characters other than tab and newline have no place in text; U+0085 and form feed mean a new line.
_CONTROLS = regex.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")
_LINE_ENDS = regex.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_PIECE = 1 << 20  # characters of a text that are looked at together
_LONG_REFERENCE = regex.compile(r"&#([0-9]{100,});?")


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


def is_archive(data: bytes) -> bool:
    """Tell whether bytes are a tar file, which may pass for text: what it holds, and zeros."""
    return data[257:262] == b"ustar"


def unescape(text: str) -> str:
    """Return text with the references to characters that HTML knows resolved, also where one has thousands of digits."""
    return html.unescape(_LONG_REFERENCE.sub(_shortened, text) if "&#" in text else text)


def _shortened(match: regex.Match[str]) -> str:
    digits = match[1].lstrip("0")
    return "\ufffd" if len(digits) > 7 else f"&#{digits or 0};"


def has_surrogates(text: str) -> bool:
    """Tell whether a text holds lone surrogates, which no UTF-8 file can."""
    if text.isascii():
        return False
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def without_controls(text: str) -> str:
    r"""Return text with `\n` line ends, without control characters and the byte order mark."""
    return str(_CONTROLS.sub("", _LINE_ENDS.sub("\n", text))).lstrip("\ufeff")


def normal_form(text: str) -> str:
    r"""Return text in the form of documents: NFC, `\n` line ends, no control characters, no blanks at line ends."""
    if not is_clean(np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8)):
        text = "".join(_stripped(without_controls(text)))
    return unicodedata.normalize("NFC", text).strip("\n")


def _stripped(text: str) -> Iterator[str]:
    """Yield a text without blanks at line ends in pieces, since a long one in lines takes its size three times."""
    start = 0
    while start < len(text):
        end = text.find("\n", start + _PIECE) + 1 or len(text)
        yield "\n".join([line.rstrip(" \t") for line in text[start:end].split("\n")])
        start = end


@compiled
def is_clean(data: Bytes) -> bool:
    """Tell whether UTF-8 has none of what the regular expressions of this module take out, which most texts have not."""
    size = len(data)
    for place in range(size):
        byte = data[place]
        if byte > 32:
            if byte == 0x7F or (byte == 0xC2 and data[place + 1] < 0xA0):  # U+007F to U+009F
                return False
            if byte == 0xE2 and data[place + 1] == 0x80 and data[place + 2] & 0xFE == 0xA8:  # U+2028 and U+2029
                return False
        elif byte == 32 or byte == 9:
            if place + 1 == size or data[place + 1] == 10:
                return False
        elif byte != 10:
            return False
    return size < 3 or data[0] != 0xEF or data[1] != 0xBB or data[2] != 0xBF
