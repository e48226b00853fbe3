from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from scripts.lib.errors import UserError
from scripts.sources import downloads
from scripts.sources.addresses import check_scheme, native_name
from scripts.sources.downloads import Limits
from scripts.sources.guard import ForbiddenAddress, check_literal, guarded_pools
from scripts.sources.remote import Remote, Store, checksums

from .running import run_fetch
from .server import Answer, Request, ranged, serving

BODY = bytes(range(256)) * 5_000
HERE = frozenset(("127.0.0.1",))


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """Waits are recorded and not waited for."""
    waits: list[float] = []
    monkeypatch.setattr(downloads.time, "sleep", waits.append)
    yield waits


@pytest.fixture(autouse=True)
def without_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def store(root: Path, **limits: Any) -> Store:
    return Store(root / "cache", root / "downloads.lock", Limits(**{"allow_hosts": HERE, **limits}))


def fetched(root: Path, remote: Remote, **limits: Any) -> bytes:
    with store(root, **limits).file(remote) as path:
        return path.read_bytes()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_a_file_is_downloaded_once_and_remembered(tmp_path: Path) -> None:
    with serving(lambda _: Answer(BODY)) as server:
        assert fetched(tmp_path, Remote(server.url())) == BODY
        assert fetched(tmp_path, Remote(server.url())) == BODY
        assert len(server.requests) == 1
    assert json.loads((tmp_path / "downloads.lock").read_text("utf-8")) == {server.url(): sha256(BODY)}


def test_an_interrupted_download_goes_on(tmp_path: Path, slept: list[float]) -> None:
    with serving(ranged(BODY, cut=700_000)) as server:
        assert fetched(tmp_path, Remote(server.url())) == BODY
    first, second = server.requests
    assert "range" not in first.headers
    assert 0 < int(second.headers["range"].removeprefix("bytes=").removesuffix("-")) <= 700_000
    assert second.headers["if-range"] == '"one"'


def test_a_killed_download_goes_on_in_the_next_run(tmp_path: Path, slept: list[float]) -> None:
    with serving(ranged(BODY, cut=700_000)) as server:
        url = server.url()
        partial = next((tmp_path / "cache").glob("*.partial"), None)
        assert partial is None
        with pytest.raises(UserError, match="run again"):
            fetched(tmp_path, Remote(url), max_seconds=0.0)
        assert fetched(tmp_path, Remote(url)) == BODY
    assert "range" in server.requests[-1].headers


@pytest.mark.parametrize(
    "kind", ["ignores the range", "changed", "other offset", "other length", "other tag", "no range"]
)
def test_pieces_of_different_files_are_never_joined(tmp_path: Path, slept: list[float], kind: str) -> None:
    other = b"x" * len(BODY)
    count = 0

    def answer(request: Request) -> Answer:
        nonlocal count
        count += 1
        if count == 1:
            return Answer(BODY, 200, {"ETag": '"one"'}, 500_000)
        if "range" not in request.headers:
            return Answer(other, 200, {"ETag": '"two"'})
        start = int(request.headers["range"].removeprefix("bytes=").removesuffix("-"))
        size = len(other)
        headers = {"ETag": '"one"', "Content-Range": f"bytes {start}-{size - 1}/{size}"}
        if kind in ("ignores the range", "changed"):
            return Answer(other, 200, {"ETag": '"two"' if kind == "changed" else '"one"'})
        if kind == "other offset":
            headers["Content-Range"] = f"bytes {start + 7}-{size - 1}/{size}"
        elif kind == "other length":
            headers["Content-Range"] = f"bytes {start}-{size}/{size + 1}"
        elif kind == "other tag":
            headers["ETag"] = '"two"'
        else:
            del headers["Content-Range"]
        return Answer(other[start:], 206, headers)

    with serving(answer) as server:
        assert fetched(tmp_path, Remote(server.url())) == other


def test_without_a_strong_validator_it_starts_again(tmp_path: Path, slept: list[float]) -> None:
    cuts: list[int | None] = [600_000]
    weak = {"ETag": 'W/"weak"'}
    with serving(lambda _: Answer(BODY, 200, weak, cuts.pop() if cuts else None)) as server:
        assert fetched(tmp_path, Remote(server.url())) == BODY
    assert all("range" not in request.headers for request in server.requests)


@pytest.mark.parametrize("status", [403, 429, 503])
def test_it_waits_as_long_as_it_is_asked_to(tmp_path: Path, slept: list[float], status: int) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    answers = [
        Answer(status=status, headers={"Retry-After": "17"}),
        Answer(status=status, headers={"Retry-After": later}),
    ]
    with serving(lambda _: answers.pop(0) if answers else Answer(BODY)) as server:
        assert fetched(tmp_path, Remote(server.url())) == BODY
    assert 17 <= slept[0] <= 18
    assert 80 <= slept[1] <= 91


def test_waits_grow_and_end(tmp_path: Path, slept: list[float]) -> None:
    with serving(lambda _: Answer(status=503)) as server, pytest.raises(UserError, match=r"answered 503.*run again"):
        fetched(tmp_path, Remote(server.url()))
    assert len(server.requests) == downloads.ATTEMPTS
    assert slept[-1] > 4 * slept[0]
    assert max(slept) <= downloads.LONGEST_WAIT


def test_a_missing_file_is_one_sentence_at_once(tmp_path: Path, slept: list[float]) -> None:
    with serving(lambda _: Answer(status=404)) as server, pytest.raises(UserError, match="answered 404"):
        fetched(tmp_path, Remote(server.url()))
    assert slept == []


def test_private_addresses_are_refused_at_every_hop(tmp_path: Path) -> None:
    with serving(lambda _: Answer(BODY)) as server:
        with pytest.raises(UserError, match="no public address"):
            fetched(tmp_path, Remote(server.url()), allow_hosts=frozenset())
        assert server.requests == []
    secret = serving(lambda _: Answer(b"secret"))
    with (
        secret as inner,
        serving(lambda _: Answer(status=302, headers={"Location": inner.url(host="localhost")})) as outer,
    ):
        with pytest.raises(UserError, match="no public address"):
            fetched(tmp_path, Remote(outer.url()))
        assert len(outer.requests) == 1
        assert inner.requests == []


@pytest.mark.parametrize(
    "address",
    [
        "10.1.2.3",
        "169.254.169.254",
        "::1",
        "fe80::1%eth0",
        "::ffff:192.168.0.1",
        "2002:7f00:1::",
        "0.0.0.0",
        "224.0.0.1",
    ],
)
def test_only_public_addresses_are_public(address: str) -> None:
    from scripts.sources.guard import _public

    assert not _public(address)
    assert _public("93.184.216.34")
    assert _public("2606:2800:220:1::1")


def test_encrypted_connections_are_guarded_too() -> None:
    with serving(lambda _: Answer(BODY)) as server, pytest.raises(ForbiddenAddress):
        guarded_pools(frozenset()).request("GET", f"https://127.0.0.1:{server.port}/", retries=False)


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://x.test/a", "gopher://x.test/"])
def test_redirects_lead_to_no_other_scheme(tmp_path: Path, target: str) -> None:
    with (
        serving(lambda _: Answer(status=301, headers={"Location": target})) as server,
        pytest.raises(UserError, match="refused"),
    ):
        fetched(tmp_path, Remote(server.url()))


def test_redirects_are_followed_and_counted(tmp_path: Path) -> None:
    def answer(request: Request) -> Answer:
        number = int(request.path.strip("/"))
        return Answer(BODY) if number == 5 else Answer(status=302, headers={"Location": f"/{number + 1}"})

    with serving(answer) as server:
        assert fetched(tmp_path, Remote(server.url("/0"))) == BODY
        with pytest.raises(UserError, match="redirects more than"):
            fetched(tmp_path, Remote(server.url("/6")))


def test_credentials_stay_with_their_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password hush\n")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    both = frozenset(("127.0.0.1", "localhost"))

    def answer(request: Request) -> Answer:
        return (
            Answer(BODY) if "localhost" in request.headers["host"] else Answer(status=302, headers={"Location": other})
        )

    with serving(answer) as server:
        other = server.url("/x?token=abc", "localhost")
        assert fetched(tmp_path, Remote(server.url()), allow_hosts=both) == BODY
    assert server.requests[0].headers["authorization"].startswith("Basic ")
    assert "authorization" not in server.requests[1].headers


def test_secrets_get_into_no_record(tmp_path: Path, slept: list[float], caplog: pytest.LogCaptureFixture) -> None:
    for url in ("https://me:hush@x.test/a", "https://x.test/a?access_token=hush", "s3://b/a?X-Amz-Signature=hush"):
        with pytest.raises(UserError, match="netrc") as error:
            check_scheme(url)
        assert "hush" not in str(error.value)
    caplog.set_level("INFO")
    answers = [Answer(status=302, headers={"Location": "/y?sig=hush"}), Answer(status=503)]
    with serving(lambda _: answers.pop(0) if answers else Answer(BODY)) as server:
        assert fetched(tmp_path, Remote(server.url("/x"))) == BODY
    assert "answered 503" in caplog.text
    assert "hush" not in caplog.text + (tmp_path / "downloads.lock").read_text("utf-8")


@pytest.mark.parametrize("length", [True, False])
def test_a_file_over_the_limit_is_refused(tmp_path: Path, length: bool) -> None:
    with serving(lambda _: Answer(BODY, length=length)) as server, pytest.raises(UserError, match="max_bytes"):
        fetched(tmp_path, Remote(server.url()), max_bytes=len(BODY) - 1)


def test_the_rate_is_kept(tmp_path: Path) -> None:
    with serving(lambda _: Answer(BODY)) as server:
        began = time.monotonic()
        assert fetched(tmp_path, Remote(server.url()), bytes_per_second=len(BODY) * 2) == BODY
    assert time.monotonic() - began >= 0.5


def test_the_time_is_kept_to(tmp_path: Path) -> None:
    def drip() -> Iterator[bytes]:
        for _ in range(200):
            time.sleep(0.1)
            yield b"x"

    with serving(lambda _: Answer(drip=drip)) as server:
        began = time.monotonic()
        with pytest.raises(UserError, match="takes longer than"):
            fetched(tmp_path, Remote(server.url()), max_seconds=0.5)
        assert time.monotonic() - began < 10
        with pytest.raises(UserError, match="takes longer than"):
            fetched(tmp_path, Remote(server.url("/slow")), max_seconds=0.5, bytes_per_second=1)


def test_waits_are_capped_and_differ(tmp_path: Path, slept: list[float]) -> None:
    with serving(lambda _: Answer(status=503, headers={"Retry-After": "99999"})) as server, pytest.raises(UserError):
        fetched(tmp_path, Remote(server.url()), max_seconds=10**6)
    assert max(slept) <= downloads.LONGEST_ASKED + 1
    assert len(set(slept)) == len(slept)


@pytest.mark.parametrize("whole", [True, False])
def test_an_answer_that_there_is_no_more_is_checked(tmp_path: Path, slept: list[float], whole: bool) -> None:
    """416 means that all is there only where as much is there as was promised."""
    answers = [Answer(BODY, 200, {"ETag": '"one"'}, 600_000), Answer(status=416)]
    with serving(lambda _: answers.pop(0) if answers else Answer(b"other", 200, {"ETag": '"two"'})) as server:
        if whole:
            answers[0] = Answer(BODY, 200, {"ETag": '"one"', "X": "y"}, len(BODY) - 1)
        assert fetched(tmp_path, Remote(server.url())) == b"other"


@pytest.mark.parametrize("headers", [{"ETag": 'W/"2"'}, {"Last-Modified": "Tue, 02 Jan 2024 00:00:00 GMT"}])
def test_a_resumed_answer_that_contradicts_the_first_is_not_joined(
    tmp_path: Path, slept: list[float], headers: dict[str, str]
) -> None:
    other, count = b"x" * len(BODY), 0
    first = {"Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT"}

    def answer(request: Request) -> Answer:
        nonlocal count
        count += 1
        if count == 1:
            return Answer(BODY, 200, first, 500_000)
        if "range" not in request.headers:
            return Answer(other)
        start = int(request.headers["range"].removeprefix("bytes=").removesuffix("-"))
        content_range = f"bytes {start}-{len(other) - 1}/{len(other)}"
        return Answer(other[start:], 206, {**first, **headers, "Content-Range": content_range})

    with serving(answer) as server:
        assert fetched(tmp_path, Remote(server.url())) == other


def test_encrypted_connections_lead_to_no_other(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="which is refused"):
        downloads.Downloader(Limits(), tmp_path)._request("https://x.test/a", "http://x.test/a", {})


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


@pytest.mark.parametrize("location", ["http://[", "http://x.test:99999/", "http://x.test:port/"])
def test_malformed_answers_are_one_sentence(tmp_path: Path, location: str) -> None:
    with serving(lambda _: Answer(status=302, headers={"Location": location})) as server, pytest.raises(UserError):
        fetched(tmp_path, Remote(server.url()))


@pytest.mark.parametrize(
    "host",
    ["2852039166", "0xa9fea9fe", "127.1", "localhost.", "a.localhost", "[::1]", "64:ff9b::a9fe:a9fe", "::7f00:1"],
)
def test_a_proxy_is_asked_for_no_private_address_in_any_spelling(host: str) -> None:
    with pytest.raises(ForbiddenAddress):
        check_literal(host, frozenset())
    check_literal("example.org", frozenset())


def test_a_proxy_gets_its_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(lambda _: Answer(BODY)) as proxy:
        monkeypatch.setenv("all_proxy", f"me:p%40ss@127.0.0.1:{proxy.port}")
        assert fetched(tmp_path, Remote("http://far.test/a")) == BODY
    word = base64.b64encode(b"me:p@ss").decode()
    assert proxy.requests[0].headers["proxy-authorization"] == f"Basic {word}"


def test_a_host_gets_no_more_connections_than_allowed(tmp_path: Path) -> None:
    now, most, guard = 0, 0, threading.Lock()

    def answer(_: Request) -> Answer:
        nonlocal now, most
        with guard:
            now += 1
            most = max(most, now)
        time.sleep(0.05)
        with guard:
            now -= 1
        return Answer(b"body")

    with serving(answer) as server, ThreadPoolExecutor(8) as pool:
        jobs = [pool.submit(fetched, tmp_path, Remote(server.url(f"/{n}")), connections=2) for n in range(8)]
        assert [job.result() for job in jobs] == [b"body"] * 8
    assert most == 2


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


def test_bytes_are_kept_as_they_are_stored(tmp_path: Path) -> None:
    packed = gzip.compress(BODY)
    with serving(lambda _: Answer(packed, 200, {"Content-Encoding": "gzip"})) as server:
        assert fetched(tmp_path, Remote(server.url("/a.gz"))) == packed


def test_a_proxy_is_used_and_leads_to_no_private_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(lambda _: Answer(BODY)) as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        assert fetched(tmp_path, Remote("http://far.test/a")) == BODY
        assert proxy.requests[0].path == "http://far.test/a"
        with pytest.raises(UserError, match="no public address"):
            fetched(tmp_path, Remote("http://169.254.169.254/latest/meta-data"))


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


Fetch = Callable[..., tuple[int, Path]]


def origins(manifest: Path) -> Mapping[str, str]:
    return json.loads(manifest.read_text("utf-8"))["summary"]["origins"]  # type: ignore[no-any-return]


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


def _server_of(folder: Path) -> Callable[[Request], Answer]:
    def answer(request: Request) -> Answer:
        path = folder / request.path.lstrip("/")
        return Answer(path.read_bytes()) if path.is_file() else Answer(status=404)

    return answer


@pytest.mark.parametrize("remote", [True, False])
def test_a_crawl_is_drawn_by_seed_whatever_the_parts_and_the_base(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, remote: bool
) -> None:
    monkeypatch.setenv("GROUNDWORK_DOWNLOADS", json.dumps({"allow_hosts": ["127.0.0.1"]}))
    tree = tmp_path / "tree"
    paths = [f"crawl-data/CC-MAIN-2024-10/segments/{n}/warc/{n}.warc.gz" for n in range(20)]
    for path in paths:
        (tree / path).parent.mkdir(parents=True)
        (tree / path).write_bytes(path.encode())
    listing = tree / "crawl-data/CC-MAIN-2024-10/warc.paths.gz"
    listing.write_bytes(gzip.compress("\n".join(paths).encode()))

    def drawn(base: str, parts: int, seed: int = 1, **chosen: Any) -> dict[str, bytes]:
        crawl = {"snapshot": "CC-MAIN-2024-10", "form": "warc", "files": None, "share": None, "base": base, **chosen}
        found: dict[str, bytes] = {}
        for part in range(parts):
            code, manifest = run_fetch(tmp_path, [], part, parts, origin={"crawl": crawl, "seed": seed})
            assert code == 0
            found |= {
                origin: (manifest.with_suffix("") / name).read_bytes() for name, origin in origins(manifest).items()
            }
        return found

    with serving(_server_of(tree)) as server:
        base = server.url("") if remote else str(tree)
        five = drawn(base, 2, files=5)
        assert len(five) == 5
        assert all(content == origin.encode() for origin, content in five.items())
        assert drawn(base, 3, files=5) == five
        assert five.items() <= drawn(base, 1, share=0.4).items()
        assert drawn(base, 1, seed=2, files=5) != five
        assert len(drawn(base, 1)) == 20
    if remote:
        assert five == drawn(str(tree), 1, files=5)
