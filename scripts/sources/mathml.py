"""MathML as text in a line: fractions with a slash, powers and indices as scripts.

Its text alone, with nothing between the parts, makes 105 of 10 to the power of 5, and 12 of one half.
"""

from __future__ import annotations

import regex

from scripts.sources.scripted import in_unicode
from scripts.sources.xml import Element, entity_text, local_name

_LEFT_OUT = frozenset(("annotation", "annotation-xml", "mphantom"))
_TOKENS = frozenset(("mi", "mn", "mo", "ms", "mtext"))  # blanks in others are none of the formula
_APART = frozenset(("mspace", "mtd"))
_SINGLE = regex.compile(r"\p{L}\p{M}*|\d+(?:[.,]\d+)?")


def formula_text(element: Element) -> str:
    """Return the text of a formula or of a part of one."""
    name = local_name(element)
    if name == "&":
        return entity_text(element)
    children = [part for part in element if local_name(part) not in _LEFT_OUT]
    parts = list(map(formula_text, children))
    if name == "mfrac" and len(parts) == 2:
        return "/".join(map(_bracketed, parts))
    if name in ("msub", "munder") and len(parts) == 2:
        return parts[0] + _index(parts[1])
    if name == "msup" and len(parts) == 2:
        return parts[0] + _power(parts[1])
    if name in ("msubsup", "munderover") and len(parts) == 3:
        return parts[0] + _index(parts[1]) + _power(parts[2])
    if name == "mroot" and len(parts) == 2:
        return _root(*parts)
    if name == "mfenced":
        return f"{element.get('open', '(')}{', '.join(parts)}{element.get('close', ')')}"
    own = [_own(text, name) for text in (element.text, *(part.tail for part in children))]
    shown = own[0] + "".join(part + tail for part, tail in zip(parts, own[1:], strict=True))
    return f" {shown}" if name in _APART else f"√{_bracketed(shown)}" if name == "msqrt" else shown


def _own(text: str | None, name: str) -> str:
    return text if text and (name in _TOKENS or text.strip()) else ""


def _index(text: str) -> str:
    return in_unicode("sub", text.strip()) or text


def _power(text: str) -> str:
    return in_unicode("sup", text.strip()) or (f"^{_bracketed(text)}" if text.strip("′″*† ") else text)


def _root(text: str, degree: str) -> str:
    sign = in_unicode("sup", degree.strip())
    return f"{sign}√{_bracketed(text)}" if sign else f"{_bracketed(text)}^(1/{_bracketed(degree)})"


def _bracketed(text: str) -> str:
    """Return a part as it is where it is one letter or number, else in brackets."""
    text = text.strip()
    return text if not text or _SINGLE.fullmatch(text) else f"({text})"
