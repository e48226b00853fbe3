from __future__ import annotations

import hashlib
import io
import json
import lzma
import random
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from scripts.lib.canonical import canonical_json, sha256_file
from scripts.lib.errors import UserError
from scripts.sources import archives
from scripts.sources.archives import clean_path, glob_pattern, open_archive
from scripts.sources.packages import RECORD, parse_package

from .downloading import origins
from .running import run_fetch

PACKAGE = {"registry": "pip", "name": "texts", "version": "1.0", "form": "sdist"}


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def write_tar(path: Path, members: dict[str, bytes], link: str | None = None) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        if link:
            info = tarfile.TarInfo(link)
            info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
            archive.addfile(info)


def cached_sdist(root: Path, members: dict[str, bytes]) -> None:
    """Put a package into the cache as a download leaves it, so that no registry is asked."""
    entry = root / "cache" / "packages" / "pip-texts-1.0-sdist"
    entry.mkdir(parents=True)
    archive = entry / "texts-1.0.tar.gz"
    write_tar(archive, {f"texts-1.0/{name}": data for name, data in members.items()})
    (entry / RECORD).write_text(canonical_json({archive.name: sha256_file(archive)}), "utf-8")


def published(manifest: Path) -> dict[str, bytes]:
    """Native name and content of what was fetched."""
    origins = json.loads(manifest.read_text("utf-8"))["summary"]["origins"]
    return {origin: (manifest.with_suffix("") / name).read_bytes() for name, origin in origins.items()}


@pytest.mark.parametrize("pattern", ["*/data/*.txt", "data/*.txt", "texts-1.0/data/*.txt"])
def test_members_of_an_sdist_are_found_with_and_without_its_folder(tmp_path: Path, pattern: str) -> None:
    cached_sdist(tmp_path, {"data/b.txt": b"bee", "data/a.txt": b"ay", "setup.py": b"raise SystemExit(1)"})
    code, manifest = run_fetch(tmp_path, [{"path": pattern, "sha256": None}], package=PACKAGE)
    assert code == 0
    assert published(manifest) == {"data/a.txt": b"ay", "data/b.txt": b"bee"}


def test_parts_divide_the_files_without_rest_or_overlap(tmp_path: Path) -> None:
    cached_sdist(tmp_path, {f"data/{number}.txt": str(number).encode() for number in range(7)})
    found = []
    for part in range(3):
        code, manifest = run_fetch(tmp_path, [{"path": "data/*.txt", "sha256": None}], part, 3, PACKAGE)
        assert code == 0
        found += sorted(published(manifest))
    assert sorted(found) == [f"data/{number}.txt" for number in range(7)]
    assert len(set(found)) == 7


def test_a_wrong_digest_stops_the_step_and_names_the_right_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cached_sdist(tmp_path, {"a.txt": b"ay"})
    code, manifest = run_fetch(tmp_path, [{"path": "a.txt", "sha256": "0" * 64}], package=PACKAGE)
    assert code == 1
    assert not manifest.exists()
    assert sha256(b"ay") in capsys.readouterr().err
    code, manifest = run_fetch(tmp_path, [{"path": "a.txt", "sha256": sha256(b"ay")}], package=PACKAGE)
    assert code == 0


def test_the_digest_of_a_pattern_is_that_of_its_listing(tmp_path: Path) -> None:
    cached_sdist(tmp_path, {"b.txt": b"bee", "a.txt": b"ay"})
    listing = f"{sha256(b'ay')}  a.txt\n{sha256(b'bee')}  b.txt\n".encode()
    assert run_fetch(tmp_path, [{"path": "*.txt", "sha256": sha256(listing)}], package=PACKAGE)[0] == 0
    assert run_fetch(tmp_path, [{"path": "*.txt", "sha256": sha256(b"ay")}], package=PACKAGE)[0] == 1


def test_local_files_keep_no_path_of_the_machine(tmp_path: Path) -> None:
    for name in ("in/x/one.txt", "in/y/two.txt"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(name)
    code, manifest = run_fetch(tmp_path, [{"path": f"{tmp_path}/in/*/*.txt", "sha256": None}])
    assert code == 0
    assert sorted(published(manifest)) == ["x/one.txt", "y/two.txt"]
    assert str(tmp_path) not in manifest.read_text("utf-8")


def test_a_file_that_two_entries_match_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cached_sdist(tmp_path, {"a.txt": b"ay"})
    assert run_fetch(tmp_path, [{"path": "*.txt"}, {"path": "a.*"}], package=PACKAGE)[0] == 1
    assert "a.txt is there twice" in capsys.readouterr().err


def test_a_pattern_without_a_match_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cached_sdist(tmp_path, {"a.txt": b"ay"})
    assert run_fetch(tmp_path, [{"path": "*.csv"}], package=PACKAGE)[0] == 1
    assert "*.csv matches nothing" in capsys.readouterr().err


def test_local_files_that_changed_after_planning_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"ay")
    files = [{"path": str(path), "sha256": None}]
    right = sha256(f"{sha256(b'ay')}  {run_and_name(tmp_path, files)}\n".encode())
    assert run_fetch(tmp_path, files, content=right)[0] == 0
    path.write_bytes(b"changed")
    assert run_fetch(tmp_path, files, content=right)[0] == 1


def run_and_name(root: Path, files: list[dict[str, str | None]]) -> str:
    """Return the native name of the only local file."""
    code, manifest = run_fetch(root, files)
    assert code == 0
    (name,) = published(manifest)
    return name


@pytest.mark.parametrize("package", [True, False])
def test_a_path_reaches_into_an_archive_in_an_archive(tmp_path: Path, package: bool) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("deep/table.csv", "a,b\n")
    if package:
        cached_sdist(tmp_path, {"data/inner.zip": inner.getvalue()})
        code, manifest = run_fetch(tmp_path, [{"path": "data/inner.zip!deep/*.csv"}], package=PACKAGE)
        expected = "data/inner.zip!deep/table.csv"
    else:
        (tmp_path / "inner.zip").write_bytes(inner.getvalue())
        code, manifest = run_fetch(tmp_path, [{"path": f"{tmp_path}/inner.zip!deep/*.csv"}])
        expected = "inner.zip!deep/table.csv"
    assert code == 0
    assert published(manifest) == {expected: b"a,b\n"}


def test_escaping_names_and_links_stay_inside(tmp_path: Path) -> None:
    path = tmp_path / "bad.tar.gz"
    write_tar(path, {"../../escape.txt": b"out", "/root.txt": b"abs", "good.txt": b"in"}, link="link.txt")
    names = [member.path for member in open_archive(path).members()]
    assert names == ["__/__/escape.txt", "good.txt", "root.txt"]
    code, manifest = run_fetch(tmp_path, [{"path": f"{path}!**"}])
    assert code == 0
    inside = manifest.with_suffix("").resolve()
    assert all(file.resolve().is_relative_to(inside) for file in inside.rglob("*"))
    assert not (tmp_path.parent / "escape.txt").exists()


def test_escaping_names_and_links_in_a_zip_file_stay_inside(tmp_path: Path) -> None:
    path = tmp_path / "bad.zip"
    link = zipfile.ZipInfo("link.txt")
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("../../escape.txt", "/root.txt", "..\\windows.txt", "good.txt"):
            archive.writestr(name, name)
        archive.writestr(link, "/etc/passwd")
    names = [member.path for member in open_archive(path).members()]
    assert names == ["__/__/escape.txt", "__/windows.txt", "good.txt", "root.txt"]
    code, manifest = run_fetch(tmp_path, [{"path": f"{path}!**"}])
    assert code == 0
    assert sorted(published(manifest)) == [f"bad.zip!{name}" for name in names]
    inside = manifest.with_suffix("").resolve()
    assert all(file.is_file() and not file.is_symlink() for file in inside.rglob("*") if not file.is_dir())
    assert all(file.resolve().is_relative_to(inside) for file in inside.rglob("*"))
    assert not list(tmp_path.parent.glob("escape.txt"))


def test_a_damaged_archive_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "cut.tar.gz"
    write_tar(path, {"a.txt": bytes(range(256)) * 500})
    path.write_bytes(path.read_bytes()[:200])
    assert run_fetch(tmp_path, [{"path": f"{path}!*.txt"}])[0] == 1
    assert "Traceback" not in capsys.readouterr().err


def test_a_damaged_tar_in_xz_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        info = tarfile.TarInfo("a.txt")
        info.size = 500_000
        archive.addfile(info, io.BytesIO(random.Random(1).randbytes(info.size)))
    content = bytearray(lzma.compress(plain.getvalue()))
    content[len(content) // 2 :] = bytes(len(content) - len(content) // 2)
    (tmp_path / "a.tar.xz").write_bytes(content)
    assert run_fetch(tmp_path, [{"path": f"{tmp_path}/a.tar.xz!*.txt"}])[0] == 1
    assert "fetch it again" in capsys.readouterr().err


@pytest.mark.parametrize("digest", [None, "0" * 64])
@pytest.mark.parametrize("packing", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_member_of_a_zip_file_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], packing: int, digest: str | None
) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", packing) as archive:
        archive.writestr("a.txt", "".join(map(str, range(50_000))))
    content = bytearray(path.read_bytes())
    content[60:3_000] = b"\xff" * 2_940
    path.write_bytes(content)
    assert run_fetch(tmp_path, [{"path": f"{path}!a.txt", "sha256": digest}])[0] == 1
    assert "a.txt cannot be read from its archive" in capsys.readouterr().err


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE])
def test_a_header_longer_than_any_name_is_not_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: bytes
) -> None:
    value = "x" * 1_000_000
    setting = f"1000015 path={value}\n".encode() if kind == tarfile.XHDTYPE else value.encode()
    long, short = tarfile.TarInfo("long"), tarfile.TarInfo("a.txt")
    long.type, long.size, short.size = kind, len(setting), 2
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("first.txt"))
        archive.addfile(long, io.BytesIO(setting))
        archive.addfile(short, io.BytesIO(b"ab"))
    assert run_fetch(tmp_path, [{"path": f"{tmp_path}/a.tar.gz!**"}])[0] == 1
    assert "a.tar.gz is no readable zip or tar file" in capsys.readouterr().err


def test_a_tar_of_too_many_members_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tar(tmp_path / "a.tar.gz", {"a.txt": b"a", "b.txt": b"b", "c.txt": b"c"})
    monkeypatch.setattr(archives, "MAX_MEMBERS", 2)
    assert run_fetch(tmp_path, [{"path": f"{tmp_path}/a.tar.gz!**"}])[0] == 1
    assert "more members than" in capsys.readouterr().err


def test_globs_stay_within_a_folder_unless_doubled() -> None:
    assert glob_pattern("a/*.txt").fullmatch("a/b.txt")
    assert not glob_pattern("a/*.txt").fullmatch("a/b/c.txt")
    assert glob_pattern("a/**/*.txt").fullmatch("a/b/c.txt")
    assert glob_pattern("a/**/*.txt").fullmatch("a/c.txt")
    assert glob_pattern("[ab](1).txt").fullmatch("a(1).txt")
    assert clean_path("./a//b/../c") == "a/b/__/c"


@pytest.mark.parametrize(
    ("registry", "name", "version"),
    [
        ("pip", "--index-url=x", "1"),
        ("pip", "https://x.test/bees", "1.tar.gz"),
        ("pip", "../bees", "1"),
        ("debian", "bees/sid", "1"),
        ("npm", "keeper/bees", "1"),
        ("npm", "bees", "npm:wasps"),
    ],
)
def test_what_the_client_would_take_for_something_else_is_no_package(registry: str, name: str, version: str) -> None:
    with pytest.raises(UserError, match=r"package\.(name|version) is .*; correct it"):
        parse_package({"registry": registry, "name": name, "version": version})


def test_names_and_versions_of_registries_are_packages() -> None:
    for registry, name, version in (
        ("pip", "zope.bees_2", "1!2.0+cpu"),
        ("debian", "lib++", "1:2~rc1"),
        ("npm", "@a/b", "1.0.0-x"),
    ):
        assert parse_package({"registry": registry, "name": name, "version": version}).name == name
    with pytest.raises(Exception, match="registry"):
        parse_package({**PACKAGE, "registry": "ftp"})


def test_a_bomb_in_an_archive_is_given_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (
        zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("a.txt", "w") as member,
    ):
        for _ in range(100):
            member.write(bytes(1_000_000))
    assert run_fetch(tmp_path, [{"path": f"{tmp_path}/bomb.zip!a.txt"}])[0] == 1
    assert "swells to more than" in capsys.readouterr().err


def test_no_package_is_downloaded_offline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GROUNDWORK_DOWNLOADS", json.dumps({"offline": True}))
    assert run_fetch(tmp_path, [{"path": "a.txt"}], package=PACKAGE)[0] == 1
    assert "texts 1.0 (pip sdist) is not in the download cache and downloads.offline is true" in capsys.readouterr().err
    cached_sdist(tmp_path, {"a.txt": b"ay"})
    assert run_fetch(tmp_path, [{"path": "a.txt"}], package=PACKAGE)[0] == 0


def test_the_digest_of_a_folder_is_checked(tmp_path: Path) -> None:
    (tmp_path / "paper").mkdir()
    (tmp_path / "paper" / "a.tex").write_bytes(b"ay")
    right = sha256(f"{sha256(b'ay')}  a.tex\n".encode())
    assert run_fetch(tmp_path, [{"path": f"{tmp_path}/paper", "sha256": right}])[0] == 0
    assert run_fetch(tmp_path, [{"path": f"{tmp_path}/paper", "sha256": "0" * 64}])[0] == 1


@pytest.mark.parametrize("leaf", ["colour", "package.colour"])
def test_a_setting_of_the_origin_that_nothing_uses_is_refused(tmp_path: Path, leaf: str) -> None:
    cached_sdist(tmp_path, {"a.txt": b"ay"})
    package = {**PACKAGE, "colour": "red"} if leaf.startswith("package") else PACKAGE
    origin = {"package": package, "files": [{"path": "a.txt", "sha256": None}]}
    if leaf == "colour":
        origin["colour"] = "red"
    with pytest.raises(AssertionError, match=f"never read: origin.{leaf}$"):
        run_fetch(tmp_path, [], origin=origin)


def test_members_are_read_in_the_order_in_which_a_packed_archive_holds_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tar(tmp_path / "texts.tar.gz", {name: b"x" for name in ("c.txt", "a.txt", "b.txt")})
    read: list[str] = []
    chunks = archives.member_chunks
    monkeypatch.setattr(
        archives, "member_chunks", lambda archive, member: read.append(member.path) or chunks(archive, member)
    )
    code, manifest = run_fetch(tmp_path, [{"path": f"{tmp_path}/texts.tar.gz!*.txt"}])
    assert code == 0
    assert read == ["c.txt", "a.txt", "b.txt"]
    assert list(origins(manifest).values()) == ["texts.tar.gz!a.txt", "texts.tar.gz!b.txt", "texts.tar.gz!c.txt"]
