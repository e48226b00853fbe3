"""Run the two programs of the stage on files made in a test."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scripts.lib.documents import read_rows
from scripts.sources import extract, fetch

Package = Mapping[str, str] | None


def run_fetch(
    root: Path,
    files: Sequence[Mapping[str, Any]],
    part: int = 0,
    parts: int = 1,
    package: Package = None,
    content: str | None = None,
    origin: Mapping[str, Any] | None = None,
) -> tuple[int, Path]:
    """Fetch one part; returns the exit code and the manifest's path."""
    manifest = root / "results" / "sources" / "s" / "raw" / f"{part:04d}.json"
    origin = origin or {"package": package, "files": files}
    settings = {"origin": origin, "part": f"{part:04d}", "parts": parts, "content": content}
    arguments = ["--cache", str(root / "cache"), "--lock", str(root / "downloads.lock"), "--manifest", str(manifest)]
    return fetch.main([*arguments, "--settings", json.dumps(settings)]), manifest


def run_extract(
    raw: Path, kind: str, options: Mapping[str, Any] | None = None, budget: float = 1.0
) -> tuple[int, Path]:
    """Extract one part; returns the exit code and the manifest's path."""
    manifest = raw.parents[1] / "documents" / raw.name
    settings = {
        "source": "s",
        "kind": kind,
        "language": "en",
        "license": "declared",
        "options": options or {},
        "max_quarantined": budget,
    }
    return extract.main(["--raw", str(raw), "--manifest", str(manifest), "--settings", json.dumps(settings)]), manifest


class Extracted:
    """What came of a part: rows by key, accounting, quarantine."""

    def __init__(self, manifest: Path) -> None:
        self.manifest = json.loads(manifest.read_text("utf-8"))
        self.accounting: dict[str, Any] = self.manifest["accounting"]
        self.list = list(read_rows(manifest.with_suffix(".parquet")))
        self.rows = {row["id"].removeprefix("s:"): row for row in self.list}
        lines = manifest.with_suffix(".quarantine.jsonl").read_text("utf-8").splitlines()
        self.quarantine = [json.loads(line) for line in lines]


def documents_of(
    root: Path, name: str, content: bytes, kind: str, options: Mapping[str, Any] | None = None
) -> Extracted:
    """Bring a file with this content through both programs, whatever share of it is broken."""
    path = root / "input" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    code, raw = run_fetch(root, [{"path": str(path), "sha256": None}])
    assert code == 0
    code, manifest = run_extract(raw, kind, options)
    assert code == 0
    return Extracted(manifest)
