"""Connections that only reach public addresses, so that no redirect or name can lead into the user's own network.

The address is checked on the connected socket, not on the name: a name that resolves differently the second time
cannot slip through.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import threading
from collections.abc import Set

import urllib3
from urllib3 import HTTPResponse
from urllib3.connection import HTTPConnection, HTTPSConnection

SILENCE = 60.0  # seconds without a sign of life
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
COMPATIBLE = ipaddress.IPv6Network("::/96")


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
    return parsed.is_global and not parsed.is_multicast


def _inside(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that an IPv6 address stands for: mapped, 6to4, Teredo, NAT64 (RFC 6052), compatible."""
    if address in NAT64 or (address in COMPATIBLE and int(address) > 1):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]


class _Prompt(HTTPConnection):
    """A connection that hangs up where the headers of an answer are not there in the time that one read may take.

    A server that sends a byte now and then would keep it waiting for ever, since each read has that time for itself.
    """

    def getresponse(self) -> HTTPResponse:  # type: ignore[override] # as in the class above
        def hang_up() -> None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(connected, socket.SHUT_RDWR)  # also below TLS, which then sees the end

        connected = self.sock
        watch = threading.Timer(self.timeout or SILENCE, hang_up)
        watch.daemon = True
        watch.start()
        try:
            return super().getresponse()
        finally:
            watch.cancel()


def guarded_pools(allowed: Set[str]) -> urllib3.PoolManager:
    """Return a pool of connections that raise ForbiddenAddress unless the host is allowed or its address is public."""

    def checked(connection: HTTPConnection, connected: socket.socket) -> socket.socket:
        peer = str(connected.getpeername()[0])
        if connection.host not in allowed and not _public(peer):
            connected.close()
            raise ForbiddenAddress(peer)
        return connected

    class Plain(_Prompt, HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return checked(self, super()._new_conn())

    class Encrypted(_Prompt, HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return checked(self, super()._new_conn())

    class PlainPool(urllib3.HTTPConnectionPool):
        ConnectionCls = Plain

    class EncryptedPool(urllib3.HTTPSConnectionPool):
        ConnectionCls = Encrypted

    manager = urllib3.PoolManager()
    manager.pool_classes_by_scheme = {"http": PlainPool, "https": EncryptedPool}
    return manager
