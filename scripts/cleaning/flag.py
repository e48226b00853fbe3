"""Look for the terms of a lexicon in every document of a part; no thresholds here, so a new threshold reads no text.

    python -m scripts.cleaning.flag --documents results/sources/web/documents/0000.json \\
        --annotations results/sources/web/annotations/0000.json --lists .snakemake/groundwork-lists.json \\
        --manifest results/lexicons/names/flags/web/0000.json \\
        --settings '{"files": ["<sha256 of a list>"], "languages": {"de": ["<sha256 of another>"]}}'

The lists under `files` are for all documents, those under `languages` for documents that are identified as in the language.
Writes `<part>.parquet`: id, matches (places), share (of the words of the document, those within matches) and terms (the
commonest ten of those that were found, as they are compared); null where the lexicon has no terms for a document's language.
The manifest counts matches and documents of the commonest hundred terms.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from scripts.cleaning.aligned import Aligned
from scripts.cleaning.lexicons import Lexicon, Lexicons, read_terms
from scripts.lib.documents import DocumentWriter, read_batches
from scripts.lib.lists import INDEX, located
from scripts.lib.manifest import Artefact
from scripts.lib.progress import progress
from scripts.lib.step import Step, run_step, step_parser

MODULE = "scripts.cleaning.flag"
FLAG_SCHEMA = pa.schema(
    [("id", pa.string()), ("matches", pa.int64()), ("share", pa.float64()), ("terms", pa.list_(pa.string()))]
)
TOLD = 10  # terms of a document
COUNTED = 100  # terms in the manifest
Row = dict[str, Any]


class Tally:
    """How often terms were found, and in how many documents."""

    def __init__(self) -> None:
        self.measured = 0
        self.matches: Counter[str] = Counter()
        self.documents: Counter[str] = Counter()
        self.flagged = 0

    def add(self, found: Counter[str]) -> None:
        """Count what was found in a document."""
        self.measured += 1
        self.flagged += bool(found)
        self.matches.update(found)
        self.documents.update(found.keys())

    def summary(self) -> Row:
        """Return the counts; terms by name, the commonest ones alone."""
        terms = {
            term: {"matches": count, "documents": self.documents[term]}
            for term, count in sorted(commonest(self.matches, COUNTED))
        }
        return {"measured": self.measured, "flagged": self.flagged, "distinct": len(self.matches), "terms": terms}


def commonest(counts: Counter[str], most: int) -> list[tuple[str, int]]:
    """Return the most frequent terms, those of equal frequency by their letters."""
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:most]


def flags_of(text: str, lexicon: Lexicon | None, tally: Tally) -> Row:
    """Return what a row tells of a text, and count it; `lexicon` is None where there are no terms for it."""
    if lexicon is None:
        return {}
    terms, covered, words = lexicon.find(text)
    found = Counter(lexicon.terms[number] for number in terms.tolist())
    tally.add(found)
    share = covered / words if words else 0.0
    return {"matches": len(terms), "share": share, "terms": [term for term, _ in commonest(found, TOLD)]}


def read_texts(documents: Artefact, annotations: Artefact) -> Iterator[Row]:
    """Yield id, text and identified language of the documents of a part."""
    paths = [one.path(f"{one.manifest_path.stem}.parquet") for one in (documents, annotations)]
    measured = Aligned(paths[1], ["language"])
    for batch in read_batches(paths[0], ["id", "text"]):
        languages = measured.of(batch["id"])["language"].to_pylist()
        yield from ({**row, "language": one} for row, one in zip(batch.to_pylist(), languages, strict=True))


def flag(step: Step, args: argparse.Namespace) -> None:
    """Publish what was found in the documents of one part, in their order."""
    files = read_terms(located(step.settings["files"], args.lists))
    settings = step.settings["languages"]
    languages = {tag: read_terms(located(settings[tag], args.lists)) for tag in settings}
    lexicons, tally = Lexicons(files, languages), Tally()
    documents = step.read("documents", args.documents)
    annotations = step.read("annotations", args.annotations)
    name = f"{args.manifest.stem}.parquet"
    with step.publish() as out:
        with DocumentWriter(out.file(name), FLAG_SCHEMA) as writer:
            total = documents.manifest["accounting"]["kept"]
            for row in progress(read_texts(documents, annotations), total, "flag"):
                found = flags_of(row["text"], lexicons.of(row["language"]), tally)
                writer.write({"id": row["id"], "matches": None, "share": None, "terms": None} | found)
        out.rows[name] = writer.rows
        out.summary.update(tally.summary())
        out.account(incoming=writer.rows, kept=writer.rows)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    parser = step_parser(__doc__)
    parser.add_argument("--documents", type=Path, required=True, help="manifest of the documents of one part")
    parser.add_argument("--annotations", type=Path, required=True, help="manifest of the annotations of the part")
    parser.add_argument("--lists", type=Path, default=INDEX, help="file that says where the lists lie")
    return run_step(MODULE, parser, flag, argv)


if __name__ == "__main__":
    raise SystemExit(main())
