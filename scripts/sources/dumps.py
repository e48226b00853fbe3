"""Dumps of Wikimedia projects: the files of a language at a date, and parts of multistream files through their index.

A multistream file is a row of bz2 streams of 100 pages each (https://meta.wikimedia.org/wiki/Data_dumps/Dump_format).
The first stream with any others and an end is a smaller dump again, which is how a part of one is made.
"""

from __future__ import annotations

import bz2
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.lib.canonical import canonical_json, sha256_text
from scripts.lib.errors import UserError
from scripts.sources.addresses import scheme
from scripts.sources.found import Found, Portion, place, placed_file, portion
from scripts.sources.local import index_name
from scripts.sources.remote import Remote, Store
from scripts.sources.streams import BrokenStream, iter_lines

JOBS = ("articlesmultistreamdump", "articlesdump")  # the first that is done is taken
_ARTICLES = re.compile(r"pages-articles(?:-multistream)?\d*\.xml(?:-p\d+p\d+)?\.bz2$")
LONGEST_LINE = 1 << 12  # of an index: two numbers and a title of at most 255 bytes
END = bz2.compress(b"</mediawiki>\n")


@dataclass(frozen=True, slots=True)
class DumpFile:
    """A file of a dump: where it is, its SHA-1 as published, and the same of its index, if it has one."""

    name: str
    where: str
    sha1: str | None
    index: str | None = None
    index_sha1: str | None = None


def dump_files(dump: Mapping[str, Any], store: Store) -> list[DumpFile]:
    """Return the files with the articles of a dump, by its `dumpstatus.json`. Raises UserError."""
    wiki = f"{dump['language'].replace('-', '_')}wiki"
    folder = place(dump["base"], f"{wiki}/{dump['date']}")
    where = f"{folder}/dumpstatus.json"
    try:
        text = store.text(where) if scheme(where) else Path(where).read_text("utf-8")
        jobs = json.loads(text)["jobs"]
        done = [jobs[job].get("files", {}) for job in JOBS if jobs.get(job, {}).get("status") == "done"]
        listed = [{name: dict(files[name]) for name in sorted(files) if _ARTICLES.search(name)} for files in done]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise UserError(f"{where} is no state of a dump; correct dump.language, dump.date or dump.base.") from None
    for files, names in zip(done, listed, strict=True):
        if names:
            if scheme(where):  # the state goes on while a dump is made, and all parts must see the same files
                store.pin(where, sha256_text(canonical_json([[name, names[name].get("sha1")] for name in names])))
            return [_dump_file(name, folder, files) for name in names]
    raise UserError(f"The dump {wiki} of {dump['date']} is not finished or has no articles; take another dump.date.")


def _dump_file(name: str, folder: str, files: Mapping[str, Any]) -> DumpFile:
    where, sha1, index = f"{folder}/{name}", files[name].get("sha1"), index_name(name)
    if index == name or index not in files:
        return DumpFile(name, where, sha1)
    return DumpFile(name, where, sha1, f"{folder}/{index}", files[index].get("sha1"))


def stream_starts(index: Path) -> list[int]:
    """Return where the streams of pages begin, in bytes, ascending. Raises UserError for a file that is no index."""
    starts: set[int] = set()
    try:
        for _, line, _ in iter_lines(index, LONGEST_LINE):  # of a longer one, the number that it begins with
            starts.add(int(line.partition(b":")[0]))
    except (OSError, BrokenStream, ValueError):
        raise UserError(f"{index.name} is no index of a multistream dump; fetch it again.") from None
    if not starts:
        raise UserError(
            f"{index.name} is an index without entries; fetch it again, or remove it to read the dump as one stream."
        )
    return sorted(starts)


def cut_streams(dump: Path, index: Path, part: int, parts: int, target: Path) -> None:
    """Write part `part` of `parts` of a multistream file to `target`, as a dump of its own.

    Streams go to parts in runs, so that reading stays sequential; parts beyond the number of streams are empty dumps.
    """
    size = dump.stat().st_size
    starts = stream_starts(index)
    if starts[-1] >= size:
        raise UserError(f"{index.name} belongs to another file than {dump.name}; fetch both again.")
    first, last = part * len(starts) // parts, (part + 1) * len(starts) // parts
    with dump.open("rb") as stream, target.open("wb") as out:
        out.write(stream.read(starts[0]))
        if first < last:
            stream.seek(starts[first])
            left = (starts[last] if last < len(starts) else size) - starts[first]
            while left and (chunk := stream.read(min(left, 1 << 20))):
                out.write(chunk)
                left -= len(chunk)
        if last < len(starts) or first == last:
            out.write(END)


def dump_parts(dump: Mapping[str, Any], part: int, parts: int, store: Store) -> Portion:
    """Return the files of one part of a dump: a cut of each where there are fewer files than parts and all have an index."""
    files = dump_files(dump, store)
    indexes = [file.index for file in files if file.index is not None]
    if len(files) < parts and len(indexes) == len(files):
        cuts = zip(files, indexes, strict=True)
        return Portion([_cut_file(file, index, part, parts, store) for file, index in cuts])
    return portion([placed_file(file.name, file.where, store, file.sha1) for file in files], part, parts)


def _cut_file(file: DumpFile, index: str, part: int, parts: int, store: Store) -> Found:
    def copy(target: Path) -> None:
        with _opened(file.where, file.sha1, store) as whole, _opened(index, file.index_sha1, store) as starts:
            cut_streams(whole, starts, part, parts, target)

    return Found(file.name, copy)


@contextmanager
def _opened(where: str, digest: str | None, store: Store) -> Iterator[Path]:
    if not scheme(where):
        yield Path(where)
        return
    with store.file(Remote(where, digest)) as path:
        yield path
