"""Tables that take Python a second to make, kept beside the compiled code for the next process.

A folder is named by the code digest of the module that makes them with all that it imports and its data files, a file by the
versions of Python and of the packages that know the characters: what is found there is what would be made now.
"""

from __future__ import annotations

import functools
import hashlib
import io
import os
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import regex
from numpy.typing import NDArray

from scripts.lib.compiled import NAME_LENGTH, cache_folder

SUM = hashlib.sha256().digest_size  # bytes before the tables
Tables = tuple[NDArray[Any], ...]
_MADE_BY = "\0".join([sys.version, unicodedata.unidata_version, regex.__version__, np.__version__])


def kept(make: Callable[[], Tables]) -> Callable[[], Tables]:
    """Make tables once: what a function without arguments returns, which may depend on its module's code alone."""

    @functools.cache
    def given() -> Tables:
        folder = cache_folder(make.__module__)
        if folder is None:
            return make()
        versions = hashlib.sha256(_MADE_BY.encode()).hexdigest()[:NAME_LENGTH]
        path = folder / f"{make.__name__}-{versions}.tables"
        found = _read(path)
        if found is None:
            found = make()
            _write(path, found)
        return found

    return given


def _read(path: Path) -> Tables | None:
    """Return what is kept; None where there is nothing, or its sum is wrong."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    if data[:SUM] != _sum(data[SUM:]):
        return None
    with np.load(io.BytesIO(data[SUM:]), allow_pickle=False) as file:
        return tuple(file[f"arr_{number}"] for number in range(len(file.files)))


def _write(path: Path, tables: Tables) -> None:
    """Keep tables; where nothing can be written, each process makes its own."""
    stream = io.BytesIO()
    np.savez(stream, *tables)
    passing = path.with_name(f"{path.name}.tmp.{os.getpid()}")
    try:
        passing.write_bytes(_sum(stream.getvalue()) + stream.getvalue())
        passing.replace(path)
    except OSError:
        passing.unlink(missing_ok=True)


def _sum(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
