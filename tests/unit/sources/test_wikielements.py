from __future__ import annotations

import random

import pytest
import regex

from scripts.sources.wikielements import replace_elements

PIECES = (
    "<ref>", "<ref name=a>", "<REF name='b/c' >", "<ref name=d />", "<ref/>", "</ref>", "</Ref >", "<references/>", "<ref", ">",
    "<math>", "<math display=block>", "</math>", "</MATH\n>", "<chem>", "</chem>", "words", " ", "\n", "<b>", "</b>",
)  # fmt: skip
NOTE = regex.compile(r"<ref\b[^>]*?/\s*>|<ref\b[^>]*>.*?</ref\s*>", regex.S | regex.I)
FORMULA = regex.compile(r"<(math|chem)\b[^>/]*>(.*?)</\1\s*>", regex.S | regex.I)


def without_note(name: str, attributes: str, content: str | None) -> str | None:
    return "" if content is not None or attributes.rstrip().endswith("/") else None


def bracketed(name: str, attributes: str, content: str | None) -> str | None:
    return None if content is None or "/" in attributes else f"[{name} {content}]"


@pytest.mark.parametrize("seed", range(100))
def test_elements_are_those_of_a_plain_expression(seed: int) -> None:
    draw = random.Random(seed)
    text = "".join(draw.choices(PIECES, k=draw.randint(1, 40)))
    assert replace_elements(text, "ref", without_note) == NOTE.sub("", text)
    expected = FORMULA.sub(lambda match: f"[{match[1].lower()} {match[2]}]", text)
    assert replace_elements(text, "math|chem", bracketed) == expected


def test_an_element_without_an_end_may_be_replaced_by_its_opening() -> None:
    text = "a <gallery>b</gallery> c <gallery/> d <gallery mode=x> e <gallery"
    assert replace_elements(text, "gallery", lambda *_: "") == "a  c  d  e <gallery"
