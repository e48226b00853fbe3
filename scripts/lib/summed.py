"""Files that a process keeps for others to save them time: whole or as if they were not there, and never needed."""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

SUM = hashlib.sha256().digest_size  # bytes before the content


def read_summed(path: Path) -> bytes | None:
    """Return the content that `write_summed` kept; None where there is none, or its sum is wrong."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    return data[SUM:] if data[:SUM] == _sum(data[SUM:]) else None


def write_summed(path: Path, content: bytes) -> None:
    """Keep the content, in a folder that is made if need be; where nothing can be written, nothing is."""
    passing = path.with_name(f"{path.name}.tmp.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        passing.write_bytes(_sum(content) + content)
        passing.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            passing.unlink()


def _sum(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()
