"""IPv4 addresses in dotted decimals, told from versions, sections, enzymes and other numbers of four parts.

Signs that only addresses have come first (a URL's authority, a port, a prefix length), then the words before and after, then
what stands in one list with a number, and last its size: versions and sections begin with small numbers.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator

from scripts.cleaning.personal.labels import Label, labels, labels_before, plain

PATTERN = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?!\d)(?!\.\d(?!\d{0,4}(?: >|: )))")
NEAR = 30  # characters between a word for a version and the numbers that it still tells about
_FAR = 44  # … between a word for an address and a number that could well be a section's
_LISTED = 40  # … between numbers of one list
_AFTER = 22  # characters behind a number in which a word tells about it
_RESOLVERS = ("8.8.8.8", "8.8.4.4", "9.9.9.9", "1.1.1.1", "1.0.0.1")
_FEW = 40  # a number with no part from here on looks like a version or a section
_CAPTURED = re.compile(r"\.(?:\d{1,5}|[a-z][a-z-]*)(?: >|: )")  # tcpdump: 192.0.2.1.443 > 198.51.100.2.51234:
_GOES_ON = re.compile(r"[A-Za-z_]|-[A-Za-z]|\.[a-z]|\+\w")
_AUTHORITY = re.compile(r"//(?:[^\s/@]{0,60}@)?$|\\\\$")
_PORT_OR_PREFIX = re.compile(r"/(?:[12]?\d|3[0-2])(?![\w/]|\.\w)|/255\.|\]?:(?:\d{2,5}(?!\d|[.:]\d)|\*)")
_TOLD = re.compile(r"\d\.\d{1,3}\.\d{1,3}(?!\d)[^\w\n]{1,3}[^\W\d_]{4,}[^\n=:]*$")  # the word told of another address
_RANGE = re.compile(r"-(\d{1,3})(?![\d.])")
_OPERATOR = re.compile(r"(?:([A-Za-z_][\w.]*)[\"']?\s?)?(?:[=!~<>]=|~>|[\^~≥≤])\s?[\"']?$")  # package>=1.2.3.4
_ASSIGNED = re.compile(r"([A-Za-z][\w.-]*)[\"']?=[\"']?$")
_KEY = re.compile(  # AssemblyVersion("1.2.3.4"), <fw>, § 3.1.2.4
    r"(?:version|release|revision|build|firmware|(?<![a-z])(?:v|ver|rev|rel|fw|sw|e\.c))[\"'>\]]*\s?[:=(#.]{0,2}\s?[\"'(]?$|§\s?$",
    re.IGNORECASE,
)
_PRODUCT = re.compile(r"([A-Za-z][\w+.-]*)([/_-])\Z")
_NAMED = re.compile(r"(?<![\w.])[A-Z][A-Za-z+#]+ $")
# Systems by the ends of their names: FRITZ!OS, RouterOS, PAN-OS, EMUI; and makers' own names for what they release.
_SYSTEM = re.compile(r"(?:[A-Za-z0-9!+-]OS|[A-Z][a-z]?UI|W[Rr][Tt]|AGESA|Junos|UEFI) v?$")
_MAKER = re.compile(r"(?<!\w)(?:DSM|QTS|iDRAC\d*|iLO|ESXi|vCenter) v?$")
_RECORD = re.compile(r"(?:\bIN|\d)[ \t]+A[ \t]+$")  # www 3600 IN A 192.0.2.1
_MASK = re.compile(r"(?i)mask\W{1,3}$")
_BLOCKED = re.compile(r"[ \t]+(?:[a-z0-9-]+\.)+[a-z]{2,}[ \t]*(?:#|\n|$)")  # 0.0.0.0 ads.example.org
_FELLOWS = re.compile(r"(?i)(?<![\w:])::1?(?![\w:])|127\.0\.0\.1|ipv[46]|local-?host|listen|\bbind|expos|interface")
_INSIDE = re.compile(r"[\w,)] [A-Z][A-Za-z+#]+ $")  # the name does not begin a sentence, as Open or Use might
_SERVER = re.compile(r"(?<![\w.])([A-Z]\w+) (?:Server|Client|Manager|Agent|Gateway|Cluster|Database) $")
_LIST = re.compile(
    r"[\s,;/|&+\"'-]*(?:(?:and|und|et|y|e|i|och|og|en|ja|a|или|и|or|oder|ou|o|to|through|until|bis|до|和|と|及|、|，|＆|–|—)[\s,\"']*)?",
    re.IGNORECASE,
)
_AT = re.compile(  # between a word for a version and an address: version 2 runs at, on, from …
    r"at|on|from|via|host|server|ip|auf|an|bei|unter|von|vom|sur|chez|depuis|en|desde|sobre|su|da|dal|em|op"
    r"|van|fra|fran|pa|na|u|z|ze|с|на|из|по"
)
_TO = re.compile(r"to|from|on|auf|von|zu|zur|vers|de|du|a|da|al|em|naar|van|till|fran|til|fra|na|z|do|с|на|до|из")
_JOINING = re.compile(r"and|or|to|through|und|oder|bis|et|ou|y|o|e|i|en|of|t|och|og|ja|и|или|до")
_MOVING = re.compile(r"upgrad|updat|downgrad|aktuali|migr|bump|patch|mise|обнов")
_FROM = ("from", "via", "of")
_HEADING = re.compile(r"(?:^|\n)[\s#*=]*$")
_TITLE = re.compile(r"\.?[ \t]+[A-Z][a-z]")
_SERVICES = re.compile(
    r"DNS|DHCP|NTP|SSH|FTP|Web|Mail|Proxy|File|Print|Name|Syslog|RADIUS|LDAP|VPN|The|This|Your|Our|My|A"
)


def addresses(text: str, stretches: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the addresses in stretches of folded text that are digits and what may part them."""
    last, network = 0, ""
    verdict: bool | None = None
    for start, end in stretches:
        if text.count(".", start, end) < 3:
            continue
        for match in PATTERN.finditer(text, start, end + 3):
            apart = match.start() - last
            listed = verdict if apart <= _LISTED and _LIST.fullmatch(text, last, match.start()) else None
            same = network == (network := match[0].rsplit(".", 2)[0])
            if listed is not False or not same:  # from 5.5.82.1 to 5.5.90.2
                verdict = is_address(text, match.start(), match.end(), listed)
            last = match.end()
            if verdict:
                yield match.span()


def is_address(text: str, start: int, end: int, listed: bool | None) -> bool:
    """Tell whether four decimal parts are an address; `listed`: what the number before in the same list is."""
    try:
        address = ipaddress.IPv4Address(text[start:end])
    except ValueError:
        return False
    before, after = text[max(0, start - 40) : start], text[end : end + 18]
    first, _, _, _ = address.packed
    captured = _CAPTURED.match(after) is not None and (" >" in after or before.endswith("> "))
    if captured:
        return True
    if _GOES_ON.match(after) or re.match(r"\.\d", after) or (before[-1:].isascii() and before[-1:].isalnum()):
        return False
    if _AUTHORITY.search(before) or _RECORD.search(before):
        return True
    if _MASK.search(before) and address.packed[1:] == b"\0\0\0":
        return False
    if text[start:end] == "0.0.0.0" and _is_any(text, start, end):
        return True
    near = labels_before(text, start)
    if _is_version(text, start, before, near, address):
        return False
    if first == 255 or (first == 0 and address.packed[1:] != b"\0\0\0"):
        return (
            str(address) == "255.255.255.255"
            and re.search(r"(?i)(?:broadcast|bcast|brd|dst)\W{1,3}$", before) is not None
        )
    return _has_signs(text, start, end, near, address) or _fits(text, start, end, near, address, listed)


def _is_version(text: str, start: int, before: str, near: list[Label], address: ipaddress.IPv4Address) -> bool:
    """Tell whether what stands before a number makes it a version or a section."""
    if address.packed[:3] == b"\x7f\0\0":
        return False  # === '127.0.0.1'
    operator = _OPERATOR.search(before) or _ASSIGNED.search(before)
    if operator and operator[1] and _names_address(operator[1]):
        return False
    if (operator and _OPERATOR.search(before)) or _KEY.search(before):
        return True
    if address.packed[0] <= _FEW and (_SYSTEM.search(before) or (address.packed[0] != 10 and _MAKER.search(before))):
        return True
    if address.packed[:2] == b"\xc0\xa8":
        return False
    for place, label in enumerate(near):
        small = address.packed[0] <= _FEW or address.packed[1:3] == b"\0\0"
        if label.kind == "product" and small and re.fullmatch(r"[\s/:=(#\"'-]{0,3}", text[label.end : start]):
            return True
        if label.kind == "version":
            return _tells_of(text, label, start)
        if label.kind == "ip":
            farther = next((other for other in near[place + 1 :] if other.kind in ("ip", "version")), None)
            moved = text[label.start : label.end].lower() in _FROM and farther and farther.kind == "version"
            if not (moved and farther and label.start - farther.end <= 16):
                return False
    return False


def _is_any(text: str, start: int, end: int) -> bool:
    """Tell whether 0.0.0.0 is the unspecified address: quoted, in a list of blocked hosts, beside its fellows."""
    before = text[max(0, start - 40) : start]
    if _HEADING.search(before) and _BLOCKED.match(text, end, end + 80):
        return True
    quoted = before[-1:] in ('"', "'", "`") and before[-1:] == text[end : end + 1]
    return quoted or _FELLOWS.search(before) is not None or _FELLOWS.search(text, end, end + 40) is not None


def _tells_of(text: str, label: Label, start: int) -> bool:
    """Tell whether a word for a version tells of a number some words behind it."""
    gap = text[label.end : start]
    if start - label.end > NEAR or re.search(r"[.!?;]\s+[A-Z]|\n\s*\n", gap):
        return False
    words = re.findall(r"[^\W\d_]+", plain(gap))
    if re.search(r"\d", gap):
        whole = all("." in number for number in re.findall(r"\d[\d.]*", gap))
        return whole and all(_JOINING.fullmatch(word) for word in words)
    if any(map(_MOVING.match, re.findall(r"[^\W\d_]+", plain(text[max(0, label.start - NEAR) : label.end])))):
        return all(_TO.fullmatch(word) for word in words) or not any(_AT.fullmatch(word) for word in words)
    return not any(_AT.fullmatch(word) for word in words)


def _names_address(key: str) -> bool:
    """Tell whether the last parts of a key say address: src_ip, ip.addr, remoteAddress."""
    parts = re.findall(r"[A-Z]?[a-z]+|[A-Z]+", key)
    return any(label.kind == "ip" for part in parts[-2:] for label in labels(part, 0, len(part)))


def _has_signs(text: str, start: int, end: int, near: list[Label], address: ipaddress.IPv4Address) -> bool:
    """Tell whether signs around a number are those of an address: a port, a prefix length, brackets, a login's @."""
    before, after = text[max(0, start - 40) : start], text[end : end + 18]
    product = _PRODUCT.search(before)
    if product and not _names_address(product[1]):
        return False
    if _PORT_OR_PREFIX.match(after):
        return True
    if before[-1:] in ("[", "@", "="):
        return not _is_small(address) or any(label.kind == "ip" for label in near)
    return False


def _is_small(address: ipaddress.IPv4Address) -> bool:
    """Tell whether a number could well be a version: all its parts small, or the first three so."""
    first, second, third, _fourth = address.packed
    return first not in (10, 127) and (max(address.packed) < _FEW or (first <= 30 and second <= 20 and third < 60))


def _is_paired(text: str, start: int, end: int, near: list[Label]) -> bool:
    """Tell whether four pairs of digits are a telephone's or an account's: tlf 22.33.44.55."""
    telling = next((label for label in near if label.kind in ("ip", "phone", "account")), None)
    pairs = re.fullmatch(r"\d\d(?:\.\d\d){3}", text[start:end])
    return pairs is not None and telling is not None and telling.kind != "ip" and start - telling.end <= 14


def _fits(
    text: str, start: int, end: int, near: list[Label], address: ipaddress.IPv4Address, listed: bool | None
) -> bool:
    """Tell by the words near a number, its neighbours in a list and its size whether it is an address."""
    before, after = text[max(0, start - 40) : start], text[end : end + 18]
    first, second, _, _ = address.packed
    telling = next((label for label in near if label.kind in ("ip", "version")), None)
    close = telling is not None and telling.kind == "ip" and start - telling.end <= _FAR
    if close and telling and _TOLD.search(text, telling.end, start):
        close = False
    adjacent = telling is not None and telling.kind == "ip" and start - telling.end <= 1
    product = _PRODUCT.search(before)
    if product and not adjacent:
        return (product[2] == "/" and first >= 50 and second > 0) or address.packed[:2] == b"\xc0\xa8" or first == 127
    server = _SERVER.search(before)
    small = _is_small(address)
    if server and not _SERVICES.fullmatch(server[1]) and first <= 30 and second <= 20:
        return False
    heading = _HEADING.search(before) is not None and _TITLE.match(after) is not None
    if (heading and max(address.packed) < _FEW and 0 not in address.packed) or _is_paired(text, start, end, near):
        return False
    if listed is not None and (small or first == 10):
        return listed
    if (
        (small or first == 0)
        and not heading
        and close
        and telling
        and "\n" not in text[telling.end : start].strip(":\n ")
    ):
        return True
    if first == 0:
        return False
    behind = next((label for label in labels(text, end, end + _AFTER)[::-1] if label.kind in ("ip", "version")), None)
    if behind and behind.start - end <= 3 and small:
        return behind.kind == "ip"
    ranged = _RANGE.match(after)
    if ranged and not address.packed[3] < int(ranged[1]) <= 255:
        return False  # 1.2.3.4-1
    if address.packed[1:] == b"\0\0\0" and first not in (10, 127):
        return close
    named = _NAMED.search(before)
    if named and not close and first <= 30 and second <= 9:
        return (first in (10, 127)) and not _INSIDE.search(before)
    if text[start:end] in _RESOLVERS:
        fellow = re.compile(rf"(?<![\d.]){re.escape(text[start : end - 1])}(?!{text[end - 1]})\d(?!\d)")
        return not heading and not fellow.search(text, max(0, start - 200), end + 200)  # a list of releases
    return not small
