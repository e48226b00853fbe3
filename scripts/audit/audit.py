"""Audit a corpus: of what it consists, what its filters remove, and whom that touches; gates can fail the build.

    python -m scripts.audit.audit --documents results/sources/books/documents/0000.json \\
        --selections results/corpora/main/selection/books/0000.json \\
        --curated results/corpora/main/documents/books/0000.json --manifest results/corpora/main/audit.json --settings
        '{"corpus": "main", "sources": [{"name": "books", "parts": 1}], "max_removal_ratio": 3, "minimum_mentions": 30}'

Documents, selections and curated documents come in one order: sources by name, parts ascending. Publishes `audit/audit.json`
(all numbers), `audit/index.html` (a page that opens from disk) and `audit/card.md`. A group that is mentioned in at least
`minimum_mentions` documents and whose removal ratio lies above `max_removal_ratio` with its whole interval fails the step.
"""

from __future__ import annotations

import argparse
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from scripts.audit.groups import identity_terms, mentioned, removal_ratio
from scripts.audit.page import card, page
from scripts.lib.canonical import readable_json
from scripts.lib.documents import read_rows
from scripts.lib.errors import UserError
from scripts.lib.manifest import Artefact
from scripts.lib.progress import progress
from scripts.lib.step import Step, run_step, step_parser

MODULE = "scripts.audit.audit"
LANGUAGES = ("en", None)  # declared languages in which the word list says something
log = logging.getLogger(__name__)


@dataclass
class Tally:
    """Counts over the documents of a source; integers only, so that parts add up in any order."""

    documents: int = 0
    kept: int = 0
    characters: int = 0
    kept_characters: int = 0
    languages: Counter[str] = field(default_factory=Counter)
    licenses: Counter[str] = field(default_factory=Counter)
    decades: Counter[str] = field(default_factory=Counter)
    lengths: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    searched: int = 0
    removed_searched: int = 0
    mentions: Counter[str] = field(default_factory=Counter)
    removed_mentions: Counter[str] = field(default_factory=Counter)

    def add(self, row: dict[str, Any], kept: bool) -> None:
        """Count one document."""
        self.documents += 1
        self.characters += len(row["text"])
        if row["language"] in LANGUAGES:
            self._search(row["text"], kept)
        if not kept:
            return
        self.kept += 1
        self.kept_characters += len(row["text"])
        self.languages[row["language"] or "unknown"] += 1
        self.licenses[row["license"] or "unknown"] += 1
        self.decades[f"{row['date'][:3]}0s" if row["date"] else "unknown"] += 1
        self.lengths[f"{len(str(len(row['text']))) - 1}"] += 1

    def _search(self, text: str, kept: bool) -> None:
        groups = mentioned(text)
        self.searched += 1
        self.mentions.update(groups)
        if not kept:
            self.removed_searched += 1
            self.removed_mentions.update(groups)

    def plain(self) -> dict[str, Any]:
        """Return the counts as JSON holds them."""
        return {name: dict(value) if isinstance(value, Counter) else value for name, value in vars(self).items()}


def tally_part(tally: Tally, documents: Artefact, selection: Artefact, curated: Artefact) -> None:
    """Count the documents of one part."""
    kept = set(pq.read_table(_data(curated), columns=["id"])["id"].to_pylist())
    for row in read_rows(_data(documents), ["id", "text", "language", "license", "date"]):
        tally.add(row, row["id"] in kept)
    tally.failed.update(selection.summary["failed"])


def _data(artefact: Artefact) -> Path:
    return artefact.path(f"{artefact.manifest_path.stem}.parquet")


def group_rows(tallies: Sequence[Tally]) -> list[dict[str, Any]]:
    """Return for every group how many documents mention it, before and after, and its removal ratio."""
    searched, removed = sum(one.searched for one in tallies), sum(one.removed_searched for one in tallies)
    rows = []
    for name in identity_terms():
        with_ = sum(one.mentions[name] for one in tallies)
        removed_with = sum(one.removed_mentions[name] for one in tallies)
        ratio = removal_ratio(removed_with, with_, removed - removed_with, searched - with_)
        rows.append(
            {
                "group": name,
                "mentions": with_,
                "removed": removed_with,
                "kept": with_ - removed_with,
                "removal": {key: round(value, 4) for key, value in asdict(ratio).items()} if ratio else None,
            }
        )
    return rows


def check_gates(corpus: str, rows: Sequence[dict[str, Any]], limit: float | None, minimum: int) -> None:
    """Raise UserError for the first group that the filters of a corpus remove too often."""
    for row in rows:
        removal = row["removal"]
        if limit is None or removal is None or row["mentions"] < minimum:
            continue
        if removal["low"] > limit:
            raise UserError(
                f"Corpus {corpus}: of {row['mentions']} documents that mention the group {row['group']}, {row['removed']} are "
                f"removed, {removal['ratio']:.2f} times as often as others (95 % interval {removal['low']:.2f} to "
                f"{removal['high']:.2f}); loosen corpora.{corpus}.filters, or raise corpora.{corpus}.audit.max_removal_ratio "
                f"({limit:g})."
            )


def audit(step: Step, args: argparse.Namespace) -> None:
    """Publish the audit of a corpus, unless a gate fails."""
    settings = step.settings
    corpus, limit, minimum = settings["corpus"], settings["max_removal_ratio"], settings["minimum_mentions"]
    names = [source["name"] for source in settings["sources"] for _ in range(source["parts"])]
    tallies: dict[str, Tally] = {}
    parts = list(zip(names, args.documents, args.selections, args.curated, strict=True))
    for name, documents, selection, curated in progress(parts, len(parts), f"audit {corpus}"):
        opened = step.read("documents", documents), step.read("selections", selection), step.read("curated", curated)
        tally_part(tallies.setdefault(name, Tally()), *opened)
    groups = group_rows(list(tallies.values()))
    for row in groups:
        log.info("%s: %d mentions, %d removed, %s", row["group"], row["mentions"], row["removed"], row["removal"])
    check_gates(corpus, groups, limit, minimum)
    numbers = {
        "corpus": corpus,
        "gate": {"max_removal_ratio": limit, "minimum_mentions": minimum},
        "sources": {name: tally.plain() for name, tally in tallies.items()},
        "groups": groups,
    }
    documents_in = sum(tally.documents for tally in tallies.values())
    kept = sum(tally.kept for tally in tallies.values())
    with step.publish() as out:
        folder = out.folder("audit")
        (folder / "audit.json").write_text(readable_json(numbers), encoding="utf-8")
        (folder / "index.html").write_text(page(numbers), encoding="utf-8")
        (folder / "card.md").write_text(card(numbers), encoding="utf-8")
        out.summary["groups"] = groups
        out.summary["failed"] = dict(sorted(sum((t.failed for t in tallies.values()), Counter()).items()))
        removed = {"removed": documents_in - kept} if documents_in > kept else {}
        out.account(incoming=documents_in, kept=kept, removed=removed)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    parser = step_parser(__doc__)
    parser.add_argument("--documents", type=Path, nargs="+", required=True, help="manifests of documents")
    parser.add_argument("--selections", type=Path, nargs="+", required=True, help="manifests of selections")
    parser.add_argument("--curated", type=Path, nargs="+", required=True, help="manifests of curated documents")
    return run_step(MODULE, parser, audit, argv)


if __name__ == "__main__":
    raise SystemExit(main())
