"""Curves over the interval from 0 to 1 as inline SVG, with their numbers as titles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from scripts.audit.bars import COLOURS

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 280, 46, 14, 12, 40


def chances(
    series: Mapping[str, Sequence[tuple[float, float]]], across: str, upward: str, limit: tuple[str, float]
) -> str:
    """Return curves of chances (x, y), both from 0 to 1, with a dashed line at a limit of x, and a legend."""
    drawn = []
    for tick in range(0, 11, 2):
        x, y = _place(tick / 10, tick / 10)
        drawn.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        drawn.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{tick / 10:g}</text>')
        drawn.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 17}" text-anchor="middle">{tick / 10:g}</text>')
    name, at = limit
    x, _ = _place(at, 0)
    drawn.append(
        f'<line class="limit" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"><title>{escape(name)}</title></line>'
    )
    for number, (label, points) in enumerate(series.items()):
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (_place(*point) for point in points))
        told = f"{label}: " + "; ".join(f"{y:.3f} at {x:g}" for x, y in points)
        drawn.append(
            f'<polyline fill="none" stroke="{COLOURS[number]}" stroke-width="2.5" points="{path}">'
            f"<title>{escape(told)}</title></polyline>"
        )
    drawn.append(f'<text x="{(LEFT + WIDTH) / 2}" y="{HEIGHT - 5}" text-anchor="middle">{escape(across)}</text>')
    drawn.append(
        f'<text transform="translate(12 {HEIGHT / 2 - 10}) rotate(-90)" text-anchor="middle">{escape(upward)}</text>'
    )
    marks = "".join(
        f'<span><i style="background:{COLOURS[number]}"></i>{escape(label)}</span>'
        for number, label in enumerate(series)
    )
    picture = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(upward, quote=True)}">{"".join(drawn)}</svg>'
    return f'<div class="curve">{picture}</div><div class="legend">{marks}<span>dashed: {escape(name)}</span></div>'


def _place(x: float, y: float) -> tuple[float, float]:
    return LEFT + x * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - y * (HEIGHT - TOP - BOTTOM)
