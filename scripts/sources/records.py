"""What a reader yields: records to keep, and records that were rejected, with the reason.

A reader is a generator `read(path, origin, options)` over one raw file. `origin` is the file's native name (a member of
a package, a path under a glob); keys derive from it and from what the file says, never from the part or the position of
the file in it. Where several parts share a file, each reads it and keeps its share of the outcomes by their number; what
is costly to make, a reader yields as a function that makes it, so that the other parts need not. A reader that knows better
which records a part need not make takes the share too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from scripts.sources.shares import Share

SAMPLE_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Record:
    """A document as its source has it; `language` and `license` are set where the record itself states them."""

    key: str
    text: str
    url: str | None = None
    date: str | None = None
    language: str | None = None
    license: str | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that is not kept: `removed` by intention (a redirect) or `quarantined` because it is broken.

    `position` says where it is in the file (a line, a byte, a title); `sample` is its first characters.
    """

    kind: Literal["removed", "quarantined"]
    reason: str
    position: str
    sample: str


Outcome = Record | Rejected
Deferred = Callable[[], Outcome]
Reader = Callable[[Path, str, Mapping[str, Any]], Iterator[Outcome | Deferred]]
SharingReader = Callable[[Path, str, Mapping[str, Any], Share], Iterator[Outcome]]


def made(outcomes: Iterable[Outcome | Deferred]) -> Iterator[Outcome]:
    """Yield the outcomes, each made before the next is asked for."""
    for outcome in outcomes:
        yield outcome() if callable(outcome) else outcome


def removed(reason: str, position: str, sample: str | bytes = "") -> Rejected:
    """Return a record that is left out by intention."""
    return Rejected("removed", reason, position, printable(sample))


def quarantined(reason: str, position: str, sample: str | bytes = "") -> Rejected:
    """Return a record that is broken."""
    return Rejected("quarantined", reason, position, printable(sample))


def printable(sample: str | bytes) -> str:
    """Return the first characters of a sample as text that is valid UTF-8, whatever was in it."""
    if not sample:
        return ""
    if isinstance(sample, bytes):
        sample = sample[: SAMPLE_CHARACTERS * 4].decode("utf-8", "backslashreplace")
    return sample[:SAMPLE_CHARACTERS].encode("utf-8", "backslashreplace").decode("utf-8")


def stem(origin: str) -> str:
    """Return the name of a file without folders and suffixes of compression: `a/b.jsonl.gz` gives `b.jsonl`."""
    name = PurePosixPath(origin).name.rpartition("!")[2]
    for suffix in (".gz", ".bz2", ".xz", ".zst"):
        name = name.removesuffix(suffix)
    return name


def key_of(origin: str) -> str:
    """Return the native name of a file without suffixes of form and compression: `a/b.txt.gz` gives `a/b`."""
    path = PurePosixPath(origin)
    name = stem(origin)
    return str(path.with_name(PurePosixPath(name).stem or name))
