"""Broken and hostile files: what is whole is kept, what is not is counted, and nothing takes its neighbours along."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import random
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from scripts.sources.bookmarkup import MAX_BYTES, TAG_BYTES
from scripts.sources.seen import Seen
from tests.prove.memory import extract_in_a_process, fetch_local, write_lines

from .running import documents_of
from .test_papers import tar
from .test_stack_exchange import answer, question
from .test_web import PROSE, html, record, response


def flip(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]


LINES = [json.dumps({"id": str(number), "text": f"Text {number} of bees."}).encode() for number in range(4)]
PACK: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstandard.compress,
}


@pytest.mark.parametrize("kind", PACK)
def test_packed_files_of_several_pieces_are_read_to_the_end(tmp_path: Path, kind: str) -> None:
    content = b"".join(PACK[kind](line + b"\n") for line in LINES)
    assert set(documents_of(tmp_path, f"a.jsonl.{kind}", content, "jsonl").rows) == {"0", "1", "2", "3"}


@pytest.mark.parametrize("kind", PACK)
def test_garbage_after_the_end_is_counted_and_costs_nothing(tmp_path: Path, kind: str) -> None:
    content = PACK[kind](b"\n".join(LINES) + b"\n") + b"GARBAGE" * 9
    found = documents_of(tmp_path, f"a.jsonl.{kind}", content, "jsonl")
    assert set(found.rows) == {"0", "1", "2", "3"}
    assert found.accounting == {"in": 5, "kept": 4, "removed": {}, "quarantined": {"damaged_compression": 1}}


@pytest.mark.parametrize("at", [0, 1, 2])
@pytest.mark.parametrize("kind", PACK)
def test_damage_in_a_later_stream_is_counted(tmp_path: Path, kind: str, at: int) -> None:
    first, second = (PACK[kind](b"\n".join(lines) + b"\n") for lines in (LINES[:2], LINES[2:]))
    found = documents_of(tmp_path, f"a.jsonl.{kind}", first + flip(second, at), "jsonl")
    assert set(found.rows) == {"0", "1"}
    assert found.accounting == {"in": 3, "kept": 2, "removed": {}, "quarantined": {"damaged_compression": 1}}


@pytest.mark.parametrize("kind", PACK)
def test_a_later_stream_that_is_cut_is_counted(tmp_path: Path, kind: str) -> None:
    first, second = (PACK[kind](b"\n".join(lines) + b"\n") for lines in (LINES[:2], LINES[2:]))
    found = documents_of(tmp_path, f"a.jsonl.{kind}", first + second[:3], "jsonl")
    assert found.accounting == {"in": 3, "kept": 2, "removed": {}, "quarantined": {"truncated": 1}}


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz"])
def test_zeros_between_streams_are_nothing(tmp_path: Path, kind: str) -> None:
    content = b"".join(PACK[kind](line + b"\n") + bytes(200_000) for line in LINES)
    found = documents_of(tmp_path, f"a.jsonl.{kind}", content, "jsonl")
    assert found.accounting == {"in": 4, "kept": 4, "removed": {}, "quarantined": {}}


def test_frames_without_content_are_passed_over(tmp_path: Path) -> None:
    frames = [zstandard.compress(line + b"\n") for line in LINES]
    content = b"".join(b"\x50\x2a\x4d\x18\x04\0\0\0" + len(frame).to_bytes(4, "little") + frame for frame in frames)
    assert set(documents_of(tmp_path, "a.jsonl.zst", content, "jsonl").rows) == {"0", "1", "2", "3"}


@pytest.mark.parametrize("kind", PACK)
def test_a_cut_stream_keeps_its_whole_lines(tmp_path: Path, kind: str) -> None:
    rows = [json.dumps({"id": str(n), "text": random.Random(n).randbytes(300).hex()}).encode() for n in range(3_000)]
    content = PACK[kind](b"\n".join(rows))
    counts = documents_of(tmp_path, f"a.jsonl.{kind}", content[: len(content) // 2], "jsonl").accounting
    assert counts["kept"] > 300
    assert counts["quarantined"].get("truncated", counts["quarantined"].get("damaged_compression")) == 1


BAD_LINES: dict[str, tuple[bytes, str]] = {
    "no UTF-8": (b'{"id": "bad", "text": "caf\xe9"}', "invalid_utf8"),
    "lone surrogate": (b'{"id": "bad", "text": "\\ud800"}', "lone_surrogates"),
    "malformed": (b'{"id": "bad", "text": ', "malformed_json"),
    "not a number": (b'{"id": "bad", "text": "x", "n": NaN}', "malformed_json"),
    "deep": (b'{"text": "x", "a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "too_deep"),
    "null": (b'{"id": "bad", "text": null}', "text_missing"),
    "number": (b'{"id": "bad", "text": 7}', "text_not_string"),
    "list": (b'["text"]', "no_object"),
    "twice": (LINES[0], "duplicate_id"),
    "100 MB": (b'{"text": "' + b"x" * 100_000_000 + b'"}', "too_long_or_cut"),
}


@pytest.mark.parametrize("fault", BAD_LINES)
def test_a_bad_line_costs_itself(tmp_path: Path, fault: str) -> None:
    line, reason = BAD_LINES[fault]
    content = b"\n".join([*LINES[:2], line, *LINES[2:]])
    found = documents_of(tmp_path, "a.jsonl", content, "jsonl")
    assert found.accounting["quarantined"] == {reason: 1}
    assert found.accounting["kept"] == 4
    assert found.quarantine[0]["file"].endswith("a.jsonl")
    assert len(json.dumps(found.quarantine[0])) < 3_000


TEXTS: dict[str, tuple[bytes, str]] = {
    "NUL": (b"be\x00es", "bees"),
    "byte order mark": (b"\xef\xbb\xbfbees", "bees"),
    "CRLF": (b"bees\r\nand\rflowers", "bees\nand\nflowers"),
    "UTF-16": ("bees ß".encode("utf-16"), "bees ß"),
    "UTF-16 big-endian": (b"\xfe\xff" + "bees ß".encode("utf-16-be"), "bees ß"),
    "UTF-32": ("bees ß".encode("utf-32"), "bees ß"),
}


@pytest.mark.parametrize("form", TEXTS)
def test_odd_forms_of_text_are_read(tmp_path: Path, form: str) -> None:
    content, wanted = TEXTS[form]
    assert documents_of(tmp_path, "a.txt", content, "text").rows["a"]["text"] == wanted


BOMBED = ["text", "books", "jsonl", "wikipedia", "academic", "social", "news", "web", "common_crawl"]


# The slowest compression is tried in one kind.
@pytest.mark.parametrize(
    ("kind", "pack"), [("text", "bz2"), *[(kind, pack) for kind in BOMBED for pack in ("gz", "xz", "zst")]]
)
def test_a_bomb_is_given_up_in_every_kind(tmp_path: Path, kind: str, pack: str) -> None:
    counts = documents_of(tmp_path, f"a.{pack}", bomb(pack), kind).accounting
    assert counts["kept"] == 0
    assert sum(counts["quarantined"].values()) >= 1


_BOMBS: dict[str, bytes] = {}


def bomb(pack: str) -> bytes:
    """Return 300 MB of one letter, packed."""
    if pack not in _BOMBS:
        if pack == "gz":
            deflater = zlib.compressobj(9, zlib.DEFLATED, 31)
            pieces = [deflater.compress(b"x" * 1_000_000) for _ in range(300)]
            _BOMBS[pack] = b"".join(pieces) + deflater.flush()
        else:
            _BOMBS[pack] = PACK[pack](b"x" * 300_000_000)
    return _BOMBS[pack]


NOISE = [random.Random(n).randbytes(5_000) for n in range(3)] + [b"", b"\n", b"\0" * 1_000, b"<" * 5_000, b"{" * 5_000]


@pytest.mark.parametrize("noise", range(len(NOISE)))
def test_noise_crashes_no_reader(tmp_path: Path, noise: int) -> None:
    from scripts.sources.kinds import KINDS

    for kind in KINDS:
        for head in (
            b"",
            b"WARC/1.0\r\n",
            b"PK\x03\x04",
            b"BZh9",
            b"\x1f\x8b\x08\0",
            b"<?xml version='1.0'?><mediawiki>",
        ):
            (tmp_path / kind).mkdir(exist_ok=True)
            counts = documents_of(tmp_path / kind, f"a{len(head)}", head + NOISE[noise], kind).accounting
            assert counts["in"] == counts["kept"] + sum(counts["removed"].values()) + sum(
                counts["quarantined"].values()
            )


def test_identifiers_are_remembered_in_little_memory() -> None:
    seen = Seen(recent=10)
    assert all(seen.add(str(number)) for number in range(100))
    assert not any(seen.add(str(number)) for number in range(100))
    assert seen.add("100")


MEGABYTES = 300


def write_pages(path: Path, size: int) -> None:
    """Write a WARC file of `size` bytes before compression: a page of 1 MB now and then, pictures of many."""
    generator, written, number = random.Random(7), 0, 0
    with path.open("wb") as out:
        while written < size:
            number += 1
            if number % 4:
                body = response(html(f"<p>{PROSE} {number}</p>" * 300).encode())
            else:
                body = response(generator.randbytes(5_000_000), kind="image/png")
            out.write(gzip.compress(record(number, body), 1))
            written += len(body)


def write_rows(path: Path, size: int) -> None:
    """Write a Parquet file of `size` bytes in rows of 1 MB, all in one row group."""
    rows = pa.chunked_array([pa.array([PROSE * (1_000_000 // len(PROSE))])] * (size // 1_000_000))
    pq.write_table(pa.table({"text": rows}), path, row_group_size=len(rows), compression="none", use_dictionary=False)


def write_dump(path: Path, size: int) -> None:
    """Write a multistream dump of `size` bytes before compression in articles of 1 MB; what is the same is packed once."""
    words = [random.Random(number).randbytes(4).hex() for number in range(5_000)]
    chosen = random.Random(7).choices([*words, "[[link|a link]]", "{{cite|x}}", "\n\n"], k=110_000)
    text = bz2.compress(" ".join(chosen).encode())
    head = "<mediawiki><siteinfo><base>https://x.test/wiki/M</base></siteinfo>"
    with path.open("wb") as out:
        out.write(bz2.compress(head.encode()))
        for number in range(size // 1_000_000):
            page = f"<page><title>P{number}</title><ns>0</ns><id>{number}</id><revision><text>"
            out.write(bz2.compress(page.encode()) + text + bz2.compress(b"</text></revision></page>\n"))
        out.write(bz2.compress(b"</mediawiki>\n"))


def write_papers(path: Path, size: int) -> None:
    """Write a tar of papers of `size` bytes, nearly all of them in pictures, as those of arXiv are."""
    picture = random.Random(7).randbytes(2_000_000)
    with tarfile.open(path, "w") as archive:
        for number in range(size // len(picture)):
            paper = gzip.compress(tar({"a.tex": f"\\section{{Bees}} {number}: {PROSE}", "b.png": picture}), 1)
            info = tarfile.TarInfo(f"2101.{number:05d}.gz")
            info.size = len(paper)
            archive.addfile(info, io.BytesIO(paper))


def write_posts(path: Path, size: int) -> None:
    """Write the posts of a site of `size` bytes, an answer of 100 kB to each question."""
    body = f"<p>{PROSE}</p>" * (100_000 // len(PROSE))
    with path.open("w") as out:
        out.write("<posts>\n")
        for number in range(size // len(body)):
            out.write(question(number, "Why?", "So.") + "\n" + answer(1_000_000 + number, number, body) + "\n")
        out.write("</posts>\n")


def write_book(path: Path, size: int) -> None:
    """Write a book in one HTML file, of 30 MB and with as many tags as one may have then, whose lines are one block."""
    size = min(size, 30_000_000)
    tags = (MAX_BYTES - size) // TAG_BYTES - 100
    line = "<br>" + "word " * ((size // tags - 4) // 5)
    path.write_text(f"<html><body>{line * tags}</body></html>", encoding="utf-8")


WRITERS = {
    "jsonl": write_lines,
    "common_crawl": write_pages,
    "parquet": write_rows,
    "wikipedia": write_dump,
    "academic": write_papers,
    "social": write_posts,
    "books": write_book,
}
LONG = ("jsonl", "parquet", "wikipedia", "academic", "social", "books")


@pytest.mark.parametrize("kind", ["common_crawl", *(pytest.param(kind, marks=pytest.mark.long) for kind in LONG)])
def test_memory_does_not_grow_with_the_part(tmp_path: Path, kind: str) -> None:
    WRITERS[kind](tmp_path / "big", MEGABYTES * 1_000_000)
    found = extract_in_a_process(tmp_path, fetch_local(tmp_path, tmp_path / "big"), kind, MEGABYTES * 1_000_000)
    assert found.documents > 100
    assert found.within
