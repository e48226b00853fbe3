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


def test_the_encoding_is_taken_where_it_is_right() -> None:
    assert "naïve" in decode_page(page("naïve").encode(), "iso-8859-1")
    assert "naïve" in decode_page(page("naïve", '<meta charset="windows-1252">').encode("cp1252"), None)
    assert "Привет" in decode_page(page("Привет").encode("koi8-r"), "koi8-r")
    assert "naïve" in decode_page(page("naïve").encode("utf-16"), None)


@pytest.mark.parametrize("declared", ["utf-8", "iso-8859-1", None])
@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_page_in_unicode_that_is_damaged_or_cut_keeps_its_text(codec: str, declared: str | None) -> None:
    text = "Größe — Пчёлы. "
    data = page(text * 9 + "ü").encode(codec)
    cut = data[: data.rindex("ü".encode("utf-16-le" if codec == "utf-16" else "utf-8")) + 1]
    assert decode_page(cut, declared).count(text) == 9
    if codec != "utf-16":  # where one byte more damages all that follows
        assert decode_page(data[:-200] + b"\xff" + data[-200:], declared).count(text) == 8


OLD = {
    "shift_jis": "ミツバチは花から花へ飛び、夏に蜂蜜を作ります。",
    "windows-1251": "Пчёлы летают от цветка к цветку и делают мёд.",
    "windows-1252": "Die Bienen fliegen über Wälder — schöne Grüße.",
    "gbk": "蜜蜂从一朵花飞到另一朵花，在夏天酿造蜂蜜。",
    "euc-kr": "벌은 꽃에서 꽃으로 날아다니며 꿀을 만든다.",
}


@pytest.mark.parametrize("declared", ["utf-8", "iso-8859-1", "us-ascii", None])
@pytest.mark.parametrize("codec", OLD)
def test_an_element_that_is_right_goes_before_a_header_that_is_not(codec: str, declared: str | None) -> None:
    text = OLD[codec]
    data = page(text * 20, f'<meta http-equiv="Content-Type" content="text/html; charset={codec}">').encode(codec)
    assert text in decode_page(data, declared)
    assert text in decode_page(data[: data.rindex(text[-2].encode(codec)) + 1], declared)  # cut


@pytest.mark.parametrize("codec", ["shift_jis", "gbk", "windows-1252"])
def test_an_old_page_that_is_declared_as_utf8_is_told_by_its_bytes(codec: str) -> None:
    for head in ("", '<meta charset="utf-8">'):
        assert OLD[codec] in decode_page(page(OLD[codec] * 20, head).encode(codec), "utf-8")


def test_a_header_goes_before_an_element_that_does_not_fit() -> None:
    data = page("naïve, café", '<meta charset="euc-kr">').encode("cp1252")
    assert "naïve, café" in decode_page(data, "iso-8859-1")
    assert "Привет" in decode_page(page("Привет", '<meta charset="windows-1252">').encode("koi8-r"), "koi8-r")


JAPANESE = "ハチは花を訪れ、花粉を運びます。"


@pytest.mark.parametrize(
    ("codec", "declared", "meta"),
    [
        ("iso2022_jp", "iso-2022-jp", ""),
        ("iso2022_jp", None, '<meta charset="iso-2022-jp">'),
        ("iso2022_jp", None, '<meta http-equiv="Content-Type" content="text/html; charset=ISO-2022-JP">'),
        ("utf-16-le", "utf-16le", ""),
        ("utf-16-be", "utf-16be", ""),
        ("utf-16-le", "utf-16", ""),
        ("utf-16-le", None, ""),
        ("utf-16-be", "utf-8", ""),
    ],
)
def test_pages_whose_bytes_pass_for_utf8_are_read_as_declared(codec: str, declared: str | None, meta: str) -> None:
    assert JAPANESE in decode_page(page(JAPANESE, meta).encode(codec), declared)
    cut = page(JAPANESE, meta).encode(codec)[:-1]
    assert JAPANESE in decode_page(cut, declared)


@pytest.mark.parametrize("declared", ["utf-16le", "utf-16", "iso-2022-jp", None])
def test_an_old_charset_that_is_declared_wrongly_costs_nothing(declared: str | None) -> None:
    for text in ("naïve", "naïve\x1b[0m", "naïve\x00"):
        assert text in decode_page(page(text).encode(), declared)
