"""What Snakemake cannot see before it plans: damaged data, results without records, results on missing ground.

Snakemake compares small files by content and large ones by time, and asks for no intermediate that nothing needs. So
before it plans, every artefact under `results/` is looked at: its files by size and by the times that were recorded when
they were published, and by digest only where these differ. What is damaged is moved aside and gets rebuilt, and what rests
on an artefact that is gone loses its manifest, so that no target is built upon it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scripts.lib.errors import UserError
from scripts.lib.manifest import PROVENANCE, QUARANTINE, altered, damage, load_manifest, provenance_path, set_aside
from scripts.lib.publish import read_stamps, stamp, write_stamps

UNLISTED = {"checkpoints", QUARANTINE, "logs", "benchmarks", "cache"}


@dataclass
class Findings:
    """What a look at the results found; paths of manifests."""

    unrecorded: list[Path] = field(default_factory=list)
    orphaned: list[Path] = field(default_factory=list)
    damaged: dict[Path, tuple[Path, str]] = field(default_factory=dict)
    groundless: list[Path] = field(default_factory=list)
    restamp: dict[Path, dict[str, list[int]]] = field(default_factory=dict)


def artefacts(results: Path) -> Iterator[Path]:
    """Yield the manifests of all artefacts under `results`, published or lost (known by their provenance), sorted."""
    for folder, names, files in os.walk(results):
        names[:] = sorted(name for name in names if name not in UNLISTED and not name.startswith("."))
        for name in sorted(files):
            if name.endswith(PROVENANCE):
                yield Path(folder, name.removesuffix(PROVENANCE) + ".json")


def examine(results: Path, recorded: Callable[[Path], bool]) -> Findings:
    """Look at every artefact; nothing is changed. `recorded` tells whether Snakemake knows who made a file.

    A result without a record that was never copied (its times are those of its publication), beside others that have
    theirs, is an orphan's: its program outlived a Snakemake that was killed before it could note that the job had begun.
    """
    findings = Findings()
    grounds: dict[Path, list[Path]] = {}
    any_record = False
    for manifest in artefacts(results):
        provenance = _provenance(manifest)
        grounds[manifest] = _inputs(manifest, provenance)
        if not manifest.is_file():
            continue
        if not recorded(manifest):
            (findings.orphaned if _published_here(manifest) else findings.unrecorded).append(manifest)
            continue
        any_record = True
        _examine_files(manifest, provenance, findings)
    if not any_record:
        findings.unrecorded = sorted(findings.unrecorded + findings.orphaned)
        findings.orphaned = []
    gone = (
        set(findings.orphaned)
        | {path for inputs in grounds.values() for path in inputs if not path.is_file()}
        | set(findings.damaged)
    )
    gone |= {manifest for manifest in grounds if not manifest.is_file()}
    grown = True
    while grown:
        lost = {manifest for manifest, inputs in grounds.items() if gone & set(inputs)} - gone
        findings.groundless += sorted(lost)
        gone |= lost
        grown = bool(lost)
    return findings


def _provenance(manifest: Path) -> dict[str, Any]:
    """Return the provenance of an artefact; empty when it cannot be read."""
    try:
        provenance = json.loads(provenance_path(manifest).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return provenance if isinstance(provenance, dict) else {}


def _inputs(manifest: Path, provenance: dict[str, Any]) -> list[Path]:
    try:
        entries = [entry for role in provenance["inputs"].values() for entry in role]
        return [Path(os.path.normpath(manifest.parent / entry["manifest"])) for entry in entries]
    except (KeyError, TypeError, AttributeError):
        return [provenance_path(manifest).with_suffix(".unreadable")]  # a record that says nothing vouches for nothing


def _published_here(manifest: Path) -> bool:
    try:
        entries: list[dict[str, Any]] = load_manifest(manifest)["files"]
    except UserError:
        return False
    stamps = read_stamps(manifest)
    return bool(stamps) and all(
        stamps.get(entry["name"]) == stamp(manifest.parent / entry["name"]) for entry in entries
    )


def _examine_files(manifest: Path, provenance: dict[str, Any], findings: Findings) -> None:
    try:
        loaded = load_manifest(manifest)
    except UserError as error:
        findings.damaged[manifest] = (manifest, str(error))
        return
    if altered(loaded, provenance):
        findings.damaged[manifest] = (manifest, "is not as it was published")
        return
    entries: list[dict[str, Any]] = loaded["files"]
    stamps = read_stamps(manifest)
    fresh = {}
    for entry in entries:
        file = manifest.parent / entry["name"]
        now = stamp(file)
        if now is not None and now == stamps.get(entry["name"]) and now[0] == entry["bytes"]:
            continue
        problem = damage(file, entry)
        if problem:
            findings.damaged[manifest] = (file, problem)
            return
        fresh[entry["name"]] = stamp(file) or []
    if fresh:
        findings.restamp[manifest] = {**stamps, **fresh}


def refuse_unrecorded(findings: Findings) -> None:
    """Raise UserError where there are results that no run recorded: nobody knows what they were made from."""
    if findings.unrecorded:
        first, count = findings.unrecorded[0], len(findings.unrecorded)
        raise UserError(
            f"{count} results have no record of how they were made (first: {first}), as after a copy without .snakemake; "
            "run `make adopt` to verify and take over those that are right, or remove them."
        )


def repair(findings: Findings) -> list[str]:
    """Move damaged artefacts aside, take the manifests from groundless ones, and say so, a line each."""
    notices = []
    for manifest, stamps in sorted(findings.restamp.items()):
        write_stamps(manifest, stamps)
    for manifest, (file, problem) in sorted(findings.damaged.items()):
        target = set_aside(manifest, [file])
        notices.append(f"{file} {problem}: moved to {target} and will be made again.")
    for manifest in findings.orphaned + findings.groundless:
        manifest.unlink(missing_ok=True)
    if findings.orphaned:
        notices.append(
            f"{len(findings.orphaned)} results were finished by programs that outlived their run "
            f"(first: {findings.orphaned[0]}) and will be made again."
        )
    if findings.groundless:
        notices.append(
            f"{len(findings.groundless)} results rest on results that are gone and will be checked or made again."
        )
    return notices
