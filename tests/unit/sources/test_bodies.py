from __future__ import annotations

import gzip
import random
import zlib
from pathlib import Path

import brotli
import pytest
import zstandard

from scripts.sources.bodies import BrokenBody, decoded

from .running import documents_of
from .test_web import PROSE, html, record, response

PAGE = html(PROSE).encode()
LIMIT = 1 << 20


def chunked(data: bytes, size: int = 50, end: bytes = b"\r\n") -> bytes:
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    return b"".join(b"%X ;x=y%s%s%s" % (len(piece), end, piece, end) for piece in [*pieces, b""])


def bare(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


CODED = {
    "gzip": gzip.compress(PAGE),
    "X-GZIP": gzip.compress(PAGE[:99]) + gzip.compress(PAGE[99:]),
    "gzip, gzip": gzip.compress(gzip.compress(PAGE)),
    "deflate": zlib.compress(PAGE),
    " deflate": bare(PAGE),
    "br": brotli.compress(PAGE),
    "zstd": zstandard.compress(PAGE),
    "chunked": chunked(PAGE),
    ",chunked": chunked(PAGE, end=b"\n"),
    "gzip,chunked": chunked(gzip.compress(PAGE)),
    "": gzip.compress(PAGE),
    "br, none": brotli.compress(PAGE),
    "br ": gzip.compress(PAGE),
}


@pytest.mark.parametrize("codings", CODED)
def test_codings_are_undone_where_they_are_and_only_there(codings: str) -> None:
    assert decoded(CODED[codings], codings, LIMIT) == PAGE
    assert decoded(PAGE, codings, LIMIT) == PAGE
    assert decoded(b"", codings, LIMIT) == b""


@pytest.mark.parametrize("codings", [name for name in CODED if name != "br, none"])
def test_a_body_that_is_cut_or_damaged_in_its_coding_is_none(codings: str) -> None:
    data = CODED[codings]
    with pytest.raises(BrokenBody):
        decoded(data[: len(data) // 2], codings, LIMIT)


@pytest.mark.parametrize("codings", ["gzip", "deflate", " deflate", "br", "zstd"])
def test_a_bomb_is_cut_soon_after_the_limit(codings: str) -> None:
    pack = {"gzip": gzip.compress, "deflate": zlib.compress, " deflate": bare, "br": brotli.compress}
    bomb = pack.get(codings, zstandard.compress)(bytes(64 << 20))
    assert LIMIT < len(decoded(bomb, codings, LIMIT)) <= (16 << 20) + LIMIT


def test_noise_never_fails_otherwise() -> None:
    draw = random.Random(5)
    for codings in CODED:
        for begin in (b"", b"\x1f\x8b\x08", b"\x78\x9c", b"5\r\n", b"\x28\xb5\x2f\xfd"):
            for _ in range(20):
                try:
                    decoded(begin + draw.randbytes(200), codings, LIMIT)
                except BrokenBody:
                    continue


@pytest.mark.parametrize(
    "extra",
    [
        "Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n",
        "Content-Encoding: none\r\n",
        "content-encoding: UTF-8\r\n",
        "Content-Encoding: br\r\n",
    ],
)
def test_a_page_that_was_decoded_before_it_was_archived_is_kept(tmp_path: Path, extra: str) -> None:
    found = documents_of(tmp_path, "w.warc", record(1, response(PAGE, extra=extra)), "common_crawl")
    assert found.rows["1"]["text"] == PROSE.strip()


def test_a_page_that_is_cut_in_its_coding_is_quarantined(tmp_path: Path) -> None:
    for extra, body in (("Content-Encoding: gzip", CODED["gzip"]), ("Transfer-Encoding: chunked", CODED["chunked"])):
        page = record(1, response(body[:-30], extra=f"{extra}\r\n"))
        found = documents_of(tmp_path / extra[:7], "w.warc", page, "common_crawl")
        assert found.accounting["quarantined"] == {"broken_payload": 1}


def test_a_packed_page_that_does_not_say_so_is_unpacked(tmp_path: Path) -> None:
    found = documents_of(tmp_path, "w.warc", record(1, response(gzip.compress(PAGE))), "common_crawl")
    assert found.rows["1"]["text"] == PROSE.strip()
