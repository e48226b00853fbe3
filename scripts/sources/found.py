"""A file of a source before it is copied, and the ways that lead to one: a local path or an address below a base."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from scripts.lib.errors import UserError
from scripts.sources.addresses import scheme
from scripts.sources.remote import Remote, Store


@dataclass(frozen=True, slots=True)
class Found:
    """A file of a source: its native name, what copies it to a path, and its SHA-256 where that costs no download."""

    origin: str
    copy: Callable[[Path], object]
    digest: Callable[[], str] | None = None
    inside: bool = False  # an archive


def place(base: str, relative: str) -> str:
    """Return the address or path of something below a base."""
    return f"{base.rstrip('/')}/{relative}"


def placed_file(origin: str, where: str, store: Store, digest: str | None = None) -> Found:
    """Return a file at an address or local path, under a native name that says nothing of the base."""
    if scheme(where):
        return Found(origin, lambda target: store.take(Remote(where, digest), target))
    return Found(origin, lambda target: _copy_local(where, target))


def _copy_local(where: str, target: Path) -> None:
    try:
        shutil.copyfile(where, target)
    except OSError as error:
        raise UserError(f"{where} cannot be read ({error.strerror}); correct the base.") from None
