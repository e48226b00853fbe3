"""Broken and hostile XML of many records: a record that is broken costs itself, whatever is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.sources.xmlcut import XmlPieces

from .running import documents_of
from .test_academic import CITATION
from .test_wikipedia import HEAD, page


def wiki_page(number: int, text: bytes) -> bytes:
    return page(number, f"Page {number}", "TEXT").encode().replace(b"TEXT", text)


def citation(number: int, text: bytes) -> bytes:
    abstract = "<Abstract><AbstractText>TEXT</AbstractText></Abstract>"
    return CITATION.format(pmid=number, title=f"Title {number}", abstract=abstract).encode().replace(b"TEXT", text)


FORMS: dict[str, tuple[Callable[[int, bytes], bytes], bytes, bytes, bytes]] = {
    "wikipedia": (wiki_page, HEAD.encode(), b"page", b"</mediawiki>"),
    "academic": (citation, b"<PubmedArticleSet>", b"PubmedArticle", b"</PubmedArticleSet>"),
}
FAULTS: dict[str, tuple[bytes, str]] = {
    "no UTF-8": (b"caf\xe9 au lait", "invalid_utf8"),
    "surrogate in UTF-8": (b"caf\xed\xa0\x80", "invalid_utf8"),
    "stray ampersand": (b"AT&T and more", "malformed_xml"),
    "stray bracket": (b"a < b", "malformed_xml"),
    "stray element": (b"a <b> c", "malformed_xml"),
    "control character": (b"a\x0bb", "malformed_xml"),
    "NUL": (b"a\x00b", "malformed_xml"),
    "number of a surrogate": (b"a &#xD800; b", "malformed_xml"),
    "unknown entity": (b"a &nope; b", "malformed_xml"),
    "open comment": (b"a <!-- b", "malformed_xml"),
    "open CDATA": (b"a <![CDATA[ b", "malformed_xml"),
    "document type": (b"<!DOCTYPE x [<!ENTITY y 'z'>]>&y;", "malformed_xml"),
    "deep": (b"<a>" * 100_000 + b"</a>" * 100_000, "too_deep"),
    "text over the limit of the library": (b"word " * 2_200_000, "too_long"),
    "over the cap": ((b"<p>" + b"word " * 2_000 + b"</p>") * 3_500, "too_long"),
}


@pytest.mark.parametrize("kind", FORMS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_record_costs_itself(tmp_path: Path, kind: str, fault: str) -> None:
    record, begin, _, end = FORMS[kind]
    text, reason = FAULTS[fault]
    content = begin + record(1, b"One.") + record(2, text) + record(3, b"Three.") + end
    found = documents_of(tmp_path, "a.xml", content, kind)
    assert found.accounting == {"in": 3, "kept": 2, "removed": {}, "quarantined": {reason: 1}}
    assert sorted(found.rows) == ["1", "3"]
    (entry,) = found.quarantine
    assert entry["position"] == f"byte {len(begin + record(1, b'One.'))}"
    assert len(entry["sample"]) <= 200


TAGS: dict[str, tuple[bytes, bytes]] = {
    "no end": (b"</%s>", b""),
    "no beginning": (b"<%s>", b""),
    "broken end": (b"</%s>", b"</x%s>"),
    "broken beginning": (b"<%s>", b"<%s\0>"),
    "beginning with a fault": (b"<%s>", b"<%s a>"),
    "open attribute": (b"<%s>", b'<%s a="x>'),
    "twice": (b"<%s>", b"<%s><!-- "),
}


@pytest.mark.parametrize("kind", FORMS)
@pytest.mark.parametrize("fault", TAGS)
@pytest.mark.parametrize("which", [1, 2, 3])
def test_a_broken_tag_of_a_record_costs_itself(tmp_path: Path, kind: str, fault: str, which: int) -> None:
    record, begin, name, end = FORMS[kind]
    right, wrong = (tag.replace(b"%s", name) for tag in TAGS[fault])
    records = {number: record(number, b"Text.") for number in (1, 2, 3)}
    records[which] = records[which].replace(right, wrong)
    found = documents_of(tmp_path, "a.xml", begin + b"".join(records.values()) + end, kind)
    assert set(found.rows) == {"1", "2", "3"} - {str(which)}
    assert found.accounting["in"] == 3
    assert sum(found.accounting["quarantined"].values()) == 1


@pytest.mark.parametrize("kind", FORMS)
@pytest.mark.parametrize(
    "text",
    [
        b"<![CDATA[a < b </page></PubmedArticle> & c]]>",
        b"<!-- </page></PubmedArticle> -->Text.<!-- & -->",
        b"Text.<?note </page></PubmedArticle> ?>",
        b"&#8211; &lt;page&gt; &lt;/page&gt;",
    ],
)
def test_what_only_looks_like_the_end_of_a_record_is_none(tmp_path: Path, kind: str, text: bytes) -> None:
    record, begin, _, end = FORMS[kind]
    found = documents_of(tmp_path, "a.xml", begin + record(1, text) + record(2, b"Two.") + end, kind)
    assert found.accounting == {"in": 2, "kept": 2, "removed": {}, "quarantined": {}}


ENCODINGS: dict[str, tuple[str, bytes, str]] = {
    "UTF-8 with a mark": ("utf-8", b"\xef\xbb\xbf", "utf-8"),
    "UTF-16": ("utf-16", b"", "UTF-16"),
    "UTF-16 little-endian without a mark": ("utf-16-le", b"", "UTF-16"),
    "UTF-16 big-endian without a mark": ("utf-16-be", b"", "UTF-16"),
    "UTF-32": ("utf-32", b"", "UTF-32"),
    "Latin-1": ("latin-1", b"", "ISO-8859-1"),
    "declared UTF-16 that is none": ("utf-8", b"", "UTF-16"),
}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_dumps_in_any_encoding_are_read(tmp_path: Path, encoding: str) -> None:
    codec, mark, declared = ENCODINGS[encoding]
    pages = wiki_page(1, "naïve".encode()) + wiki_page(2, b"AT&T") + wiki_page(3, b"Three.")
    dump = f'<?xml version="1.0" encoding="{declared}"?>\n{HEAD}{pages.decode()}</mediawiki>'
    found = documents_of(tmp_path, "d.xml", mark + dump.encode(codec), "wikipedia")
    assert found.accounting == {"in": 3, "kept": 2, "removed": {}, "quarantined": {"malformed_xml": 1}}
    assert found.rows["1"]["text"].endswith("naïve")


def test_a_lone_surrogate_in_utf16_costs_its_page(tmp_path: Path) -> None:
    pages = (wiki_page(1, b"One.") + wiki_page(2, b"cafX") + wiki_page(3, b"Three.")).decode()
    dump = f"{HEAD}{pages}</mediawiki>".replace("cafX", "caf\udc80")
    found = documents_of(tmp_path, "d.xml", b"\xff\xfe" + dump.encode("utf-16-le", "surrogatepass"), "wikipedia")
    assert found.accounting == {"in": 3, "kept": 2, "removed": {}, "quarantined": {"invalid_utf8": 1}}


def test_what_stands_before_the_records_may_be_broken(tmp_path: Path) -> None:
    dump = (
        HEAD.encode().replace(b"<siteinfo>", b"<siteinfo><name>AT&T</name>") + wiki_page(1, b"One.") + b"</mediawiki>"
    )
    found = documents_of(tmp_path, "d.xml", dump, "wikipedia")
    assert found.accounting == {"in": 2, "kept": 1, "removed": {}, "quarantined": {"malformed_xml": 1}}
    assert found.rows["1"]["url"] == "https://x.test/wiki/Page_1"


def test_two_dumps_in_one_file_are_read(tmp_path: Path) -> None:
    dumps = [HEAD.encode() + wiki_page(number, b"Text.") + b"</mediawiki>\n" for number in (1, 2)]
    found = documents_of(tmp_path, "d.xml", b"".join(dumps), "wikipedia")
    assert found.accounting == {"in": 2, "kept": 2, "removed": {}, "quarantined": {}}


def test_names_of_namespaces_around_a_record_are_known_in_it(tmp_path: Path) -> None:
    article = (
        '<s:set xmlns:s="urn:s" xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:j="urn:j">'
        '<j:article><j:front><j:article-meta><j:article-id pub-id-type="doi">10.1/x</j:article-id><j:permissions>'
        '<j:license xlink:href="http://creativecommons.org/licenses/by/4.0/"/></j:permissions></j:article-meta></j:front>'
        "<j:body><j:p>Bees fly.</j:p></j:body></j:article></s:set>"
    )
    found = documents_of(tmp_path, "a.xml", article.encode(), "academic")
    assert found.rows["10.1/x"]["license"] == "CC-BY-4.0"


def test_text_goes_on_behind_an_entity(tmp_path: Path) -> None:
    dump = '<!DOCTYPE m [<!ENTITY x "y">]>' + HEAD + wiki_page(1, b"before &x;&alpha; after").decode() + "</mediawiki>"
    found = documents_of(tmp_path, "d.xml", dump.encode(), "wikipedia")
    assert found.rows["1"]["text"].endswith("before α after")


@pytest.mark.parametrize(
    "content", [b" \n", b"<?xml version='1.0'?>", b"<!-- x -->", b"<mediawiki>", b"<mediawiki><siteinfo/>"]
)
def test_a_file_that_ends_before_its_first_record_is_counted(tmp_path: Path, content: bytes) -> None:
    counts = documents_of(tmp_path, "d.xml", content, "wikipedia").accounting
    assert counts == {"in": 1, "kept": 0, "removed": {}, "quarantined": {"truncated": 1}}


def pieces_of(content: bytes, size: int, limit: int = 1_000) -> list[tuple[int, bytes, str | None]]:
    chunks = (content[start : start + size] for start in range(0, len(content), size))
    return [(piece.position, piece.data, piece.reason) for piece in XmlPieces(chunks, ("page", "base"), limit)]


def test_pieces_are_the_same_however_a_file_is_read() -> None:
    content = (
        b"<w><base>u</base><pages/><page/><page a='x>y'>one</page ><page>two<!-- </page> --></page>\n"
        b"<page><![CDATA[</page>]]></page></page><page>three<page>four</page><x:page>five</x:page>"
        b"<page>" + b"long " * 500 + b"</page><page>" + b"long " * 500 + b"<page>six</page><page>cut"
    )
    expected = pieces_of(content, len(content))
    assert [reason for _, _, reason in expected] == [
        *[None] * 5, "malformed_xml", "malformed_xml", None, None, "too_long", "too_long", None, "truncated",
    ]  # fmt: skip
    assert b"".join(data for _, data, reason in expected if not reason).count(b"</") == 9
    for size in (1, 2, 3, 7, 64, 500):
        found = pieces_of(content, size)
        assert [(at, reason) for at, _, reason in found] == [(at, reason) for at, _, reason in expected]
        assert [data for _, data, reason in found if not reason] == [data for _, data, reason in expected if not reason]


HOSTILE = [
    begin + unit
    for begin in (b"", b"<page>", b"<page><!-- x -->")
    for unit in (b"<page>", b"</page>", b"<page><!--", b"<page><![CDATA[", b"<page a='", b"<!--", b"<page")
]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_never_closes_comes_to_an_end(text: bytes) -> None:
    """`make prove` measures that the time grows as the length does."""
    positions = [position for position, _, _ in pieces_of(text * (200_000 // len(text)), 1 << 16, limit=32 << 20)]
    assert positions == sorted(set(positions))


def test_tags_in_two_comments_of_a_record_are_none() -> None:
    record = b"<page><!-- </page> -->one<!-- <page> --></page>"
    assert pieces_of(record * 2, 1 << 16) == [(0, record, None), (len(record), record, None)]


@pytest.mark.parametrize("sample", [b"<page>1</page>", b"<page>", b'<page old="1"/>'])
def test_a_record_within_a_comment_of_a_record_is_none(sample: bytes) -> None:
    first = b"<page><!-- " + sample + b" --><id>1</id></page>"
    found = pieces_of(b"<w>" + first + b"<page><id>2</id></page></w>", 1 << 16, limit=32 << 20)
    assert [(data, reason) for _, data, reason in found] == [(first, None), (b"<page><id>2</id></page>", None)]
