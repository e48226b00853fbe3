"""Download into a cache of a test."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scripts.sources.limits import Limits
from scripts.sources.remote import Remote, Store

BODY = bytes(range(256)) * 5_000
HERE = frozenset(("127.0.0.1",))


def store(root: Path, **limits: Any) -> Store:
    return Store(root / "cache", root / "downloads.lock", Limits(**{"allow_hosts": HERE, **limits}))


def fetched(root: Path, remote: Remote, **limits: Any) -> bytes:
    with store(root, **limits).file(remote) as path:
        return path.read_bytes()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def origins(manifest: Path) -> Mapping[str, str]:
    return json.loads(manifest.read_text("utf-8"))["summary"]["origins"]  # type: ignore[no-any-return]
