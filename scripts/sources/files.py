"""The files that a source names: members of a package, local paths and addresses, each possibly inside an archive.

Their order decides which part they go to: plain files by native name first, then what lies inside archives, so that it is
known without opening one.
"""

from __future__ import annotations

import hashlib
import shutil
import tarfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from scripts.lib.canonical import sha256_file
from scripts.lib.errors import UserError
from scripts.sources.addresses import NESTED, check_scheme, is_glob, native_name, scheme
from scripts.sources.archives import Archive, Member, copy_member, matching, member_chunks, open_archive
from scripts.sources.dumps import cut_streams
from scripts.sources.found import Found, Portion, portion
from scripts.sources.local import Wanted, folder_files, listing_digest, local_folder, local_index, local_paths
from scripts.sources.packages import Package, cached_package, parse_package
from scripts.sources.remote import Remote, Store
from scripts.sources.shares import Share


def found_files(
    package: Mapping[str, Any] | None,
    files: Sequence[Wanted],
    part: int,
    parts: int,
    cache: Path,
    store: Store,
    stack: ExitStack,
    joined: bool = False,
) -> Portion:
    """Return what a part has of the files, checked as far as they are here already; they last as long as the stack.

    Files that are joined are shared by all parts.
    """
    archive, where = None, "this folder"
    if package is not None:
        parsed = parse_package(package)
        archive, where = _package_archive(parsed, files, cache, store, stack), str(parsed)
    found: dict[str, Found] = {}
    for wanted in files:
        if archive is not None:
            hits = [member_file(*member) for member in stack.enter_context(matching(archive, wanted.path))]
        elif scheme(wanted.path):
            hits = remote_matches(wanted, store, stack)
        else:
            hits = local_matches(wanted.path, stack)
        check_digest(wanted, hits, where)
        for hit in hits:
            if hit.origin in found:
                raise UserError(f"files: {hit.origin} is there twice; let each file match one path only.")
            found[hit.origin] = hit
    ordered = sorted(found.values(), key=lambda file: (file.place is not None, file.origin))
    if joined:
        return Portion(ordered, Share(part, parts))
    if package is None and parts > len(found) and (cut := cut_files(files, part, parts)):
        return Portion(cut)
    return portion(ordered, part, parts)


def _package_archive(package: Package, files: Sequence[Wanted], cache: Path, store: Store, stack: ExitStack) -> Archive:
    """Return the archive of a package. Where a file has no digest of its own, the lock file remembers that of the archive."""

    def check(archive: Path) -> None:
        if any(wanted.sha256 is None for wanted in files):
            open_archive(archive)  # what is none is not remembered
            store.pin(package.pinned_as(archive), sha256_file(archive))

    return open_archive(stack.enter_context(cached_package(package, cache, store.limits.offline, check)))


def member_file(origin: str, archive: Archive, member: Member) -> Found:
    """Return a member of an archive as a file of the source."""

    def digest() -> str:
        content = hashlib.sha256()
        for chunk in member_chunks(archive, member):
            content.update(chunk)
        return content.hexdigest()

    place = (origin.rpartition(NESTED)[0], member.place)
    return Found(origin, lambda target: copy_member(archive, member, target), digest, place)


def local_matches(pattern: str, stack: ExitStack) -> list[Found]:
    """Return the local files of a pattern; after `!` it looks into the archives that they are."""
    outer, nested, inside = pattern.partition(NESTED)
    if folder := local_folder(pattern):
        name, path = folder
        return [
            Found(name, _packer(path), lambda: listing_digest([(sha256_file(p), n) for n, p in folder_files(path)]))
        ]
    files = local_paths(outer)
    if not nested:
        return [Found(origin, _copier(path), _digester(path)) for origin, path in files]
    return [member for origin, path in files for member in _members(origin, path, inside, stack)]


def remote_matches(wanted: Wanted, store: Store, stack: ExitStack) -> list[Found]:
    """Return the file at an address, or what `!` finds in the archive there. Nothing but an archive is downloaded yet."""
    url, nested, inside = wanted.path.partition(NESTED)
    check_scheme(url)
    if nested:
        path = stack.enter_context(store.file(Remote(url, None, wanted.checksums)))
        return _members(native_name(url), path, inside, stack)
    remote = Remote(url, wanted.sha256, wanted.checksums)
    return [Found(native_name(url), lambda target: store.take(remote, target))]


def _members(origin: str, path: Path, inside: str, stack: ExitStack) -> list[Found]:
    members = stack.enter_context(matching(open_archive(path), inside))
    return [member_file(f"{origin}{NESTED}{name}", archive, member) for name, archive, member in members]


def _packer(folder: Path) -> Callable[[Path], object]:
    return lambda target: pack_folder(folder, target)


def pack_folder(folder: Path, target: Path) -> None:
    """Write the files below a folder to a tar file that says nothing of their owners and times."""
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as archive:
        for name, path in folder_files(folder):
            info = tarfile.TarInfo(name)
            info.size = path.stat().st_size
            with path.open("rb") as stream:
                archive.addfile(info, stream)


def _copier(path: Path) -> Callable[[Path], object]:
    return lambda target: shutil.copyfile(path, target)


def _digester(path: Path) -> Callable[[], str]:
    return lambda: sha256_file(path)


def cut_files(files: Sequence[Wanted], part: int, parts: int) -> list[Found]:
    """Return one part of each local multistream dump, if all files are dumps whose index lies beside them."""
    found = []
    if any(scheme(wanted.path) or NESTED in wanted.path for wanted in files):
        return []
    for wanted in files:
        for origin, path in local_paths(wanted.path):
            index = local_index(str(path))
            if index is None:
                return []
            found.append(Found(origin, _cutter(path, Path(index), part, parts)))
    return found


def _cutter(path: Path, index: Path, part: int, parts: int) -> Callable[[Path], object]:
    return lambda target: cut_streams(path, index, part, parts, target)


def check_digest(wanted: Wanted, found: Sequence[Found], where: str) -> None:
    """Raise UserError where nothing matches or the content is not the pinned one.

    The digest of a glob or folder is the SHA-256 of the lines `<sha256>  <path>` of its files, sorted by path. What must
    be downloaded first is checked then.
    """
    if not found:
        raise UserError(f"files: {wanted.path} matches nothing in {where}; mend the path or the version.")
    digests = {
        file.origin: file.digest()
        for file in sorted(found, key=lambda file: file.order)
        if wanted.sha256 and file.digest
    }
    if not digests:
        return
    listing = [(digests[file.origin], file.origin) for file in found]
    actual = listing_digest(listing) if is_glob(wanted.path) else listing[0][0]
    if actual != wanted.sha256:
        raise UserError(
            f"files: {wanted.path} in {where} has the SHA-256 {actual} instead of {wanted.sha256}; "
            "if the new content is meant, put its digest into the config."
        )
