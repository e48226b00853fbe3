"""What is left of a text reads as text after places are cut out of it."""

from __future__ import annotations

import pytest

from scripts.cleaning.cuts import cut_spans, little_left
from scripts.cleaning.paragraphs import paragraph_ranges


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("one CUT two", "one two"),
        ("one. CUT. Two", "one. Two"),
        ("CUT", ""),
        ("CUT?! two", "two"),
        ("one (CUT) two", "one two"),
        ("one\nCUT\ntwo", "one\ntwo"),
        ("one\n\nCUT two", "one\n\ntwo"),
        ("one\n\n\n\nCUT", "one"),
        ("一CUT二", "一二"),
        ("one CUT CUT\ntwo CUT three", "one\ntwo three"),
        ("oneCUTtwo", "onetwo"),
        ("one\n\nCUT?\n\n    two", "one\n\n    two"),
        ("one CUT\n\ttwo", "one\n\ttwo"),
        ("CUT\n  two", "  two"),
        ("one\n  CUT two", "one\ntwo"),
    ],
)
def test_joints(text: str, left: str) -> None:
    spans = [(start, start + 3) for start in range(len(text)) if text.startswith("CUT", start)]
    assert cut_spans(text, spans[::-1]) == left
    assert cut_spans(text, []) == text


def test_hardly_anything_left() -> None:
    assert little_left("word " * 30, "-- word")
    assert little_left("?", "?")
    assert not little_left("word " * 30, "word " * 6)


def test_what_follows_a_paragraph_that_goes_keeps_its_marks() -> None:
    """A dash or quote belongs to what it opens; it hangs on a span alone."""
    text = 'one CUT?\n\nall of this goes\n\n"two" said\n\nand this\n\n- three'
    ranges = paragraph_ranges(text, [1, 3])
    assert cut_spans(text, [(4, 7)], ranges) == 'one\n\n"two" said\n\n- three'
    assert cut_spans("one CUT\n\ngoes\n\n    two", [(4, 7)], [(9, 15)]) == "one\n\n    two"
