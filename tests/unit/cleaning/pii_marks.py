"""Texts in which what is meant stands in ⟦ ⟧."""

from __future__ import annotations

import re

from scripts.cleaning.pii import find_pii


def cases(table: str) -> list[str]:
    """Return the lines of a table."""
    return [line for line in table.split("\n") if line]


def meant(marked: str) -> tuple[str, list[str]]:
    """Return a text without marks, and what was marked in it."""
    return re.sub("[⟦⟧]", "", marked), re.findall("⟦(.*?)⟧", marked)


def found(text: str, kind: str) -> list[str]:
    """Return what is found of a kind."""
    return [text[start:end] for start, end, name in find_pii(text, [kind]) if name == kind]
