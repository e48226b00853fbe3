"""The folder in which the files of the good configuration lie."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.txt").write_text("text", encoding="utf-8")
    (tmp_path / "dev.jsonl").touch()
    (tmp_path / "folder").mkdir()
    return tmp_path
