"""One downloader for everything that has an address: resumed, verified, polite and wary.

A download ends as a whole file in a cache or as one sentence. What was received before an interruption is used again
only when the server proves by its validator that the file is still the same (RFC 9110, sections 13 and 14).
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import logging
import netrc
import os
import random
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3.exceptions import HTTPError, LocationParseError

from scripts.lib.errors import UserError
from scripts.lib.progress import byte_progress
from scripts.sources.addresses import shown
from scripts.sources.guard import SILENCE, ForbiddenAddress, check_literal, guarded_pools, prompt_pools
from scripts.sources.limits import Limits, Pace, check_time
from scripts.sources.partial import Partial, http_time

log = logging.getLogger(__name__)
AGENT = "Groundwork (a pipeline for language models)"
CHUNK = 1 << 18
REDIRECTS = 10
ATTEMPTS = 8
FIRST_WAIT, LONGEST_WAIT, LONGEST_ASKED = 2.0, 120.0, 3600.0  # seconds
CONNECT = 30.0  # seconds
# Common Crawl answers 403 to those who ask too fast; a real refusal is told apart by its staying so.
BUSY = {403: 4, 408: ATTEMPTS, 425: ATTEMPTS, 429: ATTEMPTS, 500: ATTEMPTS, 502: ATTEMPTS, 503: ATTEMPTS, 504: ATTEMPTS}
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")


class _Again(Exception):
    """An attempt that may succeed later; `wait` is what the server asked for, in seconds."""

    def __init__(self, reason: str, attempts: int = ATTEMPTS, wait: float | None = None) -> None:
        super().__init__(reason)
        self.attempts = attempts
        self.wait = wait


class Downloader:
    """Downloads under limits. One object a process; hosts' connections are counted over all processes of the cache."""

    def __init__(self, limits: Limits, cache: Path) -> None:
        self._limits = limits
        self._cache = cache
        self._managers: dict[str | None, urllib3.PoolManager] = {}
        # The warnings of the library show whole addresses, which may hold secrets.
        logging.getLogger("urllib3").setLevel(logging.ERROR)

    def download(self, url: str, target: Path) -> None:
        """Write what `url` gives to `target`, going on where an earlier try stopped (`target` with `.partial`).

        Raises UserError where it cannot be had within the limits.
        """
        if self._limits.offline:
            raise UserError(
                f"{shown(url)} is not in the download cache and downloads.offline is true; "
                "run `snakemake fetch` where there is a network."
            )
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = Partial.load(target.with_name(target.name + ".partial"))
        deadline = time.monotonic() + self._limits.max_seconds
        failures, best = 0, -1
        while True:
            try:
                self._attempt(url, partial, deadline)
                break
            except _Again as error:
                have = partial.have()
                failures, best = (1, have) if have > best >= 0 else (failures + 1, max(best, have))
                self._wait(url, error, failures, deadline)
            except ForbiddenAddress as error:
                raise UserError(
                    f"{shown(url)} leads to {error}, which is no public address; "
                    "name the host in downloads.allow_hosts if that is meant."
                ) from None
        os.replace(partial.path, target)  # noqa: PTH105
        partial.record.unlink(missing_ok=True)

    def _wait(self, url: str, error: _Again, failures: int, deadline: float) -> None:
        """Sleep as asked or, growing, as politeness demands; raises UserError where it makes no sense any more."""
        asked = error.wait
        seconds = min(FIRST_WAIT * 2 ** (failures - 1), LONGEST_WAIT) * random.uniform(0.5, 1.0)
        if asked is not None:
            seconds = min(asked, LONGEST_ASKED) + random.uniform(0, min(asked, 1.0))
        if failures >= error.attempts or time.monotonic() + seconds > deadline:
            raise UserError(
                f"{shown(url)} could not be downloaded ({error}); check address and network and run again: "
                "what was received is kept."
            ) from None
        log.info("%s: %s; trying again in %.0f s.", shown(url), error, seconds)
        time.sleep(seconds)

    @contextlib.contextmanager
    def _connection(self, url: str, deadline: float) -> Iterator[None]:
        """Hold one of the connections that a host may have, counted by locked files over all jobs of this cache."""
        folder = self._cache / "hosts"
        folder.mkdir(parents=True, exist_ok=True)
        name = re.sub(r"[^A-Za-z0-9.-]", "_", urlsplit(url).hostname or "")
        while True:
            for number in range(self._limits.connections):
                with (folder / f"{name}.{number}.lock").open("w") as lock:
                    try:
                        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    except OSError:
                        continue
                    yield
                    return
            check_time(url, self._limits, deadline)
            time.sleep(0.2)

    def _attempt(self, url: str, partial: Partial, deadline: float) -> None:
        """Follow redirects by hand, so that every hop is checked, counted for its host and gets no other's credentials."""
        have, hop = partial.have(), url
        headers = {"User-Agent": AGENT, "Accept-Encoding": "identity"}
        if have:
            headers |= {"Range": f"bytes={have}-", "If-Range": partial.validator() or ""}
        try:
            for _ in range(REDIRECTS + 1):
                with self._connection(hop, deadline):
                    response = self._request(url, hop, headers, deadline)
                    try:
                        target = response.headers.get("Location")
                        if response.status not in (301, 302, 303, 307, 308) or not target:
                            self._receive(url, response, partial, have, deadline)
                            return
                    finally:
                        response.close()
                    hop = _joined(url, hop, target)
                check_time(url, self._limits, deadline)
        except LocationParseError:
            raise UserError(f"{shown(url)} is no address that can be opened; correct it.") from None
        except HTTPError as error:
            if isinstance(cause := _root(error), ForbiddenAddress):
                raise cause from None
            raise _Again(_reason(error)) from None
        raise UserError(f"{shown(url)} redirects more than {REDIRECTS} times; use the final address.")

    def _request(self, url: str, hop: str, headers: dict[str, str], deadline: float) -> urllib3.BaseHTTPResponse:
        first, parts = urlsplit(url), urlsplit(hop)
        if parts.scheme not in ("http", "https") or (first.scheme, parts.scheme) == ("https", "http"):
            raise UserError(f"{shown(url)} leads to {shown(hop)}, which is refused; use another address.")
        same = (first.scheme, first.hostname, first.port) == (parts.scheme, parts.hostname, parts.port)
        secret = _credentials(parts.hostname) if same else {}
        left = max(deadline - time.monotonic(), 1.0)
        timeout = urllib3.Timeout(connect=min(CONNECT, left), read=min(SILENCE, left))
        return self._manager(hop).request(
            "GET", hop, headers=headers | secret, redirect=False, retries=False, preload_content=False, timeout=timeout
        )

    def _manager(self, url: str) -> urllib3.PoolManager:
        """Return the pool for an address: guarded, or that of the user's proxy, which resolves names by itself."""
        parts, proxies = urlsplit(url), getproxies()
        proxy = None if proxy_bypass(parts.hostname or "") else proxies.get(parts.scheme) or proxies.get("all")
        if proxy is not None:
            check_literal(parts.hostname or "", self._limits.allow_hosts)
        if proxy not in self._managers:
            self._managers[proxy] = guarded_pools(self._limits.allow_hosts) if proxy is None else _proxy_pools(proxy)
        return self._managers[proxy]

    def _receive(
        self, url: str, response: urllib3.BaseHTTPResponse, partial: Partial, have: int, deadline: float
    ) -> None:
        status = response.status
        if status in BUSY:
            raise _Again(
                f"the server answered {status}", BUSY[status], _retry_after(response.headers.get("Retry-After"))
            )
        if status == 416 and have:
            if have == partial.total:
                return  # it was whole already
            partial.begin({}, None)
            raise _Again("the file on the server changed", wait=0)
        if status in (401, 407):
            raise UserError(
                f"{shown(url)} answered {status}: it wants credentials; put them into ~/.netrc or the proxy's."
            )
        if status not in (200, 206):
            raise UserError(f"{shown(url)} answered {status}; correct the address.")
        stated = {name: value for name in ("ETag", "Last-Modified", "Date") if (value := response.headers.get(name))}
        total = _length(response)
        if status == 206:
            match = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
            whole = int(match[3]) if match and match[3] != "*" else partial.total
            if not match or int(match[1]) != have or whole != partial.total or partial.contradicts(stated):
                partial.begin({}, None)
                raise _Again("the server sent another piece than asked", wait=0)
        else:
            have = 0
            partial.begin(stated, total)
        limit = self._limits.max_bytes
        if max(partial.total or 0, total or 0) > limit:
            raise UserError(f"{shown(url)} has {partial.total} bytes, over downloads.max_bytes ({limit}); raise it.")
        with partial.path.open("ab") as out:
            have = self._copy(url, response, out, have, partial.total, deadline)
            out.flush()
            os.fsync(out.fileno())
        if partial.total is not None and have != partial.total:
            if have > partial.total:
                partial.begin({}, None)
            raise _Again(f"{have} of {partial.total} bytes came")
        if not have and partial.total is None and "Transfer-Encoding" not in response.headers:
            raise _Again("nothing came, and nothing says that there is nothing")  # as of a break within the headers

    def _copy(
        self, url: str, response: urllib3.BaseHTTPResponse, out: Any, have: int, total: int | None, deadline: float
    ) -> int:
        """Write the body as it comes; returns the size of the file then."""
        pace = Pace(url, self._limits, deadline)
        chunks = iter(lambda: response.read1(CHUNK, decode_content=False), b"")
        for chunk in byte_progress(chunks, total, PurePosixPath(unquote(urlsplit(url).path)).name, have):
            out.write(chunk)
            have += len(chunk)
            if have > self._limits.max_bytes:
                raise UserError(
                    f"{shown(url)} sends more than downloads.max_bytes ({self._limits.max_bytes}); raise it or check it."
                )
            pace.keep(len(chunk))
        return have


def _joined(url: str, hop: str, target: str) -> str:
    """Return where a redirect leads; headers come as Latin-1, though an address beyond ASCII is in UTF-8."""
    with contextlib.suppress(UnicodeError):
        target = target.encode("latin-1").decode("utf-8")
    try:
        joined = urljoin(hop, target)
        urlsplit(joined).port  # noqa: B018 (it is checked when it is read)
        return joined
    except ValueError:
        raise UserError(f"{shown(url)} leads to what is no address; use another.") from None


def _proxy_pools(proxy: str) -> urllib3.ProxyManager:
    """Return the pool of a proxy, which may be written without a scheme and with user and password."""
    address = proxy if "://" in proxy else f"http://{proxy}"
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https"):
        raise UserError(
            f"the proxy that the environment names speaks {parts.scheme}; name one that speaks HTTP in http_proxy, "
            "https_proxy or all_proxy, or none."
        )
    secret = None
    if parts.username:
        name, word = unquote(parts.username), unquote(parts.password or "")
        secret = urllib3.make_headers(proxy_basic_auth=f"{name}:{word}")
    return prompt_pools(urllib3.ProxyManager(address, proxy_headers=secret))


def _reason(error: HTTPError) -> str:
    """Say what went wrong without the address, which may hold secrets, and without Python's names for objects."""
    root = _root(error)
    if isinstance(root, OSError) and root.strerror:
        return root.strerror
    said = "".join(letter for letter in str(root) if letter.isprintable())  # a server may say anything
    return re.sub(r"<[^>]*>:?\s*|\(.*\)|url:.*", "", said).strip(" :") or type(root).__name__


def _root(error: BaseException) -> BaseException:
    """Return what an error comes from in the end."""
    seen = {id(error)}
    while (below := getattr(error, "reason", None) or error.__cause__ or error.__context__) is not None:
        if not isinstance(below, BaseException) or id(below) in seen:
            break
        seen.add(id(below))
        error = below
    return error


def _length(response: urllib3.BaseHTTPResponse) -> int | None:
    """Return the length of the body in bytes, if it is stated. A coded body has another length than the file."""
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isdecimal() and len(length) < 19 else None


def _retry_after(value: str | None) -> float | None:
    """Return how many seconds a server asks to wait (a number or a date)."""
    if value and value.isdecimal():
        return float(value[:9])
    moment = http_time(value)
    return None if moment is None else max((moment - datetime.now(UTC)).total_seconds(), 0.0)


def _credentials(host: str | None) -> dict[str, str]:
    """Return the header for a host that the user's netrc file names."""
    try:
        entry = netrc.netrc(os.environ.get("NETRC")).authenticators(host or "")
    except (OSError, netrc.NetrcParseError):
        return {}
    if not entry:
        return {}
    word = base64.b64encode(f"{entry[0] or ''}:{entry[2] or ''}".encode()).decode("ascii")
    return {"Authorization": f"Basic {word}"}
