from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scripts.lib.errors import UserError
from scripts.sources import crawls

from .downloading import origins, store
from .running import run_fetch
from .server import Answer, Request, serving


def _server_of(folder: Path) -> Callable[[Request], Answer]:
    def answer(request: Request) -> Answer:
        path = folder / request.path.lstrip("/")
        return Answer(path.read_bytes()) if path.is_file() else Answer(status=404)

    return answer


@pytest.mark.parametrize("remote", [True, False])
def test_a_crawl_is_drawn_by_seed_whatever_the_parts_and_the_base(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, remote: bool
) -> None:
    monkeypatch.setenv("GROUNDWORK_DOWNLOADS", json.dumps({"allow_hosts": ["127.0.0.1"]}))
    tree = tmp_path / "tree"
    paths = [f"crawl-data/CC-MAIN-2024-10/segments/{n}/warc/{n}.warc.gz" for n in range(20)]
    for path in paths:
        (tree / path).parent.mkdir(parents=True)
        (tree / path).write_bytes(path.encode())
    listing = tree / "crawl-data/CC-MAIN-2024-10/warc.paths.gz"
    listing.write_bytes(gzip.compress("\n".join(paths).encode()))

    def drawn(base: str, parts: int, seed: int = 1, **chosen: Any) -> dict[str, bytes]:
        crawl = {"snapshot": "CC-MAIN-2024-10", "form": "warc", "files": None, "share": None, "base": base, **chosen}
        found: dict[str, bytes] = {}
        for part in range(parts):
            code, manifest = run_fetch(tmp_path, [], part, parts, origin={"crawl": crawl, "seed": seed})
            assert code == 0
            found |= {
                origin: (manifest.with_suffix("") / name).read_bytes() for name, origin in origins(manifest).items()
            }
        return found

    with serving(_server_of(tree)) as server:
        base = server.url("") if remote else str(tree)
        five = drawn(base, 2, files=5)
        assert len(five) == 5
        assert all(content == origin.encode() for origin, content in five.items())
        assert drawn(base, 3, files=5) == five
        assert five.items() <= drawn(base, 1, share=0.4).items()
        assert drawn(base, 1, seed=2, files=5) != five
        assert len(drawn(base, 1)) == 20
    if remote:
        assert five == drawn(str(tree), 1, files=5)


def _listed(root: Path, listing: bytes) -> list[str]:
    path = root / "crawl-data/CC-MAIN-2024-10/warc.paths.gz"
    path.parent.mkdir(parents=True)
    path.write_bytes(listing)
    crawl = {"snapshot": "CC-MAIN-2024-10", "form": "warc", "base": str(root)}
    return crawls.crawl_paths(crawl, store(root))


@pytest.mark.parametrize("line", ["../../etc/hostname", "a/../../b", "/etc/hostname", "https://x.test/a", "file:///a"])
def test_a_list_that_leads_elsewhere_is_refused(tmp_path: Path, line: str) -> None:
    with pytest.raises(UserError, match="no path below it"):
        _listed(tmp_path, gzip.compress(f"crawl-data/a.warc.gz\n{line}\n".encode()))


def test_a_list_that_is_none_or_too_long_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crawls, "MAX_LIST_BYTES", 1 << 20)
    bomb = gzip.compress(bytes(64 << 20))
    for number, listing in enumerate([b"<html>", b"", b"\x1f\x8b\x08\0", bomb, gzip.compress(b"\xff"), bomb[:-99]]):
        with pytest.raises(UserError, match="no gzip file of paths"):
            _listed(tmp_path / str(number), listing)
    assert _listed(tmp_path / "good", gzip.compress(b"a/b.warc.gz\n\nc..d.warc.gz\n")) == [
        "a/b.warc.gz",
        "c..d.warc.gz",
    ]
