"""Marks of citation in brackets, which C4 cuts from lines before it judges them, compiled."""

from __future__ import annotations

from scripts.cleaning.characters import DECIMAL, Codes, code_points
from scripts.lib.compiled import compiled_inner

OPENING, CLOSING = map(ord, "[]")
EDIT, NEEDED = code_points("edit]"), code_points("citation needed]")


@compiled_inner
def without_citations(codes: Codes, first: int, last: int, classes: Codes, line: Codes, size: int) -> int:
    """Copy a line without `[12]`, `[]`, `[edit]` and `[citation needed]` to `line[size:]`; return where the copy ends."""
    position = first
    while position < last:
        if codes[position] == OPENING:
            after = position + 1
            while after < last and classes[codes[after]] & DECIMAL:
                after += 1
            if after < last and codes[after] == CLOSING:
                position = after + 1
                continue
            if _stands(codes, position + 1, last, EDIT):
                position += 1 + len(EDIT)
                continue
            if _stands(codes, position + 1, last, NEEDED):
                position += 1 + len(NEEDED)
                continue
        line[size] = codes[position]
        size += 1
        position += 1
    return size


@compiled_inner
def _stands(codes: Codes, position: int, last: int, run: Codes) -> bool:
    if position + len(run) > last:
        return False
    for offset in range(len(run)):
        if codes[position + offset] != run[offset]:
            return False
    return True
