"""Tables that take Python a second to make, kept beside the compiled code for the next process.

A folder is named by the code digest of the module that makes them with all that it imports and its data files, a file by the
versions of Python and of the packages that know the characters: what is found there is what would be made now.
"""

from __future__ import annotations

import functools
import hashlib
import io
import sys
import unicodedata
from collections.abc import Callable
from typing import Any

import numpy as np
import regex
from numpy.typing import NDArray

from scripts.lib.compiled import NAME_LENGTH, cache_folder
from scripts.lib.summed import read_summed, write_summed

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
        data = read_summed(path)
        if data is not None:
            return _unpacked(data)
        made = make()
        write_summed(path, _packed(made))
        return made

    return given


def _packed(tables: Tables) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, *tables)
    return stream.getvalue()


def _unpacked(data: bytes) -> Tables:
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        return tuple(file[f"arr_{number}"] for number in range(len(file.files)))
