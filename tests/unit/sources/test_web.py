from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from scripts.sources.readers.web import decode_page

from .running import documents_of

PROSE = "Bees visit flowers and carry pollen from one to the next, which is how most orchards bear fruit. " * 4


def record(number: int, block: bytes, kind: str = "response", length: int | None = None) -> bytes:
    head = (
        f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Record-ID: <urn:uuid:{number}>\r\n"
        f"WARC-Date: 2020-01-0{number % 9 + 1}T00:00:00Z\r\n"
        f"WARC-Target-URI: http://x.test/{number}\r\nContent-Type: application/http; msgtype=response\r\n"
        f"Content-Length: {len(block) if length is None else length}\r\n\r\n"
    )
    return head.encode() + block + b"\r\n\r\n"


def response(body: bytes, status: str = "200 OK", kind: str = "text/html; charset=utf-8", extra: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n{extra}Content-Length: {len(body)}\r\n\r\n".encode() + body


def html(text: str, head: str = "") -> str:
    return f"<html><head>{head}<title>T</title></head><body><nav>Menu</nav><main><p>{text}</p></main></body></html>"


RECORDS = [
    record(1, response(html(PROSE + "naïve").encode())),
    record(2, response(b"gone", "404 Not Found")),
    record(3, response(b"\x89PNG", kind="image/png")),
    record(4, b"GET / HTTP/1.1\r\nHost: x.test\r\n\r\n", kind="request"),
    record(5, response(html(PROSE + "naïve").encode("latin-1"), kind="text/html; charset=iso-8859-1")),
    record(6, response(b"")),
    record(7, response(gzip.compress(html(PROSE + "packed").encode()), extra="Content-Encoding: gzip\r\n")),
]
REMOVED = {"no_success_response": 1, "no_html": 1, "no_page_record": 1, "empty": 1}


@pytest.mark.parametrize("each", [False, True])
def test_pages_become_main_text_and_the_rest_goes_by_reason(tmp_path: Path, each: bool) -> None:
    content = b"".join(map(gzip.compress, RECORDS)) if each else b"".join(RECORDS)
    found = documents_of(tmp_path, "w.warc.gz", content, "web")
    assert found.accounting == {"in": 7, "kept": 3, "removed": REMOVED, "quarantined": {}}
    assert found.rows["1"]["text"].endswith("naïve")
    assert found.rows["5"]["text"].endswith("naïve")
    assert found.rows["7"]["text"].endswith("packed")
    assert "Menu" not in found.rows["1"]["text"]
    assert (found.rows["1"]["url"], found.rows["1"]["date"]) == ("http://x.test/1", "2020-01-02T00:00:00Z")


def test_the_encoding_is_taken_where_it_is_right() -> None:
    assert "naïve" in decode_page(html("naïve").encode(), "iso-8859-1")
    assert "naïve" in decode_page(html("naïve", '<meta charset="windows-1252">').encode("cp1252"), None)
    assert "Привет" in decode_page(html("Привет").encode("koi8-r"), "koi8-r")
    assert "naïve" in decode_page(html("naïve").encode("utf-16"), None)


@pytest.mark.parametrize("charset", ["utf8mb4", "foo", "none", "x-user-defined", "utf-8,gzip", "hex", "base64"])
def test_a_charset_that_is_none_costs_nothing(tmp_path: Path, charset: str) -> None:
    page = record(1, response(html(PROSE + "na\xefve").encode("latin-1"), kind=f"text/html; charset={charset}"))
    assert documents_of(tmp_path, "w.warc", page, "web").accounting["kept"] == 1


def test_a_clipped_archive_keeps_what_came_before(tmp_path: Path) -> None:
    content = b"".join(map(gzip.compress, RECORDS))
    cut = content[: -len(gzip.compress(RECORDS[-1])) // 2]
    counts = documents_of(tmp_path, "w.warc.gz", cut, "web").accounting
    assert counts["quarantined"] == {"truncated": 1}
    assert counts["kept"] >= 1


def test_a_wrong_length_never_mixes_two_pages(tmp_path: Path) -> None:
    wrong = record(1, response(html(PROSE).encode()), length=150)
    found = documents_of(tmp_path, "w.warc", wrong + record(2, response(html(PROSE + "second").encode())), "web")
    assert all("second" not in row["text"] for key, row in found.rows.items() if key == "1")
    counts = found.accounting
    assert counts["in"] == counts["kept"] + sum(counts["removed"].values()) + sum(counts["quarantined"].values())


def test_html_files_are_pages_of_their_own(tmp_path: Path) -> None:
    page = html(PROSE + '<a class="headerlink" href="#x">¶</a>')
    found = documents_of(tmp_path, "page.html.gz", gzip.compress(page.encode()), "web")
    assert found.rows["page"]["text"] == PROSE.strip()
    assert '"title":"T"' in found.rows["page"]["meta"]


def test_what_is_no_archive_is_quarantined(tmp_path: Path) -> None:
    counts = documents_of(tmp_path, "w.warc", b"this is no archive at all\n" * 50, "web").accounting
    assert counts["kept"] == 0
    assert sum(counts["quarantined"].values()) == 1


def test_broken_html_gives_its_text(tmp_path: Path) -> None:
    page = f"<html><body><main><p>{PROSE}<b><table><td>unclosed &amp; &nope; <<<".encode()
    found = documents_of(tmp_path, "w.warc", record(1, response(page)), "web")
    assert found.rows["1"]["text"].startswith("Bees visit")


def test_real_archives_add_up(tmp_path: Path, shared_data: Path) -> None:
    content = (shared_data / "warc-ia-2008" / "example.warc.gz").read_bytes()
    counts = documents_of(tmp_path, "example.warc.gz", content, "web").accounting
    assert counts["kept"] > 50
    assert counts["quarantined"] == {}


def test_a_page_that_speaks_of_headers_is_a_page(tmp_path: Path) -> None:
    text = f"{PROSE}</p><pre>HTTP/1.1 404 Not Found\r\nContent-Type: image/png\r\n\r\nHTTP/1.1 500</pre><p>End."
    pages = [
        record(1, response(html(text).encode())),
        record(2, b"HTTP/1.1 200 OK\r\nServer: x\r\n\r\n\r\nContent-Type: image/png\r\n" + html(PROSE).encode()),
        record(3, response(html(PROSE).encode(), kind="image/png; note=text/html")),
    ]
    found = documents_of(tmp_path, "w.warc", b"".join(pages), "common_crawl")
    assert found.rows["1"]["text"].endswith("End.")
    assert found.accounting["removed"] == {"no_html": 2}
