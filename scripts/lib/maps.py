"""Files mapped into memory without a file descriptor for each.

Python's own `mmap`, and numpy's `memmap` with it, keeps a copy of the descriptor as long as the map lives, so the shards of a
source of 1,000 parts would pass the usual limit of 1,024 open files. POSIX needs none once a file is mapped.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import weakref
from pathlib import Path

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


class _Map:
    """The memory that a file is mapped to; it is given back when the last array that looks into it is gone."""

    def __init__(self, address: int, size: int) -> None:
        self.__array_interface__ = {"version": 3, "shape": (size,), "typestr": "|u1", "data": (address, True)}
        weakref.finalize(self, _libc.munmap, address, size).atexit = False  # other threads may still read then


def map_file(path: Path) -> NDArray[np.uint8]:
    """Return the bytes of a file, uint8 [bytes], which cannot be written. Raises UserError where it cannot be mapped."""
    with path.open("rb") as stream:
        size = os.fstat(stream.fileno()).st_size
        if size == 0:  # cannot be mapped
            return np.zeros(0, np.uint8)
        address = _libc.mmap(None, size, mmap.PROT_READ, mmap.MAP_SHARED, stream.fileno(), 0)
    if address == _FAILED:
        reason = os.strerror(ctypes.get_errno())
        raise UserError(
            f"{path} cannot be mapped into memory ({reason}); give the source fewer parts, or raise vm.max_map_count."
        )
    return np.asarray(_Map(address, size))
