"""Files that have an address: brought into a cache, checked against a digest, and pinned on first use.

The digest comes from the config, else from the publisher's list of checksums; in either case it must also be the one
that the lock file remembers from the first use, so that a file that changed on its server never changes a result unseen.
"""

from __future__ import annotations

import fcntl
import functools
import hashlib
import json
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from scripts.lib.canonical import canonical_json, readable_json, sha256_file, sha256_text
from scripts.lib.errors import UserError
from scripts.lib.progress import byte_progress
from scripts.lib.publish import write_atomic
from scripts.sources.addresses import STORES, WEB, check_scheme, public_reason, scheme, shown
from scripts.sources.downloads import Downloader
from scripts.sources.limits import Limits, Pace

MAX_LIST_BYTES = 256 << 20  # of lists of checksums and paths
_ALGORITHMS = {32: "md5", 40: "sha1", 64: "sha256", 96: "sha384", 128: "sha512"}  # by hexadecimal digits
_PLAIN = re.compile(r"([0-9a-fA-F]{32,128})[ \t]+\*?(\S.*)")  # GNU coreutils
_TAGGED = re.compile(r"\S+ \((.+)\) = ([0-9a-fA-F]{32,128})")  # BSD


@dataclass(frozen=True, slots=True)
class Remote:
    """A file at an address, its digest where it is pinned, and the address of its publisher's list of checksums."""

    url: str
    digest: str | None = None
    checksums: str | None = None


class Store:
    """The cache of downloads; several jobs may use it at once.

    The lock file is in the user's folder and belongs under version control; the cache may be removed at any time.
    """

    def __init__(self, cache: Path, lock: Path, limits: Limits) -> None:
        self._cache = cache
        self._lock = lock
        self.limits = limits
        self._taken: list[str] = []
        self._downloader = Downloader(limits, cache)

    @contextmanager
    def file(self, remote: Remote) -> Iterator[Path]:
        """Give the whole, verified file under a name of its own, which lasts as long as the block. Raises UserError."""
        self._cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._cache, prefix="use-") as folder:
            path = Path(folder) / _base(remote.url)
            self._link(remote, path)
            yield path

    def take(self, remote: Remote, target: Path) -> None:
        """Publish a file as `target`. It leaves the cache with `release`, so that no file is kept that is not needed."""
        self._link(remote, target)
        self._taken.append(remote.url)

    def release(self, parts: int = 1) -> None:
        """Remove what was taken from the cache, since all that a job needs is there: at once, or when all `parts` have it.

        They have the one file by names of their own, which are counted.
        """
        for url in self._taken:
            with self._entry(url) as path:
                if parts == 1 or (path.is_file() and path.stat().st_nlink > parts):
                    _forget(path)
        self._taken.clear()

    def _link(self, remote: Remote, target: Path) -> None:
        """Give a file of the cache a second name, made first where it is not there. No lock is held afterwards."""
        if remote.checksums and not remote.digest:
            remote = replace(remote, digest=self._published(remote))
        with self._entry(remote.url) as path:
            self._ensure(remote, path)
            try:
                target.hardlink_to(path)
            except OSError:
                shutil.copyfile(path, target)

    def _ensure(self, remote: Remote, path: Path) -> None:
        """Have the file in the cache with the digests that are wanted. What has others is never kept. Raises UserError."""
        if _whole(path):
            fault = self._fault(remote, path)
            if fault is None:
                return
            if self.limits.offline:
                raise UserError(fault)
        _forget(path)
        try:
            self._bring(remote.url, path)
        except OSError as error:
            raise UserError(
                f"{shown(remote.url)} cannot be written ({error.strerror}); make room and run again."
            ) from None
        if fault := self._fault(remote, path):
            _forget(path)
            raise UserError(fault)
        write_atomic(_record(path), _description(path).encode("utf-8"))

    def _fault(self, remote: Remote, path: Path) -> str | None:
        """Return what is wrong with the content of a file, by the digest that is wanted and by the lock file."""
        if remote.digest and (actual := file_digest(path, remote.digest)) != remote.digest.lower():
            return (
                f"{shown(remote.url)} has the digest {actual} instead of {remote.digest}; "
                "if the new content is meant, correct sha256."
            )
        try:
            self.pin(remote.url, sha256_file(path))
        except UserError as error:
            return str(error)
        return None

    def pin(self, name: str, digest: str) -> None:
        """Remember the digest of what an address or package gave first. Raises UserError where another is remembered."""
        self._cache.mkdir(parents=True, exist_ok=True)
        with (self._cache / "downloads.lock").open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            known = read_lock(self._lock)
            pinned = known.setdefault(name, digest)
            if pinned != digest:
                raise UserError(
                    f"{shown(name) if scheme(name) else name} has the SHA-256 {digest} instead of {pinned} in {self._lock.name}; "
                    "if the new content is meant, remove its line there."
                )
            content = readable_json(dict(sorted(known.items()))).encode("utf-8")
            if not self._lock.is_file() or self._lock.read_bytes() != content:
                write_atomic(self._lock, content)

    def text(self, url: str) -> str:
        """Return a small text at an address, as it is now: a list of checksums or the state of a dump, which may grow."""
        with self._entry(url) as path:
            if not (self.limits.offline and path.is_file()):
                self._bring(url, path)
            if path.stat().st_size > MAX_LIST_BYTES:
                raise UserError(f"{shown(url)} is too long for a list; correct the address.")
            return path.read_bytes().decode("utf-8", "replace")

    @contextmanager
    def _entry(self, url: str) -> Iterator[Path]:
        check_scheme(url)
        path = self._cache / f"{sha256_text(url)[:32]}-{_base(url)}"
        self._cache.mkdir(parents=True, exist_ok=True)
        with path.with_name(path.name + ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield path

    def _bring(self, url: str, path: Path) -> None:
        if scheme(url) in WEB:
            self._downloader.download(url, path)
        else:
            self._copy(url, path)

    def _copy(self, url: str, path: Path) -> None:
        """Copy a file of an object store, with the client and the credentials that fsspec finds there."""
        import fsspec

        kind = str(scheme(url))
        if self.limits.offline:
            raise UserError(
                f"{shown(url)} is not in the download cache and downloads.offline is true; run `snakemake fetch` first."
            )
        partial = path.with_name(path.name + ".partial")
        pace = Pace(url, self.limits, time.monotonic() + self.limits.max_seconds)
        try:
            with fsspec.open(url, "rb") as stream, partial.open("wb") as out:
                for chunk in byte_progress(iter(lambda: stream.read(1 << 20), b""), None, _base(url)):
                    out.write(chunk)
                    if out.tell() > self.limits.max_bytes:
                        raise UserError(f"{shown(url)} is longer than downloads.max_bytes; raise it.")
                    pace.keep(len(chunk))
        except ImportError:
            raise UserError(f"{shown(url)} needs the package {STORES[kind]}; install it beside the others.") from None
        except UserError:
            raise
        except Exception as error:  # each client has exceptions of its own
            raise UserError(
                f"{shown(url)} cannot be read ({public_reason(error)}); check address and credentials."
            ) from None
        partial.replace(path)

    def _published(self, remote: Remote) -> str:
        """Return the digest in the publisher's list of checksums. Raises UserError where the list has none."""
        assert remote.checksums is not None
        path = unquote(urlsplit(remote.url).path)
        digest = listed_digest(checksums(self.text(remote.checksums)), path)
        if digest is None:
            name = PurePosixPath(path).name
            raise UserError(f"{shown(remote.checksums)} has no line for {name}, or several; correct `checksums`.")
        return digest


def read_lock(path: Path) -> dict[str, str]:
    """Return the digests that a lock file remembers, by address or package. Raises UserError for a file that is none."""
    if not path.is_file():
        return {}
    try:
        known = json.loads(path.read_text("utf-8"))
    except ValueError:
        known = None
    if not isinstance(known, dict):
        raise UserError(f"{path.name} is no lock file of downloads (JSON); restore it or remove it.")
    return {str(url): str(digest) for url, digest in known.items()}


def _base(url: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "_", PurePosixPath(urlsplit(url).path).name)[-80:] or "file"


def _record(path: Path) -> Path:
    return path.with_name(path.name + ".json")


def _description(path: Path) -> str:
    return canonical_json({"sha256": sha256_file(path), "bytes": path.stat().st_size})


def _whole(path: Path) -> bool:
    """Tell whether a file in the cache is what was downloaded and accepted."""
    return path.is_file() and _record(path).is_file() and _description(path) == _record(path).read_text("utf-8")


def _forget(path: Path) -> None:
    _record(path).unlink(missing_ok=True)
    path.unlink(missing_ok=True)


def file_digest(path: Path, like: str) -> str:
    """Return the digest of a file by the algorithm that another digest is of, told by its length. Raises UserError."""
    algorithm = _ALGORITHMS.get(len(like))
    if algorithm is None:
        raise UserError(f"{like} is no MD5, SHA-1, SHA-256, SHA-384 or SHA-512; correct it.")
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, functools.partial(hashlib.new, algorithm)).hexdigest()


def checksums(text: str) -> dict[str, str]:
    """Return the digests by path, as it is written, of a list of checksums as `sha256sum` and its like write it."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        if match := _PLAIN.fullmatch(line.strip()):
            found[match[2]] = match[1].lower()
        elif match := _TAGGED.fullmatch(line.strip()):
            found[match[1]] = match[2].lower()
    return found


def listed_digest(listed: Mapping[str, str], path: str) -> str | None:
    """Return the digest of the file whose path in a list ends most like `path`; None where there is none, or several.

    A list names files from a folder of its own, so the paths agree from the end; one that agrees as a whole goes first.
    """
    wanted = PurePosixPath(f"/{path}").parts[::-1]
    best: tuple[int, bool] = (1, False)
    found: set[str] = set()
    for name, digest in listed.items():
        if not name.endswith(wanted[0]):
            continue
        parts = PurePosixPath(name).parts[::-1]
        same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(wanted, parts, strict=False)))
        rank = (same, same == len(parts))
        if rank >= best:
            found = {digest} if rank > best else found | {digest}
            best = rank
    return found.pop() if len(found) == 1 else None
