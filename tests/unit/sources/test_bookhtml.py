from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from scripts.sources.bookhtml import blocks_from, folded, lines_of
from scripts.sources.bookmarkup import MAX_BYTES, TAG_BYTES, parse
from scripts.sources.readers.books import is_markup

from .epubs import PROSE
from .running import documents_of


def text_of(body: str) -> str:
    root = parse(f"<html><head><title>T</title><style>p</style></head><body>{body}</body></html>")
    return "\n\n".join(text for text, _ in blocks_from(lines_of(root)))


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("<h2>One<br/>Two</h2><p>a\n  b</p>c", "One\nTwo\n\na b\n\nc"),
        ("<ul><li>a</li><li><p>b</p><p>c</p></li><li>d<ul><li>e</li></ul></li></ul>", "- a\n- b\n\nc\n\n- d\n  - e"),
        ("<ol start='3'><li>a</li><li>b</li></ol><ol><li>c</li></ol>", "3. a\n4. b\n\n1. c"),
        ("<p>line<br/>\nline<br/><br/>stanza</p>", "line\nline\n\nstanza"),
        (
            "<div class='poem'><div>One<span class='lnum'>10</span></div><div>two</div></div><div>other</div>",
            "One\ntwo\n\nother",
        ),
        ("<p><span class='line'>One</span><span class='line'>two</span> three</p>", "One\ntwo\nthree"),
        ("<pre>  a\n\tb  c\n\n  d</pre>after", "  a\n\tb  c\n\n  d\n\nafter"),
        ("<table><tr><th>a</th><th>b</th></tr><tr><td><p>c</p></td><td>d</td></tr></table>", "a\tb\nc\td"),
        ("<dl><dt>a</dt><dd>b</dd></dl>", "a\nb"),
        ("<p>every<span class='pagenum'>[Pg 12]</span>where</p>", "everywhere"),
        ("<p>a <span epub:type='pagebreak' title='3'>3</span>b<a id='p4' class='pageno'>iv</a></p>", "a b"),
        ("<div class='pagebreak'><h2>Chapter I</h2></div>", "Chapter I"),
        ("<p>a<a href='#n1'><sup>1</sup></a>, b<sup><a href='#n2'>b</a></sup> c<a href='#n3'>[3]</a></p>", "a, b c"),
        ("<p>a<a epub:type='noteref' href='n.xhtml#1'>note 1</a> x<sup>2</sup> 1<sup>st</sup></p>", "a x2 1st"),
        ("<p>see <a href='#n1'>this</a> and <a href='http://x.test/'>that</a></p>", "see this and that"),
        ("<p>a<img src='x' alt='ALT'/>b<script>s()</script><svg><text>t</text></svg></p>", "ab"),
        ("<div class='transnote'><p>Typos mended.</p></div><p>b</p><p hidden='hidden'>c</p>", "b"),
        ("<p>hy\u00adphen &amp; &lt;tag&gt; &eacute;</p>", "hyphen & <tag> é"),
        (
            "<p>a <b>b</b><i>c</i> <em>d</em>e</p><table><tr><td><h2>T</h2><p>x</p></td></tr></table>",
            "a bc de\n\nT\n\nx",
        ),
    ],
)
def test_text_is_what_a_reader_reads(body: str, text: str) -> None:
    assert text_of(body) == text


def test_contents_go_and_cross_references_and_notes_stay() -> None:
    entries = "".join(f"<tr><td><a href='#c{n}'>CHAPTER {n}</a></td><td>On bees</td></tr>" for n in range(5))
    chapters = "".join(f"<h2 id='c{n}'><a href='#top'>Chapter {n}</a></h2><p>Bees.</p>" for n in range(5))
    notes = "".join(f"<p><a href='#c{n}'>Page {n}.</a> A note.</p>" for n in range(5))
    text = text_of(
        f"<h2 id='top'>Contents</h2><table>{entries}</table>{chapters}{notes}<p><a href='#top'>Back to top</a></p>"
    )
    assert text.startswith("Chapter 0\n\nBees.")
    assert text.endswith("Page 4. A note.")
    lines = "".join(f"<p class='toc'><a href='#c{n}'>Chapter {n}</a></p>" for n in range(5))
    assert text_of(f"<p class='toc'><b>CONTENTS</b></p>{lines}{chapters}").startswith("Chapter 0")
    assert "see Chapter 1" in text_of("<p>see <a href='#c1'>Chapter 1</a></p><h2 id='c1'>C</h2>")


def test_headings_that_follow_each_other_are_one_border() -> None:
    root = parse("<body><h5>First</h5><h3>The title</h3><p>A sentence.</p><p>Chapter 2</p></body>")
    assert [level for _, level in blocks_from(lines_of(root))] == [2, None, None, 4]


def test_broken_lines_of_chinese_and_japanese_are_joined_without_a_blank() -> None:
    assert folded("漢字\n  かな") == ["漢字かな"]
    assert folded("한국\n말 a\nb") == ["한국 말 a b"]


@pytest.mark.parametrize(
    "head", [b"<!DOCTYPE html>", b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- x --><html>", b" <HTML>"]
)
def test_html_is_told_by_its_first_bytes(head: bytes) -> None:
    assert is_markup(head)
    assert is_markup(head.decode("utf-8-sig").encode("utf-16"))
    assert not is_markup(b"The <html> element\n")
    assert not is_markup(b"<TEI><text>")


OLD = (
    "<html><head><title>Bees, by A. Keeper</title></head><body><pre>The Project Gutenberg EBook of Bees\n\nTitle: Bees\n\n"
    "Author: A. Keeper\n\n*** START OF THIS PROJECT GUTENBERG EBOOK BEES ***\n\n\nProduced by A. B.\n</pre>"
    "<h1>Bees</h1><p>Bees fly \u2014.</p><pre>\n\nEnd of Project Gutenberg's Bees\n\nlicence\n</pre></body></html>"
)
NEW = (
    "<!DOCTYPE html><html lang='en'><head><meta charset='utf-8'><title>Bees | Project Gutenberg</title>"
    "<meta name='dc.language' content='en'></head><body><section class='pg-boilerplate pgheader' id='pg-header'>"
    "<h2>The Project Gutenberg eBook of Bees</h2><div><p><strong>Title</strong>: Bees</p>"
    "<p><strong>Author</strong>: A. Keeper</p></div><div id='pg-start-separator'><span>*** START OF THE PROJECT GUTENBERG "
    "EBOOK BEES ***</span></div></section><h1>Bees</h1><p>Bees fly \u2014.</p><section class='pg-boilerplate' id='pg-footer'>"
    "<span>*** END OF THE PROJECT GUTENBERG EBOOK BEES ***</span><p>licence</p></section></body></html>"
)


@pytest.mark.parametrize(("page", "encoding"), [(OLD, "cp1252"), (OLD, "utf-8"), (NEW, "utf-8"), (NEW, "utf-16")])
def test_both_forms_of_the_licence_go_and_are_recorded(tmp_path: Path, page: str, encoding: str) -> None:
    (row,) = documents_of(tmp_path, "bees-h.htm", page.encode(encoding), "books").list
    assert row["id"] == "s:bees-h/0000"
    assert row["text"] == "Bees\n\nBees fly —."
    meta = json.loads(row["meta"])
    assert (meta["title"], meta["author"]) == ("Bees", "A. Keeper")
    assert meta["licence_removed"]["header"] > 80
    assert meta["licence_removed"]["footer"] > 30


def test_other_html_books_take_their_title_from_the_head_and_are_cut_at_headings(tmp_path: Path) -> None:
    chapters = "".join(f"<h2>On bees, {n}</h2>" + f"<p>{PROSE}</p>" * 5 for n in range(6))
    page = f"<html><head><meta name='author' content='A.'><title>All bees</title></head><body>{chapters}</body></html>"
    found = documents_of(tmp_path, "x", page.encode(), "books", {"max_characters": 2_100})
    metas = [json.loads(row["meta"]) for row in found.list]
    assert [meta["section"] for meta in metas] == [f"On bees, {n}" for n in (0, 2, 4)]
    assert {(meta["title"], meta["author"]) for meta in metas} == {("All bees", "A.")}


def test_pages_without_text_and_too_deep_ones_are_accounted_for(tmp_path: Path) -> None:
    empty = documents_of(tmp_path, "e.htm", b"<html><body><img alt='x'></body></html>", "books")
    assert empty.accounting["removed"] == {"empty": 1}
    deep = documents_of(tmp_path / "d", "d.htm", b"<html>" + b"<b>" * 9999 + b"x", "books")
    assert deep.accounting["quarantined"] == {"too_deep": 1}


def test_a_book_that_takes_more_memory_than_a_part_has_is_quarantined(tmp_path: Path) -> None:
    found = documents_of(tmp_path, "b.htm", b"<html><body>" + b"<br>" * (MAX_BYTES // TAG_BYTES), "books")
    assert found.accounting["quarantined"] == {"too_large": 1}
    found = documents_of(tmp_path / "r", "r.htm", b"<html><body><p>" + b"one run " * 1_500_000, "books")
    assert found.accounting["quarantined"] == {"too_large": 1}


def test_white_space_of_every_kind_is_folded() -> None:
    assert folded("a b  c\td\xa0\n e \r\n\tf\x0c g\n\nh") == ["a b c d e f g h"]


def words(root: Path, path: Path) -> Counter[str]:
    found = documents_of(root / path.name, path.name, path.read_bytes(), "books")
    assert found.accounting["quarantined"] == {}
    text = " ".join(row["text"] for row in found.list).lower().replace("’", "").replace("'", "")
    return Counter(re.findall(r"[^\W_]+", text))


@pytest.mark.parametrize(
    "pair", ["11-0.txt 11-h.htm", "1342-0.txt 1342-h.htm", "3261.txt 3261-h.htm", "972.txt 972-h.htm"]
)
def test_html_and_text_of_a_book_have_the_same_words(tmp_path: Path, shared_data: Path, pair: str) -> None:
    text, page = (words(tmp_path, shared_data / "gutenberg-books" / name) for name in pair.split())
    assert 2 * (text & page).total() / (text.total() + page.total()) > 0.999
