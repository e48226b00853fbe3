"""Loops over arrays compiled by numba when they are first called; the machine code is kept for the next process.

Compiled code is strict about floating point (no `fastmath`), so its results do not depend on the machine.

numba itself keeps machine code by the file of a function alone, and would go on using it after a function in another file that
was compiled into it has changed. Here the code digest of the module with all that it imports names the folder, so what is found
there was made of what would be made now. Where several processes need a function at once, one compiles it and the others wait. A
name is only ever a whole file. Where no folder can be written, each process compiles for itself; so does one whose folder is
removed, which is why what nobody has asked for in a month can go when a new folder is made.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pickle
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, ParamSpec, TypeVar, cast

import numba
from numba import njit
from numba.core.caching import CompileResultCacheImpl, FunctionCache, _CacheLocator

from scripts.lib.code import ROOT, module_path, source_digest

P = ParamSpec("P")
R = TypeVar("R")
NAME_LENGTH = 20  # hexadecimal digits of the digest
UNUSED_SECONDS = 30 * 86_400.0  # after which a folder goes


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function of scalars and numpy arrays; it may call other compiled functions."""
    return _kept(njit(function), function)


def compiled_inner(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function that makes no arrays, for calls from compiled loops.

    It does without counting the references to its arrays, which would cost more than a short function does; numba refuses to
    compile one that makes an array. It must not return one that it was given, either.
    """
    return _kept(njit(_nrt=False)(function), function)


def compiled_inline(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function as `compiled_inner` does, into each function that calls it.

    For what is called with many arrays for each word or character: an array is seven arguments, and a call copies them all.
    """
    return _kept(njit(_nrt=False, forceinline=True)(function), function)


def _kept(dispatcher: Any, function: Callable[P, R]) -> Callable[P, R]:
    if cache_folder(function.__module__) is not None:
        dispatcher._cache = _Cache(function)
    return cast(Callable[P, R], dispatcher)


def cache_folder(module: str) -> Path | None:
    """Return the folder for the machine code of a module, made if need be; None where it cannot be written or has no digest."""
    if not module.startswith("scripts.") or module_path(module) is None:
        return None
    name = f"{module}-{source_digest(module)[:NAME_LENGTH]}-numba{numba.__version__}"
    for base in _bases():
        folder = base / name
        fresh = not folder.is_dir()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
            os.utime(folder)  # it was asked for now
        except OSError:
            continue
        if fresh:
            _remove_unused(base)
        return folder
    return None


def _remove_unused(base: Path) -> None:
    """Remove the folders of other code that no process has asked for in a long time."""
    before = time.time() - UNUSED_SECONDS
    for folder in base.glob("*-numba*"):
        with contextlib.suppress(OSError):  # another process may be at it
            if folder.stat().st_mtime < before:
                shutil.rmtree(folder)


def _bases() -> list[Path]:
    user = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    return [ROOT / "scripts" / "__pycache__" / "compiled", user / "groundwork" / "compiled"]


class _Locator(_CacheLocator):  # type: ignore[misc]
    """Tells numba the folder of a function; the folder's name holds the digest, so the stamp need not."""

    def __init__(self, function: Callable[..., Any], folder: Path) -> None:
        self._line = function.__code__.co_firstlineno
        self._folder = folder

    def get_cache_path(self) -> str:
        return str(self._folder)

    def get_source_stamp(self) -> str:
        return self._folder.name

    def get_disambiguator(self) -> str:
        return str(self._line)

    @classmethod
    def from_function(cls, function: Callable[..., Any], _file: str) -> _Locator | None:
        folder = cache_folder(function.__module__)
        return None if folder is None else cls(function, folder)


class _Implementation(CompileResultCacheImpl):  # type: ignore[misc]
    _locator_classes = [_Locator]


class _Cache(FunctionCache):  # type: ignore[misc]
    _impl_class = _Implementation
    _turn: IO[bytes] | None = None  # held while this process compiles the function

    def load_overload(self, signature: Any, context: Any) -> Any:
        """Return what was kept, waiting for a process that is at it, or None to compile anew."""
        found = self._whole(signature, context)
        if found is None and self._wait():
            found = self._whole(signature, context)
            if found is not None:
                self._end_turn()
        return found

    def save_overload(self, signature: Any, result: Any) -> None:
        """Save in this process' turn: two that add signatures to one index would give their code the same name."""
        try:
            self._save(signature, result)
        except OSError:  # no room or no longer writable: the code is used all the same
            self.disable()
        finally:
            self._end_turn()

    def _whole(self, signature: Any, context: Any) -> Any:
        """Return what was kept; None also where a file is torn, as after a loss of power."""
        try:
            return super().load_overload(signature, context)
        except (pickle.UnpicklingError, EOFError):
            return None

    def _save(self, signature: Any, result: Any) -> None:
        try:
            super().save_overload(signature, result)
        except (pickle.UnpicklingError, EOFError):  # the index is torn
            self.flush()
            super().save_overload(signature, result)

    def _wait(self) -> bool:
        """Wait for this process' turn; where there are no locks it compiles for itself."""
        try:
            turn = (Path(self.cache_path) / f"{self._impl.filename_base}.lock").open("ab")
            fcntl.flock(turn, fcntl.LOCK_EX)
        except OSError:
            self.disable()
            return False
        self._turn = turn
        return True

    def _end_turn(self) -> None:
        if self._turn is not None:
            self._turn.close()
            self._turn = None
