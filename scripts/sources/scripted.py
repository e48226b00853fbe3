"""Sub- and superscripts as text."""

from __future__ import annotations

import regex

_PLAIN = "0123456789+-"
_DIGITS = {"sub": str.maketrans(_PLAIN, "₀₁₂₃₄₅₆₇₈₉₊₋"), "sup": str.maketrans(_PLAIN, "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻")}
# Letters that are exponents, not the ends of words (1st, XXe, No, Mr), nor marks of notes or of sounds.
_EXPONENT = regex.compile(r"[-−+]?\d*[fgikmnpquvxzα-ω](?:[-−+]\d+)?|[-−+]?\d+/\d+")


def in_unicode(place: str, text: str) -> str | None:
    """Return what stands below (`sub`) or above (`sup`) a line in Unicode, None where it is not made of digits."""
    digits = text.replace("−", "-")
    if not digits or digits.strip(_PLAIN):
        return None
    return digits.translate(_DIGITS[place])


def as_text(place: str, text: str) -> str:
    """Return what stands below or above a line in Unicode, an exponent behind `^`, anything else as it is."""
    digits = in_unicode(place, text)
    return digits or (f"^{text}" if place == "sup" and _EXPONENT.fullmatch(text) else text)
