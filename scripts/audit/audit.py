"""Audit a corpus: of what it consists, what its filters remove, and whom that touches; gates can fail the build.

    python -m scripts.audit.audit --documents results/sources/books/documents/0000.json \\
        --annotations results/sources/books/annotations/0000.json \\
        --selections results/corpora/main/selection/books/0000.json \\
        --curated results/corpora/main/documents/books/0000.json --duplicates results/corpora/main/duplicates.json \\
        --contamination results/corpora/main/contamination.json --overlap results/corpora/main/overlap.json
        --manifest results/corpora/main/audit.json --settings '{"corpus": "main", "sources": [{"name": "books", "parts": 1}],
        "max_removal_ratio": 3, "minimum_mentions": 30, "minimum_documents": 1, "max_overlap": null}'

The artefacts of parts come in one order: sources by name, parts ascending. Publishes `audit/audit.json` (all numbers),
`audit/index.html` (a page that opens from disk) and `audit/card.md`. A group that is mentioned in at least `minimum_mentions`
documents and whose removal ratio lies above `max_removal_ratio` with its whole interval fails the step, and so does a corpus of
fewer than `minimum_documents`, or one whose held-out text overlaps with training beyond `max_overlap`; nothing is
published then, and the numbers are in the log.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scripts.audit.card import card
from scripts.audit.copies import Examples
from scripts.audit.gates import check_gates, check_overlap, group_rows
from scripts.audit.limits import thresholds
from scripts.audit.page import page
from scripts.audit.parts import Part, later_reasons, read_part, table_path
from scripts.audit.tally import Tally, entropy
from scripts.lib.canonical import readable_json
from scripts.lib.manifest import Artefact
from scripts.lib.progress import progress
from scripts.lib.step import Step, run_step, step_parser

MODULE = "scripts.audit.audit"
LIMITS = ("max_removal_ratio", "minimum_mentions", "minimum_documents", "max_overlap")
PART_ROLES = ("documents", "annotations", "selections", "curated")
log = logging.getLogger(__name__)


def open_parts(step: Step, args: argparse.Namespace) -> list[Part]:
    """Open the artefacts of all parts, in the order in which they are given."""
    names = [source["name"] for source in step.settings["sources"] for _ in range(source["parts"])]
    opened = [[step.read(role, path) for path in getattr(args, role)] for role in PART_ROLES]
    return [Part(*row) for row in zip(names, *opened, strict=True)]


def tally_sources(
    parts: Sequence[Part], duplicates: Artefact, contamination: Artefact, examples: Examples
) -> dict[str, Tally]:
    """Count every document of every source, and show it to the examples."""
    tallies: dict[str, Tally] = {}
    for part in progress(parts, len(parts), "audit"):
        tally = tallies.setdefault(part.source, Tally())
        tally.add_part(part)
        later = later_reasons(part.source, part.documents.manifest_path.stem, duplicates, contamination)
        for seen in read_part(part, later):
            tally.add(seen)
            examples.see(part.source, seen)
    return tallies


def diversity(sources: Mapping[str, Tally], total: Tally) -> dict[str, Any]:
    """Return measures of how varied a corpus is, each over the curated text."""
    bits = entropy({name: tally.after.bytes for name, tally in sources.items()})
    return {
        "type_token": total.sample.type_token_ratio(),
        "source_entropy_bits": bits,
        "effective_sources": round(2**bits, 2),
        "largest_documents_share": round(sum(total.largest) / max(total.after.bytes, 1), 4),
    }


def audit(step: Step, args: argparse.Namespace) -> None:
    """Publish the audit of a corpus, unless a gate fails."""
    corpus = step.settings["corpus"]
    limits = {name: step.settings[name] for name in LIMITS}
    parts = open_parts(step, args)
    duplicates, contamination = (step.read(role, getattr(args, role)) for role in ("duplicates", "contamination"))
    held_out = step.read("overlap", args.overlap).summary["held_out"]
    examples = Examples(table_path(duplicates))
    sources = tally_sources(parts, duplicates, contamination, examples)
    total = Tally()
    for tally in sources.values():
        total.merge(tally)
    groups = group_rows(total)
    for row in groups:
        log.info("%s: %d mentions, %d removed, %s", row["group"], row["mentions"], row["removed"], row["removal"])
    check_gates(corpus, groups, total.after.documents, limits)
    check_overlap(corpus, held_out, limits["max_overlap"])
    numbers = {
        "corpus": corpus,
        "limits": limits,
        "thresholds": thresholds({part.source: part.selection.summary["thresholds"] for part in parts}),
        "sources": {name: tally.numbers() for name, tally in sources.items()},
        "total": total.numbers(),
        "groups": groups,
        "diversity": diversity(sources, total),
        "duplicates": {**duplicates.summary, "examples": examples.numbers()},
        "contamination": dict(contamination.summary),
        "held_out": held_out,
    }
    with step.publish() as out:
        folder = out.folder("audit")
        (folder / "audit.json").write_text(readable_json(numbers), encoding="utf-8")
        (folder / "index.html").write_text(page(numbers), encoding="utf-8")
        (folder / "card.md").write_text(card(numbers), encoding="utf-8")
        out.summary.update(groups=groups, failed=dict(sorted(total.failed.items())), diversity=numbers["diversity"])
        removed = dict(sorted(total.removed.items()))
        out.account(incoming=total.before.documents, kept=total.after.documents, removed=removed)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    parser = step_parser(__doc__)
    for role in PART_ROLES:
        parser.add_argument(f"--{role}", type=Path, nargs="+", required=True, help=f"manifests of {role}, in one order")
    parser.add_argument("--duplicates", type=Path, required=True, help="manifest of the duplicates of the corpus")
    parser.add_argument("--contamination", type=Path, required=True, help="manifest of the contamination of the corpus")
    parser.add_argument("--overlap", type=Path, required=True, help="manifest of the overlap of its held-out text")
    return run_step(MODULE, parser, audit, argv)


if __name__ == "__main__":
    raise SystemExit(main())
