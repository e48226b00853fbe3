"""What LaTeX's commands do whose arguments are words of a sentence."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scripts.sources.scripted import as_text

if TYPE_CHECKING:
    from scripts.sources.latextext import Converter

MAX_SPANNING = 20_000
_CHARACTER = re.compile(r"`\\?(.)|\"([0-9A-F]{1,4})|'([0-7]{1,4})|([0-9]{1,5})")
_SPANNING = re.compile(rf"\s*\[(.{{0,{MAX_SPANNING}}}?)\n[ \t]*\](?=[ \t]*(?:%[^\n]*)?\n)", re.S)


def script(converter: Converter, place: str) -> None:
    r"""Read `\textsuperscript{...}` or `\textsubscript{...}`: as text."""
    text = converter.source.argument()
    converter.capture(text, lambda found: converter.blocks.emit(as_text(place, found)))


def if_value(converter: Converter, given: bool) -> None:
    r"""Read `\IfValueTF{argument}{one}{other}`, of whose branches the one that counts is known: a default is empty here."""
    value, one, other = (converter.source.argument() for _ in range(3))
    converter.source.push(one if bool(value.strip()) == given else other)


def joined(converter: Converter, by: str) -> None:
    r"""Read two arguments that are one word, as of `\lettrine{O}{nce}`, or a fraction, as of `\nicefrac{1}{2}`."""
    converter.source.optional()
    first, second = converter.source.argument(), converter.source.argument()
    converter.source.push(f"{first}{by}{second}")


def replaced(converter: Converter) -> None:
    r"""Read `\replaced{new}{old}`."""
    converter.source.optional()
    new, _ = converter.source.argument(), converter.source.argument()
    converter.source.push(new)


def character(converter: Converter) -> None:
    r"""Read the number of a character, as behind `\char`: decimal, octal, hexadecimal or that of a character."""
    match = converter.source.matched(_CHARACTER)
    if match is None:
        return
    own, *numbers = match.groups()
    found = [int(digits, base) for digits, base in zip(numbers, (16, 8, 10), strict=True) if digits]
    shown = own or chr(found[0])
    converter.blocks.emit(shown if shown.isprintable() else "")


def spanning(converter: Converter) -> None:
    r"""Read `\twocolumn[...]`, which has a title above both columns; its end stands on a line of its own."""
    source = converter.source
    frame = source.top()
    source.charge(min(MAX_SPANNING, len(frame.text) - frame.position))
    match = source.matched(_SPANNING)
    text = match[1] if match is not None else source.optional()
    if text:
        source.push(f"{text}\n\n")
