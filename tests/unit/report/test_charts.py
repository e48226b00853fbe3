"""Charts are small, deterministic and safe."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from scripts.report import charts


def test_a_line_chart_is_well_formed_and_escapes_names() -> None:
    text = charts.lines({"<b>": [(0, 1), (10, 2)], "flat": [(0, 1), (10, 1)]}, "step", "loss (nats)")
    drawing = text[: text.index("</svg>") + 6]
    assert len(ElementTree.fromstring(drawing).findall("polyline")) == 2
    assert "<b>" not in text
    assert text == charts.lines({"<b>": [(0, 1), (10, 2)], "flat": [(0, 1), (10, 1)]}, "step", "loss (nats)")


def test_one_point_is_a_chart_too() -> None:
    ElementTree.fromstring(charts.lines({"a": [(1, 5)]}, "step", "loss").partition("<div")[0])


@pytest.mark.parametrize(("low", "high"), [(0, 1), (3.2, 9.7), (0, 1e6), (-5, 5)])
def test_ticks_lie_in_the_interval(low: float, high: float) -> None:
    found = charts.ticks(low, high)
    assert 2 <= len(found) <= 12
    assert all(low - 1e-9 <= tick <= high * (1 + 1e-9) + 1e-9 for tick in found)


def test_bars_tell_their_numbers() -> None:
    text = charts.stacked({"web": {"kept": 3, "too short": 1}}, "documents")
    assert 'title="kept: 3 of 4 documents"' in text
    assert "4 documents" in text


def test_scores_show_interval_and_baseline() -> None:
    text = charts.ranges({"web": (2.0, 1.9, 2.1, 3.0)}, "bits per byte")
    assert "web: 2.000 [1.900, 2.100] bits per byte; unigram model 3.000" in text


def test_dots_keep_their_colours_and_tell_their_numbers() -> None:
    text = charts.dots({"<web>": {"large": 4.0, "small": 3.0}, "books": {"small": 3.5}}, "bytes per token")
    dots = ElementTree.fromstring(text.partition("<div")[0]).findall("circle")
    assert [dot.get("fill") for dot in dots] == [charts.COLOURS[0], charts.COLOURS[1], charts.COLOURS[1]]
    assert [dot.findtext("title") for dot in dots] == [
        "<web>, large: 4 bytes per token",
        "<web>, small: 3 bytes per token",
        "books, small: 3.5 bytes per token",
    ]
    places = [float(str(dot.get("cx"))) for dot in dots]
    assert places[1] < places[2] < places[0]
    ElementTree.fromstring(charts.dots({"one": {"only": 0.0}}, "unit").partition("<div")[0])


@pytest.mark.parametrize(
    ("value", "text"), [(3.39e13, "33.9T"), (2_433_440, "2.43M"), (999, "999"), (0.05, "0.05"), (-2e15, "-2P")]
)
def test_numbers_are_short(value: float, text: str) -> None:
    assert charts.short(value) == text
