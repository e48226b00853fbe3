"""Read the documents of one part of a source from its raw files, every record accounted for.

python -m scripts.sources.extract --raw results/sources/books/raw/0000.json
    --manifest results/sources/books/documents/0000.json --settings '{"source": "books", "kind": "books",
    "language": "en", "license": "Public domain", "options": {}, "max_quarantined": 0.01}'
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any, TextIO

from scripts.lib.canonical import canonical_json
from scripts.lib.documents import DocumentWriter
from scripts.lib.errors import UserError
from scripts.lib.manifest import Artefact, results_root
from scripts.lib.packed import published_files
from scripts.lib.progress import progress
from scripts.lib.settings import Settings
from scripts.lib.step import Step, run_step, step_parser
from scripts.lib.versions import version_id
from scripts.sources.addresses import NESTED
from scripts.sources.decoding import has_surrogates, normal_form
from scripts.sources.kinds import check_reader_options
from scripts.sources.readers import (
    academic,
    books,
    jsonl,
    news,
    parquet,
    scripture,
    social,
    speeches,
    text,
    web,
    wikipedia,
)
from scripts.sources.records import Outcome, Reader, Record, Rejected, SharingReader, made, quarantined, removed
from scripts.sources.seen import Seen
from scripts.sources.shares import Share

MODULE = "scripts.sources.extract"
READERS: dict[str, Reader] = {
    "common_crawl": web.read,
    "wikipedia": wikipedia.read,
    "books": books.read,
    "academic": academic.read,
    "social": social.read,
    "news": news.read,
    "scripture": scripture.read,
    "speeches": speeches.read,
    "huggingface": jsonl.read,
    "jsonl": jsonl.read,
    "parquet": parquet.read,
    "text": text.read,
    "web": web.read,
}
SHARING: dict[str, SharingReader] = {
    "books": books.read_share,
    "social": social.read,
    "jsonl": jsonl.read_share,
    "parquet": parquet.read_share,
}  # kinds of which a part need not make every n-th record of a file that it shares


@dataclass(frozen=True, slots=True)
class Declared:
    """What the config says of all documents of a source."""

    source: str
    language: str | None
    license: str


@dataclass(slots=True)
class Tally:
    """Counts of what became of the records, and an example of a broken one for the message."""

    kept: int = 0
    removed: Counter[str] = field(default_factory=Counter)
    quarantined: Counter[str] = field(default_factory=Counter)
    example: str = ""

    @property
    def incoming(self) -> int:
        """All records."""
        return self.kept + self.removed.total() + self.quarantined.total()


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of this program."""
    parser = step_parser(__doc__)
    parser.add_argument("--raw", type=Path, required=True, help="content manifest of the raw files of the part")
    return parser


def outcomes(raw: Artefact, kind: str, options: Mapping[str, Any]) -> Iterator[tuple[str, Outcome]]:
    """Yield what the reader of a kind makes of the raw files, or of the part's share of them, with the file's native name."""
    share = Share(*raw.summary.get("share", ()))
    with tempfile.TemporaryDirectory() as room:
        files = published_files(raw, Path(room))
        if options.get("joined"):
            yield from social.read_joined(list(files), options, share)
            return
        for path, origin in progress(files, raw.manifest["accounting"]["in"], "Extracting"):
            yield from ((origin, outcome) for outcome in of_file(path, origin, kind, options, share))
            if path.parent == Path(room):
                path.unlink()


def of_file(path: Path, origin: str, kind: str, options: Mapping[str, Any], share: Share) -> Iterator[Outcome]:
    """Yield what the reader of a kind makes of a share of a file."""
    if path.stat().st_size == 0:
        return share.of([quarantined("empty_file", origin)])
    if kind in SHARING:
        return SHARING[kind](path, origin, options, share)
    return made(share.of(READERS[kind](path, origin, options)))


def checked(outcome: Outcome, origin: str, declared: Declared, seen: Seen) -> dict[str, Any] | Rejected:
    """Return a record of the file `origin` as a row of the documents, or why it is none: empty, no text or there already.

    A record with the id of another and a text of its own is a version of it (`scripts.lib.versions`).
    """
    if isinstance(outcome, Rejected):
        return outcome
    stated = (outcome.text, outcome.key, outcome.url, outcome.date, outcome.language, outcome.license)
    if any(has_surrogates(value) for value in stated if value):
        return quarantined("lone_surrogates", outcome.key, outcome.text)
    content = normal_form(outcome.text)
    if not content.strip():
        return removed("empty", outcome.key)
    version = version_id(outcome.key, content)
    fresh = seen.add(outcome.key)
    if not seen.add(version):
        return quarantined("duplicate_id", outcome.key, content)
    return document(outcome if fresh else replace(outcome, key=version), content, origin, declared)


def document(record: Record, content: str, origin: str, declared: Declared) -> dict[str, Any]:
    """Return a row of the documents; what a record states of itself goes before what is known of its file and source."""
    return {
        "id": f"{declared.source}:{record.key}",
        "text": content,
        "url": record.url,
        "date": record.date,
        "language": record.language or declared.language,
        "license": record.license or declared.license,
        "meta": canonical_json({"file": file_name(origin) or None} | dict(record.meta)),
    }


def file_name(origin: str) -> str:
    """Return a native name without its folders, which are others on a mirror; that of a member begins with its archive's."""
    outer, nested, member = origin.partition(NESTED)
    return PurePosixPath(outer).name + nested + member


def write_documents(
    found: Iterator[tuple[str, Outcome]], declared: Declared, documents: DocumentWriter, quarantine: TextIO
) -> Tally:
    """Write rows to `documents` and broken records as JSON lines to `quarantine`; return the counts."""
    tally = Tally()
    seen = Seen()
    for origin, outcome in found:
        row = checked(outcome, origin, declared, seen)
        if not isinstance(row, Rejected):
            documents.write(row)
            tally.kept += 1
        elif row.kind == "removed":
            tally.removed[row.reason] += 1
        else:
            tally.quarantined[row.reason] += 1
            tally.example = tally.example or f"{row.reason} at {row.position} of {origin}"
            entry = {"file": origin, "reason": row.reason, "position": row.position, "sample": row.sample}
            quarantine.write(canonical_json(entry) + "\n")
    return tally


def check_budget(tally: Tally, source: str, limit: float, quarantine: Path, copy: Path) -> None:
    """Raise UserError where more than the share `limit` of the records is broken.

    A step that fails publishes nothing, so its `quarantine`, which says why, is copied to the logs then.
    """
    broken = tally.quarantined.total()
    if not tally.incoming or broken / tally.incoming <= limit:
        copy.unlink(missing_ok=True)  # it would speak of an earlier try
        return
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(quarantine, copy)
    raise UserError(
        f"{broken} of {tally.incoming} records of {source} are broken (the first: {tally.example}; all of them: {copy}), over "
        f"the share of {limit:g} in sources.{source}.max_quarantined; mend the files, check kind and options, or raise it."
    )


def extract(step: Step, args: argparse.Namespace) -> None:
    """Publish the documents and the quarantine of one part."""
    settings = step.settings
    declared = Declared(settings["source"], settings["language"], settings["license"])
    kind, limit, options = settings["kind"], settings["max_quarantined"], settings["options"]
    options = options.plain() if isinstance(options, Settings) else options
    if kind not in READERS:
        raise UserError(f"kind {kind} is none; the kinds are {', '.join(READERS)}.")
    check_reader_options(kind, options)
    raw = step.read("raw", args.raw)
    part = args.manifest.name.removesuffix(".json")
    with step.publish() as out:
        with (
            DocumentWriter(out.file(f"{part}.parquet")) as documents,
            out.file(f"{part}.quarantine.jsonl").open("w", encoding="utf-8", newline="\n") as quarantine,
        ):
            tally = write_documents(outcomes(raw, kind, options), declared, documents, quarantine)
        copy = results_root(args.manifest) / "logs" / "extract" / f"{declared.source}.{part}.quarantine.jsonl"
        check_budget(tally, declared.source, limit, out.staged_file(f"{part}.quarantine.jsonl"), copy)
        out.rows[f"{part}.parquet"] = tally.kept
        out.rows[f"{part}.quarantine.jsonl"] = tally.quarantined.total()
        out.account(incoming=tally.incoming, kept=tally.kept, removed=tally.removed, quarantined=tally.quarantined)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit status."""
    return run_step(MODULE, build_parser(), extract, argv)


if __name__ == "__main__":
    raise SystemExit(main())
