"""IPv6 addresses: the forms of RFC 4291 and 5952, with the zones of RFC 4007 and 6874."""

from __future__ import annotations

import ipaddress
import re

from scripts.cleaning.personal import own_host
from scripts.cleaning.personal.labels import labels, labels_before

_V4 = r"(?:\d{1,3}\.){3}\d{1,3}"
_GROUP = "[0-9A-Fa-f]{1,4}"
PATTERN = re.compile(
    rf"(?:{_GROUP}:){{1,6}}(?::?{_V4}|(?::{_GROUP}){{1,5}}:{_V4})"
    rf"|(?:{_GROUP}:){{1,7}}(?:(?::{_GROUP}){{1,6}}|{_GROUP}|:)"
    rf"|::(?:(?:{_GROUP}:){{0,5}}{_V4}|{_GROUP}(?::{_GROUP}){{0,6}}|)"
)
ZONE = re.compile(r"%[A-Za-z0-9](?:[\w.-]{0,30}\w)?")
# Global unicast as it is given out, link-local, unique local, NAT64, an IPv4 address mapped: seldom anything else.
_IN_USE = re.compile(
    r"(?:[23][0-9a-f]{3}|fe[89ab][0-9a-f]|f[cd][0-9a-f]{2}|ff[0-7][1-8e]):|64:ff9b:|(?:(?:0:){5}|::)ffff:(?:[\d.]+$|[0-9a-f:]+$)",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?i)(?:[a-z_]*[g-z_][a-z_]*\d?|aaaa):\Z")  # peer:2001:db8::1
_LONG = re.compile(r"(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}")
_PREFIX = re.compile(r"/(?:12[0-8]|1[01]\d|\d\d?)(?![\w/]|\.\w)")
_PORT = re.compile(r"\]:(?:\d{1,5}(?!\d)|\*)")
_BARE_PORT = re.compile(r":\d{1,5}(?![\w:.])")  # netstat: eight groups and then the port
_BRACKETED_PREFIX = re.compile(r"\]/(?:12[0-8]|1[01]\d|\d\d?)(?![\w/.])")
_AUTHORITY = re.compile(r"(?://|@)\[\Z")
REACH = 30  # characters before an address that could be anything else in which a word names it


def ends(text: str, begin: int, limit: int) -> int | None:
    """Return where the address, with its zone, ends that begins at a place of folded text; nothing where none does."""
    end = own_host.ends(text, begin)
    if end is None:
        found = PATTERN.match(text, begin, limit)
        if found is None or not _is_address(text, found):
            return None
        end = found.end()
    zone = ZONE.match(text, end)
    return zone.end() if zone else end


def _is_address(text: str, match: re.Match[str]) -> bool:
    start, end = match.span()
    before = text[max(0, start - 6) : start]
    full = match[0].count(":") == 7 and _BARE_PORT.match(text, end) and _IN_USE.match(match[0])
    if not full and re.match(r"\w|:[\w:]", text[end : end + 2], re.ASCII):
        return False
    if re.search(r"[\w:.]\Z", before, re.ASCII) and not _NAME.search(before):
        return False
    try:
        address = ipaddress.IPv6Address(match[0])
    except ValueError:
        return False
    if _IN_USE.match(match[0]):
        return True
    if _LONG.fullmatch(match[0]):
        return max(map(len, match[0].split(":"))) > 2  # eight groups of two are the octets of a device
    return _is_written_as_one(text, start, end, address)


def _is_written_as_one(text: str, start: int, end: int, address: ipaddress.IPv6Address) -> bool:
    """Tell whether signs or words around say that a short form is an address: std::, a::b, [::2] of code are not."""
    before = text[max(0, start - 24) : start]
    if _AUTHORITY.search(before) or (before[-1:] == "[" and _PORT.match(text, end)):
        return True
    if before[-1:] == "[" and re.search(r"[\w\])]\[\Z", before):
        return False  # every second of a sequence
    if before[-1:] == "[" and _BRACKETED_PREFIX.match(text, end):
        return True
    if _PREFIX.match(text, end) or (address.packed[0] == 0xFE and ZONE.match(text, end)):
        return True
    if "." in text[start:end]:
        return True
    if not re.search(r"\d", text[start:end]):
        return False
    if re.match(r"\s+ip6-", text[end : end + 8]):
        return True
    if address.is_loopback:
        return False
    if any(label.kind == "ip" and start - label.end <= REACH for label in labels_before(text, start)):
        return True
    behind = labels(text, end, end + 16)
    return any(label.kind == "ip" and text[end : label.start] in (" ", " (", ": ", " - ") for label in behind)
