"""Packages of the three registries: their clients, what these say when they fail, and the lock file that holds them."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest

from scripts.registry.config import complete_config, read_yaml
from scripts.registry.workflow import Registry
from tests.workflow.harness import ROOT

from .downloading import sha256
from .running import Extracted, run_extract, run_fetch
from .test_fetch import published, write_tar

# The clients, as far as they are used: each gives the archive beside it, or says what the real one says.
CLIENTS = {
    "apt-get": """
if [ "$*" != "download --quiet bees=1:2.0-1" ]; then
    echo "E: Version '9' for 'bees' was not found" >&2
    exit 100
fi
cp "$ARCHIVE" ./bees_1%3a2.0-1_all.deb
""",
    "dpkg-deb": """
[ "$1" = --fsys-tarfile ] || exit 2
cat "$2"
""",
    "npm": """
if [ "$*" != "pack --loglevel=error @wild/bees@2.0.0-1" ]; then
    echo "npm ERR! code E404" >&2
    echo "npm ERR! 404 Not Found - GET https://me:hush@registry.test/bees?token=hush" >&2
    echo "npm ERR! A complete log of this run can be found in: debug.log" >&2
    exit 1
fi
cp "$ARCHIVE" ./wild-bees-2.0.tgz
echo wild-bees-2.0.tgz
""",
}
DEBIAN = {"registry": "debian", "name": "bees", "version": "1:2.0-1"}
NPM = {"registry": "npm", "name": "@wild/bees", "version": "2.0.0-1"}
TEXT = b"Bees visit flowers.\n"


def install(root: Path, monkeypatch: pytest.MonkeyPatch, clients: dict[str, str], member: str) -> Path:
    """Put clients first on the PATH and give them an archive with one text; returns its path."""
    for name, script in clients.items():
        program = root / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\n{script}")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{root / 'bin'}:/usr/bin:/bin")
    archive = root / "archive"
    write_tar(archive, {member: TEXT, "usr/other": b""} if member.startswith("usr") else {member: TEXT})
    monkeypatch.setenv("ARCHIVE", str(archive))
    return archive


def origin_of(root: Path, package: dict[str, str], path: str, digest: str | None = None) -> dict[str, Any]:
    """What the workflow hands to the program for a source with this package."""
    source = {"kind": "text", "license": "CC0-1.0", "package": package, "files": [{"path": path, "sha256": digest}]}
    return Registry(complete_config({"sources": {"s": source}, "corpora": {"c": {"sources": ["s"]}}}, root)).origin(
        "sources", "s"
    )


@pytest.mark.parametrize(
    ("package", "member", "pinned"),
    [
        (DEBIAN, "usr/share/doc/bees.txt", "debian:bees==1:2.0-1 all"),
        (NPM, "package/doc/bees.txt", "npm:@wild/bees==2.0.0-1 tarball"),
    ],
)
@pytest.mark.parametrize("pattern", ["{}", "**/bees.*"])
def test_a_package_becomes_a_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: dict[str, str], member: str, pinned: str, pattern: str
) -> None:
    archive = install(tmp_path, monkeypatch, CLIENTS, member)
    code, raw = run_fetch(tmp_path, [], origin=origin_of(tmp_path, package, pattern.format(member)))
    assert code == 0
    assert published(raw) == {member.partition("/")[2]: TEXT}
    assert json.loads((tmp_path / "downloads.lock").read_text("utf-8")) == {pinned: sha256(archive.read_bytes())}
    code, documents = run_extract(raw, "text")
    assert code == 0
    assert [row["text"] for row in Extracted(documents).list] == [TEXT.decode().rstrip()]


@pytest.mark.parametrize(
    ("package", "clients", "sentence"),
    [
        ({**DEBIAN, "version": "9"}, {}, "bees 9 (debian deb) could not be downloaded (E: Version '9' for 'bees'"),
        ({**NPM, "version": "9"}, {}, "@wild/bees 9 (npm tarball) could not be downloaded (npm ERR! code E404);"),
        (DEBIAN, {"dpkg-deb": "echo 'dpkg-deb: error: not a Debian format archive' >&2; exit 2"}, "not a Debian format archive"),
        (DEBIAN, {"apt-get": "exit 0"}, "bees 1:2.0-1 (debian deb) gave 0 .deb files instead of one; check its version."),
        (NPM, {"npm": "touch a.tgz b.tgz"}, "@wild/bees 2.0.0-1 (npm tarball) gave 2 files instead of one;"),
        (NPM, {"npm": "echo nonsense > a.tgz"}, "a.tgz is no readable zip or tar file"),
        (NPM, {"npm": "exit 3"}, "could not be downloaded (exit status 3);"),
    ],
)  # fmt: skip
def test_a_client_that_fails_is_one_sentence_and_nothing_is_pinned(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    package: dict[str, str],
    clients: dict[str, str],
    sentence: str,
) -> None:
    install(tmp_path, monkeypatch, CLIENTS | clients, "a.txt")
    code, manifest = run_fetch(tmp_path, [], origin=origin_of(tmp_path, package, "*.txt"))
    said = capsys.readouterr().err
    assert code == 1
    assert not manifest.exists()
    assert said.startswith("error: ") and said.count("\n") == 1
    assert sentence in said
    assert "hush" not in said
    assert not (tmp_path / "downloads.lock").exists()


@pytest.mark.parametrize(("package", "client"), [(DEBIAN, "apt-get"), (NPM, "npm")])
def test_a_client_that_is_not_there_is_named(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    package: dict[str, str],
    client: str,
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run_fetch(tmp_path, [], origin=origin_of(tmp_path, package, "*.txt"))[0] == 1
    assert f"needs the program {client}; install" in capsys.readouterr().err


WHEEL = "bees-1.0-py3-none-any.whl"
PINNED = "pip:bees==1.0 py3-none-any"
PIP = {"registry": "pip", "name": "bees", "version": "1.0"}


def write_wheel(folder: Path, text: bytes) -> str:
    """Write a wheel that pip takes; returns its digest."""
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / WHEEL, "w") as wheel:
        for name, content in {
            "bees/a.txt": text,
            "bees-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: bees\nVersion: 1.0\n",
            "bees-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            "bees-1.0.dist-info/RECORD": b"",
        }.items():
            wheel.writestr(zipfile.ZipInfo(name), content)
    return sha256((folder / WHEEL).read_bytes())


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip looks into instead of a registry."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    return tmp_path / "index"


def locked(root: Path) -> dict[str, str]:
    found: dict[str, str] = json.loads((root / "downloads.lock").read_text("utf-8"))
    return found


def test_later_runs_get_the_archive_of_the_first(
    tmp_path: Path, index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    origin, cache = origin_of(tmp_path, PIP, "bees/a.txt"), tmp_path / "cache"
    first = write_wheel(index, b"first")
    assert run_fetch(tmp_path, [], origin=origin)[0] == 0
    assert locked(tmp_path) == {PINNED: first}

    shutil.rmtree(cache)
    other = write_wheel(index, b"other")
    assert run_fetch(tmp_path, [], origin=origin)[0] == 1
    assert capsys.readouterr().err == (
        f"error: {PINNED} has the SHA-256 {other} instead of {first} in downloads.lock; "
        "if the new content is meant, remove its line there.\n"
    )
    assert not list(cache.rglob(WHEEL))
    assert locked(tmp_path) == {PINNED: first}

    write_wheel(index, b"first")
    assert published(run_fetch(tmp_path, [], origin=origin)[1]) == {"bees/a.txt": b"first"}


def test_what_the_cache_holds_is_compared_too_and_replaced(
    tmp_path: Path, index: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    origin = origin_of(tmp_path, PIP, "bees/a.txt")
    write_wheel(index, b"first")
    assert run_fetch(tmp_path, [], origin=origin)[0] == 0
    other = write_wheel(index, b"other")
    (tmp_path / "downloads.lock").write_text(json.dumps({PINNED: other}))  # as another machine pinned it
    monkeypatch.setenv("GROUNDWORK_DOWNLOADS", json.dumps({"offline": True}))
    assert run_fetch(tmp_path, [], origin=origin)[0] == 1
    assert f"instead of {other}" in capsys.readouterr().err
    monkeypatch.delenv("GROUNDWORK_DOWNLOADS")
    assert published(run_fetch(tmp_path, [], origin=origin)[1]) == {"bees/a.txt": b"other"}


def test_files_with_digests_of_their_own_need_no_pin(tmp_path: Path, index: Path) -> None:
    write_wheel(index, b"first")
    origin = origin_of(tmp_path, PIP, "bees/a.txt", sha256(b"first"))
    assert run_fetch(tmp_path, [], origin=origin)[0] == 0
    assert not (tmp_path / "downloads.lock").exists()


@pytest.mark.parametrize(
    "config", [ROOT / "config.yaml", *sorted((ROOT / "presets").glob("*.yaml"))], ids=lambda path: path.stem
)
def test_what_we_ship_leaves_no_lock_file_behind(config: Path) -> None:
    read = read_yaml(config)
    things = [*read["sources"].values(), *read.get("tasks", {}).values()]
    files = [entry for thing in things if thing.get("package") for entry in thing["files"]]
    assert files
    assert all(entry.get("sha256") for entry in files)
