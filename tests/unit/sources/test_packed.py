"""A part of very many files: published as one, and the same documents come of it."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from scripts.lib.packed import MOST_FILES, PACKED
from scripts.lib.step import MANIFEST_LIMIT
from scripts.sources import extract

from .running import Extracted, run_extract, run_fetch

COUNT = 4_000  # the names and digests of so many are longer than a manifest may be


def texts(folder: Path, count: int) -> list[dict[str, str]]:
    folder.mkdir()
    for number in range(count):
        name = folder / f"{number % 10}" / f"a rather long name of a text, as libraries give them, {number:05d} é.txt"
        name.parent.mkdir(exist_ok=True)
        name.write_text(f"Text {number} of bees." if number else "", encoding="utf-8")
    return [{"path": f"{folder}/**/*.txt"}]


def test_very_many_files_give_the_documents_that_few_give(tmp_path: Path) -> None:
    files = texts(tmp_path / "texts", COUNT)
    code, raw = run_fetch(tmp_path / "one", files)
    assert code == 0
    assert raw.stat().st_size < MANIFEST_LIMIT
    assert [path.name for path in raw.with_suffix("").iterdir()] == [PACKED]
    account = json.loads(raw.read_text("utf-8"))["accounting"]
    assert (account["in"], account["kept"]) == (COUNT, COUNT)
    code, manifest = run_extract(raw, "text")
    assert code == 0
    whole = Extracted(manifest)
    assert whole.accounting == {"in": COUNT, "kept": COUNT - 1, "removed": {}, "quarantined": {"empty_file": 1}}
    assert whole.quarantine[0]["file"].endswith("00000 é.txt")
    parts = COUNT // MOST_FILES
    rows = []
    for part in range(parts):
        code, raw = run_fetch(tmp_path / "parts", files, part, parts)
        assert not (raw.with_suffix("") / PACKED).exists()
        code, manifest = run_extract(raw, "text")
        rows += Extracted(manifest).list
    assert sorted(rows, key=lambda row: str(row["id"])) == sorted(whole.list, key=lambda row: str(row["id"]))


@pytest.mark.parametrize("count", [3, MOST_FILES + 1])
def test_the_bar_knows_how_many_files_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    totals = []

    def watched(items: Iterable[Any], total: int | None = None, label: str = "") -> Iterator[Any]:
        totals.append((label, total))
        yield from items

    code, raw = run_fetch(tmp_path, texts(tmp_path / "texts", count))
    assert code == 0
    monkeypatch.setattr(extract, "progress", watched)
    assert run_extract(raw, "text")[0] == 0
    assert totals == [("Extracting", count)]


def test_a_tar_file_of_that_name_is_a_file_like_others(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("A text.", encoding="utf-8")
    with tarfile.open(tmp_path / PACKED, "w") as archive:
        archive.add(tmp_path / "a.txt", "a.txt")
    code, raw = run_fetch(tmp_path, [{"path": f"{tmp_path}/{PACKED}!a.txt"}, {"path": f"{tmp_path}/{PACKED}"}])
    assert code == 0
    code, manifest = run_extract(raw, "books")
    found = Extracted(manifest)
    assert [row["text"] for row in found.list] == ["A text."]
    assert found.accounting["quarantined"] == {"no_text": 1}
