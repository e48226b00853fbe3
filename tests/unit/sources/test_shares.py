"""Files that several parts share: whatever the number of parts, the same documents, counts and quarantine."""

from __future__ import annotations

import gzip
import hashlib
import io
import itertools
import json
import shutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scripts.sources.ranges import lines_within
from scripts.sources.shares import WHOLE, divided
from scripts.sources.streams import iter_lines

from .running import Extracted, run_extract, run_fetch
from .server import Answer, serving
from .test_academic import MEDLINE
from .test_books import chapters
from .test_stack_exchange import SITE, posts_xml
from .test_web import RECORDS
from .test_wikipedia import DUMP

TEXTS = [f"Text number {n} about bees, flowers and honey." for n in range(40)]
LINES = [json.dumps({"text": text}).encode() for text in TEXTS]
LINES[5:5] = [
    b"",
    b"{broken",
    b"\xef\xbb\xbf" + LINES[0],
    b'{"text": "\xff"}',
    b'{"text": "' + b"long " * 9_000 + b'"}',
]
JSONL = b"\xef\xbb\xbf" + b"\r\n".join(LINES)


def parquet(rows: int) -> bytes:
    """The texts in row groups of so many."""
    out = io.BytesIO()
    bad = pa.array([text.encode() for text in TEXTS[:30]] + [b"\xff", None], pa.binary()).view(pa.string())
    pq.write_table(pa.table({"text": bad}), out, row_group_size=rows)
    return out.getvalue()


FILES: dict[str, tuple[str, bytes]] = {
    "rows.jsonl": ("jsonl", JSONL),
    "rows-16.jsonl": ("jsonl", JSONL.replace(b"\xff", b"x").decode("utf-8-sig").encode("utf-16")),
    "one-line.jsonl": ("jsonl", LINES[0]),
    "rows.jsonl.gz": ("jsonl", gzip.compress(JSONL, mtime=0)),
    "cut.jsonl.gz": ("jsonl", gzip.compress(JSONL, mtime=0)[:-300]),
    "small-groups.parquet": ("parquet", parquet(7)),
    "one-group.parquet": ("parquet", parquet(100)),
    "none.parquet": ("parquet", b"PAR1"),
    "empty.warc": ("web", b""),
    "pages.warc.gz": ("web", b"".join(map(gzip.compress, RECORDS))),
    "pages.warc": ("web", b"".join(RECORDS)[:-100]),
    "page.html": ("web", b"<html><body><p>" + TEXTS[0].encode() * 9 + b"</p></body></html>"),
    "dump.xml": ("wikipedia", DUMP),
    "medline.xml": ("academic", MEDLINE.encode()),
    "Posts.xml": ("social", posts_xml(SITE)),
    "book.txt": ("books", chapters(30).encode()),
}


def everything(root: Path, files: list[dict[str, Any]], kind: str, parts: int) -> tuple[list[str], Any, Counter[str]]:
    """The rows, the counts and the entries of the quarantine of all parts, in an order of their own."""
    rows: list[str] = []
    counts: Counter[str] = Counter()
    quarantine: Counter[str] = Counter()
    for part in range(parts):
        code, raw = run_fetch(root, files, part, parts)
        assert code == 0
        code, manifest = run_extract(raw, kind)
        assert code == 0
        found = Extracted(manifest)
        rows += [json.dumps(row, sort_keys=True) for row in found.list]
        counts.update({name: found.accounting[name] for name in ("in", "kept")})
        for name in ("removed", "quarantined"):
            counts.update({f"{name} {reason}": number for reason, number in found.accounting[name].items()})
        quarantine.update(json.dumps(entry, sort_keys=True) for entry in found.quarantine)
    return sorted(rows), counts, quarantine


def require_same_in_parts(folder: Path, name: str, kind: str, content: bytes, parts: int) -> None:
    """Require that a file gives the same in one part and in several."""
    (folder / name).write_bytes(content)
    files = [{"path": str(folder / name)}]
    expected = everything(folder / "whole", files, kind, 1)
    assert expected[1]["in"] > 0
    assert everything(folder / "cut", files, kind, parts) == expected


@pytest.mark.parametrize("parts", [2, 3, 13])
@pytest.mark.parametrize("name", FILES)
def test_one_file_gives_the_same_whatever_the_parts(tmp_path: Path, name: str, parts: int) -> None:
    require_same_in_parts(tmp_path, name, *FILES[name], parts)


def test_two_files_are_shared_by_five_parts_and_lie_on_the_disk_once(tmp_path: Path) -> None:
    for name in ("a.jsonl", "b.jsonl"):
        (tmp_path / name).write_bytes(b"\n".join(line.replace(b"Text", name.encode()) for line in LINES))
    files = [{"path": f"{tmp_path}/*.jsonl"}]
    assert everything(tmp_path / "cut", files, "jsonl", 5) == everything(tmp_path / "whole", files, "jsonl", 1)
    raw = sorted((tmp_path / "cut").glob("results/sources/s/raw/*/*"))
    assert [path.name for path in raw] == [f"000000-{name}.jsonl" for name in "ababa"]
    assert len({path.stat().st_ino for path in raw}) == 2
    assert (tmp_path / "a.jsonl").stat().st_nlink == 1  # the user's own file stays apart


def test_a_file_that_is_kept_once_is_never_one_that_was_changed(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(JSONL)
    files = [{"path": str(tmp_path / "a.jsonl")}]
    assert run_fetch(tmp_path, files, 0, 2)[0] == 0
    for path in (tmp_path / "cache" / "shared").iterdir():
        if path.stat().st_size:
            path.unlink()
            path.write_bytes(b"damaged")
    code, manifest = run_fetch(tmp_path, files, 1, 2)
    assert code == 0
    assert (manifest.with_suffix("") / "000000-a.jsonl").read_bytes() == JSONL


def held(root: Path) -> list[str]:
    """What the caches of a run keep besides locks."""
    return sorted(
        path.name for path in (root / "cache").rglob("*") if path.is_file() and not path.name.endswith("lock")
    )


def test_nothing_is_kept_when_all_parts_have_a_file(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(JSONL)
    files = [{"path": str(tmp_path / "a.jsonl")}]
    for part in range(3):
        assert run_fetch(tmp_path, files, part, 3)[0] == 0
        assert len(held(tmp_path)) == (part < 2)
    raw = tmp_path / "results" / "sources" / "s" / "raw"
    assert len({path.stat().st_ino for path in raw.glob("*/*.jsonl")}) == 1
    shutil.rmtree(raw / "0001")
    assert run_fetch(tmp_path, files, 1, 3)[0] == 0  # alone again: its name in the cache takes no room
    shutil.rmtree(raw)
    (tmp_path / "b.jsonl").write_bytes(JSONL * 2)
    assert run_fetch(tmp_path, [{"path": str(tmp_path / "b.jsonl")}], 0, 3)[0] == 0
    assert held(tmp_path) == [hashlib.sha256(JSONL * 2).hexdigest()]  # that of the first file is gone


def test_a_download_that_is_shared_is_kept_until_all_parts_have_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROUNDWORK_DOWNLOADS", json.dumps({"allow_hosts": ["127.0.0.1"]}))
    with serving(lambda _: Answer(JSONL)) as server:
        files = [{"path": server.url("/a.jsonl")}]
        for part in (2, 0, 1):
            assert run_fetch(tmp_path, files, part, 3)[0] == 0
        assert len(server.requests) == 1
    raw = sorted((tmp_path / "results" / "sources" / "s" / "raw").glob("*/*.jsonl"))
    assert [path.read_bytes() == JSONL for path in raw] == [True] * 3
    assert len({path.stat().st_ino for path in raw}) == 1
    assert held(tmp_path) == []


def test_only_a_part_that_shares_a_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(JSONL)
    (tmp_path / "b.jsonl").write_bytes(JSONL)
    files = [{"path": f"{tmp_path}/*.jsonl"}]
    shares = [summary(run_fetch(tmp_path, files, part, 3)[1]).get("share") for part in range(3)]
    assert shares == [[0, 2], None, [1, 2]]


def summary(manifest: Path) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(manifest.read_text("utf-8"))["summary"]
    return found


@pytest.mark.parametrize("files", range(6))
@pytest.mark.parametrize("parts", range(1, 14))
def test_every_record_of_every_file_is_that_of_one_part(files: int, parts: int) -> None:
    found: Counter[tuple[int, int]] = Counter()
    for part in range(parts):
        places, share = divided(files, part, parts)
        assert share == WHOLE or len(places) == 1
        found.update((place, number) for place in places for number in share.of(range(20)))
    assert found == {(place, number): 1 for place in range(files) for number in range(20)}


@pytest.mark.parametrize("content", [JSONL, JSONL + b"\n", b"\n\n\n", b"a\n" * 7, b"a", b"a\nlast"])
@pytest.mark.parametrize("ranges", [1, 2, 5, 50])
def test_a_line_is_in_the_range_where_it_begins(tmp_path: Path, content: bytes, ranges: int) -> None:
    path = tmp_path / "lines"
    path.write_bytes(content)
    bounds = [len(content) * number // ranges for number in range(ranges + 1)]
    found = [line for start, stop in itertools.pairwise(bounds) for line in lines_within(path, start, stop)]
    assert found == list(iter_lines(path))
