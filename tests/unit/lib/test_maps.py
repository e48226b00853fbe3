"""Maps show the bytes of their files, keep no descriptor, and are given back when no array needs them."""

from __future__ import annotations

import gc
import mmap
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from scripts.lib.maps import map_array, map_file, map_files

PAGE = mmap.PAGESIZE
linux = pytest.mark.skipif(sys.platform != "linux", reason="asks /proc what a process has mapped and opened")


def files(folder: Path, sizes: list[int]) -> list[Path]:
    """Write files of random bytes."""
    generator = np.random.default_rng(1)
    paths = [folder / f"{number}.bin" for number in range(len(sizes))]
    for path, size in zip(paths, sizes, strict=True):
        path.write_bytes(generator.bytes(size))
    return paths


@pytest.mark.parametrize("sizes", [[], [0], [0, 0], [5], [PAGE], [0, PAGE + 1, 0, 7, 3 * PAGE, 1], [1] * 300])
def test_files_stand_one_after_another(tmp_path: Path, sizes: list[int]) -> None:
    paths = files(tmp_path, sizes)
    data, starts = map_files(paths)
    assert len(starts) == len(sizes)
    for path, start, size in zip(paths, starts.tolist(), sizes, strict=True):
        assert start % PAGE == 0
        assert data[start : start + size].tobytes() == path.read_bytes() == map_file(path).tobytes()
        assert not data[start + size : start + -(-size // PAGE) * PAGE].any()
    assert not data.flags.writeable or not len(data)


@linux
def test_no_file_stays_open_and_memory_is_given_back(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    data, _ = map_files(files(tmp_path, [10, 5000]))
    view = data[3:7].view(np.uint16)
    del data
    assert len(os.listdir("/proc/self/fd")) == before
    assert str(tmp_path / "1.bin") in Path("/proc/self/maps").read_text()  # a view of it lives
    del view
    gc.collect()
    assert str(tmp_path) not in Path("/proc/self/maps").read_text()


def test_arrays_are_those_that_were_saved(tmp_path: Path) -> None:
    for array in (np.arange(10, dtype="<i8"), np.zeros(0, "<u2"), np.array([(1, 2)], [("a", "<i4"), ("b", "<i8")])):
        np.save(tmp_path / "a.npy", array)
        found = map_array(tmp_path / "a.npy")
        assert found.dtype == array.dtype
        assert found.tolist() == array.tolist()


def test_what_is_no_array_of_numbers_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, np.zeros((2, 2)))
    with pytest.raises(ValueError, match="no list of numbers"):
        map_array(path)
    np.save(path, np.array([{}], object))
    with pytest.raises(ValueError, match="no list of numbers"):
        map_array(path)
    np.save(path, np.arange(10))
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(ValueError, match="72 bytes of data for 10 items"):
        map_array(path)
    for content in (b"", b"nothing"):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="magic"):
            map_array(path)
    with pytest.raises(OSError, match=r"a\.npy"):
        map_array(path.with_name("no") / "a.npy")
