"""Broken and hostile archives of web pages: a damaged piece costs itself, and nothing takes its neighbours along."""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from scripts.sources import members
from scripts.sources.warcs import Misfit, iter_records

from .running import documents_of
from .test_hostile import PACK, flip
from .test_web import PROSE, html, record, response, with_dictionary

PAGES = [record(number, response(html(f"{PROSE} Page {number}.").encode())) for number in range(6)]
ALL = {str(number) for number in range(6)}


def packed(pages: list[bytes]) -> list[bytes]:
    return [gzip.compress(page) for page in pages]


def zeroed_crc(member: bytes) -> bytes:
    return member[:-8] + b"\0\0\0\0" + member[-4:]


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "wrong checksum": zeroed_crc,
    "flipped bit": lambda member: flip(member, len(member) // 2),
    "broken header": lambda member: flip(member, 2),
    "cut short": lambda member: member[: len(member) // 2],
    "replaced by noise": lambda member: random.Random(1).randbytes(len(member)),
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("which", [0, 2, 5])
def test_a_damaged_member_of_an_archive_costs_itself(tmp_path: Path, damage: str, which: int) -> None:
    members = packed(PAGES)
    members[which] = DAMAGE[damage](members[which])
    found = documents_of(tmp_path, "w.warc.gz", b"".join(members), "common_crawl")
    assert set(found.rows) == ALL - {str(which)}
    assert found.accounting["in"] == 6
    assert sum(found.accounting["quarantined"].values()) == 1


@pytest.mark.parametrize("which", [0, 2, 5])
@pytest.mark.parametrize("damage", ["flipped bit", "broken header", "cut short", "replaced by noise"])
def test_a_damaged_frame_of_an_archive_costs_itself(tmp_path: Path, damage: str, which: int) -> None:
    frames = [zstandard.ZstdCompressor(write_checksum=True).compress(page) for page in PAGES]
    frames[which] = DAMAGE[damage](frames[which])
    found = documents_of(tmp_path, "w.warc.zst", b"".join(frames), "common_crawl")
    assert set(found.rows) == ALL - {str(which)}
    assert found.accounting["in"] == 6
    assert sum(found.accounting["quarantined"].values()) == 1


def test_a_damaged_frame_costs_itself_where_there_is_a_dictionary(tmp_path: Path) -> None:
    content = with_dictionary(PAGES, True)
    start = content.index(zstandard.MAGIC_NUMBER.to_bytes(4, "little"), len(content) - 900)
    found = documents_of(tmp_path, "w.warc.zst", flip(content, start + 1), "common_crawl")
    assert found.accounting["kept"] == 5
    assert found.accounting["quarantined"] == {"damaged_compression": 1}


def test_a_file_that_looks_like_frames_everywhere_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members, "AGAIN_BYTES", 0)
    begin = zstandard.compress(bytes(4), 1)[:5] + b"\x00" + b"\xff\xff\x0f"  # of a block that is longer than the file
    packed_page = zstandard.compress(PAGES[0])
    content = packed_page + begin * 2_000 + packed_page
    counts = documents_of(tmp_path, "w.warc.zst", content, "common_crawl").accounting
    assert counts["kept"] == 1
    assert sum(counts["quarantined"].values()) == 1


@pytest.mark.parametrize("kind", ["xz", "zst", "bz2"])
def test_what_follows_the_last_record_takes_none_along(tmp_path: Path, kind: str) -> None:
    content = b"".join(map(PACK[kind], PAGES[:3])) + b"garbage garbage"
    counts = documents_of(tmp_path, f"w.warc.{kind}", content, "common_crawl").accounting
    assert counts == {"in": 4, "kept": 3, "removed": {}, "quarantined": {"damaged_compression": 1}}


@pytest.mark.parametrize("between", [True, False])
@pytest.mark.parametrize("garbage", [b"garbage garbage", b"\0\0\r\n\xff" * 40_000, b"WARC"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_garbage_in_an_archive_of_one_piece_is_counted_by_itself(
    tmp_path: Path, pack: Callable[[bytes], bytes], garbage: bytes, between: bool
) -> None:
    content = b"".join([*PAGES[:3], garbage, *([b"\r\n", *PAGES[3:]] if between else [])])
    found = documents_of(tmp_path, "w.warc", pack(content), "common_crawl")
    assert set(found.rows) == (ALL if between else {"0", "1", "2"})
    assert found.accounting["quarantined"] == {"no_warc": 1}


@pytest.mark.parametrize("cut", [1, 200])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_last_record_that_is_cut_leaves_its_neighbours(
    tmp_path: Path, pack: Callable[[bytes], bytes], cut: int
) -> None:
    content = b"".join(PAGES).removesuffix(b"\r\n\r\n")[:-cut]
    found = documents_of(tmp_path, "w.warc", pack(content), "common_crawl")
    assert set(found.rows) == ALL - {"5"}
    assert found.accounting["quarantined"] == {"truncated": 1}


@pytest.mark.parametrize("length", [10, 150])
def test_a_last_record_that_states_less_than_it_has_is_not_cut(tmp_path: Path, length: int) -> None:
    pages = [*PAGES[:2], record(2, response(html(f"{PROSE} Page 2.").encode()), length=length)]
    found = documents_of(tmp_path, "w.warc", b"".join(pages), "common_crawl")
    assert set(found.rows) == {"0", "1"}
    assert found.accounting["quarantined"] == {"wrong_length": 1}


@pytest.mark.parametrize("text", [PROSE, PROSE * 300], ids=["one chunk", "several"])
def test_a_record_that_misses_two_bytes_is_whole_where_its_member_ends(tmp_path: Path, text: str) -> None:
    blocks = [response(html(f"{text} Page {number}.").encode()) for number in range(3)]
    blocks = [block.replace(b"\r\n\r\n", b"\r\n\r\n\r\n", 1) for block in blocks]
    pages = [record(number, block, length=len(block) - 2) for number, block in enumerate(blocks)]
    found = documents_of(tmp_path / "a", "w.warc.gz", b"".join(packed(pages)), "common_crawl")
    assert [found.rows[str(number)]["text"][-7:] for number in range(3)] == ["Page 0.", "Page 1.", "Page 2."]
    plain = documents_of(tmp_path / "b", "w.warc", b"".join(pages), "common_crawl")
    assert plain.accounting["quarantined"] == {"wrong_length": 2}
    off = [record(number, block, length=len(block) - 3) for number, block in enumerate(blocks)]
    other = documents_of(tmp_path / "c", "w.warc.gz", b"".join(packed(off)), "common_crawl")
    assert other.accounting["quarantined"] == {"wrong_length": 3}


@pytest.mark.parametrize("members", [True, False])
def test_an_arc_file_without_its_beginning_keeps_the_rest(tmp_path: Path, members: bool) -> None:
    records = [b"filedesc://x.arc 0.0.0.0 20080430204825 text/plain 9\nversion 1\n"]
    for number in range(4):
        body = response(html(f"{PROSE} Page {number}.").encode())
        line = f"http://x.test/{number} 127.0.0.1 2008043020482{number} text/html {len(body)}\n"
        records.append(line.encode() + body + b"\n")
    content = b"".join(packed(records)) if members else b"".join(records)
    name = "w.arc.gz" if members else "w.arc"
    clipped = documents_of(tmp_path / "a", name, content[20:], "common_crawl")
    assert (clipped.accounting["kept"], sum(clipped.accounting["quarantined"].values())) == (4, 1)
    without = content[len(gzip.compress(records[0])) :] if members else content[len(records[0]) :]
    whole = documents_of(tmp_path / "b", "w", without, "common_crawl")
    assert (whole.accounting["kept"], whole.accounting["quarantined"]) == (4, {})


def test_zeros_between_members_are_nothing(tmp_path: Path) -> None:
    members = packed(PAGES)
    content = b"".join(members[:3]) + bytes(70_000) + b"".join(members[3:]) + bytes(512)
    found = documents_of(tmp_path, "w.warc.gz", content, "common_crawl")
    assert set(found.rows) == ALL
    assert found.accounting["quarantined"] == {}


@pytest.mark.parametrize("length", [10, 150, 3_000, 10**9, 10**14])
@pytest.mark.parametrize("form", ["plain", "one member", "a member each"])
def test_a_wrong_length_costs_its_record(tmp_path: Path, length: int, form: str) -> None:
    pages = list(PAGES)
    pages[2] = record(2, response(html(f"{PROSE} Page 2.").encode()), length=length)
    content = b"".join(packed(pages)) if form == "a member each" else b"".join(pages)
    if form == "one member":
        content = gzip.compress(content)
    found = documents_of(tmp_path, "w.warc.gz", content, "common_crawl")
    assert set(found.rows) == ALL - {"2"}
    for key, row in found.rows.items():
        assert row["text"].endswith(f"Page {key}.")
    assert sum(found.accounting["quarantined"].values()) >= 1


@pytest.mark.parametrize("length", [-200, 400, 10**9])
@pytest.mark.parametrize("members", [True, False])
def test_a_wrong_length_in_an_arc_file_costs_its_record(tmp_path: Path, length: int, members: bool) -> None:
    records = [b"filedesc://x.arc 0.0.0.0 20080430204825 text/plain 9\nversion 1\n"]
    for number in range(6):
        body = response(html(f"{PROSE} Page {number}.").encode())
        stated = len(body) + (length if number == 2 else 0)
        url = "http://x.test/a page" if number == 4 else f"http://x.test/{number}"
        records.append(f"{url} 127.0.0.1 2008043020482{number} text/html {stated}\n".encode() + body + b"\n")
    content = b"".join(packed(records)) if members else b"".join(records)
    found = documents_of(tmp_path, "w.arc.gz" if members else "w.arc", content, "common_crawl")
    assert sorted(row["text"][-2:] for row in found.list) == ["0.", "1.", "3.", "4.", "5."]
    assert sum(found.accounting["quarantined"].values()) == 1


def test_a_cut_arc_file_ends_at_once(tmp_path: Path) -> None:
    body = response(html(PROSE).encode() + b"<p>" + b"word " * 200_000)
    line = f"http://x.test/ 127.0.0.1 20080430204820 text/html {len(body)}\n"
    content = "filedesc://x.arc 0.0.0.0 20080430204825 text/plain 9\nversion 1\n\n" + line
    found = documents_of(tmp_path, "w.arc", content.encode() + body[:-200_000], "common_crawl")
    assert found.accounting["quarantined"] == {"truncated": 1}


def test_records_across_members_are_whole(tmp_path: Path) -> None:
    content = b"".join(PAGES)
    blocks = [gzip.compress(content[start : start + 700]) for start in range(0, len(content), 700)]
    found = documents_of(tmp_path, "w.warc.gz", b"".join(blocks), "common_crawl")
    assert set(found.rows) == ALL
    assert found.accounting["quarantined"] == {}


@pytest.mark.parametrize("kind", ["gz", "xz"])
def test_records_before_a_cut_are_kept(tmp_path: Path, kind: str) -> None:
    pages = [
        record(n, response(html(f"{PROSE} {random.Random(n).randbytes(900).hex()}.").encode())) for n in range(200)
    ]
    content = PACK[kind](b"".join(pages))
    found = documents_of(tmp_path, f"w.warc.{kind}", content[: len(content) * 3 // 4], "common_crawl")
    assert found.accounting["kept"] > 140
    assert found.accounting["in"] == found.accounting["kept"] + 1


def test_headers_that_are_none_are_skipped() -> None:
    content = b"".join(
        [PAGES[0], b"WARC/1.0\r\nno: length\r\n\r\nblock\r\n\r\n", b"garbage\r\n" * 3, PAGES[1], b"\r\n\r\n"]
    )
    found = list(iter_records(iter([content[n : n + 7] for n in range(0, len(content), 7)])))
    assert [getattr(one, "reason", "record") for one in found] == ["record", "malformed_warc", "record"]
    assert isinstance(found[1], Misfit)


def test_a_record_over_the_limit_is_passed_over() -> None:
    huge = record(9, response(b"x" * 50_000))
    found = list(iter_records(iter([PAGES[0] + huge + PAGES[1]]), limit=10_000))
    assert [getattr(one, "reason", "record") for one in found] == ["record", "too_long", "record"]
