from __future__ import annotations

import gzip
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from scripts.lib.errors import UserError
from scripts.sources import downloads
from scripts.sources.limits import Limits
from scripts.sources.partial import Partial
from scripts.sources.remote import Remote

from .downloading import BODY, HERE, fetched
from .server import Answer, Request, ranged, serving


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
    "kind", ["ignores the range", "changed", "other offset", "other length", "other tag", "no tag", "no range"]
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
        elif kind == "no tag":
            del headers["ETag"]
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


@pytest.mark.parametrize("length", [True, False])
def test_a_file_over_the_limit_is_refused(tmp_path: Path, length: bool) -> None:
    with serving(lambda _: Answer(BODY, length=length)) as server, pytest.raises(UserError, match="max_bytes"):
        fetched(tmp_path, Remote(server.url()), max_bytes=len(BODY) - 1)


@pytest.mark.parametrize(("headers", "cap"), [({"Retry-After": "99999"}, downloads.LONGEST_ASKED + 1), ({}, 5)])
def test_waits_are_capped_and_differ(
    tmp_path: Path, slept: list[float], monkeypatch: pytest.MonkeyPatch, headers: dict[str, str], cap: float
) -> None:
    monkeypatch.setattr(downloads, "LONGEST_WAIT", 5)
    with serving(lambda _: Answer(status=503, headers=headers)) as server, pytest.raises(UserError):
        fetched(tmp_path, Remote(server.url()), max_seconds=10**6)
    assert max(slept) <= cap
    assert len(set(slept)) == len(slept)


@pytest.mark.parametrize("whole", [True, False])
def test_an_answer_that_there_is_no_more_is_checked(tmp_path: Path, slept: list[float], whole: bool) -> None:
    """416 means that all is there only where as much is there as was promised."""
    target = tmp_path / "file"
    partial = Partial(tmp_path / "file.partial")
    partial.begin({"ETag": '"one"'}, len(BODY) if whole else len(BODY) + 1)
    partial.path.write_bytes(BODY)
    with serving(lambda request: Answer(status=416) if "range" in request.headers else Answer(b"other")) as server:
        downloads.Downloader(Limits(allow_hosts=HERE), tmp_path / "cache").download(server.url(), target)
    assert target.read_bytes() == (BODY if whole else b"other")


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


def test_a_redirect_waits_for_a_connection_of_the_host_it_leads_to(tmp_path: Path) -> None:
    now, most, guard = 0, 0, threading.Lock()

    def there(_: Request) -> Answer:
        nonlocal now, most
        with guard:
            now += 1
            most = max(most, now)
        time.sleep(0.05)
        with guard:
            now -= 1
        return Answer(b"body")

    with serving(there) as target:
        location = {"Location": target.url("/there", host="localhost")}
        with serving(lambda _: Answer(status=302, headers=location)) as first, ThreadPoolExecutor(8) as pool:
            hosts = frozenset(("127.0.0.1", "localhost"))
            jobs = [
                pool.submit(
                    fetched,
                    tmp_path,
                    Remote(first.url(f"/{n}", host=("127.0.0.1", "localhost")[n % 2])),
                    connections=2,
                    allow_hosts=hosts,
                )
                for n in range(8)
            ]
            assert [job.result() for job in jobs] == [b"body"] * 8
    assert most <= 2


def test_bytes_are_kept_as_they_are_stored(tmp_path: Path) -> None:
    packed = gzip.compress(BODY)
    with serving(lambda _: Answer(packed, 200, {"Content-Encoding": "gzip"})) as server:
        assert fetched(tmp_path, Remote(server.url("/a.gz"))) == packed


def test_an_answer_that_breaks_within_its_headers_is_asked_for_again(tmp_path: Path, slept: list[float]) -> None:
    answers = iter([Answer(length=False), Answer(BODY)])
    with serving(lambda _: next(answers)) as server:
        assert fetched(tmp_path, Remote(server.url())) == BODY
    with serving(lambda _: Answer()) as server:
        assert fetched(tmp_path, Remote(server.url("/empty"))) == b""


def test_what_a_server_says_in_place_of_an_answer_is_shown_without_controls(tmp_path: Path, slept: list[float]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            for _ in range(downloads.ATTEMPTS):
                with listener.accept()[0] as connection:
                    connection.recv(1 << 16)
                    connection.sendall(b"\x1b[31mno answer\r\n\r\n")

        threading.Thread(target=answer, daemon=True).start()
        with pytest.raises(UserError) as error:
            fetched(tmp_path, Remote(f"http://127.0.0.1:{listener.getsockname()[1]}/x"))
    assert "no answer" in str(error.value)
    assert str(error.value).isprintable()


INTERIM = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"


@pytest.mark.parametrize("proxied", [False, True])
def test_what_a_server_says_before_its_answer_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, proxied: bool
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            with listener.accept()[0] as connection:
                connection.recv(1 << 16)
                connection.sendall(INTERIM + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbees")

        threading.Thread(target=answer, daemon=True).start()
        here = f"127.0.0.1:{listener.getsockname()[1]}"
        if proxied:
            monkeypatch.setenv("http_proxy", f"http://{here}")
        assert fetched(tmp_path, Remote("http://far.test/x" if proxied else f"http://{here}/x")) == b"bees"


def test_a_redirect_may_lead_to_an_address_beyond_ascii(tmp_path: Path) -> None:
    def answer(request: Request) -> Answer:
        if request.path == "/x":
            return Answer(status=302, headers={"Location": "/pčela".encode().decode("latin-1")})
        return Answer(request.path.encode())

    with serving(answer) as server:
        assert fetched(tmp_path, Remote(server.url("/x"))) == b"/p%C4%8Dela"
