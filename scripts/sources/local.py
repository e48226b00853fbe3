"""The user's own files that a source names, without opening one: paths, globs, and what lies beside them.

This module is read when the workflow is planned, so it imports no client and no reader.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from scripts.lib.canonical import sha256_text
from scripts.lib.errors import UserError
from scripts.sources.addresses import NESTED, is_glob, native_name, scheme

# What the library `datasets` reads a file with, and how, by the suffix of its name before any of compression.
DATASET_BUILDERS: dict[str, tuple[str, dict[str, str]]] = {
    ".csv": ("csv", {}),
    ".tsv": ("csv", {"sep": "\t"}),
    ".json": ("json", {}),
    ".jsonl": ("json", {}),
    ".ndjson": ("json", {}),
    ".parquet": ("parquet", {}),
    ".arrow": ("arrow", {}),
    ".txt": ("text", {}),
}
COMPRESSED = (".gz", ".bz2", ".xz", ".zst")


@dataclass(frozen=True, slots=True)
class Wanted:
    """An entry of `files` in the config: a path, glob or address, its SHA-256 and its publisher's list of checksums."""

    path: str
    sha256: str | None = None
    checksums: str | None = None


def parse_files(entries: Sequence[str | Mapping[str, Any]]) -> list[Wanted]:
    """Return the entries of `files`; a plain string is a path without a digest."""
    wanted = []
    for entry in entries:
        values: Mapping[str, Any] = {"path": entry} if isinstance(entry, str) else entry
        wanted.append(Wanted(str(values["path"]), values.get("sha256"), values.get("checksums")))
    if not wanted:
        raise UserError("files is empty; name at least one path.")
    return wanted


def local_paths(pattern: str) -> list[tuple[str, Path]]:
    """Return native name and path of the local files that a path or glob stands for, sorted by path.

    A relative path keeps its name as written; an absolute one is named from its first folder with a wildcard (or by
    the file alone), so that no path of this machine gets into a document.
    """
    paths = sorted(glob.glob(pattern, recursive=True)) if is_glob(pattern) else [pattern]
    root = os.path.dirname(re.split(r"[*?\[]", pattern, maxsplit=1)[0]) if os.path.isabs(pattern) else ""  # noqa: PTH117, PTH120
    found = []
    for path in map(Path, paths):
        if path.is_file():
            origin = path.relative_to(root).as_posix() if root else PurePosixPath(path).as_posix()
            found.append((origin, path))
    return found


def local_folder(pattern: str) -> tuple[str, Path] | None:
    """Return native name and path of a folder that is one file of a source, packed as a tar (a paper's sources); or None."""
    path = Path(pattern)
    if is_glob(pattern) or not path.is_dir():
        return None
    return f"{path.name if path.is_absolute() else PurePosixPath(pattern).as_posix()}.tar", path


def folder_files(folder: Path) -> list[tuple[str, Path]]:
    """Return name and path of every file below a folder, sorted by name; links are not followed."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return sorted((path.relative_to(folder).as_posix(), path) for path in files)


@dataclass(frozen=True, slots=True)
class LocalFiles:
    """The user's own files of a source by native name: plain ones, sorted, and those that every part depends on.

    Addresses take their places among the plain files. Where one file is cut into parts, or all are joined, every part
    depends on all of them.
    """

    plain: list[tuple[str, Path | None]]
    shared: list[tuple[str, Path]]
    joined: bool = False

    def alike(self, parts: int) -> bool:
        """Tell whether all parts depend on the same files."""
        return self.joined or parts > len(self.plain)

    def of(self, part: int, parts: int) -> list[tuple[str, Path]]:
        """Return the files that a part depends on."""
        mine = self.plain if self.alike(parts) else self.plain[part::parts]
        return [(name, path) for name, path in mine if path is not None] + self.shared


def local_files(origin: Mapping[str, Any]) -> LocalFiles | None:
    """Return the user's own files of a source, looked up once; None for a package, a crawl, a dump."""
    if "dataset" in origin:
        listing = _dataset_listing(Path(origin["dataset"]["name"]))
        return None if listing is None else LocalFiles([], listing)
    if origin.get("package") is not None or "files" not in origin:
        return None
    plain: set[tuple[str, Path | None]] = set()
    archives: set[tuple[str, Path]] = set()
    for wanted in parse_files(origin["files"]):
        outer, nested, _ = wanted.path.partition(NESTED)
        if scheme(outer):
            if not nested:
                plain.add((native_name(outer), None))
        elif nested:
            archives.update(local_paths(outer))
        elif folder := local_folder(outer):
            plain.add((folder[0], None))
            archives.update((f"{folder[0]}/{name}", path) for name, path in folder_files(folder[1]))
        else:
            found = local_paths(outer)
            plain.update(found)
            indexes = ((name, local_index(str(path))) for name, path in found)
            archives.update((index_name(name), Path(index)) for name, index in indexes if index)
    return LocalFiles(sorted(plain, key=lambda file: file[0]), sorted(archives), "joined" in origin)


def local_listing(origin: Mapping[str, Any], part: int, parts: int) -> list[tuple[str, Path]] | None:
    """Return native name and path of the user's own files that a part depends on; None for a source that has no such files."""
    files = local_files(origin)
    return None if files is None else files.of(part, parts)


def dataset_builder(name: str) -> tuple[str, dict[str, str]]:
    """Return the builder of the library `datasets` for a local file and its options. Raises UserError where none is known."""
    suffixes = [suffix.lower() for suffix in Path(name).suffixes]
    while suffixes and suffixes[-1] in COMPRESSED:
        suffixes.pop()
    if not suffixes or suffixes[-1] not in DATASET_BUILDERS:
        raise UserError(
            f"dataset.name: {name} has none of the suffixes {', '.join(DATASET_BUILDERS)}; give it that of its form."
        )
    return DATASET_BUILDERS[suffixes[-1]]


def _dataset_listing(path: Path) -> list[tuple[str, Path]] | None:
    """Return the files of a local data set; None for one of the hub."""
    if not path.exists():
        return None
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    return [(file.relative_to(path.parent).as_posix(), file) for file in files]


def listing_digest(entries: Sequence[tuple[str, str]]) -> str:
    """Return the SHA-256 of the lines `<sha256>  <path>` of some files, in the order given."""
    return sha256_text("".join(f"{digest}  {origin}\n" for digest, origin in entries))


def index_name(name: str) -> str:
    """Return the name of the index of a multistream file."""
    return re.sub(r"multistream(\d*)\.xml", r"multistream-index\1.txt", name)


def local_index(path: str) -> str | None:
    """Return the path of the index that lies beside a local multistream file, or None."""
    index = PurePosixPath(path).with_name(index_name(PurePosixPath(path).name))
    return str(index) if str(index) != path and Path(index).is_file() else None
