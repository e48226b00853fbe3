"""The form of documents: what the quick look at a text finds clean is what the regular expressions leave as it is."""

from __future__ import annotations

import unicodedata

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.sources.decoding import has_surrogates, normal_form, without_controls

ALPHABET = "ab \t\n\r\x00\x0b\x0c\x1f\x7f\x80\x84\x85\x9f\xa0é\u2027\u2028\u2029\u202a\ufeff\ufefe\ud800中𐍈e\u0301"


@settings(deadline=None, max_examples=2000)
@given(st.text(alphabet=ALPHABET, max_size=8))
def test_the_normal_form_is_that_of_the_regular_expressions(text: str) -> None:
    plain = regex.sub(r"[ \t]+(?=\n|\Z)", "", without_controls(text))
    assert normal_form(text) == unicodedata.normalize("NFC", plain).strip("\n")


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("a\r\nb\rc\x0cd\x85e\u2028f", "a\nb\nc\nd\ne\nf"),
        ("\ufeffbyte order mark", "byte order mark"),
        ("blanks \t\nat ends ", "blanks\nat ends"),
        ("nul\x00 and \x9f", "nul and"),
        ("e\u0301\u00a0stays", "é\u00a0stays"),
        ("\n\nlines around\n", "lines around"),
        ("", ""),
    ],
)
def test_normal_form(text: str, form: str) -> None:
    assert normal_form(text) == form
    assert normal_form(form) == form


def test_lone_surrogates_are_seen() -> None:
    assert has_surrogates("a\ud800b") and has_surrogates("\udfff")
    assert not has_surrogates("plain") and not has_surrogates("𐍈 and é")
