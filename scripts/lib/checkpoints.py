"""Checkpoints of one recipe: whole or not there, digested; the last ones are kept, and more when asked.

A checkpoint is a folder `step-<updates done>/` with a `checkpoint.json` that names its files, their digests, the recipe
and the layout. It is written beside under a temporary name and renamed when everything is on the disk. This module
knows nothing of what the files hold.
"""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.lib.canonical import readable_json, sha256_file
from scripts.lib.manifest import damage
from scripts.lib.publish import fsync_path, write_atomic

log = logging.getLogger(__name__)
RECORD = "checkpoint.json"
Write = Callable[[Path], object]  # writes a part of a checkpoint into its folder


@dataclass(frozen=True)
class Keep:
    """Which checkpoints stay: the newest `last`, all multiples of `every` steps (0: none), of `period` the newest, and `steps`.

    The period is for a run that may go back to its newest regular checkpoint, whatever was saved since; the steps are
    those that something else starts from.
    """

    last: int = 2
    every: int = 0
    period: int = 0
    steps: tuple[int, ...] = ()

    def chosen(self, steps: Sequence[int]) -> set[int]:
        """Return which of the steps, ascending, stay."""
        regular = [step for step in steps if self.period and step % self.period == 0]
        every = [step for step in steps if self.every and step % self.every == 0]
        return {*steps[-self.last :], *regular[-1:], *every, *(step for step in steps if step in self.steps)}


@dataclass(frozen=True)
class Checkpoint:
    """A whole checkpoint: `step` updates are done."""

    path: Path
    step: int
    layout: Mapping[str, Any]


def pending_path(folder: Path, step: int) -> Path:
    """Return the folder in which the checkpoint of `step` is written before it gets its name."""
    return folder / f".step-{step:08d}"


def prepare(path: Path) -> None:
    """Make the pending folder, empty; earlier attempts are removed."""
    for leftover in sorted(path.parent.glob(".step-*")):
        shutil.rmtree(leftover)
    path.mkdir(parents=True)


def commit(path: Path, step: int, recipe: str, layout: Mapping[str, Any], keep: Keep | None = None) -> None:
    """Digest and flush what lies in the pending folder, give it its name, and remove those that need not be kept."""
    files = sorted(file for file in path.rglob("*") if file.is_file())
    entries = [
        {"name": file.relative_to(path).as_posix(), "bytes": file.stat().st_size, "sha256": sha256_file(file)}
        for file in files
    ]
    for file in sorted(path.rglob("*")):
        fsync_path(file)
    record = {"recipe": recipe, "step": step, "layout": dict(layout), "files": entries}
    write_atomic(path / RECORD, readable_json(record).encode("utf-8"))
    final = path.with_name(path.name.removeprefix("."))
    if final.exists():
        shutil.rmtree(final)
    path.replace(final)
    fsync_path(final.parent)
    found = {int(old.name.removeprefix("step-")): old for old in _named(final.parent)}
    # Higher ones are torn: they were passed over when this run began, and must not push a whole one out.
    stay = (keep or Keep()).chosen([number for number in found if number <= step])
    for old in (old for number, old in found.items() if number not in stay):
        shutil.rmtree(old)


def newest(folder: Path, recipe: str, multiple: int = 1, most: int | None = None) -> Checkpoint | None:
    """Return the newest whole checkpoint of the recipe; others are passed over, each with a line in the log.

    With `multiple` only those are looked at whose step is a multiple of it, with `most` those of at most so many steps.
    """
    for path in reversed(_named(folder)):
        number = int(path.name.removeprefix("step-"))
        if number % multiple or (most is not None and number > most):
            continue
        record, problem = _examine(path, recipe)
        if problem is None:
            return Checkpoint(path, record["step"], record["layout"])
        log.warning("passing over the checkpoint %s: %s", path.name, problem)
    return None


def _named(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("step-*") if re.fullmatch(r"step-\d{8}", path.name) and path.is_dir())


def _examine(path: Path, recipe: str) -> tuple[dict[str, Any], str | None]:
    """Return the record of a checkpoint and what is wrong with it, or None."""
    if not os.listdir(path):
        return {}, "it is empty"
    try:
        record = json.loads((path / RECORD).read_text("utf-8"))
        if record["recipe"] != recipe:
            return {}, "it belongs to another recipe"
        if f"step-{record['step']:08d}" != path.name:
            return {}, f"it holds step {record['step']}"
        problems = ((entry["name"], damage(path / entry["name"], entry)) for entry in record["files"])
        found = next((f"{name} {problem}" for name, problem in problems if problem), None)
        return record, found
    except (OSError, ValueError, TypeError, KeyError):
        return {}, f"its {RECORD} is missing or broken"
