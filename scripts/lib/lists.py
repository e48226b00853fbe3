"""Lists of the user's own (addresses, terms): a step knows them by their content, so that where they lie changes nothing.

The digest of a list is a setting of the steps that read it. Where the list with a digest lies stands in one file that planning
writes; steps look it up there and check what they read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from scripts.lib.canonical import sha256_file
from scripts.lib.errors import UserError
from scripts.lib.publish import write_atomic

INDEX = Path(".snakemake") / "groundwork-lists.json"


def remember(found: Mapping[str, Path], index: Path = INDEX) -> None:
    """Note where lists lie, by their digests; those of earlier plans stay as long as there are such files."""
    before = _known(index)
    now = {digest: path for digest, path in before.items() if Path(path).is_file()}
    now |= {digest: str(path) for digest, path in found.items()}
    if now != before:
        index.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(index, json.dumps(now, sort_keys=True).encode("utf-8"))


def located(digests: Sequence[str], index: Path = INDEX) -> list[Path]:
    """Return the files of these digests; raises UserError when one is not as it was when the run was planned."""
    known, found = _known(index), []
    for digest in digests:
        path = Path(known.get(digest, ""))
        if digest not in known:
            raise UserError(
                f"{index} does not say where the list with the digest {digest} lies; run the workflow again."
            )
        if not path.is_file() or sha256_file(path) != digest:
            raise UserError(f"The list {path} changed after this run was planned; run the workflow again.")
        found.append(path)
    return found


def _known(index: Path) -> dict[str, str]:
    try:
        loaded = json.loads(index.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return loaded if isinstance(loaded, dict) else {}
