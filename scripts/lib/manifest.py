"""Content manifests: what an artefact holds, in one small canonical JSON file beside it.

`<artefact>.json` names the files, their bytes and SHA-256, the accounting of records and a stage-specific summary. It is
what rules depend on; no clock, host or machine path stands in it. `<artefact>.provenance.json` beside it tells how the
artefact was made and is never an input of a stage.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.lib.canonical import canonical_json, sha256_file, sha256_text
from scripts.lib.errors import UserError

SCHEMA = 1
PROVENANCE = ".provenance.json"
CONTENT = "content"  # in a provenance, the digest of the manifest that was written with it
QUARANTINE = "quarantine"


def provenance_path(manifest: Path) -> Path:
    """Return the path of the provenance that belongs to a content manifest."""
    return manifest.with_name(manifest.name.removesuffix(".json") + PROVENANCE)


class Summary(dict[str, Any]):
    """What a manifest says beside its files. Raises UserError for a key that it lacks: then it is that of something else."""

    def __init__(self, manifest: Path, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self._manifest = manifest

    def __missing__(self, key: str) -> Any:
        raise UserError(
            f"{self._manifest} tells nothing of {key}, so it is that of something else; give the right one."
        )


@dataclass(frozen=True)
class Artefact:
    """A published artefact whose files were verified when it was opened."""

    manifest_path: Path
    manifest: Mapping[str, Any]
    digest: str

    @property
    def files(self) -> list[Path]:
        """All files of the artefact in the order of the manifest (sorted by name)."""
        return [self.manifest_path.parent / entry["name"] for entry in self.manifest["files"]]

    @property
    def summary(self) -> Summary:
        """The stage-specific part of the manifest."""
        return Summary(self.manifest_path, self.manifest["summary"])

    def path(self, name: str) -> Path:
        """Return the path of the file `name`, relative to the manifest. Raises UserError when it has no such file."""
        if any(entry["name"] == name for entry in self.manifest["files"]):
            return self.manifest_path.parent / name
        raise UserError(
            f"{self.manifest_path} lists no file {name}; give the right manifest, or remove this one and run again."
        )

    def folder(self, name: str) -> Path:
        """Return the path of a folder that holds files of the artefact."""
        if any(entry["name"].startswith(name + "/") for entry in self.manifest["files"]):
            return self.manifest_path.parent / name
        raise UserError(
            f"{self.manifest_path} lists no folder {name}; give the right manifest, or remove this one and run again."
        )


def load_manifest(path: Path) -> dict[str, Any]:
    """Read a content manifest; raises UserError for a missing, broken or foreign one."""
    try:
        manifest = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path} is missing; run the workflow again to make it.") from None
    except (json.JSONDecodeError, UnicodeDecodeError, IsADirectoryError):
        raise UserError(f"{path} is not a content manifest; give one, or remove it and run again.") from None
    if not isinstance(manifest, dict) or manifest.get("schema") != SCHEMA or "files" not in manifest:
        raise UserError(f"{path} is not a content manifest of a known schema; give one, or remove it and run again.")
    return manifest


def open_artefact(path: Path) -> Artefact:
    """Open an artefact by its manifest and verify the digest of every file.

    A file that is missing or wrong is moved aside together with the manifest, so that the next run makes it again, and
    UserError says so.
    """
    manifest = load_manifest(path)
    for entry in manifest["files"]:
        problem = damage(path.parent / entry["name"], entry)
        if problem:
            moved = set_aside(path, [path.parent / entry["name"]])
            raise UserError(
                f"{path.parent / entry['name']} {problem}; it was moved to {moved} with its manifest: run again to rebuild it."
            )
    return Artefact(path, manifest, sha256_file(path))


def content_digest(manifest: Mapping[str, Any]) -> str:
    """Return the digest of what a manifest says; of files whose bytes may vary the canonical digest stands for them."""
    files = [
        {name: value for name, value in entry.items() if "canonical" not in entry or name not in ("bytes", "sha256")}
        for entry in manifest["files"]
    ]
    return sha256_text(canonical_json({**manifest, "files": files}))


def altered(manifest: Mapping[str, Any], provenance: Mapping[str, Any]) -> bool:
    """Tell whether a manifest is another than the one that its provenance was written with; older ones do not say."""
    try:
        return CONTENT in provenance and provenance[CONTENT] != content_digest(manifest)
    except (KeyError, TypeError, AttributeError, ValueError):
        return True  # it has no files, or no values that a manifest may have


def damage(file: Path, entry: Mapping[str, Any]) -> str | None:
    """Return what is wrong with a file of a manifest, or None; size first, since that costs nothing."""
    if not file.is_file():
        return "is missing"
    if file.stat().st_size != entry["bytes"]:
        return f"has {file.stat().st_size} bytes where its manifest says {entry['bytes']}"
    if sha256_file(file) != entry["sha256"]:
        return "has another SHA-256 than its manifest says"
    return None


def results_root(manifest: Path) -> Path:
    """Return the folder that holds all results, as far as the manifest's path shows it (its first folder)."""
    for parent in manifest.parents:
        if parent.name == "results":
            return parent
    return manifest.parent


def set_aside(manifest: Path, files: list[Path]) -> Path:
    """Move files and their manifest into `results/quarantine/`, keep them as evidence, and return the folder."""
    root = results_root(manifest)
    label = os.path.relpath(manifest, root).replace("/", "+").removesuffix(".json")
    number = 1
    while (root / QUARANTINE / f"{label}.{number}").exists():
        number += 1
    target = root / QUARANTINE / f"{label}.{number}"
    target.mkdir(parents=True)
    for path in [manifest, provenance_path(manifest), *files]:
        if path.is_file():
            path.replace(target / path.name)
    return target


def check_accounting(accounting: Mapping[str, Any]) -> None:
    """Raise AssertionError unless in = kept + removed + quarantined, all of them counts, in every source and as their sum."""
    sources = accounting.get("sources", {})
    for name, account in sources.items():
        _check_account(account, f" of {name}")
    _check_account(accounting, "")
    if sources and _flat(accounting) != sum(map(_flat, sources.values()), Counter()):
        raise AssertionError(f"the sources are not the whole: {dict(accounting)}")


def _flat(account: Mapping[str, Any]) -> Counter[tuple[str, str]]:
    counts = Counter({("in", ""): account["in"], ("kept", ""): account["kept"]})
    for kind in ("removed", "quarantined"):
        counts.update({(kind, reason): count for reason, count in account[kind].items()})
    return +counts


def _check_account(account: Mapping[str, Any], whose: str) -> None:
    parts = [account["kept"], *account["removed"].values(), *account["quarantined"].values()]
    if any(count < 0 for count in parts) or account["in"] != sum(parts):
        raise AssertionError(f"records{whose} do not add up: {dict(account)}")
