"""Bring the raw files of one part of a source here, each checked against its digest.

Files are members of a pinned package or local paths; both may be globs. File i, sorted, goes to part i mod parts.

    python -m scripts.sources.fetch --settings '{"package": {"registry": "pip", "name": "gensim", "version": "4.4.0",
        "form": "wheel"}, "files": [{"path": "gensim/test/test_data/bgwiki*.bz2", "sha256": null}],
        "part": "0000", "parts": 1, "content": null}' --cache results/cache/packages
        --manifest results/sources/bg/raw/0000.json
"""

from __future__ import annotations

import argparse
import glob
import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from scripts.lib.canonical import sha256_file, sha256_text
from scripts.lib.errors import UserError
from scripts.lib.step import Step, run_step, step_parser
from scripts.sources.archives import NESTED, Archive, Member, copy_member, is_glob, matching, open_archive
from scripts.sources.packages import cached_package, parse_package

MODULE = "scripts.sources.fetch"
NAME_CHARACTERS = 80


@dataclass(frozen=True, slots=True)
class Found:
    """A file of the source: its native name, what copies it to a path, and what gives its SHA-256."""

    origin: str
    copy: Callable[[Path], object]
    digest: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Wanted:
    """An entry of `files` in the config: a path or glob and, where it is pinned, its SHA-256."""

    path: str
    sha256: str | None


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of this program."""
    parser = step_parser(__doc__)
    parser.add_argument("--cache", type=Path, required=True, help="folder of downloads, shared by all sources")
    return parser


def parse_files(entries: Sequence[str | Mapping[str, Any]]) -> list[Wanted]:
    """Return the entries of `files`; a plain string is a path without a digest."""
    wanted = []
    for entry in entries:
        values: Mapping[str, Any] = {"path": entry} if isinstance(entry, str) else entry
        wanted.append(Wanted(str(values["path"]), values.get("sha256")))
    if not wanted:
        raise UserError("files is empty; name at least one path.")
    return wanted


def member_file(origin: str, archive: Archive, member: Member) -> Found:
    """Return a member of an archive as a file of the source."""

    def digest() -> str:
        with archive.open(member) as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type]

    return Found(origin, lambda target: copy_member(archive, member, target), digest)


def local_paths(pattern: str) -> list[tuple[str, Path]]:
    """Return native name and path of the local files that a path or glob stands for, sorted by path.

    A relative path keeps its name as written; an absolute one is named from its first folder with a wildcard (or by
    the file alone), so that no path of this machine gets into a document.
    """
    paths = sorted(glob.glob(pattern, recursive=True)) if is_glob(pattern) else [pattern]
    root = os.path.dirname(re.split(r"[*?\[]", pattern, maxsplit=1)[0]) if os.path.isabs(pattern) else ""  # noqa: PTH117, PTH120
    found = []
    for path in map(Path, paths):
        if path.is_file():
            origin = path.relative_to(root).as_posix() if root else PurePosixPath(path).as_posix()
            found.append((origin, path))
    return found


def local_matches(pattern: str, stack: ExitStack) -> list[Found]:
    """Return the local files of a pattern; after `!` it looks into the archives that they are."""
    outer, nested, inside = pattern.partition(NESTED)
    files = local_paths(outer)
    if not nested:
        return [Found(origin, _copier(path), _digester(path)) for origin, path in files]
    found = []
    for origin, path in files:
        members = stack.enter_context(matching(open_archive(path), inside))
        found += [member_file(f"{origin}{NESTED}{name}", archive, member) for name, archive, member in members]
    return found


def _copier(path: Path) -> Callable[[Path], object]:
    return lambda target: shutil.copyfile(path, target)


def _digester(path: Path) -> Callable[[], str]:
    return lambda: sha256_file(path)


def listing_digest(entries: Sequence[tuple[str, str]]) -> str:
    """Return the SHA-256 of the lines `<sha256>  <path>` of some files, in the order given."""
    return sha256_text("".join(f"{digest}  {origin}\n" for digest, origin in entries))


def check_digest(wanted: Wanted, found: Sequence[Found], where: str) -> None:
    """Raise UserError where nothing matches or the content is not the pinned one.

    The digest of a glob is the SHA-256 of the lines `<sha256>  <path>` of its files, sorted by path.
    """
    if not found:
        raise UserError(f"files: {wanted.path} matches nothing in {where}; mend the path or the version.")
    if wanted.sha256 is None:
        return
    listing = [(file.digest(), file.origin) for file in found]
    actual = listing_digest(listing) if is_glob(wanted.path) else listing[0][0]
    if actual != wanted.sha256:
        raise UserError(
            f"files: {wanted.path} in {where} has the SHA-256 {actual} instead of {wanted.sha256}; "
            "if the new content is meant, put its digest into the config."
        )


@contextmanager
def source_files(package: Mapping[str, Any] | None, files: Sequence[Wanted], cache: Path) -> Iterator[list[Found]]:
    """Give all files of a source, checked and sorted by native name; they can be copied within the block."""
    with ExitStack() as stack:
        archive, where = None, "this folder"
        if package is not None:
            parsed = parse_package(package)
            archive, where = open_archive(stack.enter_context(cached_package(parsed, cache))), str(parsed)
        found: dict[str, Found] = {}
        for wanted in files:
            if archive is None:
                hits = local_matches(wanted.path, stack)
            else:
                members = stack.enter_context(matching(archive, wanted.path))
                hits = [member_file(*member) for member in members]
            check_digest(wanted, hits, where)
            for hit in hits:
                if hit.origin in found:
                    raise UserError(f"files: {hit.origin} is there twice; let each file match one path only.")
                found[hit.origin] = hit
        yield [found[origin] for origin in sorted(found)]


def flat_name(index: int, origin: str) -> str:
    """Return the name under which file `index` of a source is published: its number and its cleaned base name."""
    name = re.sub(r"[^A-Za-z0-9._-]", "_", re.split(r"[/!]", origin)[-1])[-NAME_CHARACTERS:]
    return f"{index:06d}-{name}"


def fetch(step: Step, args: argparse.Namespace) -> None:
    """Publish the files of one part as a folder, with their native names in the manifest."""
    settings = step.settings
    package = settings["package"]
    wanted = parse_files(settings["files"])
    part, parts, content = settings["part"], settings["parts"], settings["content"]
    names: dict[str, str] = {}
    with source_files(package, wanted, args.cache) as files, step.publish() as out:
        folder = out.folder(part)
        digests = []
        for index, file in enumerate(files):
            if index % parts == int(part):
                name = flat_name(index, file.origin)
                file.copy(folder / name)
                digests.append((sha256_file(folder / name), file.origin))
                names[name] = file.origin
        if content is not None and content != listing_digest(digests):
            raise UserError("files: the local files of this part changed after the run was planned; run again.")
        out.summary["origins"] = names
        out.account(incoming=len(names), kept=len(names), removed={}, quarantined={})


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit status."""
    return run_step(MODULE, build_parser(), fetch, argv)


if __name__ == "__main__":
    raise SystemExit(main())
