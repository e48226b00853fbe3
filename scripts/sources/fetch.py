"""Bring the raw files of one part of a source here, each checked against its digest.

They come from a pinned package, from local paths and addresses (mixed), from a Common Crawl snapshot, a dump of a
Wikimedia project or a data set of the hub. File i, sorted, goes to part i mod parts; where there are fewer files than parts,
several parts have one file, and the manifest says which share of it is that of each. Very many files of a part are published
as one (`scripts.lib.packed`).

    python -m scripts.sources.fetch --settings '{"origin": {"package": {"registry": "pip", "name": "gensim",
        "version": "4.4.0", "form": "wheel"}, "files": [{"path": "gensim/test/test_data/bgwiki*.bz2", "sha256": null}]},
        "part": "0000", "parts": 1, "content": null}' --cache results/cache --lock downloads.lock
        --manifest results/sources/bg/raw/0000.json
"""

from __future__ import annotations

import argparse
import logging
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from scripts.lib.canonical import sha256_file
from scripts.lib.errors import UserError
from scripts.lib.packed import MOST_FILES, pack
from scripts.lib.step import Step, run_step, step_parser
from scripts.sources.addresses import PublicLog
from scripts.sources.crawls import crawl_files
from scripts.sources.datasets import dataset_file
from scripts.sources.dumps import dump_parts
from scripts.sources.files import found_files
from scripts.sources.found import Portion, keep_once, portion
from scripts.sources.limits import Limits
from scripts.sources.local import listing_digest, local_listing, parse_files
from scripts.sources.remote import Store
from scripts.sources.shares import WHOLE

MODULE = "scripts.sources.fetch"
LIMITS = "GROUNDWORK_DOWNLOADS"  # limits change no result, so they come by the environment and not as settings
NAME_CHARACTERS = 80


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of this program."""
    parser = step_parser(__doc__)
    parser.add_argument("--cache", type=Path, required=True, help="folder of downloads, shared by all sources")
    parser.add_argument("--lock", type=Path, required=True, help="file that remembers the digests of downloads")
    return parser


@contextmanager
def part_files(origin: Mapping[str, Any], part: int, parts: int, cache: Path, store: Store) -> Iterator[Portion]:
    """Give the files of one part, sorted by native name; they can be copied within the block. Raises UserError."""
    with ExitStack() as stack:
        if "crawl" in origin:
            yield portion(crawl_files(origin["crawl"], origin["seed"], store), part, parts)
        elif "dump" in origin:
            yield dump_parts(origin["dump"], part, parts, store)
        elif "dataset" in origin:
            yield Portion([dataset_file(origin["dataset"], part, parts, store.limits.offline)])
        else:
            files, joined = parse_files(origin["files"]), "joined" in origin and origin["joined"]
            yield found_files(origin["package"], files, part, parts, cache, store, stack, joined)


def flat_name(index: int, origin: str) -> str:
    """Return the name under which file `index` of a part is published: its number and its cleaned base name."""
    name = re.sub(r"[^A-Za-z0-9._-]", "_", re.split(r"[/!]", origin)[-1])[-NAME_CHARACTERS:]
    return f"{index:06d}-{name}"


def fetch(step: Step, args: argparse.Namespace) -> None:
    """Publish the files of one part as a folder, with their native names in the manifest."""
    for handler in logging.getLogger().handlers:
        if not any(isinstance(one, PublicLog) for one in handler.filters):
            handler.addFilter(PublicLog())
    settings = step.settings
    origin, part, parts, content = settings["origin"], settings["part"], settings["parts"], settings["content"]
    store = Store(args.cache / "downloads", args.lock, Limits.parse(os.environ.get(LIMITS, "")))
    with part_files(origin, int(part), parts, args.cache / "packages", store) as mine, step.publish() as out:
        if content is not None:
            _check_content(origin, int(part), parts, content)
        folder = out.folder(part)
        named = {flat_name(index, file.origin): file for index, file in enumerate(mine.files)}
        for name, file in sorted(named.items(), key=lambda pair: pair[1].order):
            file.copy(folder / name)
            if mine.share != WHOLE:
                keep_once(folder / name, args.cache / "shared", mine.share.parts)
        names = {name: file.origin for name, file in named.items()}
        if packed := len(names) > MOST_FILES:
            pack(folder, names)
        out.summary["origins"] = {} if packed else names
        if mine.share != WHOLE:
            out.summary["share"] = [mine.share.part, mine.share.parts]
        out.account(incoming=len(names), kept=len(names), removed={}, quarantined={})
        store.release(mine.share.parts)


def _check_content(origin: Mapping[str, Any], part: int, parts: int, content: str) -> None:
    """Raise UserError where the user's files are not those that the run was planned with."""
    listing = local_listing(origin, part, parts)
    if listing is None or content != listing_digest([(sha256_file(path), name) for name, path in listing]):
        raise UserError("files: the local files of this part changed after the run was planned; run again.")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit status."""
    return run_step(MODULE, build_parser(), fetch, argv)


if __name__ == "__main__":
    raise SystemExit(main())
