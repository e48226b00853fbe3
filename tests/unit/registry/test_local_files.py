"""The user's own files are looked up once for all parts of a source, and each part's digest is of those it depends on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scripts.lib.canonical import sha256_file
from scripts.registry.local import LocalDigests, local_contents
from scripts.sources import local
from scripts.sources.local import listing_digest, local_listing

ORIGINS: dict[str, dict[str, Any]] = {
    "a pattern": {"package": None, "files": [{"path": "d/*.txt"}]},
    "with an address": {"package": None, "files": [{"path": "d/*.txt"}, {"path": "https://x.test/b.txt"}]},
    "with an archive": {"package": None, "files": [{"path": "d/*.txt"}, {"path": "d/a.zip!*"}]},
    "joined": {"package": None, "files": [{"path": "d/*.txt"}], "joined": True},
    "a folder": {"package": None, "files": [{"path": "d"}]},
    "a data set": {"dataset": {"name": "d"}},
}


@pytest.fixture
def looked_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A folder of files; the patterns that are looked up."""
    (tmp_path / "d").mkdir()
    for name in ("0.txt", "1.txt", "2.txt", "3.txt", "4.txt", "a.zip"):
        (tmp_path / "d" / name).write_text(name, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    seen: list[str] = []
    look_up = local.local_paths

    def noted(pattern: str) -> list[tuple[str, Path]]:
        seen.append(pattern)
        return look_up(pattern)

    monkeypatch.setattr(local, "local_paths", noted)
    return seen


@pytest.mark.parametrize("parts", [1, 3, 9])
@pytest.mark.parametrize("name", ORIGINS)
def test_every_part_has_the_digest_of_its_files_and_all_are_looked_up_once(
    name: str, parts: int, looked_up: list[str]
) -> None:
    found = local_contents(ORIGINS[name], parts, LocalDigests())
    assert len(looked_up) == len(set(looked_up))
    wanted = []
    for part in range(parts):
        listing = local_listing(ORIGINS[name], part, parts)
        assert listing is not None
        wanted.append(listing_digest([(sha256_file(path), native) for native, path in listing]))
    assert found == wanted


def test_what_is_no_file_of_the_user_has_no_digest(looked_up: list[str]) -> None:
    packaged = {"package": {"registry": "pip", "name": "x", "version": "1"}, "files": [{"path": "x"}]}
    for origin in (packaged, {"crawl": {}}, {"dataset": {"name": "org/set"}}):
        assert local_contents(origin, 2, LocalDigests()) == [None, None]
