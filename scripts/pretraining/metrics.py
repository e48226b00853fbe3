"""`metrics.jsonl`: one row per update and one per validation, the same bytes for the same run; no times.

Rows of a step: step (updates done), tokens, loss (nats per predicted token), lr, grad_norm (before clipping). Rows of a
validation: step and, under `validation`, per source loss, tokens and bits_per_byte; `averaged` names the average of
the weights that it is of. Those of causal models have a `sample`: a `prompt`, always the same, and the `text` that the model
puts behind it. A step whose update was left out has a `spike`: its z-score, and for a roll back the step `to` which the
weights went back.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scripts.lib.canonical import canonical_json
from scripts.lib.checkpoints import Write
from scripts.lib.events import EventFile

METRICS = "metrics.jsonl"
Row = Mapping[str, Any]


class Metrics:
    """The rows so far, in the checkpoint folder; a checkpoint carries those up to its step along. TensorBoard sees them too."""

    def __init__(self, folder: Path, writes: bool) -> None:
        self.path, self._writes = folder / METRICS, writes
        if writes:
            self.path.write_bytes(b"")
            self._events = EventFile(folder)

    def add(self, row: Row) -> None:
        """Append a row (on the rank that writes)."""
        if self._writes:
            with self.path.open("a", encoding="utf-8") as stream:
                stream.write(canonical_json(row) + "\n")
            self.observe(row["step"], scalars(row))

    def observe(self, step: int, values: Mapping[str, float]) -> None:
        """Note numbers that are no result, such as speeds, for TensorBoard alone (on the rank that writes)."""
        if self._writes:
            self._events.add(step, values)

    def snapshot(self) -> Write:
        """Return what writes the rows so far into a checkpoint."""
        rows = self.path.read_bytes()
        return lambda checkpoint: (checkpoint / METRICS).write_bytes(rows)

    def restore(self, checkpoint: Path) -> list[Row]:
        """Go back to the rows of a checkpoint and return them; spikes that were noted since stay noted."""
        rows = read_rows(checkpoint / METRICS)
        if self._writes:
            since = rows[-1]["step"] if rows else 0
            spikes = [row for row in read_rows(self.path) if "spike" in row and row["step"] > since]
            shutil.copyfile(checkpoint / METRICS, self.path)
            for row in spikes:
                self.add(row)
        return rows


def read_rows(path: Path) -> list[Row]:
    """Return the rows of a file of metrics."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def scalars(row: Row) -> dict[str, float]:
    """Return the numbers of a row by tag: those of validations as `validation/SOURCE/loss`, or `averaged/SOURCE/loss`."""
    found = {key: row[key] for key in ("loss", "lr", "grad_norm") if key in row}
    if "spike" in row:
        found["spike"] = row["spike"]["z"]
    of = "averaged" if "averaged" in row else "validation"
    for source, values in row.get("validation", {}).items():
        found |= {f"{of}/{source}/{key}": value for key, value in values.items() if key != "tokens"}
    return found
