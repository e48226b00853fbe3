"""Digests of the user's own files, so that an edit is seen by content and a touch is not.

Snakemake compares large files by time only. The digest of a local file is a setting of its fetch job instead; it is computed
when the workflow is read and remembered with the size and times of the file, so that it is computed once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scripts.lib.canonical import sha256_file
from scripts.lib.errors import UserError
from scripts.lib.publish import stamp, write_atomic
from scripts.sources.local import listing_digest, local_files

MEMORY = Path(".snakemake") / "groundwork-digests.json"


def require_readable(path: Path) -> None:
    """Raise UserError for a file that cannot be read.

    Its digest is asked for while Snakemake plans, which puts a page of its own around any error, so this is asked before.
    """
    try:
        with path.open("rb") as stream:
            stream.read(1)
    except OSError as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: OSError) -> UserError:
    return UserError(f"{path} cannot be read ({error.strerror}); correct its permissions, or name another file.")


class LocalDigests:
    """Digests of local files below the working directory, remembered between runs."""

    def __init__(self) -> None:
        try:
            loaded = json.loads(MEMORY.read_text("utf-8"))
        except (OSError, ValueError):
            loaded = {}
        self._known: dict[str, Any] = loaded if isinstance(loaded, dict) else {}
        self._changed = False

    def of(self, path: Path) -> str:
        """Return the SHA-256 of a file, from memory when its size and times are the remembered ones.

        Raises UserError for a file that cannot be read.
        """
        now = stamp(path)
        known = self._known.get(str(path))
        if known is None or known[0] != now:
            try:
                known = [now, sha256_file(path)]
            except OSError as error:
                raise _unreadable(path, error) from None
            self._known[str(path)] = known
            self._changed = True
        return str(known[1])

    def save(self) -> None:
        """Remember what was computed."""
        if self._changed:
            MEMORY.parent.mkdir(exist_ok=True)
            write_atomic(MEMORY, json.dumps(self._known, sort_keys=True).encode("utf-8"))
            self._changed = False


def local_contents(origin: Mapping[str, Any], parts: int, digests: LocalDigests) -> list[str | None]:
    """Return one digest of the user's own files that each part depends on, or None for a source without any.

    The files are looked up once for all parts, since there may be very many of both.
    """
    files = local_files(origin)
    if files is None:
        return [None] * parts

    def content(part: int) -> str:
        return listing_digest([(digests.of(path), name) for name, path in files.of(part, parts)])

    found: list[str | None] = [content(0)] * parts if files.alike(parts) else [content(part) for part in range(parts)]
    digests.save()
    return found
