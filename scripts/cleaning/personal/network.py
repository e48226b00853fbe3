"""E-mail addresses and IP addresses."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from scripts.cleaning.personal.labels import labels_before
from scripts.cleaning.personal.scan import COLONS, EMAIL, NUMBER, Scanned

_LATIN = "A-Za-z0-9\u00c0-\u024f\u1e00-\u1eff"
_LOCAL = re.compile(rf"[{_LATIN}_](?:[{_LATIN}_.+%~!#$^*{{}}|'-]*[{_LATIN}_+%~$-])?$")
_LOCAL_ANY = re.compile(r"\w(?:[\w.+%~'-]*[\w+-])?$")
_QUOTED = re.compile(r'"[^"\n@]{1,62}"$')
_LABEL = rf"[{_LATIN}](?:[{_LATIN}-]{{0,61}}[{_LATIN}])?"
_DOMAIN = re.compile(rf"(?:{_LABEL}\.){{1,8}}(?:xn--[A-Za-z0-9-]{{2,59}}|[A-Za-z]{{2,24}})(?![A-Za-z0-9]|-[A-Za-z0-9])")
_DOMAIN_ANY = re.compile(r"(?:\w(?:[\w-]{0,61}\w)?\.){1,8}[^\W\d_]{2,24}(?!\w)")
_GLUED = re.compile(r"(?<=[a-z]{2})[A-Z][a-z]+$|(?<=\.com)[A-Z]\w*$")
# Endings of files, units and calls that stand where a host's does: icon@2x.png, getty@tty1.service.
_NO_HOSTS = re.compile(
    r"png|jpe?g|gif|svg|webp|avif|bmp|ico|tiff?|css|[jt]sx?|mjs|json|html?|php|xml|pdf|txt|zip|t?gz|whl|mov|wav|ogg|webm|woff|ttf|eot"
    r"|scss|less|map|ya?ml|toml|lock|rb|ipynb|jar|exe|dll|deb|rpm|service|socket|timer|target|mount|device|slice|scope",
    re.IGNORECASE,
)
_COM = re.compile(r"\.com(?!munity$|pany$|puter$|pare$|cast$|mbank$|sec$)(?=[a-z]+$)")  # vera@example.comtag
_PROMPT = re.compile(r"\(|:[~/]| \S{1,20}\][$#]")  # a call, a path on a host, a prompt
_IPV4 = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?!\.?\d)")
_V4 = r"(?:\d{1,3}\.){3}\d{1,3}"
_GROUP = "[0-9A-Fa-f]{1,4}"
_IPV6 = re.compile(
    rf"(?:{_GROUP}:){{1,6}}(?::?{_V4}|(?::{_GROUP}){{1,5}}:{_V4})"
    rf"|(?:{_GROUP}:){{1,7}}(?:(?::{_GROUP}){{1,6}}|{_GROUP}|:)|::(?:[Ff]{{4}}:)?{_V4}"
)
_ZONE = re.compile(r"%[A-Za-z0-9][\w.-]{0,31}")
_IN_USE = re.compile(
    r"(?:[23][0-9a-f]{3}|fe[89ab][0-9a-f]|f[cd][0-9a-f]{2}):|64:ff9b:|(?:0:0:0:0:0|:):ffff:[\d.]+$", re.IGNORECASE
)
_PRODUCT = re.compile(r"[A-Za-z][\w+-]*[/_-]$|(?<![A-Za-z])[vV]\.?$")
_NAMED = re.compile(r"(?<![\w.])[A-Z][A-Za-z+#]+ $")
NEAR = 30  # characters between a word for a version and the numbers that it still tells about
_RESOLVERS = ("8.8.8.8", "8.8.4.4", "9.9.9.9")
_FEW = 40  # an address with no group from here on looks like a version or a section


def emails(scanned: Scanned) -> Iterator[tuple[int, int]]:
    """Yield the addresses around each @: no logins of version control, no handles, no files such as icon@2x.png."""
    text = scanned.text
    for at, _ in scanned.places.get(EMAIL, ()):
        domain = _domain(text, at + 1)
        if domain is None:
            continue
        start = _local(text, at)
        if start < at and not _is_login(text, start, at, domain):
            yield start, domain


def _domain(text: str, start: int) -> int | None:
    """Return where the host that begins at `start` ends."""
    match = _DOMAIN.match(text, start, start + 255) or _DOMAIN_ANY.match(text, start, start + 255)
    if match is None:
        return None
    end = match.end()
    glued = _GLUED.search(text, match.start(), end)  # vera@example.orgPhone
    if glued and "." in text[start : glued.start()]:
        end = glued.start()
    ending = _COM.search(text, match.start(), end)
    end = ending.end() if ending else end
    last = text[start:end].rpartition(".")[2]
    return None if _NO_HOSTS.fullmatch(last) or _PROMPT.match(text, end) else end


def _local(text: str, at: int) -> int:
    """Return where the part before an @ starts; a Latin one may be glued to another script: 发送至vera@example.org."""
    begin = max(0, at - 65)
    match = _LOCAL.search(text, begin, at) or _QUOTED.search(text, begin, at)
    wide = _LOCAL_ANY.search(text, begin, at)
    if match is None or (wide and wide.start() < match.start() and not re.search("[A-Za-z]", match[0])):
        match = wide
    if match is None:
        return at
    start = match.start()
    while start < at and text[start] in "'._%+-$*!#^|{}~" and text[start] != "_":
        start += 1
    return start


def _is_login(text: str, start: int, at: int, end: int) -> bool:
    before = text[start - 1] if start else " "
    if (
        before == "@"
        or (before == "!" and not text[max(0, start - 2) : start - 1].strip())
        or (text[max(0, start - 3) : start] == "://" and text[max(0, start - 9) : start].lower() != "mailto://")
    ):
        return True
    if before == ":" and "://" in text[max(0, start - 60) : start].rsplit(" ", 1)[-1]:
        return True  # the password in a URL
    return text[start:at] in ("git", "hg", "svn") and text[end : end + 1] in (":", "/")


def addresses(scanned: Scanned) -> Iterator[tuple[int, int]]:
    """Yield IP addresses, private ones too; loopback, unspecified, multicast, netmasks name nobody."""
    text = scanned.text
    for start, end in scanned.places.get(COLONS, ()):
        named = text.find(":", start, end) + 1  # peer:2001:db8::1
        for begin in (start, named):
            found = _IPV6.match(text, begin, end + 16)
            if found and _is_ipv6(text, found):
                zone = _ZONE.match(text, found.end())
                yield begin, zone.end() if zone else found.end()
                break
    for start, end in scanned.places.get(NUMBER, ()):
        if text.count(".", start, end) >= 3:
            for match in _IPV4.finditer(text, start, end):
                if _is_ipv4(text, match.start(), match.end()):
                    yield match.span()


def _names_nobody(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return address.is_loopback or address.is_unspecified or address.is_multicast


def _is_ipv4(text: str, start: int, end: int) -> bool:
    try:
        address = ipaddress.IPv4Address(text[start:end])
    except ValueError:
        return False
    before, after = text[max(0, start - 24) : start], text[end : end + 18]
    first, second, third, _ = address.packed
    if _names_nobody(address) or first in (0, 255) or re.match(r"[A-Za-z_]|-[A-Za-z]", after):
        return False
    telling = next((label for label in labels_before(text, start) if label.kind in ("ip", "version")), None)
    versioned = telling is not None and telling.kind == "version" and start - telling.end <= NEAR
    if versioned and telling and not re.search(r"\d", text[telling.end : start]) and (first, second) != (192, 168):
        return False
    if re.search(r"://(?:\S*@)?$|[=\[@]$", before) or re.match(r"/(?:[12]?\d|3[0-2])(?!\d)|:\d{2,5}(?!\d)", after):
        return True
    product = _PRODUCT.search(before)
    if product and not (telling and telling.kind == "ip" and telling.end >= start - 1):
        return product[0].endswith("/") and first >= 50 and second > 0  # Contributions/81.2.69.142, Chrome/49.0.26.112
    if before and before[-1].isascii() and before[-1].isalnum():
        return False
    if telling and telling.kind == "ip":
        return True
    if re.match(r"-\d{1,3}(?![\d.])", after) or (_NAMED.search(before) and first <= 30 and second <= 9):
        return False  # 1.2.3.4-5; Mailer 16.0.50.10
    zeros = first == 10 and 0 in (second, third)
    return max(address.packed) >= _FEW or zeros or text[start:end] in _RESOLVERS


def _is_ipv6(text: str, match: re.Match[str]) -> bool:
    start, end = match.span()
    found = match[0]
    before = text[max(0, start - 6) : start]
    if not _IN_USE.match(found) or re.match(r"\w|:[\w:]", text[end : end + 2], re.ASCII):
        return False
    if re.search(r"[\w:.]$", before, re.ASCII) and not re.search(r"(?i)[a-z_]*[g-z_][a-z_]*\d?:$", before):
        return False
    try:
        address = ipaddress.IPv6Address(found)
    except ValueError:
        return False
    return not _names_nobody(address)
