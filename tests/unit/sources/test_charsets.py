"""Names of charsets mean what browsers take them for, in pages, books and chapters alike."""

from __future__ import annotations

import pytest

from scripts.sources.bookmarkup import decode_chapter, decode_html
from scripts.sources.charsets import decode_page

# What the standards of these names do not hold, but their users write: the codec that does, the name and a text.
WIDER = [
    ("cp949", "euc-kr", "똠방각하와 펲시콜라를 햏은 사람이 벌을 본다."),
    ("cp949", "ks_c_5601-1987", "똠방각하와 펲시콜라를 햏은 사람이 벌을 본다."),
    ("cp932", "shift_jis", "①番目の㈱会社の髙橋さんは蜂を見ます。"),
    ("euc_jis_2004", "euc-jp", "①番目の会社の人は蜂を見ます。"),
    ("gbk", "gb2312", "朱镕基和陶喆看见了蜜蜂。"),
    ("big5hkscs", "big5", "佢哋喺度睇蜜蜂嘅嘢。"),
    ("cp874", "tis-620", "“ผึ้ง” บินจากดอกไม้…"),
    ("cp1252", "iso-8859-1", "“Bees” – they fly…"),
]


def page(text: str, head: str = "") -> str:
    return f"<html><head>{head}<title>T</title></head><body><p>{text}</p></body></html>"


@pytest.mark.parametrize(("codec", "name", "text"), WIDER)
def test_names_of_charsets_mean_what_browsers_take_them_for(codec: str, name: str, text: str) -> None:
    element = f'<meta http-equiv="Content-Type" content="text/html; charset={name}">'
    declaration = f'<?xml version="1.0" encoding="{name}"?>'
    assert text in decode_page(page(text * 9).encode(codec), name)
    assert text in decode_page(page(text * 9, element).encode(codec), None)
    assert text in decode_page((declaration + page(text * 9)).encode(codec), None)
    assert text in decode_html(page(text * 9, element).encode(codec))
    assert text in decode_chapter((declaration + page(text * 9)).encode(codec))


WORDS = "Bees fly from flower to flower. " * 200


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b"caf\xe9 na\xefve", "café naïve"),
        ("café naïve “bees” ".encode() + b"\xff", "café naïve “bees” \ufffd"),
        ("café ".encode() + b"\xff", "café \ufffd"),
    ],
)
def test_a_page_that_says_it_is_utf8_must_show_it(data: bytes, shown: str) -> None:
    assert shown in decode_html(page(WORDS + "@", '<meta charset="utf-8">').encode().replace(b"@", data))
