"""Files of a Common Crawl snapshot, drawn from its published list of paths by seed.

A file is drawn by the digest of its path, so that asking for more files keeps those that were there, and the number of
parts changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scripts.lib.canonical import sha256_text
from scripts.lib.errors import UserError
from scripts.sources.addresses import scheme
from scripts.sources.found import Found, place, placed_file
from scripts.sources.remote import MAX_LIST_BYTES, Remote, Store
from scripts.sources.streams import BrokenStream, compression, read_whole

LISTS = {"warc": "warc.paths.gz", "wet": "wet.paths.gz"}


def crawl_paths(crawl: Mapping[str, Any], store: Store) -> list[str]:
    """Return the paths of all files of a snapshot, as its list has them. Raises UserError for one that leads elsewhere."""
    where = place(crawl["base"], f"crawl-data/{crawl['snapshot']}/{LISTS[crawl['form']]}")
    try:
        if scheme(where):
            with store.file(Remote(where)) as path:
                listed = _unpacked(path)
        else:
            listed = _unpacked(Path(where))
    except OSError as error:
        raise UserError(f"crawl.base: {where} cannot be read ({error.strerror}); correct base or snapshot.") from None
    except (BrokenStream, UnicodeDecodeError):
        raise UserError(f"{where} is no gzip file of paths; correct crawl.base or crawl.snapshot.") from None
    paths = [line.strip() for line in listed.splitlines() if line.strip()]
    if strange := next((path for path in paths if not _is_below(path)), None):
        raise UserError(f"{where} names {strange[:200]!r}, which is no path below it; correct crawl.base.")
    return paths


def _unpacked(path: Path) -> str:
    if compression(path) != "gzip":
        raise BrokenStream("no_gzip", 0)
    return read_whole(path, MAX_LIST_BYTES).decode("utf-8")


def _is_below(path: str) -> bool:
    """Tell whether a path leads to what is below the folder that it is put to."""
    return not (path.startswith("/") or scheme(path) or ".." in path.split("/"))


def drawn(paths: Sequence[str], seed: int, files: int | None, share: float | None) -> list[str]:
    """Return the paths that are drawn, sorted: `files` of them, or the `share` of all. Raises UserError."""
    wanted = files if files is not None else max(1, round((share or 1.0) * len(paths)))
    if wanted > len(paths):
        raise UserError(f"crawl.files is {wanted}, but the snapshot has {len(paths)} files; lower it.")
    return sorted(sorted(paths, key=lambda path: sha256_text(f"{seed} {path}"))[:wanted])


def crawl_files(crawl: Mapping[str, Any], seed: int, store: Store) -> list[Found]:
    """Return the drawn files of a snapshot, sorted by path. Nothing but the list of paths is read yet."""
    paths = drawn(crawl_paths(crawl, store), seed, crawl["files"], crawl["share"])
    return [placed_file(path, place(crawl["base"], path), store) for path in paths]
