"""`metrics.jsonl`: one row per update and one per validation, the same bytes for the same run; no times.

Rows of a step: step (updates done), tokens, loss (nats per predicted token), lr, grad_norm (before clipping). Rows of a
validation: step and, under `validation`, per source loss, tokens and bits_per_byte.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scripts.lib.canonical import canonical_json

METRICS = "metrics.jsonl"


class Metrics:
    """The rows so far, in the checkpoint folder; a checkpoint carries those up to its step along."""

    def __init__(self, folder: Path, writes: bool) -> None:
        self.path, self._writes = folder / METRICS, writes
        if writes:
            self.path.write_bytes(b"")

    def add(self, row: Mapping[str, Any]) -> None:
        """Append a row (on the rank that writes)."""
        if self._writes:
            with self.path.open("a", encoding="utf-8") as stream:
                stream.write(canonical_json(row) + "\n")

    def save(self, checkpoint: Path) -> None:
        """Copy the rows into a checkpoint."""
        shutil.copyfile(self.path, checkpoint / METRICS)

    def restore(self, checkpoint: Path) -> None:
        """Go back to the rows of a checkpoint."""
        if self._writes:
            shutil.copyfile(checkpoint / METRICS, self.path)
