"""JSON lines and plain texts, whole and broken."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
from pathlib import Path

import pytest
import zstandard

from scripts.sources.streams import BrokenStream, iter_chunks, iter_lines

from .running import Extracted, documents_of, run_extract, run_fetch

ROWS = b"".join(json.dumps({"id": f"k{n}", "text": f"text number {n}"}).encode() + b"\n" for n in range(50))


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


def two_members(data: bytes) -> bytes:
    return gzip.compress(data[:100]) + gzip.compress(data[100:])


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress, zstd, two_members])
def test_any_compression_is_read_whole(tmp_path: Path, pack: object) -> None:
    found = documents_of(tmp_path, "rows.jsonl", pack(ROWS), "jsonl")  # type: ignore[operator]
    assert found.accounting == {"in": 50, "kept": 50, "removed": {}, "quarantined": {}}
    assert found.rows["k7"]["text"] == "text number 7"


BROKEN_LINES = [
    ("invalid_utf8", b'{"id": "x", "text": "caf\xe9"}'),
    ("malformed_json", b'{"id": "x", "text": "cut'),
    ("malformed_json", b'{"id": "x", "text": "t", "score": NaN}'),
    ("no_object", b'["text"]'),
    ("text_missing", b'{"id": "x", "text": null}'),
    ("text_missing", b'{"id": "x"}'),
    ("text_not_string", b'{"id": "x", "text": 5}'),
    ("too_deep", b'{"id": "x", "text": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    ("lone_surrogates", b'{"id": "x", "text": "a \\ud800 b"}'),
    ("duplicate_id", b'{"id": "k3", "text": "text number 3"}'),
    ("too_long_or_cut", b'{"id": "x", "text": "' + b"a" * (33 << 20) + b'"}'),
]


@pytest.mark.parametrize(("reason", "line"), BROKEN_LINES)
def test_a_broken_line_is_quarantined_alone(tmp_path: Path, reason: str, line: bytes) -> None:
    head, tail = ROWS[: ROWS.index(b'{"id": "k10"')], ROWS[ROWS.index(b'{"id": "k10"') :]
    found = documents_of(tmp_path, "rows.jsonl", head + line + b"\n" + tail, "jsonl")
    assert found.accounting == {"in": 51, "kept": 50, "removed": {}, "quarantined": {reason: 1}}
    (entry,) = found.quarantine
    assert entry["reason"] == reason
    assert entry["file"] == "rows.jsonl"
    assert len(entry["sample"]) <= 200
    assert len(found.rows) == 50


@pytest.mark.parametrize(
    ("reason", "content"),
    [
        ("truncated", gzip.compress(ROWS * 200, mtime=0)[:-500]),
        ("truncated", zstd(ROWS * 200)[:-20]),
        ("truncated", bz2.compress(ROWS * 200)[:-50]),
        ("damaged_compression", gzip.compress(ROWS, mtime=0)[:-8] + b"\0" * 8),
        ("damaged_compression", gzip.compress(ROWS, mtime=0) + b"garbage after the end"),
    ],
)
def test_a_broken_file_keeps_what_came_before_and_says_so(tmp_path: Path, reason: str, content: bytes) -> None:
    found = documents_of(tmp_path, "rows.jsonl", content, "jsonl")
    counts = found.accounting
    assert counts["quarantined"][reason] == 1
    assert counts["in"] == counts["kept"] + sum(counts["quarantined"].values())


def test_a_bomb_is_given_up_while_it_streams(tmp_path: Path) -> None:
    path = tmp_path / "bomb.gz"
    with gzip.open(path, "wb", compresslevel=9) as stream:
        for _ in range(200):
            stream.write(b"\0" * (1 << 20))
    with pytest.raises(BrokenStream, match="compression_bomb"):
        for _ in iter_chunks(path, max_ratio=500):
            pass


def test_a_long_line_is_cut_and_its_neighbours_are_whole(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_bytes(b"one\r\n" + b"x" * 500_000 + b"\nthree")
    assert [(n, line[:5], whole) for n, line, whole in iter_lines(path, 1000)] == [
        (1, b"one", True),
        (2, b"xxxxx", False),
        (3, b"three", True),
    ]


@pytest.mark.parametrize(
    "encoding", ["utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"]
)
def test_encodings_are_told_by_the_first_bytes(tmp_path: Path, encoding: str) -> None:
    content = '{"id": "a", "text": "naïve"}\n{"id": "b", "text": "日本"}\n'.encode(encoding)
    found = documents_of(tmp_path, "rows.jsonl", content, "jsonl")
    assert {key: row["text"] for key, row in found.rows.items()} == {"a": "naïve", "b": "日本"}


def test_a_byte_order_mark_may_stand_between_two_files_that_were_joined(tmp_path: Path) -> None:
    rows = b"\n".join(b"\xef\xbb\xbf" * n + b'{"id": "%d", "text": "a"}' % n for n in (1, 0, 1, 2))
    found = documents_of(tmp_path, "rows.jsonl", rows + b"\n" + b"\xef\xbb\xbf" * 1_000_000 + b"x\n", "jsonl")
    assert (sorted(found.rows), found.accounting["quarantined"]) == (
        ["0", "1", "2"],
        {"malformed_json": 1, "duplicate_id": 1},
    )


def test_columns_are_mapped_and_what_a_record_states_goes_first(tmp_path: Path) -> None:
    row = {"body": "Text", "meta": {"key": 7, "src": "u"}, "day": "2020-01-02", "lang": "de", "lic": "CC0"}
    options = {"text": "body", "id": "meta.key", "url": "meta.src", "date": "day", "language": "lang", "license": "lic"}
    found = documents_of(tmp_path, "rows.jsonl", json.dumps(row).encode(), "jsonl", options)
    assert found.list[0] | {"meta": None} == {
        "id": "s:7", "text": "Text", "url": "u", "date": "2020-01-02", "language": "de", "license": "CC0", "meta": None,
    }  # fmt: skip


def test_rows_without_an_id_are_named_by_file_and_line(tmp_path: Path) -> None:
    found = documents_of(tmp_path, "rows.jsonl.gz", gzip.compress(b'{"text": "a"}\n\n{"text": "b"}\n'), "jsonl")
    assert sorted(found.rows) == ["rows/1", "rows/3"]


def test_text_is_brought_into_one_form(tmp_path: Path) -> None:
    row = json.dumps({"id": "a", "text": "\ufeffCafe\u0301 \r\nb\x00c\x0cd\u2028e  \n\n"}).encode()
    found = documents_of(tmp_path, "rows.jsonl", row, "jsonl")
    assert found.rows["a"]["text"] == "Café\nbc\nd\ne"


def test_over_the_budget_the_step_fails_says_what_to_do_and_publishes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(ROWS + b"{broken\n" * 5)
    code, raw = run_fetch(tmp_path, [{"path": str(path)}])
    assert code == 0
    code, manifest = run_extract(raw, "jsonl", budget=0.05)
    message = capsys.readouterr().err
    assert code == 1
    assert "5 of 55 records" in message
    assert "sources.s.max_quarantined" in message
    assert "line 51" in message
    assert not list(manifest.parent.glob("*.parquet"))
    kept = tmp_path / "results" / "logs" / "extract" / "s.0000.quarantine.jsonl"
    assert f"all of them: {kept}" in message
    entries = [json.loads(line) for line in kept.read_text("utf-8").splitlines()]
    assert [entry["position"] for entry in entries] == [f"line {number}" for number in range(51, 56)]
    assert {(entry["reason"], entry["sample"]) for entry in entries} == {("malformed_json", "{broken")}
    assert run_extract(raw, "jsonl", budget=0.1)[0] == 0
    assert not kept.exists()
    assert manifest.with_suffix(".quarantine.jsonl").is_file()


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    first = documents_of(tmp_path / "one", "rows.jsonl", ROWS, "jsonl")
    second = documents_of(tmp_path / "two" / "elsewhere", "rows.jsonl", ROWS, "jsonl")
    assert first.manifest == second.manifest


def test_plain_texts_are_one_document_each(tmp_path: Path) -> None:
    found = documents_of(tmp_path, "note.txt.gz", gzip.compress("Grüße\r\n".encode()), "text")
    assert {key: row["text"] for key, row in found.rows.items()} == {"note": "Grüße"}
    found = documents_of(tmp_path / "l", "note.txt", "Grüße".encode("latin-1"), "text", {"encoding": "latin-1"})
    assert found.list[0]["text"] == "Grüße"
    found = documents_of(tmp_path / "w", "note.txt", "Grüße".encode("latin-1"), "text")
    assert found.accounting["quarantined"] == {"wrong_encoding": 1}
    found = documents_of(tmp_path / "u", "note.txt", "Grüße".encode("utf-16"), "text", {"encoding": "latin-1"})
    assert found.list[0]["text"] == "Grüße"


def test_empty_files_are_quarantined_and_blank_ones_removed(tmp_path: Path) -> None:
    assert documents_of(tmp_path, "e.txt", b"", "text").accounting["quarantined"] == {"empty_file": 1}
    assert documents_of(tmp_path / "b", "b.txt", b" \n", "text").accounting["removed"] == {"empty": 1}


def test_a_document_says_of_which_file_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "input"
    for name in ("a.jsonl", "more/b.jsonl"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps({"text": f"Of {name}.", "by": "A."}) + "\n", "utf-8")
    _, raw = run_fetch(tmp_path, [{"path": f"{folder}/**/*.jsonl", "sha256": None}])
    _, manifest = run_extract(raw, "jsonl", {"text": "text"})
    found = {row["text"]: json.loads(row["meta"])["file"] for row in Extracted(manifest).list}
    assert found == {"Of a.jsonl.": "a.jsonl", "Of more/b.jsonl.": "b.jsonl"}


@pytest.mark.parametrize(
    ("stated", "date"),
    [
        (1_500_000_000, "2017-07-14T02:40:00Z"),
        (1.5e9, "2017-07-14T02:40:00Z"),
        (1_500_000_000_123, "2017-07-14T02:40:00Z"),
        (20170714, "20170714"),
        (1999, "1999"),
        (1_500_000_000_123_456, "2017-07-14T02:40:00Z"),
        (20170714023000, "20170714023000"),
        (20170714023000.0, "20170714023000"),
        (201707140230, "201707140230"),
        (2017071402, "2017071402"),
        (1999123123, "1999123123"),
        (-1_500_000_000, "-1500000000"),
        (10**18, "1000000000000000000"),
        (1e300, None),
        (10**400, None),
        (True, None),
        ("yesterday", "yesterday"),
    ],
)
def test_dates_in_seconds_become_dates(tmp_path: Path, stated: object, date: str | None) -> None:
    row = json.dumps({"id": "a", "text": "x", "date": stated}).encode()
    assert documents_of(tmp_path, "rows.jsonl", row, "jsonl").rows["a"]["date"] == date
