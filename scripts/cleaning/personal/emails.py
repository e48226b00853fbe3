"""E-mail addresses: addr-spec of RFC 5322 and 6531 as people write it, without comments and folding."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from scripts.cleaning.personal.scan import EMAIL, Scanned

_LATIN = "A-Za-z0-9\u00c0-\u024f\u0300-\u036f\u1e00-\u1eff"
# Vowel signs, tone marks and joiners, which are no letters for a pattern but belong to words of their scripts.
_MARKS = (
    "\u0300-\u036f\u05b0-\u05bd\u05bf-\u05c7\u064b-\u065f\u0670\u0900-\u0963\u0966-\u0dff\u0e31-\u0e4e\u0eb1-\u0ecd"
    "\u0f71-\u0f84\u102b-\u103e\u17b4-\u17d3\u200c\u200d"
)
_W = rf"\w{_MARKS}"
_LOCAL = re.compile(rf"[{_LATIN}_](?:[{_LATIN}_.+%~!#$^*&'-]*[{_LATIN}_+%~$-])?$")
_LOCAL_ANY = re.compile(rf"\w(?:[{_W}.+%~'-]*[{_W}+-])?$")
_QUOTED = re.compile(r'(?<!\w)"(?:[^"\\\n]|\\.){1,62}"$')
_GROUPED = re.compile(r"\\?\{[\w.-]{1,30}(?: ?[,|;] ?[\w.-]{1,30}){1,12}\\?\}$")  # {ada,bob}@example.org
# Addresses that hold another one, as returned mail has: SRS0=hash=tt=example.net=vera@example.org, list+vera=example.net@…
_RETURNED = re.compile(
    r"(?<![\w.+=-])(?:SRS[01][=+-]|(?:ms)?prvs\d?=|btv1=|[\w.-]{0,40}bounces?[\w.+-]{0,40}=|[\w.-]{1,40}\+[\w.-]{0,40}=)"
    r"[\w.+=/-]+$"
)
_LABEL = rf"[{_LATIN}](?:[{_LATIN}-]{{0,61}}[{_LATIN}])?"
_DOMAIN = re.compile(rf"(?:{_LABEL}\.){{1,8}}(?:xn--[A-Za-z0-9-]{{2,59}}|[A-Za-z]{{2,24}})(?![A-Za-z0-9]|-[A-Za-z0-9])")
_DOMAIN_ANY = re.compile(
    rf"(?:\w(?:[{_W}-]{{0,61}}[{_W}])?\.){{1,8}}(?:xn--[A-Za-z0-9-]{{2,59}}|[^\W\d_][{_MARKS}]*"
    rf"(?:[^\W\d_][{_MARKS}]*){{1,23}})(?![{_W}])"
)
_LITERAL = re.compile(r"\[(?:IPv6:)?([0-9A-Fa-f:.]{2,45})\]", re.IGNORECASE)
_GLUED = re.compile(r"(?<=[a-z]{2})[A-Z][a-z]+$|(?<=\.com)[A-Z]\w*$")
# Endings of files, units and calls that stand where a host's does: icon@2x.png, getty@tty1.service.
_NO_HOSTS = re.compile(
    r"png|jpe?g|gif|svg|webp|avif|heic|bmp|ico|tiff?|psd|css|[jt]sx?|mjs|cjs|json|html?|php|xml|pdf|txt|zip|t?gz|whl|mov|wav|ogg"
    r"|webm|woff|ttf|eot|docx?|xlsx?|pptx?|csv|tsv|log|conf|cfg|ini|bak|tmp|tar|iso|img|bin|swp|java|class|hpp|cpp|vue"
    r"|scss|less|map|ya?ml|toml|lock|rb|ipynb|jar|exe|dll|deb|rpm|service|socket|timer|target|mount|automount|device|slice|scope",
    re.IGNORECASE,
)
_VERSION = re.compile(r"v?\d+\.(?:\d+|x)(?![^\W_])")  # release@1.4.0-beta.next
_COM = re.compile(r"\.com(?!munity$|pany$|puter$|pare$|cast$|mbank$|sec$)(?=[a-z]+$)")  # vera@example.comtag
_PROMPT = re.compile(
    r"\((?:\)|self\b|this\b|[\"']|-?\d|\w+=)|:[~/]| \S{1,20}\][$#]"
)  # a call, a path on a host, a prompt
_REPOSITORY = re.compile(r":[\w./~-]{1,80}\.git\b")
_REVISIONS = ("git", "hg", "svn", "bzr", "gitlab", "gitea", "gogs", "forgejo", "gerrit", "aur")
_SHELL = re.compile(r"(?<!\w)ssh(?:-[\w-]+)? (?:-\S+ ){0,4}$")
_SCOPE = re.compile(r"(?<![\w.])@[\w.-]+/$")  # @scope/package@next.one
_CODE = re.compile(
    r"(?:this|super|return|break|continue)@|\w+@(?:self|this)\."
)  # labels of Kotlin, products of matrices
_SIGNS = re.compile(
    r"(?:(?<=[\s<(\"'])|^)[!#$%&'*+/=?^_`{|}~.A-Za-z0-9-]{8,64}$"
)  # every sign that RFC 5322 allows, as tests have it
_X400 = re.compile(
    r"(?:(?<=[\s<])|^)[A-Za-z]{2,30}/[A-Za-z]{2,30}=\w[\w.-]*$"
)  # customer/department=shipping@example.org
# Before an address: a line end or a sign as JSON writes it, a sign as URLs write it.
_ESCAPE = re.compile(r"\\(?:[nrt](?=\w)|u00[0-9A-Fa-f]{2}|x[0-9A-Fa-f]{2})|%(?:2[0267CF]|3[A-F]|0[AD9])", re.IGNORECASE)
_DOMAIN_LOGIN = re.compile(r"(?<![\w\\])[A-Z][A-Z0-9-]{1,14}$")  # CORP\nancy
_TRIMMED = "'.%+-$*!#^~&"


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
    if text[start] == "[":
        return _literal(text, start)
    match = _DOMAIN.match(text, start, start + 255) or _DOMAIN_ANY.match(text, start, start + 255)
    if match is None or _VERSION.match(text, start):
        return None
    end = match.end()
    glued = _GLUED.search(text, match.start(), end)  # vera@example.orgPhone
    if glued and "." in text[start : glued.start()]:
        end = glued.start()
    ending = _COM.search(text, match.start(), end)
    end = ending.end() if ending else end
    last = text[start:end].rpartition(".")[2]
    return None if _NO_HOSTS.fullmatch(last) or _PROMPT.match(text, end) else end


def _literal(text: str, start: int) -> int | None:
    """Return where a host in brackets ends: vera@[192.0.2.1], vera@[IPv6:2001:db8::1]."""
    match = _LITERAL.match(text, start, start + 60)
    try:
        return match.end() if match and ipaddress.ip_address(match[1]) else None
    except ValueError:
        return None


def _local(text: str, at: int) -> int:
    """Return where the part before an @ starts; a Latin one may be glued to another script: 发送至vera@example.org."""
    begin = max(0, at - 65)
    if text[at - 1] in '"}':
        whole = (_QUOTED if text[at - 1] == '"' else _GROUPED).search(text, begin, at)
        return whole.start() if whole else at
    signs = _SIGNS.search(text, begin, at)
    if signs and len(set(re.findall(r"[!#$%&'*/=?^`{|}~]", signs[0]))) >= 8:
        return signs.start()
    whole = _X400.search(text, begin, at)
    if whole:
        return whole.start()
    match = _LOCAL.search(text, begin, at)
    wide = _LOCAL_ANY.search(text, begin, at)
    if match is None or (wide and wide.start() < match.start() and not re.search("[A-Za-z]", match[0])):
        match = wide
    if match is None:
        return at
    start = _unescaped(text, match.start(), at)
    joined = text.rfind("&", start, at)
    if joined >= 0 and start and not text[start - 1].isspace() and text[start - 1] not in "<(\"':":
        start = joined + 1  # a=1&vera@example.org, though R&D@example.org is one
    while start < at and text[start] in _TRIMMED:
        start += 1
    if start and text[start - 1] == "=":
        returned = _RETURNED.search(text, max(0, at - 128), at)
        start = returned.start() if returned else start
    return start


def _unescaped(text: str, start: int, at: int) -> int:
    """Return where the part before an @ starts behind the last escape sequence in it or at its start."""
    for escape in _ESCAPE.finditer(text, max(0, start - 1), at):
        is_domain = text[escape.start()] == "\\" and _DOMAIN_LOGIN.search(text, max(0, start - 20), escape.start())
        if escape.end() < at and not is_domain:
            start = escape.end()
    return start


def _is_login(text: str, start: int, at: int, end: int) -> bool:
    before = text[start - 1] if start else " "
    if (
        before == "@"
        or (before == "!" and not text[max(0, start - 2) : start - 1].strip())
        or (text[max(0, start - 3) : start] == "://" and text[max(0, start - 9) : start].lower() != "mailto://")
        or (before == "/" and _SCOPE.search(text, max(0, start - 60), start))
    ):
        return True
    if before == ":" and "://" in text[max(0, start - 60) : start].rsplit(" ", 1)[-1]:
        return True  # the password in a URL
    if _CODE.match(text, start, end):
        return True
    if text[start:at] in _REVISIONS and (
        text[end : end + 1] in (":", "/") or _SHELL.search(text, max(0, start - 60), start)
    ):
        return True
    return _REPOSITORY.match(text, end, end + 90) is not None
