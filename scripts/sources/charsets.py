"""Which charset a text is in that may be no Unicode: pages and books state their own, a part of it, another one, or none.

A name means what browsers take it for (https://encoding.spec.whatwg.org), which is more than Python's codec of that name reads.
"""

from __future__ import annotations

import codecs

import regex
from resiliparse.parse.encoding import detect_encoding, map_encoding_to_html5

from scripts.sources.decoding import BOMS, UNMARKED, decode

HEADER_BYTES = 1 << 12  # in which a text says what it is in
DETECTED = 1 << 17  # bytes by which it is guessed
LATIN = "cp1252"  # as the libraries call what browsers take ASCII and Latin-1 for
# Codecs that read what is called so; of several the one that reads most.
_WIDER = {
    "iso8859-11": ("cp874",),
    "shift_jis": ("cp932",),
    "euc_jp": ("euc_jp", "euc_jis_2004"),
    "euc_kr": ("cp949",),
    "gb2312": ("gb18030",),
    "gbk": ("gb18030",),
    "big5": ("big5hkscs", "cp950"),
}
# Charsets that old texts are in beside Windows-1252, and the share of bytes beyond ASCII that a text in them has.
_LETTERS_BEYOND_ASCII = {
    **dict.fromkeys(("cp1251", "koi8-r", "koi8-u", "cp866", "iso8859-5", "iso8859-7", "cp1253"), 0.3),
    **dict.fromkeys(("gb18030", "gbk", "big5", "shift_jis", "euc_jp", "euc_kr"), 0.3),
    **dict.fromkeys(("iso8859-2", "iso8859-16", "cp1250", "cp1254"), 0.05),
}
# Names by which other programs call these.
_OTHER_NAMES = {
    **dict.fromkeys(("cp949", "ms949", "uhc", "x-windows-949"), "euc_kr"),
    **dict.fromkeys(("cp936", "ms936", "x-mswin-936"), "gbk"),
    **dict.fromkeys(("cp950", "ms950", "x-windows-950"), "big5"),
    **dict.fromkeys(("cp932", "ms-kanji", "x-ms-cp932"), "shift_jis"),
    **dict.fromkeys(("eucjp", "euc-jp-ms", "eucjp-ms"), "euc_jp"),
    "cp874": "iso8859-11",
}
_XML = regex.compile(rb"""\s*<\?xml[^>]*?\bencoding\s*=\s*["']([\w.:-]+)""")
_META = regex.compile(rb"<meta\s[^>]*?charset\s*=[\s\"']*([\w:.-]+)", regex.I)
_ELEMENT = regex.compile(r"<[!/?a-zA-Z]")


def by_declaration(data: bytes) -> str | None:
    """Return the encoding that the XML declaration states."""
    return _readable(_XML.match(data[:HEADER_BYTES].removeprefix(codecs.BOM_UTF8)))


def by_element(data: bytes) -> str | None:
    """Return the encoding that a `<meta>` element states."""
    return _readable(_META.search(data, 0, HEADER_BYTES))


def _readable(found: regex.Match[bytes] | None) -> str | None:
    """Return the encoding of a name. UTF-16 whose name can be read byte by byte is none."""
    name = by_name(found[1].decode("ascii", "replace")) if found else None
    return None if name is None or name.startswith("utf-16") else name


def by_name(name: str) -> str | None:
    """Return the encoding that is meant by a name, which a server or an author wrote."""
    name = name.strip().lower()
    return map_encoding_to_html5(name, False) or _OTHER_NAMES.get(name)


def decode_stated(data: bytes, encoding: str) -> str | None:
    """Return text by its byte order mark, else in an encoding; None where it is not that."""
    return next(
        (text for codec in _WIDER.get(encoding, (encoding,)) if (text := decode(data, codec)) is not None), None
    )


def _decode_all(data: bytes, encoding: str) -> str:
    """Return text in an encoding, with U+FFFD for what is not in it."""
    texts = (data.decode(codec, "replace") for codec in _WIDER.get(encoding, (encoding,)))
    return min(texts, key=lambda text: text.count("\ufffd"))


def nearly_utf8(data: bytes) -> str | None:
    """Return text that is UTF-8 by more characters beyond ASCII than are damaged; None for one in another charset."""
    text = data.decode("utf-8", "replace")
    return text if _beyond_ascii(text) > 2 * text.count("\ufffd") else None


def _beyond_ascii(text: str) -> int:
    return len(text) - len(text.encode("ascii", "ignore"))


def decode_page(data: bytes, declared: str | None) -> str:
    """Return a page as text: by byte order mark or as UTF-8 where it is that, damaged or cut short as it may be and whatever
    is declared, since servers err; else by the HTTP header, the `<meta>` element, the XML declaration and at last by its bytes.
    """
    text = _decode_shifted(data, declared) if b"\x1b" in data or b"\0" in data else None
    text = decode(data) if text is None else text
    text = _decode_damaged(data) if text is None else text
    return _decode_all(data, _old_encoding(data, declared)) if text is None else text


def _decode_damaged(data: bytes) -> str | None:
    """Return a page with a mark, or nearly in UTF-8; None for one in an old encoding."""
    for mark, name in BOMS:
        if data.startswith(mark):
            return data[len(mark) :].decode(name, "replace")
    return nearly_utf8(data)


def _old_encoding(data: bytes, declared: str | None) -> str:
    """Return the encoding of a page that is no Unicode, though it be declared.

    Latin-1 in the HTTP header is what servers say of all pages, so a `<meta>` element that fits goes before it.
    """
    stated = (by_name(declared) if declared else None, by_element(data) or by_declaration(data))
    named = [name for name in stated if name and not name.startswith("utf")]
    if len(named) == 2 and named[0] == LATIN and _fits(data, named[1]):
        return named[1]
    found = named[0] if named else detect_encoding(data, max_len=DETECTED, html5_compatible=True)
    return LATIN if found is None or found.startswith("utf") else found


def _fits(data: bytes, encoding: str) -> bool:
    """Tell whether bytes, which may end inside a character, are in an encoding."""
    for codec in _WIDER.get(encoding, (encoding,)):
        try:
            codecs.getincrementaldecoder(codec)().decode(data)
        except UnicodeDecodeError:
            continue
        return True
    return False


def _encoding(data: bytes, declared: str | None) -> str | None:
    """Return the encoding that the HTTP header, the `<meta>` element or at last the bytes tell."""
    known = by_name(declared) if declared else None
    return known or detect_encoding(data, max_len=DETECTED, html5_compatible=True, from_html_meta=True)


def _decode_shifted(data: bytes, declared: str | None) -> str | None:
    """Return a page in UTF-16 or UTF-32 without a mark or in ISO-2022-JP, where its bytes would pass for UTF-8; else None."""
    if data.startswith(tuple(mark for mark, _ in BOMS)):
        return None
    mark = next((mark for begin, mark in UNMARKED if data.startswith(begin)), None)
    encoding = dict(BOMS)[mark] if mark else (_encoding(data, declared) or "").lower()
    if encoding.startswith(("utf-16", "utf-32")):
        text = data.decode(encoding, "replace")
        return text if _ELEMENT.search(text) else None  # else it is stated wrongly
    if encoding == "iso2022_jp" and b"\x1b$" in data:
        return data.decode("iso2022_jp_ext", "replace")
    return None


def decode_legacy(data: bytes, stated: str | None = None) -> str:
    """Return bytes of an old text as text.

    That is UTF-8 where valid or nearly so, else what it states or the bytes are surely in, else Windows-1252 as Project
    Gutenberg used it. UTF-8 that is only stated needs as many whole characters beyond ASCII as damaged ones.
    """
    text = decode(data)
    text = nearly_utf8(data) if text is None else text
    if text is not None:
        return text
    for encoding in (stated, _other_charset(data[:DETECTED])):
        if encoding and encoding != LATIN:
            text = _decode_all(data, encoding)
            damaged = text.count("\ufffd")
            stray = encoding.startswith("utf") and _beyond_ascii(text) < 2 * damaged
            if damaged * 1000 <= len(text) and not stray:
                return text
    return data.decode(LATIN, "replace")


def _other_charset(sample: bytes) -> str | None:
    """Return a charset of another script or of Central Europe, None where the bytes may be Windows-1252.

    A detector takes a few accents for anything, so these charsets need as many letters beyond ASCII as their languages have.
    """
    encoding = detect_encoding(sample, max_len=DETECTED, html5_compatible=True, from_html_meta=False)
    needed = _LETTERS_BEYOND_ASCII.get(encoding or "")
    enough = needed is not None and len(sample) - len(sample.decode("ascii", "ignore")) >= needed * len(sample)
    return encoding if enough else None
