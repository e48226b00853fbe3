"""A file of a source before it is copied, and the ways that lead to one: a local path or an address below a base."""

from __future__ import annotations

import contextlib
import fcntl
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.lib.canonical import sha256_file
from scripts.lib.errors import UserError
from scripts.sources.addresses import scheme
from scripts.sources.remote import Remote, Store
from scripts.sources.shares import WHOLE, Share, divided


@dataclass(frozen=True, slots=True)
class Found:
    """A file of a source: its native name, what copies it to a path, and its SHA-256 where that costs no download.

    Of a member of an archive `place` says which archive that is and where it begins there.
    """

    origin: str
    copy: Callable[[Path], object]
    digest: Callable[[], str] | None = None
    place: tuple[str, int] | None = None

    @property
    def order(self) -> tuple[str, int]:
        """When it is best read: a packed archive is unpacked anew for each step back in it."""
        return self.place or ("", 0)


@dataclass(frozen=True, slots=True)
class Portion:
    """What a part has: files, and which share of their records where other parts have the same files."""

    files: list[Found]
    share: Share = WHOLE


def portion(files: Sequence[Found], part: int, parts: int) -> Portion:
    """Return what part `part` of `parts` has of the files of a source."""
    places, share = divided(len(files), part, parts)
    return Portion([files[number] for number in places], share)


def keep_once(path: Path, folder: Path, parts: int) -> None:
    """Make a file that so many parts have one file on disk, where the file system can.

    `folder` has a second name of it until all of them have it, and of no file that no part has any more.
    """
    if path.stat().st_nlink > 1:  # it was downloaded, and the cache of downloads holds the one copy
        return
    folder.mkdir(parents=True, exist_ok=True)
    digest = sha256_file(path)
    held, other = folder / digest, path.with_name(f"{path.name}.shared")
    with contextlib.suppress(OSError):
        with _alone(folder):
            if found := held.is_file():
                other.hardlink_to(held)
            else:
                held.hardlink_to(path)
        if found and sha256_file(other) == digest:
            other.replace(path)
        elif found:
            other.unlink()
            with _alone(folder):
                held.unlink(missing_ok=True)
                held.hardlink_to(path)
    with _alone(folder):
        for name in folder.iterdir():
            names = name.stat().st_nlink
            if len(name.name) == len(digest) and (names == 1 or (name == held and names > parts)):
                name.unlink()


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


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
