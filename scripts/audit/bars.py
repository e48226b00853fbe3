"""Bars and tables as HTML with inline SVG: sizes in per cent, so that they are readable on a phone and on a desk."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

COLOURS = ("#1f6f8b", "#c8553d", "#588157", "#8a5a9e", "#b08900", "#5c677d")


def number(value: Any) -> str:
    """Return a value as people read it: thousands apart, fractions with two digits."""
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def percent(part: int, whole: int) -> str:
    """Return a share in per cent."""
    return f"{100 * part / whole:.1f} %" if whole else "–"


def table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Return a table that scrolls in itself; columns whose first cell is a number or a share stand to the right."""
    marks = [' class="n"' if _numeric(cell) else "" for cell in rows[0]]
    top = "".join(f"<th{mark}>{escape(name)}</th>" for name, mark in zip(head, marks, strict=True))
    body = "".join(
        "<tr>" + "".join(f"<td{m}>{escape(number(c))}</td>" for c, m in zip(row, marks, strict=True)) + "</tr>"
        for row in rows
    )
    return f'<div class="scroll"><table><tr>{top}</tr>{body}</table></div>'


def _numeric(cell: Any) -> bool:
    return isinstance(cell, int | float) or (isinstance(cell, str) and cell[:1].isdigit() and cell.endswith(" %"))


def bars(amounts: Sequence[tuple[str, int]], whole: int, unit: str) -> str:
    """Return a bar per amount, all on the scale of the largest, with its number and its share of `whole`."""
    most = max((amount for _, amount in amounts), default=0) or 1
    rows = [
        _row(name, f"{amount:,} · {percent(amount, whole)}", _rect(0, 100 * amount / most, COLOURS[0]), unit)
        for name, amount in amounts
    ]
    return f'<div class="bars">{"".join(rows)}</div>'


def stacked(rows: Mapping[str, Mapping[str, int]], unit: str) -> str:
    """Return a bar of full length per row, cut by the shares of its parts, with a legend of the parts."""
    names = list(dict.fromkeys(name for parts in rows.values() for name in parts))
    lines = []
    for label, parts in rows.items():
        whole = sum(parts.values()) or 1
        start, drawn = 0.0, []
        for name, amount in parts.items():
            width = 100 * amount / whole
            title = f"{name}: {amount:,} {unit}, {percent(amount, whole)}"
            drawn.append(_rect(start, width, COLOURS[names.index(name) % len(COLOURS)], title))
            start += width
        lines.append(_row(label, f"{sum(parts.values()):,}", "".join(drawn), unit))
    marks = "".join(f"<span>{_swatch(i)}{escape(name)}</span>" for i, name in enumerate(names))
    return f'<div class="bars">{"".join(lines)}</div><div class="legend">{marks}</div>'


def intervals(rows: Sequence[tuple[str, str, float, float, float]], limit: float | None) -> str:
    """Return ratios with their intervals on a logarithmic scale, with lines at 1 and at the limit.

    A row is a name, what is said of it, and ratio, low and high; what lies outside 1/16 to 16 ends at the border.
    """
    lines = []
    for name, said, ratio, low, high in rows:
        drawn = f'<line class="one" x1="{_place(1)}" x2="{_place(1)}" y1="0" y2="100%"/>'
        if limit is not None:
            drawn += f'<line class="limit" x1="{_place(limit)}" x2="{_place(limit)}" y1="0" y2="100%"/>'
        drawn += f'<line class="span" x1="{_place(low)}" x2="{_place(high)}" y1="50%" y2="50%"/>'
        drawn += f'<circle cx="{_place(ratio)}" cy="50%" r="5" fill="{COLOURS[0]}"/>'
        lines.append(_row(name, said, drawn, "times"))
    return f'<div class="bars">{"".join(lines)}</div>'


def _place(ratio: float) -> str:
    """Return where a ratio stands on a logarithmic scale of base 2 from -4 to 4."""
    position = (math.log2(ratio) + 4) / 8 if ratio > 0 else 0.0
    return f"{100 * min(max(position, 0.01), 0.99):.2f}%"


def _rect(start: float, width: float, colour: str, title: str = "") -> str:
    told = f"<title>{escape(title)}</title>" if title else ""
    return f'<rect x="{start:.3f}%" width="{width:.3f}%" height="100%" fill="{colour}">{told}</rect>' if width else ""


def _row(label: str, said: str, drawing: str, unit: str) -> str:
    spoken = escape(f"{label}: {said} {unit}", quote=True)
    picture = f'<svg role="img" aria-label="{spoken}">{drawing}</svg>'
    return f'<div class="row"><span>{escape(label)}</span>{picture}<span class="said">{escape(said)}</span></div>'


def _swatch(position: int) -> str:
    return f'<i style="background:{COLOURS[position % len(COLOURS)]}"></i>'
