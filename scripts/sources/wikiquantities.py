"""Quantities in wikitext: measures with units, fractions, dates and formulae of chemistry, by the arguments of templates."""

from __future__ import annotations

import regex

from scripts.sources.scripted import in_unicode

_UNITS = {
    "km2": "km²", "sqkm": "km²", "sqmi": "sq mi", "mi2": "sq mi", "m2": "m²", "m3": "m³",
    "ft2": "sq ft", "sqft": "sq ft",
    "cuft": "cu ft", "km3": "km³", "c": "°C", "f": "°F", "k": "K", "ftin": "ft", "kph": "km/h",
    "km/h": "km/h", "mph": "mph",
    "lb": "lb", "mi": "mi", "nmi": "nautical miles", "acre": "acres", "ha": "ha", "per": "per", "/km2": "per km²",
    "pd/km2": "per km²", "/sqmi": "per sq mi", "cm2": "cm²",
}  # fmt: skip
_RANGE_WORDS = {
    "to": " to ",
    "-": "–",
    "–": "–",
    "and": " and ",
    "or": " or ",
    "x": " × ",
    "×": " × ",
    "by": " by ",
    "+/-": " ± ",
}
_SMALLER = {"mi": ("yd", "ch", "chain", "ft"), "yd": ("ft",), "ft": ("in",), "st": ("lb",), "lb": ("oz",)}
_NUMBER = regex.compile(r"[-−+]?[\d.,/]+")
_CHARGE = regex.compile(r"\d*+[-−+]")
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def convert(positional: list[str], named: dict[str, str]) -> str:
    """Return `5 km` for {{convert|5|km|mi}}, `5–10 km` for a range, `5 ft 6 in` for two units; converted values go."""
    if not positional:
        return ""
    shown, rest = [positional[0]], 1
    while len(positional) > rest + 1 and (word := _RANGE_WORDS.get(positional[rest].lower())):
        if not _NUMBER.match(positional[rest + 1]):
            break
        shown += word, positional[rest + 1]
        rest += 2
    unit, value, smaller = [*positional[rest:], "", "", ""][:3]
    second = f" {value} {smaller}" if smaller in _SMALLER.get(unit, ()) else ""
    return f"{''.join(shown)} {_UNITS.get(unit.lower(), unit)}".strip() + second


def fraction(positional: list[str], named: dict[str, str]) -> str:
    """Return `1/2` for {{frac|1|2}}, `3 1/2` for {{frac|3|1|2}}, `1/2` for {{frac|2}}."""
    if len(positional) == 3:
        return f"{positional[0]} {positional[1]}/{positional[2]}"
    return "/".join(positional) if len(positional) == 2 else f"1/{positional[0]}" if positional else ""


def as_of(positional: list[str], named: dict[str, str]) -> str:
    """Return `As of May 2020` for {{as of|2020|5}}."""
    if "alt" in named:
        return named["alt"]
    date = " ".join(reversed(_dated(positional)))
    word = "Since" if named.get("since") else "As of"
    return f"{word.lower() if named.get('lc') else word} {date}".strip()


def _dated(positional: list[str]) -> list[str]:
    """Return year, month name, day of the numbers given."""
    parts = [part for part in positional if part][:3]
    if len(parts) > 1 and parts[1].isdecimal() and 1 <= int(parts[1]) <= 12:
        parts[1] = _MONTHS[int(parts[1]) - 1]
    return parts


def date(positional: list[str], named: dict[str, str]) -> str:
    """Return `1 May 2000` for {{start date|2000|5|1}}."""
    day, month = [*positional, "", ""][:2]
    if (not day or day.isdecimal()) and month.isalpha():  # {{date|1|mai|2000}}, as French has it
        return " ".join(part for part in positional[:3] if part)
    numbers = [part for part in positional if part.isdecimal()]
    return " ".join(reversed(_dated(numbers)))


def value(positional: list[str], named: dict[str, str]) -> str:
    """Return `1.5×10^6 m` for {{val|1.5|e=6|u=m}}."""
    unit = named.get("u", named.get("ul", ""))
    power = f"×10^{named['e']}" if "e" in named else ""
    return f"{positional[0] if positional else ''}{power} {unit}".strip()


def chem(positional: list[str], named: dict[str, str]) -> str:
    """Return `SO₄²⁻` for {{chem|SO|4|2-}}."""
    scripts = ("sup" if _CHARGE.fullmatch(part) else "sub" for part in positional)
    return "".join(in_unicode(place, part) or part for place, part in zip(scripts, positional, strict=True))
