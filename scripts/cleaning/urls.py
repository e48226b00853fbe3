"""Block lists of addresses: which documents come from a listed domain, lie below a listed path, or have listed words.

A list is a text file with one entry a line, as the UT1 lists of the University of Toulouse are: `domains` (`example.org`, which
covers every host below it), `urls` (`example.org/some/path`, which covers every path below it), `words` and `soft_words` (whole
words of the address) and `substrings` (of its letters and digits). Empty lines and lines with # are skipped. Cases do not count
except in paths; `www.`, scheme, port, user and fragment are left out of the comparison, and a host in punycode is one in letters.
(Penedo et al. 2023, appendix G.1.)
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from scripts.lib.errors import UserError
from scripts.lib.lists import INDEX, located

COLUMNS = {
    "domains": "url_domains",
    "urls": "url_paths",
    "words": "url_words",
    "soft_words": "url_soft_words",
    "substrings": "url_substrings",
}  # what is counted with each kind of list
MEASURED_OF_URLS = tuple(COLUMNS.values())
MATCHED = pa.list_(pa.string())
BLOCK = 1 << 24  # bytes of a list read at a time
DEEPEST = 32  # segments of a path that are looked at
ALTERNATIVES = 500  # substrings in one expression
_PARTS = (
    r"^(?:(?:[A-Za-z][A-Za-z0-9+.-]*:)?//)?(?:[^/?#@]*@)?"
    r"(?P<host>\[[^\]]*\]|[^/:?#]*)(?::[0-9]*)?(?P<path>[^?#]*)(?P<query>\?[^#]*)?"
)
_NOT_WORD = re.compile(r"[^a-z0-9]+")
_NO_HOST = r"[\s*|^\x00-\x1f]"  # patterns, comments, the columns of a file of hosts
_CODED = "xn--"

Counts = npt.NDArray[np.float64]


@dataclass(frozen=True)
class UrlLists:
    """The entries of all lists by kind; an Arrow array takes about the bytes of its file."""

    entries: Mapping[str, pa.Array]

    @classmethod
    def load(cls, lists: Mapping[str, Sequence[str]], index: Path = INDEX) -> UrlLists:
        """Read lists, named by their digests, by kind; raises UserError for one that changed after the run was planned."""
        entries = {}
        for kind in [kind for kind in COLUMNS if kind in lists]:
            paths = located(lists[kind], index)
            if paths:
                entries[kind] = normalised(kind, paths)
        return cls(entries)

    def matched(self, urls: pa.Array) -> dict[str, pa.Array]:
        """Return which entries match each address, list<string> by column; null where a document has no address."""
        encoded = urls.dictionary_encode()
        distinct = encoded.dictionary.cast(pa.string())
        parts = pc.extract_regex(distinct, _PARTS)
        hosts = spelled(parts.field("host"))
        found = {}
        for kind, column in COLUMNS.items():
            used = kind in self.entries and len(distinct)
            entries = self._matched(kind, distinct, hosts, parts) if used else [[] for _ in distinct]
            found[column] = pa.array(entries, MATCHED).take(encoded.indices)
        return found

    def _matched(self, kind: str, urls: pa.Array, hosts: pa.Array, parts: pa.StructArray) -> list[list[str]]:
        entries = self.entries[kind]
        if kind == "domains":
            return _listed((domain_suffixes(host) for host in hosts.to_pylist()), entries)
        if kind == "urls":
            rows = zip(
                hosts.to_pylist(), parts.field("path").to_pylist(), parts.field("query").to_pylist(), strict=True
            )
            return _listed((path_prefixes(host, path, query or "") for host, path, query in rows), entries)
        words = [_NOT_WORD.split(url.lower()) for url in urls.to_pylist()]
        if kind == "substrings":
            return _substrings(pa.array("".join(found) for found in words), entries)
        return _listed((sorted(set(found)) for found in words), entries)


def domain_suffixes(host: str | None) -> list[str]:
    """Return a host and all domains above it but the top-level one: a.example.org, example.org."""
    labels = (host or "").split(".")
    return [".".join(labels[start:]) for start in range(max(len(labels) - 1, 1))]


def path_prefixes(host: str | None, path: str, query: str) -> list[str]:
    """Return an address without scheme and `www.`, and all addresses above it."""
    above = (host or "").removeprefix("www.")
    segments = [segment for segment in path.split("/") if segment][:DEEPEST]
    found = [above]
    for segment in segments:
        above = f"{above}/{segment}"
        found.append(above)
    return [*found, above + query] if query else found


def counted(matched: pa.Array) -> Counts:
    """Return how many entries match each address; NaN where a document has no address."""
    counts: Counts = pc.list_value_length(matched).cast(pa.float64()).to_numpy(zero_copy_only=False)
    return counts


def _listed(candidates: Iterator[list[str]], entries: pa.Array) -> list[list[str]]:
    """Return which of the candidates of each address are entries."""
    flat: list[str] = []
    counts = []
    for mine in candidates:
        flat += mine
        counts.append(len(mine))
    found: list[list[str]] = [[] for _ in counts]
    owners = np.repeat(np.arange(len(counts)), counts)
    listed = pc.is_in(pa.array(flat, pa.large_string()), value_set=entries)
    for place in pc.indices_nonzero(listed).to_pylist():
        found[owners[place]].append(flat[place])
    return found


def _substrings(letters: pa.Array, entries: pa.Array) -> list[list[str]]:
    """Return which entries occur in each address; most addresses are ruled out by one expression for many entries."""
    found: list[list[str]] = [[] for _ in range(len(letters))]
    wanted = entries.to_pylist()
    for start in range(0, len(wanted), ALTERNATIVES):
        group = wanted[start : start + ALTERNATIVES]
        some = pc.match_substring_regex(letters, "|".join(map(re.escape, group)))
        for place in pc.indices_nonzero(some).to_pylist():
            address = letters[place].as_py()
            found[place] += [one for one in group if one in address]
    return found


def spelled(hosts: pa.Array) -> pa.Array:
    """Return hosts in lower case and without a last stop; labels in punycode (RFC 3492) as the letters that they stand for."""
    hosts = pc.utf8_rtrim(pc.utf8_lower(hosts), ".")
    coded = pc.match_substring(hosts, _CODED)
    if not pc.any(coded).as_py():
        return hosts
    plain = [".".join(map(_decoded, host.split("."))) for host in hosts.filter(coded).to_pylist()]
    return pc.replace_with_mask(hosts, coded, pa.array(plain, hosts.type))


def _decoded(label: str) -> str:
    """Return the letters of a label in punycode; one that is broken, or stands for letters that need none, as it is."""
    if not label.startswith(_CODED):
        return label
    try:
        plain = label.removeprefix(_CODED).encode("ascii").decode("punycode")
        plain.encode("utf-8")  # half of a surrogate pair is no letter
    except UnicodeError:
        return label
    return label if plain.isascii() else plain


def normalised(kind: str, paths: Sequence[Path]) -> pa.Array:
    """Return the distinct entries of some lists of a kind, spelled as addresses are compared."""
    blocks = [block for path in paths for block in _blocks(path)]
    lines = pa.chunked_array(blocks, pa.large_string()) if blocks else pa.chunked_array([[]], pa.large_string())
    lines = pc.utf8_trim_whitespace(lines)
    lines = lines.filter(pc.invert(pc.or_(pc.equal(lines, ""), pc.starts_with(lines, "#")))).combine_chunks()
    if kind == "urls":
        parts = pc.extract_regex(lines, _PARTS)
        hosts = spelled(parts.field("host")).to_pylist()
        rows = zip(hosts, *(parts.field(name).to_pylist() for name in ("path", "query")), strict=True)
        deepest = (path_prefixes(host, path, query or "")[-1] for host, path, query in rows)
        lines = pa.array(deepest, pa.large_string())
    elif kind == "domains":
        hosts = pc.utf8_ltrim(spelled(pc.extract_regex(lines, _PARTS).field("host")), ".")
        _refuse(lines, hosts, _NO_HOST, paths, "domains are hosts alone, one a line; correct it.")
        lines = pc.replace_substring_regex(hosts, r"^www\.", "")
    elif kind == "substrings":
        lines = pc.replace_substring_regex(pc.utf8_lower(lines), "[^a-z0-9]+", "")
    else:
        told = f"{kind} are single words of a-z and digits; correct it, or move it to a list of substrings."
        lines = pc.utf8_lower(lines)
        _refuse(lines, lines, "[^a-z0-9]", paths, told)
    distinct = pc.unique(lines)
    return distinct.filter(pc.not_equal(distinct, ""))


def _refuse(lines: pa.Array, spelling: pa.Array, never: str, paths: Sequence[Path], told: str) -> None:
    """Raise UserError for the first line of which the spelling has what no address has, so that it could never match."""
    wrong = lines.filter(pc.match_substring_regex(spelling, never))
    if len(wrong):
        raise UserError(f"{', '.join(map(str, paths))} has the entry {wrong[0].as_py()[:80]!r}, but {told}")


def _blocks(path: Path) -> Iterator[pa.Array]:
    """Yield the lines of a file, a bounded number at a time."""
    with path.open("rb") as stream:
        rest = stream.read(len(BOM_UTF8)).removeprefix(BOM_UTF8)
        while block := stream.read(BLOCK):
            whole, newline, rest = (rest + block).rpartition(b"\n")
            if newline:
                yield _split(whole)
    yield _split(rest)


def _split(block: bytes) -> pa.Array:
    text: Any = pa.array([block.decode("utf-8", "replace")], pa.large_string())
    return pc.split_pattern(text, "\n").flatten()
