"""Files mapped into memory without a file descriptor for each.

Python's own `mmap`, and numpy's `memmap` with it, keeps a copy of the descriptor as long as the map lives, so the shards of a
source of 1,000 parts would pass the usual limit of 1,024 open files. POSIX needs none once a file is mapped, so the calls are
made here. What a map shows is undefined after its file was cut short, as with any other.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scripts.lib.errors import UserError

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = (
    ctypes.c_void_p,
    ctypes.c_size_t,
    ctypes.c_int,
    ctypes.c_int,
    ctypes.c_int,
    ctypes.c_long,  # off_t on 64-bit systems; always 0 here
)
_libc.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
_FAILED = ctypes.c_void_p(-1).value
NOTHING, FIXED = 0, 0x10  # PROT_NONE and MAP_FIXED, which the module `mmap` does not name


class _Memory:
    """Addresses that are given back when the last array that looks into them is gone."""

    def __init__(self, size: int) -> None:
        self.address = _map(None, size, NOTHING, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1)
        self.__array_interface__ = {"version": 3, "typestr": "|u1", "shape": (size,), "data": (self.address, True)}
        weakref.finalize(self, _libc.munmap, self.address, size).atexit = False  # other threads may still read then


def _map(address: int | None, size: int, protection: int, flags: int, descriptor: int) -> int:
    found = _libc.mmap(address, size, protection, flags, descriptor, 0)
    if found is None or found == _FAILED:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return int(found)


def map_files(paths: Sequence[Path]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the bytes of files, one file after another and each from the beginning of a page, and where each file begins.

    They cannot be written. Behind the end of a file there are zeros up to the end of its last page. Raises UserError for a file
    that cannot be mapped.
    """
    sizes = [path.stat().st_size for path in paths]
    pages = [-(-size // mmap.PAGESIZE) * mmap.PAGESIZE for size in sizes]
    starts = np.cumsum([0, *pages])
    if not starts[-1]:
        return np.zeros(0, np.uint8), starts[:-1]
    path = paths[0]
    try:
        memory = _Memory(int(starts[-1]))
        for path, size, start in zip(paths, sizes, starts.tolist(), strict=False):
            if size:
                with path.open("rb") as stream:
                    _map(memory.address + start, size, mmap.PROT_READ, mmap.MAP_SHARED | FIXED, stream.fileno())
        return np.asarray(memory), starts[:-1]
    except OSError as error:
        raise UserError(
            f"{path} cannot be mapped into memory ({error.strerror}); give the source fewer parts, or raise vm.max_map_count."
        ) from None


def map_file(path: Path) -> NDArray[np.uint8]:
    """Return the bytes of a file, uint8 [bytes], which cannot be written. Raises UserError where it cannot be mapped."""
    return map_files([path])[0][: path.stat().st_size]


def map_array(path: Path) -> NDArray[Any]:
    """Return the one-dimensional array in a `.npy` file. Raises OSError, ValueError or UserError for a file that holds none."""
    with path.open("rb") as stream:
        version = np.lib.format.read_magic(stream)
        if version != (1, 0):
            raise ValueError(f"version {version} of the format is not read here")
        shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
        start = stream.tell()
    if len(shape) != 1 or dtype.hasobject:
        raise ValueError("it is no list of numbers")
    data = map_file(path)[start:]
    if len(data) != shape[0] * dtype.itemsize:
        raise ValueError(f"it has {len(data)} bytes of data for {shape[0]} items")
    return data.view(dtype)
