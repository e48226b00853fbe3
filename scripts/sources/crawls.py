"""Files of a Common Crawl snapshot, drawn from its published list of paths by seed.

A file is drawn by the digest of its path, so that asking for more files keeps those that were there, and the number of
parts changes nothing.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scripts.lib.canonical import sha256_text
from scripts.lib.errors import UserError
from scripts.sources.addresses import scheme
from scripts.sources.found import Found, place, placed_file
from scripts.sources.remote import Remote, Store

LISTS = {"warc": "warc.paths.gz", "wet": "wet.paths.gz"}


def crawl_paths(crawl: Mapping[str, Any], store: Store) -> list[str]:
    """Return the paths of all files of a snapshot, as its list has them."""
    where = place(crawl["base"], f"crawl-data/{crawl['snapshot']}/{LISTS[crawl['form']]}")
    if scheme(where):
        with store.file(Remote(where)) as path:
            packed = path.read_bytes()
    else:
        try:
            packed = Path(where).read_bytes()
        except OSError as error:
            raise UserError(
                f"crawl.base: {where} cannot be read ({error.strerror}); correct base or snapshot."
            ) from None
    try:
        lines = gzip.decompress(packed).decode("utf-8").splitlines()
    except (OSError, EOFError, zlib.error, UnicodeDecodeError):
        raise UserError(f"{where} is no gzip file of paths; correct crawl.base or crawl.snapshot.") from None
    return [line.strip() for line in lines if line.strip()]


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
