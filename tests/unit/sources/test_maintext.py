from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st
from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.html import HTMLTree

from benchmarks.extraction import pages
from scripts.lib.code import data_file
from scripts.sources import maintext
from scripts.sources.charsets import decode_page
from scripts.sources.maintext import joined, main_text
from scripts.sources.pagefeatures import FEATURES
from scripts.sources.pagemarkup import next_of
from scripts.sources.pagescan import scan
from scripts.sources.pagetrees import judge, trees

PROSE = "Bees visit flowers and carry pollen from one to the next, which is how most orchards bear fruit."
WORD = regex.compile(r"[\p{L}\p{N}]+")


def everything(html: str) -> str:
    """Return the text of all blocks of a page."""
    page = scan(str(HTMLTree.parse(html)))
    return joined(page, np.ones(len(page.blocks), np.bool_))


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>one</p><p>two</p>", "one\n\ntwo"),
        ("<div>one</div><div>two</div>", "one\ntwo"),
        ("<p>a <b>bo</b>ld\n  <i>word</i></p>", "a bold word"),
        ("<p>one<br>two<br><br>three", "one\ntwo\n\nthree"),
        ("<ul><li>one<li>two<ul><li>inner</ul></ul>", "• one\n• two\n  • inner"),
        ("<ol><li>one<li>two</ol>", "1. one\n2. two"),
        ("<ol>" + "<li>x" * 11, "\n".join(f"{number}. x" for number in range(1, 12))),
        ("<table><tr><th>a<th>b<tr><td>1<td>2</table>", "a\tb\n1\t2"),
        (f"<table><tr><td>{PROSE} {PROSE}<td>2</table>", f"{PROSE} {PROSE}\n2"),
        ("<pre>  def f():\n    return 1\n\n</pre><p>x", "  def f():\n    return 1\n\nx"),
        ("<pre><code>a\n\tb</code></pre>", "a\n\tb"),
        ("<p>1 &lt; 2 &amp;&amp; 3&nbsp;&gt; 2 &amp;lt; &eacute;&#x1F600;", "1 < 2 && 3 > 2 &lt; é😀"),
        ("<p>one<script>if (a<b) x('<p>no</p>')</script>two<style>p{}</style>", "onetwo"),
        ("<p>one<script><!-- <script>x</script> no --></script>two", "onetwo"),
        ("<p>one<!-- no --><!-- > <p>no-->two<![CDATA[no]]><?php no ?>", "onetwo"),
        ('<p title="a > b" data-x=\'<p>no"\'>one<img alt="no">two', "onetwo"),
        ("<h2>Head<a class='headerlink' href='#x'>¶</a></h2>", "Head"),
        ("<svg><title>no</title><text>no</text></svg><noscript>no</noscript><p>one", "one"),
        ("<select><option>no</select><textarea>no</textarea><iframe>no</iframe><template>no</template>one", "one"),
        ("<p>\ue001\uf015 home", "home"),
        ("<p>文字。<p>ваш текст", "文字。\n\nваш текст"),
        ("<xmp>a <b> c</xmp>", "a <b> c"),
        ("<p =x \"y <z' a=1>one", "one"),
        ("<a href=x>one</a><button>two</button>", "one\ntwo"),
        ("", ""),
    ],
)
def test_text_is_what_a_reader_sees(html: str, text: str) -> None:
    assert everything(html) == text


def page_of(main: str) -> str:
    links = "".join(f'<li><a href="/{number}">Topic {number}</a></li>' for number in range(30))
    return (
        f'<body><div id="nav"><ul>{links}</ul></div><div class="post"><h1>Bees in orchards</h1>{main}</div>'
        f'<div class="footer"><p>Copyright 2020. <a href="/terms">Terms of use</a></p></div></body>'
    )


def test_main_text_is_kept_and_navigation_left() -> None:
    text = main_text(HTMLTree.parse(page_of(f"<p>{PROSE} One.</p>" * 6)))
    assert text.count(PROSE) == 6
    assert "Topic" not in text
    assert "Terms" not in text


def test_a_page_without_text_has_none() -> None:
    assert main_text(HTMLTree.parse("")) == ""
    assert main_text(HTMLTree.parse("<body><script>x()</script></body>")) == ""


def test_verdicts_are_sums_of_the_leaves_that_rows_come_to() -> None:
    stored = json.loads(data_file("scripts/sources/lists/main-text-trees.json").read_text("utf-8"))
    draw = random.Random(1)
    rows = np.array([[draw.choice([-1, 0, 1, 7, 80, 999, 5000]) for _ in FEATURES] for _ in range(50)], np.int32)
    found = judge(rows, trees())
    for row, value in zip(rows, found, strict=True):
        total = 0
        for tree in stored["trees"]:
            at = 0
            while at >= 0:
                feature, limit, low, high = tree["splits"][at]
                at = low if row[FEATURES.index(stored["features"][feature])] <= limit else high
            total += tree["values"][~at]
        assert value == total
    assert len(set(found.tolist())) > 10


TAGS = (
    "<div> </div> <p> </p> <b> </i> <table> <td> <tr> </table> <li> <ul> </ul> <ol> <a> </a> <pre> </pre> <br> <script> "
    "</script> <!-- --> <svg> </svg> <select> <option> <plaintext> <xmp> <title> <textarea> <template> <form> <math> "
    "<![CDATA[ ]]> &lt; &amp &#0; <h1> </h1> <nav hidden> word κόσμος 世界 . 12 \x00 \ufeff < > \" ' = <body> <html> "
    "<frameset> <style> <noscript>"
)
SOUP = st.lists(st.sampled_from(TAGS.split(" ")), max_size=60)


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9])
def test_rows_are_judged_alike_alone_and_together(count: int) -> None:
    """Also where all rows are beyond all limits of a feature, which are looked at once for all of them."""
    draw = random.Random(count)
    values = [draw.randrange(5_000, 9_000) if place % 2 else draw.choice([-1, 3, 90]) for place in range(len(FEATURES))]
    rows = np.array([[value + number for value in values] for number in range(count)], np.int32)
    together = judge(rows.reshape(count, len(FEATURES)), trees())
    assert together.tolist() == [judge(row.reshape(1, -1), trees())[0] for row in rows]


@pytest.mark.parametrize("size", [0, 1, 31, 32, 33, 64, 65])
def test_a_byte_is_found_wherever_it_stands(size: int) -> None:
    page = np.full(size, 97, np.uint8)
    assert next_of(page, 0, 60) == size
    for place in range(size):
        page[place] = 60
        assert [next_of(page, begin, 60) for begin in range(place + 1)] == [place] * (place + 1)
        assert next_of(page, place + 1, 60) == size
        page[place] = 97


@settings(max_examples=300, deadline=None)
@given(SOUP)
def test_any_soup_of_tags_gives_words_of_the_page(parts: list[str]) -> None:
    html = " ".join(parts)
    found = Counter(WORD.findall(everything(html)))
    assert not found - Counter(WORD.findall(html))
    main_text(HTMLTree.parse(html))


@pytest.mark.parametrize("html", ["<math> <plaintext> <td>", "<math><mtext><xmp> <td> </xmp> word"])
def test_a_formula_holds_raw_text_in_its_words_alone(html: str) -> None:
    assert not Counter(WORD.findall(everything(html))) - Counter(WORD.findall(html))


HOSTILE = ["<div>", "<ul><li>", "<p>x<b>", "<table><tr><td>", "<!--", "<a href=x>", "<br>", '<i class="a b">']


@pytest.mark.parametrize("tag", HOSTILE)
def test_pages_of_great_depth_are_judged(tag: str) -> None:
    """That the time grows with their size alone is a proof of its own (tests.prove.linear)."""
    page = scan(str(HTMLTree.parse(tag * 20_000)))
    assert maintext.odds(page).shape == (len(page.blocks),)


def test_many_blocks_are_judged_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    page = scan(str(HTMLTree.parse(page_of(f"<p>{PROSE} One.</p>" * 60))))
    at_once = maintext.odds(page)
    monkeypatch.setattr(maintext, "_AT_ONCE", 7)
    assert np.array_equal(maintext.odds(page), at_once)


def test_a_page_of_too_many_tags_is_left_to_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maintext, "MOST_TAGS", 10)
    monkeypatch.setattr(maintext, "scan", lambda html: pytest.fail("the page is scanned"))
    assert main_text(HTMLTree.parse(page_of(f"<p>{PROSE}</p>" * 20))).count(PROSE) == 20


def test_real_pages_lose_no_word(shared_data: Path) -> None:
    lost, total = 0, 0
    for data, charset in pages(shared_data / "warc-wget-dolma" / "sample-0000.warc.gz"):
        html = decode_page(data, charset)
        wanted = Counter(WORD.findall(extract_plain_text(HTMLTree.parse(html), alt_texts=False, list_bullets=False)))
        lost += (wanted - Counter(WORD.findall(everything(html)))).total()
        total += wanted.total()
    assert total > 1000
    assert lost / total < 0.005
