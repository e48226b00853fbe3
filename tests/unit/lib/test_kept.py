"""Tables are made once, and again where what was kept is not whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from scripts.lib import kept
from scripts.lib.kept import Tables

MADE = (np.arange(7, dtype=np.uint32), np.array([[1, 2], [3, 4]], np.int8))


class Maker:
    """Makes tables in what stands for a process of its own, and counts how often."""

    def __init__(self) -> None:
        self.times = 0

    def tables(self) -> Tables:
        def letters() -> Tables:
            self.times += 1
            return MADE

        return kept.kept(letters)()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(kept, "cache_folder", lambda module: tmp_path)
    return tmp_path


def require_made(tables: Tables) -> None:
    for table, made in zip(tables, MADE, strict=True):
        assert table.dtype == made.dtype and np.array_equal(table, made)
        table[:] = 0  # a process may write into its own


def test_another_process_finds_them(folder: Path) -> None:
    first, second = Maker(), Maker()
    require_made(tuple(table.copy() for table in first.tables()))
    require_made(second.tables())
    assert (first.times, second.times) == (1, 0)
    assert len(list(folder.iterdir())) == 1, "nothing passing is left"


@pytest.mark.parametrize("damage", ["torn", "flipped", "smaller", "empty"])
def test_what_is_not_whole_is_made_again(folder: Path, damage: str) -> None:
    Maker().tables()
    (path,) = folder.iterdir()
    whole = path.read_bytes()
    place = whole.index(MADE[0].tobytes())
    damaged = {
        "torn": whole[:-40],
        "empty": b"",
        "flipped": whole[:place] + b"\xff" + whole[place + 1 :],
        "smaller": whole.replace(b"(7,)", b"(5,)"),
    }
    assert damaged[damage] != whole
    path.write_bytes(damaged[damage])
    again = Maker()
    require_made(tuple(table.copy() for table in again.tables()))
    assert again.times == 1 and path.read_bytes() == whole


def test_another_version_of_python_makes_its_own(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Maker().tables()
    monkeypatch.setattr(kept, "_MADE_BY", "another")
    other = Maker()
    other.tables()
    assert other.times == 1 and len(list(folder.iterdir())) == 2


def test_without_a_folder_that_can_be_written_each_makes_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    for folder in (None, tmp_path / "file" / "folder"):
        monkeypatch.setattr(kept, "cache_folder", lambda module, folder=folder: folder)
        maker = Maker()
        require_made(tuple(table.copy() for table in maker.tables()))
        assert maker.times == 1
