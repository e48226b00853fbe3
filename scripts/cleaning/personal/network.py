"""IP addresses of both versions, private ones and those of the own host too; netmasks are none."""

from __future__ import annotations

from collections.abc import Iterator

from scripts.cleaning.personal import ipv4, ipv6
from scripts.cleaning.personal.scan import COLONS, NUMBER, Scanned


def addresses(scanned: Scanned) -> Iterator[tuple[int, int]]:
    """Yield IP addresses, without brackets, port and prefix length, an IPv6 address with its zone."""
    text = scanned.text
    for start, end in scanned.places.get(COLONS, ()):
        named = text.find(":", start, end) + 1  # peer:2001:db8::1
        for begin in (start, named) if text[start:named].upper() != "AAAA:" else (named,):
            stop = ipv6.ends(text, begin, end + 16)
            if stop:
                yield begin, stop
                break
    yield from ipv4.addresses(text, scanned.places.get(NUMBER, ()))
