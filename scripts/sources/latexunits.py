r"""Quantities as the package siunitx writes them: `\SI{5}{\kilo\meter\per\second}` shows `5 km/s`."""

from __future__ import annotations

import re
from collections.abc import Callable

from scripts.sources.scripted import in_unicode

_PREFIXES = {
    "pico": "p", "nano": "n", "micro": "µ", "milli": "m", "centi": "c", "deci": "d", "hecto": "h", "kilo": "k",
    "mega": "M", "giga": "G", "tera": "T", "peta": "P", "exa": "E", "femto": "f", "atto": "a", "kibi": "Ki", "mebi": "Mi",
    "gibi": "Gi",
}  # fmt: skip
_UNITS = {
    "meter": "m", "metre": "m", "gram": "g", "second": "s", "ampere": "A", "kelvin": "K", "mole": "mol", "candela": "cd",
    "kilogram": "kg", "hertz": "Hz", "newton": "N", "pascal": "Pa", "joule": "J", "watt": "W", "coulomb": "C", "volt": "V",
    "farad": "F", "ohm": "Ω", "siemens": "S", "weber": "Wb", "tesla": "T", "henry": "H", "lumen": "lm", "lux": "lx",
    "becquerel": "Bq", "gray": "Gy", "sievert": "Sv", "celsius": "°C", "degreeCelsius": "°C", "degree": "°", "radian": "rad",
    "steradian": "sr", "arcminute": "′", "arcsecond": "″", "minute": "min", "hour": "h", "day": "d", "liter": "L",
    "litre": "L", "tonne": "t", "electronvolt": "eV", "dalton": "Da", "hectare": "ha", "bar": "bar", "decibel": "dB",
    "bel": "B", "bit": "bit", "byte": "B", "angstrom": "Å", "percent": r"\%", "astronomicalunit": "au", "parsec": "pc",
    "gauss": "G", "barn": "b",
}  # fmt: skip
_SHORT = frozenset((
    "fg", "pg", "ng", "ug", "mg", "g", "kg", "pm", "nm", "um", "mm", "cm", "dm", "m", "km", "as", "fs", "ps", "ns", "us", "ms",
    "s", "fmol", "pmol", "nmol", "umol", "mmol", "mol", "kmol", "pA", "nA", "uA", "mA", "A", "kA", "ul", "ml", "l", "hl", "uL",
    "mL", "L", "hL", "mHz", "Hz", "kHz", "MHz", "GHz", "THz", "mN", "N", "kN", "MN", "Pa", "kPa", "MPa", "GPa", "mohm", "kohm",
    "Mohm", "pV", "nV", "uV", "mV", "V", "kV", "W", "nW", "uW", "mW", "kW", "MW", "GW", "J", "uJ", "mJ", "kJ", "eV", "meV",
    "keV", "MeV", "GeV", "TeV", "kWh", "F", "fF", "pF", "nF", "uF", "mF", "H", "mH", "uH", "C", "K", "mK", "T", "mT", "dB", "min",
))  # fmt: skip
_POWERS = {"squared": "²", "cubed": "³", "square": "²", "cubic": "³"}
_TOKEN = re.compile(r"\\([A-Za-z]+)[ \t]*(?:\{([^{}]*)\})?|(\\.|[^\\]+)", re.S)
_RAISED = re.compile(r"\^(?:\{([^{}]*)\}|(-?\d))")
_DOT = re.compile(r"\.(?!\d)")  # stands between two units
_NUMBER = re.compile(r"([-+]?[\d.,]*)[eEdD]([-+]?\d+)")


def number(text: str) -> str:
    """Return `1.5 × 10⁶` for `1.5e6`; what is no such number as it is."""
    text = text.strip()
    if (match := _NUMBER.fullmatch(text.replace(" ", ""))) is None:
        return text
    power = f"10{in_unicode('sup', match[2].lstrip('+'))}"
    return f"{match[1]} × {power}" if match[1] else power


def unit(text: str) -> str:
    r"""Return `km/s` for `\kilo\meter\per\second`; a command that is no unit stays, for the paper may have defined it."""
    out: list[str] = []
    glued, power = True, ""
    for token in _TOKEN.finditer(text):
        command, argument, literal = token.groups()
        symbol = _PREFIXES.get(command) or _UNITS.get(command) or _short(command or "")
        inner = unit(argument) if argument and (symbol or command == "per" or command in _POWERS) else ""
        if literal:
            shown = _RAISED.sub(lambda raised: _script(raised[1] or raised[2] or ""), literal)
            out.append(_DOT.sub(" ", shown))
            glued = not literal[-1:].isalnum()
        elif command == "per":
            out.append("/")
            glued = True
        elif command in ("squared", "cubed"):
            out.append(_POWERS[command])
        elif command in _POWERS:
            power = _POWERS[command]
        elif command in ("tothe", "raiseto"):
            out.append(_script(argument or ""))
        elif command in ("of", "highlight", "cancel"):
            continue
        else:
            symbol = symbol or token[0]
            out.append(symbol if glued else f" {symbol}")
            glued = command in _PREFIXES
            if not glued:
                out.append(power)
                power = ""
        if inner:
            out.append(f"{inner if glued or not inner[0].isalnum() else f' {inner}'}{power}")
            glued, power = False, ""
    return "".join(out).strip()


def _short(command: str) -> str:
    if command not in _SHORT:
        return ""
    return (f"µ{command[1:]}" if command[0] == "u" else command).replace("ohm", "Ω")


def _script(text: str) -> str:
    return in_unicode("sup", text.strip()) or f"^{text}"


def _quantity(value: str, of: str) -> str:
    shown = unit(of)
    return f"{number(value)}{'' if shown[:1] in ('°', '′', '″') and shown[:2] != '°C' else ' '}{shown}".strip()


def _series(values: str, of: str = "") -> str:
    return _quantity(", ".join(map(number, values.split(";"))), of)


def _range(first: str, last: str, of: str = "") -> str:
    return _quantity(f"{number(first)} to {number(last)}", of)


def _angle(value: str) -> str:
    return "".join(f"{part.strip()}{sign}" for part, sign in zip(value.split(";"), "°′″", strict=False) if part.strip())


# Of each command, how many arguments it has behind an optional one, and what shows them.
QUANTITIES: dict[str, tuple[int, Callable[..., str]]] = {
    "SI": (2, _quantity), "qty": (2, _quantity), "si": (1, unit), "unit": (1, unit), "num": (1, number), "ang": (1, _angle),
    "SIrange": (3, _range), "qtyrange": (3, _range), "numrange": (2, _range), "SIlist": (2, _series),
    "qtylist": (2, _series), "numlist": (1, _series),
}  # fmt: skip
