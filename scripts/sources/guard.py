"""Connections that only reach public addresses, so that no redirect or name can lead into the user's own network.

The address is checked on the connected socket, not on the name: a name that resolves differently the second time
cannot slip through.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import socket
import threading
from collections.abc import Callable, Set
from typing import TypeVar

import urllib3
from urllib3 import HTTPResponse
from urllib3.connection import HTTPConnection, HTTPSConnection

Pools = TypeVar("Pools", bound=urllib3.PoolManager)
SILENCE = 60.0  # seconds without a sign of life
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
COMPATIBLE = ipaddress.IPv6Network("::/96")
SITE_LOCAL = ipaddress.IPv6Network("fec0::/10")  # given up in 2004 (RFC 3879), and never the public network


class ForbiddenAddress(Exception):
    """An address of a private, link-local or other network that is not the public one."""


def check_literal(host: str, allowed: Set[str]) -> None:
    """Raise ForbiddenAddress where a host is written as an address that is not public, or is this machine.

    This is all that can be known where a proxy resolves the names. Addresses are also understood in the old forms that
    resolvers take (127.1, 0x7f000001).
    """
    name = host.rstrip(".").lower()
    with contextlib.suppress(OSError):
        name = socket.inet_ntoa(socket.inet_aton(name))
    if host not in allowed and (name == "localhost" or name.endswith(".localhost") or not _public(name, unknown=True)):
        raise ForbiddenAddress(host)


def _public(address: str, unknown: bool = False) -> bool:
    """Tell whether an address is of the public network; `unknown` is the answer for what is no address."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0].strip("[]"))
    except ValueError:
        return unknown
    if isinstance(parsed, ipaddress.IPv6Address):
        parsed = _inside(parsed) or parsed
    return parsed.is_global and not parsed.is_multicast and parsed not in SITE_LOCAL


def _inside(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that an IPv6 address stands for: mapped, 6to4, Teredo, NAT64 (RFC 6052), compatible."""
    if address in NAT64 or (address in COMPATIBLE and int(address) > 1):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]


class _Final(http.client.HTTPResponse):
    """An answer without those before it that say only that it will come (RFC 9110, 15.2), of which the library knows one."""

    def _read_status(self) -> tuple[str, int, str]:
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if status == http.HTTPStatus.SWITCHING_PROTOCOLS or not 100 <= status < 200:
                return version, status, reason
            http.client.parse_headers(self.fp)


class _Prompt(HTTPConnection):
    """A connection that hangs up where the headers of an answer are not there in the time that one read may take.

    A server that sends a byte now and then would keep it waiting for ever, since each read has that time for itself.
    """

    response_class = _Final

    def getresponse(self) -> HTTPResponse:  # type: ignore[override] # as in the class above
        def hang_up() -> None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(connected, socket.SHUT_RDWR)  # also below TLS, which then sees the end

        connected = getattr(self.sock, "socket", self.sock)  # of TLS within the TLS of a proxy it is below
        watch = threading.Timer(self.timeout or SILENCE, hang_up)
        watch.daemon = True
        watch.start()
        try:
            return super().getresponse()
        finally:
            watch.cancel()


def guarded_pools(allowed: Set[str]) -> urllib3.PoolManager:
    """Return a pool of connections that raise ForbiddenAddress unless the host is allowed or its address is public."""

    def check(connection: HTTPConnection, connected: socket.socket) -> None:
        peer = str(connected.getpeername()[0])
        if connection.host not in allowed and not _public(peer):
            connected.close()
            raise ForbiddenAddress(peer)

    return prompt_pools(urllib3.PoolManager(), check)


def prompt_pools(pools: Pools, check: Callable[[HTTPConnection, socket.socket], None] = lambda *_: None) -> Pools:
    """Return a pool whose connections wait for no answer longer than they may, and are checked when they are made."""

    class Plain(_Prompt, HTTPConnection):
        def _new_conn(self) -> socket.socket:
            connected = super()._new_conn()
            check(self, connected)
            return connected

    class Encrypted(_Prompt, HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            connected = super()._new_conn()
            check(self, connected)
            return connected

    class PlainPool(urllib3.HTTPConnectionPool):
        ConnectionCls = Plain

    class EncryptedPool(urllib3.HTTPSConnectionPool):
        ConnectionCls = Encrypted

    pools.pool_classes_by_scheme = {"http": PlainPool, "https": EncryptedPool}
    return pools
