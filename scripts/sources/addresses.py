"""Addresses of files: which are opened, how they are named, and what of them may be shown.

This module is read when the workflow is planned, so it imports no client.
"""

from __future__ import annotations

import logging
import re
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from scripts.lib.errors import UserError

NESTED = "!"  # stands between the path of an archive and a path within
WEB = ("http", "https")
STORES = {"s3": "s3fs", "gs": "gcsfs", "abfs": "adlfs"}  # schemes that fsspec opens, and the package that it needs
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://", re.I)
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://[^\s'\"<>]+", re.I)
_QUERY = re.compile(r"\?[^\s'\"<>?=]+=[^\s'\"<>]*")  # also of a path, as some clients name what they ask for
_SECRET = re.compile(r"token|secret|passw|pwd|signature|key|credential|^sig$|^sas$|^auth", re.I)


def is_glob(path: str) -> bool:
    """Tell whether a path stands for several files."""
    return any(character in path for character in "*?[")


def scheme(path: str) -> str | None:
    """Return the scheme of an address in lower case; None for a path."""
    match = _SCHEME.match(path)
    return match[1].lower() if match else None


def check_scheme(url: str) -> None:
    """Raise UserError for an address that is not opened here, or that holds a secret."""
    if scheme(url) not in (*WEB, *STORES):
        known = ", ".join(f"{name}://" for name in (*WEB, *STORES))
        raise UserError(f"{shown(url)} is no address that is opened here ({known}); use one of these or a path.")
    if scheme(url) in WEB and not _parts(url).hostname:
        raise UserError(f"{shown(url)} names no host; correct it.")
    check_public(url)


def native_name(url: str) -> str:
    """Return the name of a remote file: host, path and query."""
    parts = urlsplit(url)
    return f"{parts.netloc}{unquote(parts.path)}" + (f"?{parts.query}" if parts.query else "")


def shown(url: str) -> str:
    """Return an address without user, password and query, as it may stand in a log."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url.partition("?")[0].rpartition("@")[2]
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def public_text(text: str) -> str:
    """Return a text, such as the message of a client, without the user names, passwords and queries of addresses in it."""
    return _QUERY.sub("", _ADDRESS.sub(lambda found: shown(found[0]), text))


def public_reason(error: BaseException) -> str:
    """Return what an exception of a client says, in one line that may stand in a log."""
    return public_text((str(error).strip() or type(error).__name__).splitlines()[0])


class PublicLog(logging.Filter):
    """Takes out of log records what may not be shown: clients log the signed addresses that they are sent to."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite a record; none is left out."""
        try:
            said = record.getMessage()
        except (TypeError, ValueError):  # the client gave other arguments than it names
            said = str(record.msg)
        record.msg, record.args = public_text(said), None
        return True


def _parts(url: str) -> SplitResult:
    """Return the parts of an address. Raises UserError for one that is malformed."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 (it is checked when it is read)
        return parts
    except ValueError:
        raise UserError(f"{shown(url)} is no address; correct it.") from None


def check_public(url: str) -> None:
    """Raise UserError for an address of a config that holds a secret, since settings are published with the results."""
    parts = _parts(url)
    secret = next((name for name, _ in parse_qsl(parts.query, keep_blank_values=True) if _SECRET.search(name)), None)
    if "@" in parts.netloc or secret:
        what = "a user name or password" if "@" in parts.netloc else f"the parameter {secret}"
        raise UserError(f"{shown(url)} is given with {what}, which would get into records; use ~/.netrc instead.")
