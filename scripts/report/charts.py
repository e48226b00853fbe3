"""Charts as SVG text: small, deterministic, no scripts, readable on a phone.

Every chart has units on its axes and the numbers as titles of its marks, so that a pointer shows them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

COLOURS = ("#1f6f8b", "#c8553d", "#588157", "#8a5a9e", "#b08900", "#5c677d", "#d1495b", "#2a9d8f", "#7f5539", "#3a86ff")
WIDTH, HEIGHT = 640, 300
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 14, 40
Series = Mapping[str, Sequence[tuple[float, float]]]


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Return round numbers that cover an interval, about `count` of them."""
    if high <= low:
        return [low]
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    first = math.ceil(low / step)
    return [number * step for number in range(first, math.floor(high / step + 1e-9) + 1)]


def short(value: float) -> str:
    """Return a number in at most four digits with a metric suffix."""
    for power, suffix in ((18, "E"), (15, "P"), (12, "T"), (9, "G"), (6, "M"), (3, "k")):
        if abs(value) >= 10**power:
            return f"{value / 10**power:.3g}{suffix}"
    return f"{value:.3g}"


def lines(series: Series, x_label: str, y_label: str) -> str:
    """Return a line chart; series of (x, y) points by name, drawn in order."""
    points = [point for values in series.values() for point in values]
    x_low, x_high = min(x for x, _ in points), max(x for x, _ in points)
    y_low, y_high = min(y for _, y in points), max(y for _, y in points)
    margin = (y_high - y_low) * 0.05 or abs(y_high) * 0.05 or 1.0
    y_low, y_high = y_low - margin, y_high + margin

    def place(x: float, y: float) -> tuple[float, float]:
        across = (x - x_low) / ((x_high - x_low) or 1)
        up = (y - y_low) / (y_high - y_low)
        return LEFT + across * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM)

    parts = []
    for value in ticks(y_low, y_high):
        _, y = place(x_low, value)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{short(value)}</text>')
    for value in ticks(x_low, x_high):
        x, _ = place(value, y_low)
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{short(value)}</text>')
    for number, (name, values) in enumerate(series.items()):
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*point) for point in values))
        last = f"{name}: {values[-1][1]:.4g} at {values[-1][0]:.4g}"
        colour = COLOURS[number % len(COLOURS)]
        parts.append(
            f'<polyline fill="none" stroke="{colour}" points="{path}"><title>{escape(last)}</title></polyline>'
        )
    parts.append(f'<text x="{(LEFT + WIDTH) / 2}" y="{HEIGHT - 4}" text-anchor="middle">{escape(x_label)}</text>')
    parts.append(
        f'<text transform="translate(13 {HEIGHT / 2}) rotate(-90)" text-anchor="middle">{escape(y_label)}</text>'
    )
    drawing = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(y_label)}">{"".join(parts)}</svg>'
    return drawing + legend(list(series))


def legend(names: Sequence[str]) -> str:
    """Return the names of series beside their colours."""
    items = [
        f'<span><i style="background:{COLOURS[number % len(COLOURS)]}"></i>{escape(name)}</span>'
        for number, name in enumerate(names)
    ]
    return f'<div class="legend">{"".join(items)}</div>'


def stacked(rows: Mapping[str, Mapping[str, int]], unit: str) -> str:
    """Return horizontal bars of equal length, each cut by the shares of its parts; parts keep their colours in all rows."""
    names = list(dict.fromkeys(name for parts in rows.values() for name in parts))
    bars = []
    for label, parts in rows.items():
        total = sum(parts.values())
        cells = [
            f'<b style="width:{100 * count / total:.3f}%;background:{COLOURS[names.index(name) % len(COLOURS)]}" '
            f'title="{escape(name)}: {count:,} of {total:,} {unit}"></b>'
            for name, count in parts.items()
            if count
        ]
        head = f'<span class="label">{escape(label)}<small>{total:,} {unit}</small></span>'
        bars.append(f'<div class="bar">{head}<span class="track">{"".join(cells)}</span></div>')
    return "".join(bars) + legend(names)


def dots(rows: Mapping[str, Mapping[str, float]], unit: str) -> str:
    """Return values by row as dots on one axis, a colour per series; series keep their colours in all rows."""
    names = list(dict.fromkeys(name for values in rows.values() for name in values))
    values = [value for row in rows.values() for value in row.values()]
    margin = 0.05 * ((max(values) - min(values)) or abs(max(values)) or 1.0)
    low, high = min(values) - margin, max(values) + margin
    step = 26
    height = TOP + step * len(rows) + BOTTOM
    left = max(120, 7 * max(map(len, rows)) + 20)  # room for the longest name

    def x(value: float) -> float:
        return left + (value - low) / (high - low) * (WIDTH - left - RIGHT)

    parts = []
    for value in ticks(low, high):
        parts.append(f'<line class="grid" x1="{x(value):.1f}" x2="{x(value):.1f}" y1="{TOP}" y2="{height - BOTTOM}"/>')
        parts.append(f'<text x="{x(value):.1f}" y="{height - BOTTOM + 18}" text-anchor="middle">{short(value)}</text>')
    for number, (label, row) in enumerate(rows.items()):
        y = TOP + step * (number + 0.5)
        parts.append(f'<text x="{left - 10}" y="{y + 4}" text-anchor="end">{escape(label)}</text>')
        for name, value in row.items():
            said = escape(f"{label}, {name}: {value:.4g} {unit}")
            colour = COLOURS[names.index(name) % len(COLOURS)]
            parts.append(f'<circle cx="{x(value):.1f}" cy="{y}" r="5" fill="{colour}"><title>{said}</title></circle>')
    parts.append(f'<text x="{(left + WIDTH) / 2}" y="{height - 4}" text-anchor="middle">{escape(unit)}</text>')
    drawing = f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(unit)}">{"".join(parts)}</svg>'
    return drawing + legend(names)


def ranges(
    rows: Mapping[str, tuple[float, float, float, float]],
    unit: str,
    baseline_name: str = "unigram model",
    interval: str = "95 % interval over documents",
) -> str:
    """Return scores with their intervals beside a baseline: (score, low, high, baseline) by name."""
    values = [value for row in rows.values() for value in row]
    low, high = min(values), max(values)
    span = (high - low) or 1
    low, high = low - 0.05 * span, high + 0.05 * span
    step = 30
    height = TOP + step * len(rows) + BOTTOM
    left = max(170, 7 * max(map(len, rows)))  # room for the longest name

    def x(value: float) -> float:
        return left + (value - low) / (high - low) * (WIDTH - left - RIGHT)

    parts = []
    for value in ticks(low, high):
        parts.append(f'<line class="grid" x1="{x(value):.1f}" x2="{x(value):.1f}" y1="{TOP}" y2="{height - BOTTOM}"/>')
        parts.append(f'<text x="{x(value):.1f}" y="{height - BOTTOM + 18}" text-anchor="middle">{short(value)}</text>')
    for number, (name, (score, lowest, highest, baseline)) in enumerate(rows.items()):
        y = TOP + step * (number + 0.5)
        said = f"{name}: {score:.3f} [{lowest:.3f}, {highest:.3f}] {unit}; {baseline_name} {baseline:.3f}"
        parts.append(f'<text x="{left - 10}" y="{y + 4}" text-anchor="end">{escape(name)}</text>')
        parts.append(
            f'<line stroke="{COLOURS[0]}" stroke-width="3" x1="{x(lowest):.1f}" x2="{x(highest):.1f}" y1="{y}" y2="{y}"/>'
        )
        parts.append(
            f'<circle cx="{x(score):.1f}" cy="{y}" r="5" fill="{COLOURS[0]}"><title>{escape(said)}</title></circle>'
        )
        parts.append(
            f'<path d="M{x(baseline):.1f} {y - 7}v14" stroke="{COLOURS[1]}" stroke-width="3"><title>{escape(said)}</title></path>'
        )
    parts.append(f'<text x="{(left + WIDTH) / 2}" y="{height - 4}" text-anchor="middle">{escape(unit)}</text>')
    drawing = f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(unit)}">{"".join(parts)}</svg>'
    return drawing + legend([f"model with {interval}", baseline_name])
