"""Members of archives: zip (wheels), tar in any compression (sdists, npm), found by glob; links are not followed.

A path may reach into an archive inside an archive: `outer.zip!inner/*.csv`. Names inside are only ever compared;
nothing is unpacked by name, so that no member can escape.
"""

from __future__ import annotations

import functools
import lzma
import posixpath
import re
import tarfile
import tempfile
import weakref
import zipfile
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, ClassVar, Generic, Protocol, TypeVar

from scripts.lib.errors import UserError
from scripts.sources.addresses import NESTED
from scripts.sources.streams import MAX_RATIO, RATIO_APPLIES_FROM

MAX_MEMBER_BYTES = 64 << 30
MAX_MEMBERS = 500_000  # of a tar, which has no list of them and is read through to find them
MAX_HEADER_BYTES = 1 << 16  # of a long name, or what else a tar says of a member
MAX_HEADERS_BYTES = 64 << 20  # of all members
CHUNK = 1 << 20
DAMAGED = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, RuntimeError)
OPEN_AT_ONCE = 32  # archives


@dataclass(frozen=True, slots=True)
class Member:
    """A regular file in an archive: its cleaned path, its native name, its uncompressed size in bytes and where it begins."""

    path: str
    native: str
    size: int
    place: int


class Archive(Protocol):
    """What the zip and tar forms share; `size` is that of the archive itself, in bytes."""

    size: int

    def members(self) -> list[Member]:
        """Return the regular files, sorted by path."""

    def open(self, member: Member) -> IO[bytes]:
        """Return a stream of the bytes of a member."""


class Closing(Protocol):
    """What can be closed."""

    def close(self) -> None:
        """Give back what is held."""


_LONG = (
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
)
F = TypeVar("F", bound=Closing)


class Reopened(Generic[F]):
    """A file that is opened when it is asked for. Of many only those asked for last stay open, as a process may open few."""

    _latest: ClassVar[deque[weakref.ref[Reopened[Any]]]] = deque()

    def __init__(self, opener: Callable[[], F]) -> None:
        self._opener = opener
        self._opened: F | None = None

    def file(self) -> F:
        """Return the open file; it stays open until many others were asked for."""
        if self._opened is None:
            self._opened = self._opener()
            self._latest.append(weakref.ref(self))
            if len(self._latest) > OPEN_AT_ONCE and (oldest := self._latest.popleft()()) is not None:
                oldest._close()
        return self._opened

    def _close(self) -> None:
        if self._opened is not None:
            self._opened.close()
            self._opened = None


class ZipArchive:
    """A zip file; symbolic links in it are no members."""

    def __init__(self, path: Path) -> None:
        self.size = path.stat().st_size
        self._zip = Reopened(lambda: zipfile.ZipFile(path))
        self._infos = self._zip.file().infolist()

    def members(self) -> list[Member]:
        """Return the regular files, sorted by path."""
        infos = [i for i in self._infos if not i.is_dir() and (i.external_attr >> 28) != 0xA]
        return _sorted([Member(clean_path(i.filename), i.filename, i.file_size, i.header_offset) for i in infos])

    def open(self, member: Member) -> IO[bytes]:
        """Return a stream of the bytes of a member."""
        return self._zip.file().open(member.native)


class _Header(tarfile.TarInfo):
    """A header of a tar: the library reads what it says of a member into memory, of any size that it claims."""

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        if self.type in _LONG and self.size > MAX_HEADER_BYTES:
            raise tarfile.ReadError(f"a header of {self.size} bytes")
        member: tarfile.TarInfo = super()._proc_member(archive)  # type: ignore[misc]
        return member

    def length(self) -> int:
        """Return how many characters are kept of it."""
        return len(self.name) + len(self.linkname) + sum(map(len, self.pax_headers.values()))


class TarArchive:
    """A tar file in any compression; links and devices in it are no members."""

    def __init__(self, path: Path) -> None:
        self.size = path.stat().st_size
        self._tar = Reopened(lambda: tarfile.open(path, tarinfo=_Header))  # noqa: SIM115 (members are read later)
        self._infos: dict[str, tarfile.TarInfo] = {}
        length = 0
        for number, info in enumerate(self._tar.file()):
            length += info.length() if isinstance(info, _Header) else 0
            if number >= MAX_MEMBERS or length > MAX_HEADERS_BYTES:
                raise tarfile.ReadError("more members than an archive may have")
            if info.isreg():
                self._infos[info.name] = info

    def members(self) -> list[Member]:
        """Return the regular files, sorted by path, without the one folder that all of them lie in."""
        found = [Member(clean_path(i.name), i.name, i.size, i.offset_data) for i in self._infos.values()]
        tops = {m.path.partition("/")[0] for m in found}
        if len(tops) == 1 and all("/" in m.path for m in found):
            found = [replace(m, path=m.path.partition("/")[2]) for m in found]
        return _sorted(found)

    def open(self, member: Member) -> IO[bytes]:
        """Return a stream of the bytes of a member."""
        stream = self._tar.file().extractfile(self._infos[member.native])
        assert stream is not None, "only regular files are listed"
        return stream


def _sorted(members: list[Member]) -> list[Member]:
    """Sort by path; of two members with one path the later wins, as it does when an archive is unpacked."""
    return sorted({m.path: m for m in members}.values(), key=lambda m: m.path)


def clean_path(name: str) -> str:
    """Return a member's name as a relative path with `/`, or with `..` and roots turned into plain folder names."""
    parts = [p for p in name.replace("\\", "/").split("/") if p not in ("", ".")]
    return "/".join("__" if p == ".." else p for p in parts)


def open_archive(path: Path) -> Archive:
    """Open a zip or tar file by its content. Raises UserError where it is neither or is damaged."""
    try:
        if zipfile.is_zipfile(path):
            return ZipArchive(path)
        return TarArchive(path)
    except DAMAGED as error:
        reason = str(error).partition("\n")[0].rstrip(":")  # the lines that follow name every compression
        raise UserError(f"{path.name} is no readable zip or tar file ({reason}); fetch it again.") from None


@functools.cache
def glob_pattern(glob: str) -> re.Pattern[str]:
    """Return the pattern of a glob over paths: `*` and `?` stay within a folder, `**` crosses folders."""
    out = ""
    for token in re.findall(r"\*\*/?|\*|\?|\[[^\]]+\]|[^*?\[]+|\[", glob):
        if token == "**/":
            out += "(?:.*/)?"
        elif token == "**":
            out += ".*"
        elif token == "*":
            out += "[^/]*"
        elif token == "?":
            out += "[^/]"
        elif token.startswith("[") and len(token) > 1:
            out += "[" + token[1:-1].replace("\\", r"\\").replace("!", "^", 1) + "]"
        else:
            out += re.escape(token)
    return re.compile(out)


@contextmanager
def matching(archive: Archive, glob: str) -> Iterator[list[tuple[str, Archive, Member]]]:
    """Give (path from the outermost archive, its archive, the member) of what matches `glob`, sorted by path.

    A glob may be written with or without the one folder that everything in a tar file lies in. Inner archives are
    copied to a temporary folder, which lasts as long as the block.
    """
    with tempfile.TemporaryDirectory() as folder:
        yield _matching(archive, glob, "", Path(folder))


def _matching(archive: Archive, glob: str, prefix: str, folder: Path) -> list[tuple[str, Archive, Member]]:
    here, _, inside = glob.partition(NESTED)
    pattern = glob_pattern(here)
    hits = [m for m in archive.members() if pattern.fullmatch(m.path) or pattern.fullmatch(clean_path(m.native))]
    if not inside:
        return [(prefix + member.path, archive, member) for member in hits]
    found = []
    for number, member in sorted(enumerate(hits), key=lambda hit: hit[1].place):
        copy = folder / f"{prefix.count(NESTED)}-{number}-{posixpath.basename(member.path)}"
        copy_member(archive, member, copy)
        found += _matching(open_archive(copy), inside, f"{prefix}{member.path}{NESTED}", folder)
    return sorted(found, key=lambda hit: hit[0])


def copy_member(archive: Archive, member: Member, target: Path) -> None:
    """Write the bytes of a member to `target`. Raises UserError as `member_chunks` does."""
    with target.open("wb") as out:
        for chunk in member_chunks(archive, member):
            out.write(chunk)


def member_chunks(archive: Archive, member: Member) -> Iterator[bytes]:
    """Yield the bytes of a member. Raises UserError where the archive is damaged or swells beyond reason."""
    if member.size > MAX_MEMBER_BYTES:
        raise UserError(f"{member.path} holds {member.size} bytes, over the limit of {MAX_MEMBER_BYTES}.")
    size = 0
    try:
        with archive.open(member) as stream:
            while chunk := stream.read(CHUNK):
                size += len(chunk)
                if size > max(RATIO_APPLIES_FROM, MAX_RATIO * archive.size):
                    raise UserError(f"{member.path} swells to more than {MAX_RATIO} times its archive; leave it out.")
                yield chunk
    except DAMAGED as error:
        raise UserError(f"{member.path} cannot be read from its archive ({error}); fetch it again.") from None
