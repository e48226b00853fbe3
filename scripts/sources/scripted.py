"""Sub- and superscripts as text."""

from __future__ import annotations

_PLAIN = "0123456789+-"
_DIGITS = {"sub": str.maketrans(_PLAIN, "₀₁₂₃₄₅₆₇₈₉₊₋"), "sup": str.maketrans(_PLAIN, "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻")}


def in_unicode(place: str, text: str) -> str | None:
    """Return what stands below (`sub`) or above (`sup`) a line in Unicode, None where it is not made of digits."""
    digits = text.replace("−", "-")
    if not digits or digits.strip(_PLAIN):
        return None
    return digits.translate(_DIGITS[place])
