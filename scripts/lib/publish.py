"""The commit protocol: write beside, fsync, rename, manifest last; one writer per artefact.

A final name is only ever a whole file. The lock is an advisory record lock that the kernel drops when the process dies,
so it also stands between an orphan and the job that was started to replace it.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from scripts.lib.canonical import sha256_file
from scripts.lib.errors import UserError


def fsync_path(path: Path) -> None:
    """Flush a file or folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomic(path: Path, data: bytes) -> None:
    """Replace `path` by a whole file with these bytes, or leave it as it was."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(data)
        fsync_path(temporary)
        temporary.replace(path)
        fsync_path(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def one_writer(artefact: Path) -> Iterator[None]:
    """Hold the lock of an artefact; raises UserError at once when another process holds it.

    The lock file is removed on the way out; a process that waited on the removed file notices that by its inode.
    """
    artefact.parent.mkdir(parents=True, exist_ok=True)
    lock = artefact.with_name(f".{artefact.name}.lock")
    while True:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(descriptor, 32).decode("ascii", "replace").strip()
            os.close(descriptor)
            raise UserError(
                f"{artefact} is being written by another process ({holder or 'unknown'}); "
                "wait until it has ended, or stop it, and run again."
            ) from None
        if lock.exists() and os.fstat(descriptor).st_ino == lock.stat().st_ino:
            break
        os.close(descriptor)
    try:
        os.truncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode("ascii"))
        yield
    finally:
        lock.unlink(missing_ok=True)
        os.close(descriptor)


def stamp(path: Path) -> list[int] | None:
    """Return size, modification and change time (ns) of a file, or None; the last two tell a write from a read."""
    try:
        status = path.stat()
    except OSError:
        return None
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns]


def stamps_path(manifest: Path) -> Path:
    """Return where the stamps of an artefact are kept: hidden, local to this file system, no part of the artefact."""
    return manifest.with_name(f".{manifest.name.removesuffix('.json')}.stamps")


def write_stamps(manifest: Path, stamps: dict[str, list[int]]) -> None:
    """Record the stamps of an artefact's files, by which a later run sees that nothing wrote to them."""
    write_atomic(stamps_path(manifest), json.dumps(stamps, sort_keys=True).encode("utf-8"))


def read_stamps(manifest: Path) -> dict[str, list[int]]:
    """Return the recorded stamps; empty when there are none that can be read."""
    try:
        stamps = json.loads(stamps_path(manifest).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return stamps if isinstance(stamps, dict) else {}


class Staging:
    """Temporary files and folders of one artefact, in its own folder, until they are committed.

    Leftovers of a killed writer are removed first, which is safe under the lock.
    """

    def __init__(self, manifest: Path) -> None:
        self.stem = manifest.name.removesuffix(".json")
        self.home = manifest.parent
        self.staged: dict[str, Path] = {}
        for leftover in sorted(self.home.glob(f".{self.stem}.staging*")):
            _remove(leftover)
        self._folder = self.home / f".{self.stem}.staging"
        self._folder.mkdir(parents=True)

    def path(self, name: str) -> Path:
        """Return where to write what will be published under `name`, relative to the manifest's folder."""
        target = self._folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        self.staged[name] = target
        return target

    def staged_path(self, name: str) -> Path:
        """Return the temporary path of what will be published under `name`, staged itself or in a staged folder."""
        return self._folder / name

    def entries(self) -> list[dict[str, object]]:
        """Return name, bytes and SHA-256 of every staged file, sorted by name."""
        files: dict[str, Path] = {}
        for name, path in self.staged.items():
            if path.is_dir():
                inside = sorted(item for item in path.rglob("*") if item.is_file())
                files.update({f"{name}/{item.relative_to(path).as_posix()}": item for item in inside})
            else:
                files[name] = path
        return [
            {"name": name, "bytes": path.stat().st_size, "sha256": sha256_file(path)}
            for name, path in sorted(files.items())
        ]

    def commit(self) -> None:
        """Flush everything, then move it to the final names, replacing what is there."""
        for path in sorted(self._folder.rglob("*")):
            fsync_path(path)
        for name, path in sorted(self.staged.items()):
            target = self.home / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.is_dir():
                shutil.rmtree(target)
            path.replace(target)
            fsync_path(target.parent)
        self.discard()

    def discard(self) -> None:
        """Remove what is still staged."""
        _remove(self._folder)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
