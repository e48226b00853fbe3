"""A web server whose answers a test writes itself, on this machine and in this process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Headers = dict[str, str]


@dataclass
class Answer:
    """What the server says; `cut` sends only so many bytes of the body and hangs up."""

    body: bytes = b""
    status: int = 200
    headers: Headers = field(default_factory=dict)
    cut: int | None = None
    length: bool = True
    drip: Callable[[], Iterator[bytes]] | None = None


@dataclass
class Request:
    path: str
    headers: Headers


@dataclass
class Server:
    """Where it is and what it was asked."""

    port: int
    requests: list[Request] = field(default_factory=list)

    def url(self, path: str = "/file.bin", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"


@contextmanager
def serving(answer: Callable[[Request], Answer]) -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            request = Request(self.path, {name.lower(): value for name, value in self.headers.items()})
            server.requests.append(request)
            given = answer(request)
            self.send_response(given.status)
            for name, value in given.headers.items():
                self.send_header(name, value)
            if given.length and given.drip is None:
                self.send_header("Content-Length", str(len(given.body)))
            self.end_headers()
            self.wfile.write(given.body[: given.cut])
            with suppress(BrokenPipeError, ConnectionResetError):
                for piece in given.drip() if given.drip else ():
                    self.wfile.write(piece)
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server = Server(listener.server_address[1])
    thread = threading.Thread(target=listener.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listener.shutdown()
        listener.server_close()


def ranged(body: bytes, tag: str = '"one"', cut: int | None = None) -> Callable[[Request], Answer]:
    """Return a server of one file that honours Range and If-Range; its first answer is cut off after `cut` bytes."""
    cuts = [cut]

    def answer(request: Request) -> Answer:
        first = cuts.pop() if cuts else None
        wanted = request.headers.get("range")
        if wanted and request.headers.get("if-range") == tag:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            headers = {"ETag": tag, "Content-Range": f"bytes {start}-{len(body) - 1}/{len(body)}"}
            return Answer(body[start:], 206, headers)
        return Answer(body, 200, {"ETag": tag}, first)

    return answer
