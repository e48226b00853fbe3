"""Which layouts a run was trained at: `layouts.json` in the folder of its state, for the provenance of its result.

Bits hold for one sequence of layouts; from one layout to another losses stay within 1e-5 where nothing is dropped out.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from scripts.lib.canonical import readable_json
from scripts.lib.checkpoints import Checkpoint
from scripts.lib.publish import write_atomic
from scripts.pretraining.layout import Layout

log = logging.getLogger(__name__)
FILE = "layouts.json"


def note_layout(folder: Path, layout: Layout, found: Checkpoint | None) -> None:
    """Note in a folder that a run goes on at a layout from a checkpoint, or begins; say so where it changes."""
    own = asdict(layout)
    step = 0 if found is None else found.step
    before = [] if found is None else [entry for entry in read_layouts(found.path.parent) if entry["after"] < step]
    if found is not None and (changes := _changes(found.layout, own)):
        log.info(
            "the layout changed after step %d (%s): batches stay the same, and losses within 1e-5 where nothing is dropped out, "
            "but not bits",
            step,
            changes,
        )
    if not before or before[-1] != {"after": before[-1]["after"], **own}:
        before.append({"after": step, **own})
    write_atomic(folder / FILE, readable_json(before).encode("utf-8"))


def read_layouts(folder: Path) -> list[dict[str, Any]]:
    """Return the layouts in a folder in their order, each with the number of updates `after` which it began."""
    path = folder / FILE
    found: list[dict[str, Any]] = json.loads(path.read_text("utf-8")) if path.is_file() else []
    return found


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    changed = [name for name in after if before.get(name) != after[name]]
    return ", ".join(f"{name} {before.get(name)} to {after[name]}" for name in changed)
