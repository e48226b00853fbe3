from __future__ import annotations

import bz2
import hashlib
import json
import tracemalloc
from pathlib import Path

import pytest

from scripts.lib.errors import UserError
from scripts.sources.dumps import stream_starts
from scripts.sources.local import local_listing

from .running import Extracted, run_extract, run_fetch
from .server import Answer, Request, serving

HEAD = '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/"><siteinfo><base>https://x.test/wiki/Main</base></siteinfo>\n'


def page(number: int) -> str:
    text = f"'''Page {number}''' tells of [[bees]] and of flowers, number {number}."
    return f"<page><title>P{number}</title><ns>0</ns><id>{number}</id><revision><id>1</id><text>{text}</text></revision></page>\n"


def write_dump(folder: Path, name: str, pages: int, each: int) -> None:
    """Write a multistream dump with `each` pages a stream, and its index."""
    folder.mkdir(parents=True, exist_ok=True)
    content, index = bz2.compress(HEAD.encode()), ""
    for start in range(0, pages, each):
        numbers = range(start + 1, min(start + each, pages) + 1)
        index += "".join(f"{len(content)}:{number}:P{number}\n" for number in numbers)
        content += bz2.compress("".join(map(page, numbers)).encode())
    content += bz2.compress(b"</mediawiki>\n")
    (folder / name).write_bytes(content)
    (folder / name.replace("multistream.xml", "multistream-index.txt")).write_bytes(bz2.compress(index.encode()))


def documents(root: Path, parts: int, **given: object) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in range(parts):
        code, raw = run_fetch(root, given.get("files", []), part, parts, origin=given.get("origin"))  # type: ignore[arg-type]
        assert code == 0
        code, manifest = run_extract(raw, "wikipedia")
        assert code == 0
        result = Extracted(manifest)
        assert result.accounting["quarantined"] == {}
        assert not found.keys() & result.rows.keys()
        found |= {key: row["text"] for key, row in result.rows.items()}
    return found


@pytest.mark.parametrize("parts", [1, 2, 3, 7, 30])
def test_a_multistream_file_is_cut_by_the_index_beside_it(tmp_path: Path, parts: int) -> None:
    write_dump(tmp_path / "in", "xwiki-20240101-pages-articles-multistream.xml.bz2", 23, 4)
    files = [{"path": str(tmp_path / "in" / "xwiki-20240101-pages-articles-multistream.xml.bz2")}]
    found = documents(tmp_path, parts, files=files)
    assert sorted(map(int, found)) == list(range(1, 24))
    assert found["7"].startswith("P7\n\nPage 7 tells of bees")
    listing = local_listing({"package": None, "files": files}, parts - 1, parts)
    names = [
        "xwiki-20240101-pages-articles-multistream.xml.bz2",
        "xwiki-20240101-pages-articles-multistream-index.txt.bz2",
    ]
    assert [name for name, _ in listing or []] == names


def test_an_index_of_another_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = "xwiki-20240101-pages-articles-multistream.xml.bz2"
    write_dump(tmp_path, name, 23, 4)
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:300])
    assert run_fetch(tmp_path, [{"path": str(tmp_path / name)}], 0, 2)[0] == 1
    assert "belongs to another file" in capsys.readouterr().err


def status(folder: Path, done: bool = True) -> bytes:
    files = {path.name: {"sha1": hashlib.sha1(path.read_bytes()).hexdigest()} for path in sorted(folder.glob("*.bz2"))}
    state = {"status": "done" if done else "in-progress", "files": files}
    return json.dumps({"jobs": {"articlesmultistreamdump": state}}).encode()


@pytest.mark.parametrize("parts", [1, 3])
def test_a_published_dump_is_found_by_its_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parts: int) -> None:
    monkeypatch.setenv("GROUNDWORK_DOWNLOADS", json.dumps({"allow_hosts": ["127.0.0.1"]}))
    folder = tmp_path / "tree" / "simplewiki" / "20240101"
    write_dump(folder, "simplewiki-20240101-pages-articles-multistream.xml.bz2", 9, 2)
    (folder / "dumpstatus.json").write_bytes(status(folder))
    dump = {"language": "simple", "date": "20240101"}

    def answer(request: Request) -> Answer:
        return Answer((tmp_path / "tree" / request.path.lstrip("/")).read_bytes())

    with serving(answer) as server:
        found = documents(tmp_path, parts, origin={"dump": {**dump, "base": server.url("")}})
        asked = [request.path for request in server.requests if request.path.endswith("multistream.xml.bz2")]
    assert sorted(map(int, found)) == list(range(1, 10))
    assert len(asked) == 1
    assert found == documents(tmp_path, parts, origin={"dump": {**dump, "base": str(tmp_path / "tree")}})


def served_dump(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a dump of nine pages that a server of this machine may give; returns its folder."""
    monkeypatch.setenv("GROUNDWORK_DOWNLOADS", json.dumps({"allow_hosts": ["127.0.0.1"]}))
    folder = tmp_path / "simplewiki" / "20240101"
    write_dump(folder, "simplewiki-20240101-pages-articles-multistream.xml.bz2", 9, 2)
    return folder


def test_a_dump_whose_state_changes_between_parts_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = served_dump(tmp_path, monkeypatch)
    first = status(folder)
    grown = json.loads(first)
    grown["jobs"]["metahistory"] = {"status": "done", "files": {}}  # other jobs go on and change nothing
    other = json.loads(first)
    (files,) = [job["files"] for job in other["jobs"].values() if job.get("files")]
    name = next(name for name in sorted(files) if name.endswith("multistream.xml.bz2"))
    files[name]["sha1"] = "0" * 40
    states = [first, json.dumps(grown).encode(), json.dumps(other).encode()]

    def answer(request: Request) -> Answer:
        return Answer(states.pop(0) if "status" in request.path else (tmp_path / request.path.lstrip("/")).read_bytes())

    with serving(answer) as server:
        origin = {"dump": {"language": "simple", "date": "20240101", "base": server.url("")}}
        assert run_fetch(tmp_path, [], 0, 3, origin=origin)[0] == 0
        assert run_fetch(tmp_path, [], 1, 3, origin=origin)[0] == 0
        assert run_fetch(tmp_path, [], 2, 3, origin=origin)[0] == 1
        assert "dumpstatus.json has the SHA-256" in capsys.readouterr().err


def test_an_index_that_is_not_the_published_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = served_dump(tmp_path, monkeypatch)
    (folder / "dumpstatus.json").write_bytes(status(folder))
    index = folder / "simplewiki-20240101-pages-articles-multistream-index.txt.bz2"
    lines = bz2.decompress(index.read_bytes()).splitlines(keepends=True)
    index.write_bytes(bz2.compress(b"".join(lines[:4])))  # an index, but one that knows of fewer pages

    def answer(request: Request) -> Answer:
        return Answer((tmp_path / request.path.lstrip("/")).read_bytes())

    with serving(answer) as server:
        origin = {"dump": {"language": "simple", "date": "20240101", "base": server.url("")}}
        assert run_fetch(tmp_path, [], 2, 3, origin=origin)[0] == 1
    assert f"{index.name} has the digest" in capsys.readouterr().err


def test_a_dump_that_is_wrong_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = served_dump(tmp_path, monkeypatch)
    states = [status(folder, done=False), status(folder)]

    def answer(request: Request) -> Answer:
        return Answer(states.pop(0) if "status" in request.path else b"BZh9 something else")

    with serving(answer) as server:
        origin = {"dump": {"language": "simple", "date": "20240101", "base": server.url("")}}
        assert run_fetch(tmp_path, [], origin=origin)[0] == 1
        assert "not finished" in capsys.readouterr().err
        assert run_fetch(tmp_path, [], origin=origin)[0] == 1
        assert "has the digest" in capsys.readouterr().err
    origin["dump"]["base"] = str(tmp_path / "nowhere")
    assert run_fetch(tmp_path, [], origin=origin)[0] == 1
    assert "dump.base" in capsys.readouterr().err


def test_a_line_of_an_index_is_never_held_whole(tmp_path: Path) -> None:
    index = tmp_path / "x-pages-articles-multistream-index.txt.bz2"
    index.write_bytes(bz2.compress(b"600:1:A\n700:2:" + b"x" * (32 << 20) + b"\n800:3:C\n"))
    tracemalloc.start()
    try:
        assert stream_starts(index) == [600, 700, 800]
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("content", [b"", bz2.compress(b"")])
def test_an_index_without_entries_is_refused(tmp_path: Path, content: bytes) -> None:
    index = tmp_path / "x-pages-articles-multistream-index.txt.bz2"
    index.write_bytes(content)
    with pytest.raises(UserError, match=r"index\.txt\.bz2 is an index without entries; fetch it again, or remove it"):
        stream_starts(index)
