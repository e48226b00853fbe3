from __future__ import annotations

import io
import json
import struct
import zipfile
from pathlib import Path

import pytest

from scripts.sources import epub

from .epubs import CONTAINER, PROSE, book, chapter, package, spine_of, zipped
from .running import Extracted, documents_of

ONE, TWO, THREE = (chapter(f"<h1>{name}</h1><p>{PROSE}{name}.</p>") for name in ("One", "Two", "Three"))
THREE_CHAPTERS = {"1.xhtml": ONE, "2.xhtml": TWO, "3.xhtml": THREE}


def read(root: Path, content: bytes, name: str = "b.epub") -> Extracted:
    found = documents_of(root, name, content, "books")
    counts = found.accounting
    assert counts["in"] == counts["kept"] + sum(counts["removed"].values()) + sum(counts["quarantined"].values())
    return found


def titles(found: Extracted) -> list[str]:
    return [row["text"].partition("\n")[0] for row in found.list]


@pytest.mark.parametrize("name", ["b.epub", "b.zip", "b.txt"])
def test_epub_3_gives_its_chapters_in_reading_order_whatever_its_name(tmp_path: Path, name: str) -> None:
    items = [
        ("nav", "nav.xhtml", 'properties="nav"'),
        ("b", "2.xhtml", ""),
        ("a", "1.xhtml", ""),
        ("cover", "cover.xhtml", ""),
        ("extra", "extra.xhtml", ""),
    ]
    spine = '<spine><itemref idref="cover"/><itemref idref="nav"/><itemref idref="a"/><itemref idref="b"/>'
    opf = package(items, spine + '<itemref idref="extra" linear="no"/><itemref idref="a"/></spine>')
    pages = {
        "1.xhtml": ONE,
        "2.xhtml": TWO,
        "nav.xhtml": chapter("<nav><ol><li><a href='1.xhtml'>One</a></li></ol></nav>"),
        "cover.xhtml": chapter("<div><img src='c.png' alt='Cover of Bees'/></div>"),
        "extra.xhtml": chapter("<p>Answers.</p>"),
    }
    found = read(tmp_path, book(pages, opf), name)
    assert titles(found) == ["One", "Two"]
    assert [row["id"] for row in found.list] == ["s:b/0000", "s:b/0001"]
    assert found.accounting["removed"] == {"navigation": 1, "no_text": 1, "not_linear": 1, "repeated_part": 1}
    row = found.list[0]
    assert (row["language"], row["date"]) == ("en", "2001-02-03")
    meta = json.loads(row["meta"])
    assert (meta["title"], meta["author"], meta["rights"]) == ("Bees", "A. Keeper", "CC0")
    assert meta["section"] == "One"


def test_epub_2_gives_its_chapters_and_roles_and_events_are_heeded(tmp_path: Path) -> None:
    metadata = (
        "<dc:title>Bees</dc:title><dc:creator opf:role='aut'>A. Keeper</dc:creator>"
        "<dc:creator opf:role='ill'>B. Painter</dc:creator><dc:language>ger</dc:language>"
        "<dc:date opf:event='modification'>2020-01-01</dc:date><dc:date opf:event='publication'>1901</dc:date>"
    )
    items = [("ncx", "toc.ncx", 'media-type="application/x-dtbncx+xml"'), ("a", "1.html", ""), ("toc", "toc.html", "")]
    contents = "<h2>Contents</h2>" + "".join(f"<p><a href='1.html#{n}'>Chapter {n}</a> of bees</p>" for n in range(4))
    doctype = '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.1//EN" "http://www.w3.org/TR/xhtml11/DTD/xhtml11.dtd">'
    pages = {
        "toc.ncx": "<ncx/>",
        "1.html": chapter("<p>caf&eacute;&nbsp;au lait</p>", doctype),
        "toc.html": chapter(contents),
    }
    opf = package(items, spine_of("toc", "a", attributes='toc="ncx"'), "2.0", metadata)
    found = read(tmp_path, book(pages, opf))
    (row,) = found.list
    assert (row["text"], row["language"], row["date"]) == ("café au lait", "de", "1901")
    assert json.loads(row["meta"])["author"] == "A. Keeper"
    assert found.accounting["removed"] == {"navigation": 1, "contents": 1}


@pytest.mark.parametrize(
    ("href", "member"),
    [
        ("a%20b.xhtml", "OEBPS/a b.xhtml"),
        ("a%20b.xhtml", "OEBPS/a%20b.xhtml"),
        ("../text/./a.xhtml", "text/a.xhtml"),
        ("../../../a.xhtml", "a.xhtml"),
        ("text\\a.xhtml", "OEBPS/text/a.xhtml"),
        ("text/a.xhtml", "OEBPS\\text\\a.xhtml"),
        ("Text/A.XHTML", "OEBPS/text/a.xhtml"),
        ("a.xhtml#start", "OEBPS/a.xhtml"),
        ("%C3%A9.xhtml", "OEBPS/é.xhtml"),
        ("/OEBPS/a.xhtml", "OEBPS/a.xhtml"),
    ],
)
def test_parts_are_found_however_their_path_is_written(tmp_path: Path, href: str, member: str) -> None:
    opf = package([("a", href, "")], spine_of("a"))
    content = book({}, opf)
    found = read(tmp_path, _with(content, {member: ONE}))
    assert titles(found) == ["One"]


def _with(content: bytes, members: dict[str, str | bytes]) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return zipped({name: archive.read(name) for name in archive.namelist()} | members)


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (None, "missing_part"),
        ("<p>na\u00efve</p>".encode("latin-1"), "invalid_utf8"),
        (("<div>" * 5000 + "deep").encode(), "too_deep"),
        (b"<p>" + b" " * (33 << 20) + b"</p>", "too_long"),
    ],
)
def test_a_broken_part_is_quarantined_alone(tmp_path: Path, broken: bytes | None, reason: str) -> None:
    chapters: dict[str, str | bytes] = dict(THREE_CHAPTERS)
    opf = package([(f"c{n}", f"{n}.xhtml", "") for n in (1, 2, 3)], spine_of("c1", "c2", "c3"))
    if broken is None:
        del chapters["2.xhtml"]
    else:
        chapters["2.xhtml"] = broken
    found = read(tmp_path, book(chapters, opf))
    assert found.accounting["quarantined"] == {reason: 1}
    assert titles(found) == ["One", "Three"]
    assert found.quarantine[0]["position"].startswith("2.xhtml")


def test_many_parts_that_are_small_bombs_are_one_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(epub, "RATIO_APPLIES_FROM", 1 << 20)
    monkeypatch.setattr(epub, "MAX_RATIO", 20)
    chapters = {f"{n}.xhtml": chapter("<p>" + " " * 500_000 + f"{n}</p>") for n in range(9)}
    found = read(tmp_path, book(chapters))
    assert found.accounting["quarantined"] == {"compression_bomb": 1}
    assert found.accounting["kept"] < 8


def test_an_encrypted_or_damaged_member_is_quarantined_alone(tmp_path: Path) -> None:
    content = bytearray(book(THREE_CHAPTERS))
    at = content.rfind(b"OEBPS/2.xhtml") - 46  # in the directory
    (offset,) = struct.unpack_from("<L", content, at + 42)
    encrypted = bytearray(content)
    for place in (at + 8, offset + 6):
        encrypted[place] |= 1
    found = read(tmp_path, bytes(encrypted))
    assert (titles(found), found.accounting["quarantined"]) == (["One", "Three"], {"encrypted": 1})
    start = offset + 30 + len("OEBPS/2.xhtml")
    content[start + 20 : start + 40] = bytes(20)
    found = read(tmp_path / "damaged", bytes(content))
    assert (titles(found), found.accounting["quarantined"]) == (["One", "Three"], {"damaged_compression": 1})


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (book(THREE_CHAPTERS)[:-300], "truncated"),
        (book(THREE_CHAPTERS)[:1000], "truncated"),
        (zipped({"mimetype": "application/epub+zip", "a.xhtml": ONE}), "no_container"),
        (zipped({"a.html": ONE}), "no_epub"),
        (zipped({"META-INF/container.xml": "<container><rootfile full-path='gone.opf'/></container>"}), "no_package"),
        (book({}, "<package>"), "malformed_package"),
        (book({}, "no XML"), "malformed_package"),
        (book({}, package([], "<spine/>")), "empty_spine"),
    ],
)
def test_a_book_that_cannot_be_opened_is_quarantined(tmp_path: Path, content: bytes, reason: str) -> None:
    assert read(tmp_path, content).accounting == {"in": 1, "kept": 0, "removed": {}, "quarantined": {reason: 1}}


def _encryption(*paths: str) -> str:
    parts = "".join(
        f"<enc:EncryptedData><enc:CipherData><enc:CipherReference URI='{path}'/></enc:CipherData></enc:EncryptedData>"
        for path in paths
    )
    return f'<encryption xmlns:enc="http://www.w3.org/2001/04/xmlenc#">{parts}</encryption>'


def test_drm_is_quarantined_and_obfuscated_fonts_are_none(tmp_path: Path) -> None:
    drm = book(THREE_CHAPTERS, encryption=_encryption("OEBPS/font.otf", "OEBPS/2.xhtml"))
    assert read(tmp_path, drm).accounting["quarantined"] == {"drm": 1}
    fonts = book(THREE_CHAPTERS, encryption=_encryption("OEBPS/font.otf"))
    assert read(tmp_path / "fonts", fonts).accounting["kept"] == 3


def test_entities_are_never_expanded_and_nothing_is_loaded(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("SECRET")
    laughs = "".join(f"<!ENTITY l{n} '{f'&l{n - 1};' * 10}'>" for n in range(1, 12))
    doctype = f"<!DOCTYPE html [<!ENTITY l0 'lol'>{laughs}<!ENTITY x SYSTEM '{secret.as_uri()}'><!ENTITY own 'mine'>]>"
    pages = {
        "1.xhtml": chapter("<p>a&l11;b&x;c&own;d</p>", doctype),
        "2.xhtml": chapter("<p>a&l11;b&x;c<br>unclosed", doctype),
        "3.xhtml": chapter("<p title='&l11;'>in an attribute</p>", doctype),
    }
    text = " ".join(row["text"] for row in read(tmp_path, book(pages)).list)
    assert not any(word in text for word in ("lol", "SECRET", "mine", "ENTITY", "]>"))
    assert text.startswith("abcd")
    assert "unclosed" in text
    assert "in an attribute" in text


def test_a_package_document_with_invalid_bytes_is_mended(tmp_path: Path) -> None:
    opf = (
        package([("a", "1.xhtml", "")], spine_of("a"))
        .encode()
        .replace(b"A. Keeper", b"A. &#xD800;\xed\xa0\x80<\x00Keeper")
    )
    found = read(tmp_path, book({"1.xhtml": ONE}, opf))
    assert titles(found) == ["One"]


def test_malformed_chapters_are_mended(tmp_path: Path) -> None:
    page = "<html><body><h1>One</h2><p>bees & <b>flowers<p>second &nbsp;part<script/><br>line \x00\x01&#0;end"
    assert read(tmp_path, book({"1.xhtml": page})).list[0]["text"] == "One\n\nbees & flowers\n\nsecond part\nline �end"


def test_right_to_left_and_vertical_text_stays_in_logical_order(tmp_path: Path) -> None:
    hebrew, japanese = (
        "שלום עולם",
        "<p>\u3000吾輩は\n猫である。<ruby>名前<rp>(</rp><rt>なまえ</rt><rp>)</rp></ruby></p>",
    )
    pages = {
        "1.xhtml": chapter(f"<div dir='rtl'><p>{hebrew}</p></div>"),
        "2.xhtml": chapter(japanese + f"<p>{PROSE}</p>"),
    }
    texts = [row["text"] for row in read(tmp_path, book(pages)).list]
    assert hebrew in texts[0]
    assert "吾輩は猫である。名前" in texts[0] + texts[-1]


def test_utf_16_and_declared_encodings_are_read(tmp_path: Path) -> None:
    latin = chapter("<p>naïve</p>").replace("utf-8", "iso-8859-1").encode("latin-1")
    pages = {"1.xhtml": chapter(f"<p>{PROSE}é</p>").replace("utf-8", "utf-16").encode("utf-16"), "2.xhtml": latin}
    texts = [row["text"] for row in read(tmp_path, book(pages)).list]
    assert texts[0].endswith("é")
    assert texts[1] == "naïve"


def test_a_heading_on_its_own_page_goes_with_its_chapter(tmp_path: Path) -> None:
    pages = {"0.xhtml": chapter("<h1>Part One</h1>"), **THREE_CHAPTERS, "9.xhtml": chapter("<h1>Index</h1>")}
    found = read(tmp_path, book(pages))
    assert titles(found) == ["Part One", "Two", "Three"]
    assert found.list[0]["text"].startswith("Part One\n\nOne\n\nBees")
    assert found.accounting["removed"] == {"headings_only": 1}


def test_what_the_manifest_gives_in_place_of_an_image_is_read(tmp_path: Path) -> None:
    items = [
        ("i", "i.svg", 'media-type="image/svg+xml" fallback="a"'),
        ("a", "1.xhtml", ""),
        ("p", "p.svg", 'media-type="image/svg+xml"'),
    ]
    found = read(
        tmp_path, book({"1.xhtml": ONE, "i.svg": "<svg/>", "p.svg": "<svg/>"}, package(items, spine_of("i", "p")))
    )
    assert titles(found) == ["One"]
    assert found.accounting["removed"] == {"no_text": 1}


def test_the_licence_of_project_gutenberg_goes_and_ends_the_book(tmp_path: Path) -> None:
    start = "<pre>Title: Bees\n\n*** START OF THIS PROJECT GUTENBERG EBOOK BEES ***\n\nProduced by A. B.</pre>"
    end = "<pre>*** END OF THIS PROJECT GUTENBERG EBOOK BEES ***</pre><p>Donate.</p>"
    pages = {
        "1.xhtml": chapter(f"{start}<p>{PROSE}</p>"),
        "2.xhtml": chapter(f"<p>{PROSE}</p>{end}"),
        "3.xhtml": chapter("<p>Terms.</p>"),
    }
    found = read(tmp_path, book(pages))
    assert [row["text"] for row in found.list] == [PROSE.strip()] * 2
    assert [json.loads(row["meta"])["licence_removed"]["header"] > 0 for row in found.list] == [True, False]
    assert found.accounting["removed"] == {"licence": 1}


@pytest.mark.parametrize(
    ("name", "kept", "beginning", "absent"),
    [
        ("childrens-literature", 20, "SECTION IV FAIRY STORIES—MODERN FANTASTIC TALES", ("Transcriber", "170")),
        ("wasteland", 2, "The Waste Land", ("crying*", "*\n")),
        ("israelsailing", 11, "הוצאת הליקון ספרים 2012", ("Cover", "תוכן העניינים")),
        ("developers-reference", 23, "Debian Developer's Reference", ("[1]", "1. Scope of This Document\n-")),
    ],
)
def test_real_books_read_well(
    tmp_path: Path, shared_data: Path, name: str, kept: int, beginning: str, absent: tuple[str, ...]
) -> None:
    found = read(tmp_path, (shared_data / "epub-idpf" / f"{name}.epub").read_bytes())
    assert found.accounting["kept"] == kept
    assert found.accounting["quarantined"] == {}
    assert found.list[0]["text"].startswith(beginning)
    assert not any(mark in row["text"] for row in found.list for mark in absent)


def test_of_what_a_reader_chooses_from_the_plain_form_is_kept(tmp_path: Path) -> None:
    case = "<epub:case required-namespace='x'><p>x2</p></epub:case>"
    choice = f"<epub:switch>{case}<epub:default><p>Squared.</p></epub:default></epub:switch>"
    assert [row["text"] for row in read(tmp_path, book({"1.xhtml": chapter(f"<p>{PROSE}</p>{choice}")})).list] == [
        f"{PROSE.strip()}\n\nSquared."
    ]


def test_the_book_is_read_where_its_container_names_another_form_first(tmp_path: Path) -> None:
    pdf = '<rootfile full-path="book.pdf" media-type="application/pdf"/>'
    content = book({"1.xhtml": ONE}, container=CONTAINER.replace("<rootfile ", f"{pdf}<rootfile ", 1))
    assert titles(read(tmp_path, content)) == ["One"]


def test_a_chapter_that_says_its_charset_in_an_element_alone_is_read(tmp_path: Path) -> None:
    page = (
        chapter(f"<p>{PROSE}„naïve“</p>").partition("?>")[2].replace("<title>", '<meta charset="windows-1252"/><title>')
    )
    found = read(tmp_path, book({"1.xhtml": page.encode("cp1252")}))
    assert found.list[0]["text"].endswith("„naïve“")
