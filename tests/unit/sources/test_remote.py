from __future__ import annotations

import hashlib
import io
import json
import resource
import zipfile
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from scripts.lib.errors import UserError
from scripts.sources import limits, remote
from scripts.sources.addresses import native_name
from scripts.sources.remote import Remote, checksums, listed_digest

from .downloading import BODY, fetched, origins, sha256, store
from .running import run_fetch
from .server import Answer, Request, ranged, serving
from .test_download_times import Clock


def test_a_file_is_downloaded_once_and_remembered(tmp_path: Path) -> None:
    with serving(lambda _: Answer(BODY)) as server:
        assert fetched(tmp_path, Remote(server.url())) == BODY
        assert fetched(tmp_path, Remote(server.url())) == BODY
        assert len(server.requests) == 1
    assert json.loads((tmp_path / "downloads.lock").read_text("utf-8")) == {server.url(): sha256(BODY)}


def test_one_file_may_be_named_twice_and_by_two_jobs_at_once(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a/1.txt", "one")
        archive.writestr("b/2.txt", "two")
    with serving(lambda _: Answer(buffer.getvalue())) as server:
        one, two = Remote(server.url("/one.zip")), Remote(server.url("/two.zip"))
        first, second = store(tmp_path), store(tmp_path)
        with first.file(one) as a, second.file(two) as b, first.file(two), second.file(one), first.file(one) as c:
            assert a.read_bytes() == b.read_bytes() == c.read_bytes()
            first.take(one, tmp_path / "taken")
            first.release()
            assert c.is_file()
        second.take(one, tmp_path / "again")
        assert (tmp_path / "again").read_bytes() == buffer.getvalue()


def test_content_that_is_refused_is_not_kept(tmp_path: Path) -> None:
    bodies = [b"good", b"captive portal", b"good"]
    with serving(lambda _: Answer(bodies.pop())) as server:
        held = store(tmp_path)
        held.take(Remote(server.url()), tmp_path / "first")
        held.release()
        with pytest.raises(UserError, match="instead of"):
            fetched(tmp_path, Remote(server.url()))
        assert fetched(tmp_path, Remote(server.url())) == b"good"


def test_offline_uses_what_is_there_and_nothing_else(tmp_path: Path) -> None:
    with serving(lambda _: Answer(BODY)) as server:
        fetched(tmp_path, Remote(server.url("/a")))
        assert fetched(tmp_path, Remote(server.url("/a")), offline=True) == BODY
        with pytest.raises(UserError, match=r"downloads\.offline"):
            fetched(tmp_path, Remote(server.url("/b")), offline=True)
        assert len(server.requests) == 1


def test_a_digest_that_is_not_the_pinned_one_is_refused(tmp_path: Path) -> None:
    with serving(lambda _: Answer(BODY)) as server:
        with pytest.raises(UserError, match=sha256(BODY)):
            fetched(tmp_path, Remote(server.url(), "0" * 64))
        assert fetched(tmp_path, Remote(server.url(), sha256(BODY))) == BODY


def test_what_changed_on_the_server_is_refused(tmp_path: Path) -> None:
    bodies = [b"new", b"old"]
    with serving(lambda _: Answer(bodies.pop())) as server:
        held = store(tmp_path)
        held.take(Remote(server.url()), tmp_path / "old")
        held.release()
        with pytest.raises(UserError, match=r"downloads\.lock.*remove its line"):
            fetched(tmp_path, Remote(server.url()))


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256", "sha512"])
@pytest.mark.parametrize("form", ["{digest}  file.bin\n", "{digest} *./deep/file.bin\n", "SHA (file.bin) = {digest}\n"])
def test_the_publishers_checksums_are_compared(tmp_path: Path, algorithm: str, form: str) -> None:
    listed = {"/right": BODY, "/wrong": b"other"}

    def answer(request: Request) -> Answer:
        if request.path not in listed:
            return Answer(BODY)
        return Answer(form.format(digest=hashlib.new(algorithm, listed[request.path]).hexdigest()).encode())

    with serving(answer) as server:
        assert fetched(tmp_path, Remote(server.url(), None, server.url("/right"))) == BODY
        with pytest.raises(UserError, match="instead of"):
            fetched(tmp_path, Remote(server.url("/x/file.bin"), None, server.url("/wrong")))
    assert checksums("# nothing\n") == {}


def test_a_checksum_is_that_of_the_path_and_not_of_another_file_of_its_name() -> None:
    a, b, c = (letter * 64 for letter in "abc")
    listed = checksums(f"{a}  ./one/x.gz\n{b}  two/x.gz\n{c} *x.gz\nSHA256 (two/y.gz) = {b}\n{a}  1/z\n{b}  2/z\n")
    wanted = {"/d/one/x.gz": a, "/d/two/x.gz": b, "/d/x.gz": c, "/x.gz": c, "/d/y.gz": b, "/two/y.gz": b}
    assert {path: listed_digest(listed, path) for path in wanted} == wanted
    assert [listed_digest(listed, path) for path in ("/3/z", "/x", "/d/xx.gz", "/", "")] == [None] * 5
    assert listed_digest(listed, "/2/z") == b


def test_a_damaged_entry_of_the_cache_is_downloaded_again(tmp_path: Path) -> None:
    with serving(lambda _: Answer(BODY)) as server:
        fetched(tmp_path, Remote(server.url()))
        (cached,) = (tmp_path / "cache").glob("*-file.bin")
        cached.write_bytes(BODY[:-1] + b"!")
        assert fetched(tmp_path, Remote(server.url())) == BODY
        assert len(server.requests) == 2


def test_object_stores_are_opened_by_fsspec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Objects(MemoryFileSystem):
        protocol = "s3"
        store: dict[str, Any] = {}

        @classmethod
        def _strip_protocol(cls, path: str) -> str:
            return "/" + path.removeprefix("s3://").strip("/")

    fsspec.register_implementation("s3", Objects, clobber=True)
    Objects().pipe("/bucket/a.bin", BODY)
    assert fetched(tmp_path, Remote("s3://bucket/a.bin")) == BODY
    with pytest.raises(UserError, match="cannot be read"):
        fetched(tmp_path, Remote("s3://bucket/none"))
    with pytest.raises(UserError, match="no address that is opened here"):
        fetched(tmp_path, Remote("memory://a"))


def test_an_object_store_is_held_to_time_and_rate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(MemoryFileSystem):
        protocol = "s3"
        store: dict[str, Any] = {}

    fsspec.register_implementation("s3", Slow, clobber=True)
    Slow().pipe("s3://bucket/a.bin", BODY)
    clock = Clock(0.0)
    for module in (limits, remote):
        monkeypatch.setattr(module, "time", clock)
    assert fetched(tmp_path, Remote("s3://bucket/a.bin"), bytes_per_second=len(BODY) / 2.5) == BODY
    assert clock.now == pytest.approx(2.5)
    with pytest.raises(UserError, match="takes longer than"):
        fetched(tmp_path / "b", Remote("s3://bucket/a.bin"), bytes_per_second=1, max_seconds=9)


def test_a_client_of_an_object_store_that_fails_is_one_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    class Refused(Exception):
        """Clients have exceptions of their own, which derive from nothing that is known here."""

    class Broken(MemoryFileSystem):
        protocol = "gs"

        def _open(self, path: str, *_: Any, **__: Any) -> Any:
            class Stream(io.BytesIO):
                def read(self, size: int | None = -1, /) -> bytes:
                    if self.tell():
                        raise Refused("connection reset by peer")
                    return super().read(size)

            return Stream(BODY)

    fsspec.register_implementation("gs", Broken, clobber=True)
    with pytest.raises(UserError, match=r"gs://bucket/a\.bin cannot be read \(connection reset by peer\); check"):
        fetched(tmp_path, Remote("gs://bucket/a.bin"))
    assert not list((tmp_path / "cache").glob("*-a.bin"))
    assert not (tmp_path / "downloads.lock").exists()


def test_a_file_that_cannot_be_written_is_one_sentence_and_the_next_run_goes_on(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with serving(ranged(BODY)) as server:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))  # what a full disk does to a write
        try:
            with pytest.raises(UserError, match=r"cannot be written \(.*\); make room and run again"):
                fetched(tmp_path, Remote(server.url()))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert not (tmp_path / "downloads.lock").exists()
        assert fetched(tmp_path, Remote(server.url())) == BODY


def test_addresses_and_paths_mix_and_leave_no_second_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROUNDWORK_DOWNLOADS", json.dumps({"allow_hosts": ["127.0.0.1"]}))
    (tmp_path / "local.txt").write_text("local")
    with serving(lambda request: Answer(request.path.encode())) as server:
        files = [{"path": server.url("/b.txt")}, {"path": str(tmp_path / "local.txt")}, {"path": server.url("/a.txt")}]
        found: dict[str, bytes] = {}
        for part in range(2):
            code, manifest = run_fetch(tmp_path, files, part, 2)
            assert code == 0
            found |= {
                origin: (manifest.with_suffix("") / name).read_bytes() for name, origin in origins(manifest).items()
            }
        assert len(server.requests) == 2
    host = f"127.0.0.1:{server.port}"
    assert found == {f"{host}/a.txt": b"/a.txt", f"{host}/b.txt": b"/b.txt", "local.txt": b"local"}
    assert [path.name for path in (tmp_path / "cache" / "downloads").glob("*.txt")] == []
    assert native_name("https://x.test/a%20b?q=1") == "x.test/a b?q=1"
