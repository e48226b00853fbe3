"""A download takes no longer and is no faster than it may be, whatever its server does."""

from __future__ import annotations

import itertools
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from scripts.lib.errors import UserError
from scripts.sources import downloads, limits
from scripts.sources.remote import Remote

from .downloading import BODY, fetched
from .server import Answer, Request, serving


class Clock:
    """Stands for the module `time`: it is later by `step` seconds at every look, and by what is slept."""

    def __init__(self, step: float) -> None:
        self.now, self.step = 0.0, step

    def monotonic(self) -> float:
        self.now += self.step
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_the_rate_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(0.0)
    monkeypatch.setattr(limits, "time", clock)
    with serving(lambda _: Answer(BODY)) as server:
        assert fetched(tmp_path, Remote(server.url()), bytes_per_second=len(BODY) / 2.5) == BODY
    assert clock.now == pytest.approx(2.5)


def test_the_time_is_kept_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(0.1)
    for module in (downloads, limits):
        monkeypatch.setattr(module, "time", clock)
    with serving(lambda _: Answer(drip=lambda: itertools.repeat(b"x"))) as server:
        with pytest.raises(UserError, match="takes longer than"):
            fetched(tmp_path, Remote(server.url()), max_seconds=5)
        with pytest.raises(UserError, match="takes longer than"):
            fetched(tmp_path, Remote(server.url("/slow")), max_seconds=0.5, bytes_per_second=1)


def test_a_silent_server_is_not_waited_for_longer_than_a_download_may_take(tmp_path: Path) -> None:
    over = threading.Event()

    def silent(_: Request) -> Answer:
        over.wait(20)
        return Answer(BODY)

    began = time.monotonic()
    with serving(silent) as server, pytest.raises(UserError, match="run again"):
        try:
            fetched(tmp_path, Remote(server.url()), max_seconds=1)
        finally:
            over.set()
    assert time.monotonic() - began < 15


def test_headers_that_come_byte_by_byte_count_to_the_time_of_a_download(tmp_path: Path) -> None:
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            with suppress(OSError), listener.accept()[0] as connection:
                connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
                while not over.wait(0.1):
                    connection.sendall(b"x")

        threading.Thread(target=answer, daemon=True).start()
        began = time.monotonic()
        limit = threading.Timer(15, over.set)
        limit.start()
        with pytest.raises(UserError, match="run again"):
            fetched(tmp_path, Remote(f"http://127.0.0.1:{listener.getsockname()[1]}/x"), max_seconds=1)
        limit.cancel()
        over.set()
    assert time.monotonic() - began < 10


def test_redirects_count_to_the_time_that_a_download_may_take(tmp_path: Path) -> None:
    def slow(request: Request) -> Answer:
        time.sleep(0.7)
        return Answer(BODY) if len(request.path) > 8 else Answer(status=302, headers={"Location": f"{request.path}x"})

    with serving(slow) as server, pytest.raises(UserError, match="takes longer than"):
        fetched(tmp_path, Remote(server.url("/x")), max_seconds=1)
    assert len(server.requests) < 4
