from __future__ import annotations

import base64
import json
import logging
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from scripts.lib.errors import UserError
from scripts.sources import downloads
from scripts.sources.addresses import check_scheme, public_text
from scripts.sources.guard import ForbiddenAddress, check_literal, guarded_pools
from scripts.sources.limits import Limits
from scripts.sources.remote import Remote

from .downloading import BODY, fetched
from .running import Extracted, run_extract, run_fetch
from .server import Answer, Request, serving


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
        "fec0::1",
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


def all_bytes(folder: Path) -> bytes:
    """All that a run wrote: manifests, provenance, documents, quarantine, cache, lock file."""
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_secrets_get_into_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GROUNDWORK_DOWNLOADS", json.dumps({"allow_hosts": ["127.0.0.1"]}))
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password hush\n")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    run = tmp_path / "run"

    def answer(request: Request) -> Answer:
        if request.path == "/rows.jsonl":
            return Answer(status=302, headers={"Location": "/far/rows.jsonl?X-Amz-Signature=hush"})
        return Answer(b'{"text": "one"}\n{broken\n', headers={"Set-Cookie": "session=hush"})

    with serving(answer) as server:
        code, raw = run_fetch(run, [{"path": server.url("/rows.jsonl")}])
        assert code == 0
        assert server.requests[-1].path.endswith("Signature=hush")
    code, documents = run_extract(raw, "jsonl")
    assert code == 0
    assert len(Extracted(documents).quarantine) == 1
    written = all_bytes(run)
    assert b"malformed_json" in written and b'"program": "scripts.sources.fetch"' in written
    assert b"hush" not in written
    assert "hush" not in capsys.readouterr().err


def test_clients_of_object_stores_tell_no_secrets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    signed = "https://key:hush@bucket.store.test/a.bin?sig=hush"

    class Refusing(MemoryFileSystem):
        protocol = "abfs"

        def _open(self, path: str, *_: Any, **__: Any) -> Any:
            logging.getLogger("azure").warning("Request URL: '%s'", signed)
            raise PermissionError(f"403 for {signed}\nAuthorization: hush")

    fsspec.register_implementation("abfs", Refusing, clobber=True)
    assert run_fetch(tmp_path, [{"path": "abfs://bucket/a.bin"}])[0] == 1
    said = capsys.readouterr().err
    assert "abfs://bucket/a.bin cannot be read (403 for https://bucket.store.test/a.bin); check" in said
    assert "Request URL: 'https://bucket.store.test/a.bin'" in said
    assert b"hush" not in all_bytes(tmp_path) + said.encode()


def test_addresses_and_paths_in_a_text_lose_their_queries() -> None:
    text = "GET /a/b?Signature=x&Expires=1 (caused by url='s3://me:pw@b/c?d=e') failed? Yes: a=b at https://x.test/d."
    assert public_text(text) == "GET /a/b (caused by url='s3://b/c') failed? Yes: a=b at https://x.test/d."


def test_encrypted_connections_lead_to_no_other(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="which is refused"):
        downloads.Downloader(Limits(), tmp_path)._request("https://x.test/a", "http://x.test/a", {}, 0.0)


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


def test_a_proxy_is_used_and_leads_to_no_private_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(lambda _: Answer(BODY)) as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        assert fetched(tmp_path, Remote("http://far.test/a")) == BODY
        assert proxy.requests[0].path == "http://far.test/a"
        with pytest.raises(UserError, match="no public address"):
            fetched(tmp_path, Remote("http://169.254.169.254/latest/meta-data"))


@pytest.mark.parametrize("location", ["http://[", "http://x.test:99999/", "http://x.test:port/"])
def test_malformed_answers_are_one_sentence(tmp_path: Path, location: str) -> None:
    with serving(lambda _: Answer(status=302, headers={"Location": location})) as server, pytest.raises(UserError):
        fetched(tmp_path, Remote(server.url()))


def test_a_proxy_that_speaks_no_http_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slept: list[float]
) -> None:
    monkeypatch.setenv("all_proxy", "socks5://me:secret@127.0.0.1:9")
    with pytest.raises(UserError, match="speaks socks5; name one") as error:
        fetched(tmp_path, Remote("http://far.test/a"))
    assert slept == []
    assert "secret" not in str(error.value)
