from __future__ import annotations

import gzip
import io
import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

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


def with_dictionary(records: list[bytes], packed: bool) -> bytes:
    """Records as archives of web pages have them in zstd: a frame with the dictionary, then one frame each."""
    dictionary = zstandard.train_dictionary(1 << 12, [record + bytes([n]) for n in range(64) for record in records])
    data = zstandard.compress(dictionary.as_bytes()) if packed else dictionary.as_bytes()
    compressor = zstandard.ZstdCompressor(dict_data=dictionary)
    frame = b"\x5d\x2a\x4d\x18" + len(data).to_bytes(4, "little") + data
    return frame + b"".join(map(compressor.compress, records))


PACKINGS: dict[str, Callable[[list[bytes]], bytes]] = {
    "w.warc": b"".join,
    "w.warc.gz": lambda records: b"".join(map(gzip.compress, records)),
    "w.warc.zst": lambda records: b"".join(map(zstandard.compress, records)),
    "dictionary.warc.zst": lambda records: with_dictionary(records, False),
    "packed-dictionary.warc.zst": lambda records: with_dictionary(records, True),
    "whole.warc.gz": lambda records: gzip.compress(b"".join(records)),
    "whole.warc.zst": lambda records: zstandard.compress(b"".join(records)),
}


@pytest.mark.parametrize("name", PACKINGS)
def test_pages_become_main_text_and_the_rest_goes_by_reason(tmp_path: Path, name: str) -> None:
    found = documents_of(tmp_path, name, PACKINGS[name](RECORDS), "web")
    assert found.accounting == {"in": 7, "kept": 3, "removed": REMOVED, "quarantined": {}}
    assert found.rows["1"]["text"].endswith("naïve")
    assert found.rows["5"]["text"].endswith("naïve")
    assert found.rows["7"]["text"].endswith("packed")
    assert "Menu" not in found.rows["1"]["text"]
    assert (found.rows["1"]["url"], found.rows["1"]["date"]) == ("http://x.test/1", "2020-01-02T00:00:00Z")


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


def lower_case_names(page: bytes) -> bytes:
    return re.sub(rb"(?m)^(WARC|Content)-[A-Za-z-]+:", lambda name: name[0].lower(), page)


BODY = html(PROSE).encode()
HEADERS = {
    "http in LF": record(1, b"HTTP/1.1 200 OK\nServer: x\nContent-Type: text/html\n\n" + BODY),
    "a blank line in LF": record(1, b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\n" + BODY),
    "warc in LF": record(1, response(BODY)).replace(b"\r\n", b"\n", 8),
    "all in LF": record(1, b"HTTP/1.1 200 OK\nContent-Type: text/html\n\n" + BODY).replace(b"\r\n", b"\n"),
    "in lower case": lower_case_names(record(1, response(BODY))),
    "in lower case and LF": lower_case_names(record(1, response(BODY))).replace(b"\r\n", b"\n", 8),
}


@pytest.mark.parametrize("form", HEADERS)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_headers_may_end_in_lf_and_have_names_in_any_case(
    tmp_path: Path, form: str, pack: Callable[[bytes], bytes]
) -> None:
    found = documents_of(tmp_path, "w.warc", pack(HEADERS[form]) + pack(RECORDS[-1]), "common_crawl")
    assert found.rows["1"]["text"] == PROSE.strip()
    assert found.rows["1"]["url"] == "http://x.test/1"
    assert found.accounting["kept"] == 2


def test_answers_in_an_arc_file_may_have_lines_that_end_in_lf(tmp_path: Path) -> None:
    page = b"HTTP/1.1 200 OK\nContent-Type: text/html\n\n" + BODY
    begin = b"filedesc://x.arc 0.0.0.0 20120101000000 text/plain 2\n1\n\n"
    line = b"http://x.test/1 127.0.0.1 20120101000000 text/html %d\n" % len(page)
    found = documents_of(tmp_path, "w.arc", begin + line + page, "common_crawl")
    assert [row["text"] for row in found.rows.values()] == [PROSE.strip()]


NOISE = random.Random(1).randbytes(9_000)
BINARY = {
    "an image": b"\x89PNG\r\n\x1a\n" + NOISE,
    "a document": b"%PDF-1.4\n" + b"1 0 obj << /Type /Page >> endobj\n" * 80 + b"stream\n" + NOISE,
    "an archive": b"PK\x03\x04" + NOISE,
    "bytes in turn": bytes(range(256)) * 20,
}


@pytest.mark.parametrize("kind", BINARY)
@pytest.mark.parametrize("form", ["text/html", "text/html; charset=utf-8", "text/html; charset=shift_jis"])
def test_bytes_that_are_served_as_html_are_none(tmp_path: Path, kind: str, form: str) -> None:
    found = documents_of(tmp_path, "w.warc", record(1, response(BINARY[kind], kind=form)), "common_crawl")
    assert found.accounting["removed"] == {"no_html": 1}


def test_a_page_with_some_controls_is_one(tmp_path: Path) -> None:
    page = html(PROSE.replace("Bees", "Be\0es \x1b[0m") + "\ufffd" * 9).encode()
    assert documents_of(tmp_path, "w.warc", record(1, response(page)), "common_crawl").accounting["kept"] == 1


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "utf-16-be"])
def test_html_files_in_any_unicode_are_pages(tmp_path: Path, codec: str) -> None:
    found = documents_of(tmp_path, "page.html", html(f"{PROSE}naïve").encode(codec), "web")
    assert found.rows["page"]["text"].endswith("naïve")


@pytest.mark.parametrize("name", PACKINGS)
def test_the_text_of_wet_files_is_kept_as_it_is(tmp_path: Path, name: str) -> None:
    records = [
        record(1, b"software: x", kind="warcinfo"),
        record(2, f"Menu\n{PROSE}\nnaïve".encode(), kind="conversion"),
        record(3, b"caf\xe9", kind="conversion"),
        record(4, b" ", kind="conversion"),
        record(5, b"Last.", kind="conversion"),
    ]
    records = [each.replace(b"application/http; msgtype=response", b"text/plain") for each in records]
    found = documents_of(tmp_path, name, PACKINGS[name](records), "common_crawl")
    assert found.rows["2"]["text"] == f"Menu\n{PROSE.strip()}\nnaïve"
    assert found.accounting == {
        "in": 5, "kept": 2, "removed": {"no_page_record": 1, "empty": 1}, "quarantined": {"invalid_utf8": 1},
    }  # fmt: skip
    assert (found.rows["5"]["url"], found.rows["5"]["date"]) == ("http://x.test/5", "2020-01-06T00:00:00Z")


def test_a_bomb_in_a_record_costs_itself(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with gzip.open(packed, "wb") as out:
        for _ in range(300):
            out.write(b"<p>bees</p>" * 100_000)
    bomb = response(packed.getvalue(), extra="Content-Encoding: gzip\r\n")
    records = [RECORDS[0], record(2, bomb), RECORDS[-1]]
    found = documents_of(tmp_path, "w.warc.gz", b"".join(map(gzip.compress, records)), "common_crawl")
    assert found.accounting == {"in": 3, "kept": 2, "removed": {}, "quarantined": {"too_long": 1}}


@pytest.mark.parametrize("tag", ["div", "b", "table", "ul", "blockquote", "a", "font", "span", "p", "li", "td"])
@pytest.mark.parametrize("closed", [False, True])
def test_pages_of_any_depth_are_accounted_for(tmp_path: Path, tag: str, closed: bool) -> None:
    deep = f"<{tag}>" * 100_000 + "words" + f"</{tag}>" * 100_000 * closed
    records = [RECORDS[0], record(2, response(html(deep).encode())), RECORDS[-1]]
    found = documents_of(tmp_path, "w.warc", b"".join(records), "common_crawl")
    assert {"1", "7"} <= set(found.rows)
    assert found.accounting["in"] == 3


DICTIONARY = b"\x5d\x2a\x4d\x18"
BAD_DICTIONARIES = {
    "cut": (with_dictionary(RECORDS, False)[:100], "truncated"),
    "cut in the number of its bytes": (DICTIONARY + b"\1", "truncated"),
    "longer than any": (DICTIONARY + b"\xff\xff\xff\xff" + bytes(100), "damaged_compression"),
}


@pytest.mark.parametrize("fault", BAD_DICTIONARIES)
def test_a_dictionary_that_is_none_is_quarantined_once(tmp_path: Path, fault: str) -> None:
    content, reason = BAD_DICTIONARIES[fault]
    assert documents_of(tmp_path, "w.warc.zst", content, "web").accounting["quarantined"] == {reason: 1}


INTERIM = {
    "100": b"HTTP/1.1 100 Continue\r\n\r\n",
    "103": b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n" * 2,
    "in LF": b"HTTP/1.1 102 Processing\n\n",
}


@pytest.mark.parametrize("interim", INTERIM)
def test_what_a_server_says_before_its_answer_is_passed_over(tmp_path: Path, interim: str) -> None:
    pages = [
        record(1, INTERIM[interim] + response(BODY)),
        record(2, INTERIM[interim] + response(b"gone", "404 Not Found")),
    ]
    found = documents_of(tmp_path, "w.warc.gz", b"".join(map(gzip.compress, pages)), "web")
    assert found.rows["1"]["text"] == PROSE.strip()
    assert found.accounting["removed"] == {"no_success_response": 1}


@pytest.mark.parametrize(
    "form", [b"Content-Type: Application/HTTP;msgtype=response\r\n", b"Content-Type: text/html\r\n", b""]
)
def test_an_answer_is_told_by_its_beginning_too(tmp_path: Path, form: bytes) -> None:
    packed = response(gzip.compress(BODY), extra="Content-Encoding: gzip\r\n")
    page = record(1, packed).replace(b"Content-Type: application/http; msgtype=response\r\n", form)
    assert documents_of(tmp_path, "w.warc", page, "web").rows["1"]["text"] == PROSE.strip()


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_what_is_no_page_is_none_at_any_length(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    long = bytes(40 << 20)
    records = [
        RECORDS[0],
        record(2, response(long, kind="video/mp4")),
        record(3, long, "request"),
        record(4, response(long)),
    ]
    found = documents_of(tmp_path, "w.warc", b"".join(map(pack, [*records, RECORDS[-1]])), "web")
    assert found.accounting == {
        "in": 5, "kept": 2, "removed": {"no_html": 1, "no_page_record": 1}, "quarantined": {"too_long": 1},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "form", "reason"),
    [
        ("resource", b"video/mp4", "no_html"), ("conversion", b"image/png", "no_html"),
        ("resource", b"Text/HTML; charset=utf-8", "too_long"), ("resource", b"application/http", "too_long"),
        ("conversion", b"text/plain", "too_long"),
    ],
)  # fmt: skip
def test_the_form_of_a_record_without_an_answer_is_its_own(tmp_path: Path, kind: str, form: bytes, reason: str) -> None:
    long = record(2, bytes(40 << 20), kind).replace(b"application/http; msgtype=response", form)
    counts = documents_of(tmp_path, "w.warc", b"".join([RECORDS[0], long, RECORDS[-1]]), "web").accounting
    assert (counts["kept"], counts["removed"] | counts["quarantined"]) == (2, {reason: 1})


def test_of_what_was_converted_text_and_pages_are_kept(tmp_path: Path) -> None:
    blocks = {
        "text/plain": b"Bees fly.",
        "text/html": BODY,
        "image/png": b"\x89PNG\r\n\x1a\n\0",
        "application/pdf": b"%PDF-1.4",
    }
    records = [
        record(number, block, "conversion").replace(b"application/http; msgtype=response", kind.encode())
        for number, (kind, block) in enumerate(blocks.items())
    ]
    found = documents_of(tmp_path, "w.warc", b"".join(records), "web")
    assert [row["text"] for row in found.list] == ["Bees fly.", PROSE.strip()]
    assert found.accounting["removed"] == {"no_html": 2}
