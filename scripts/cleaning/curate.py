"""Bring the decisions of a corpus together: the documents of a part that stay, cleaned and split.

    python -m scripts.cleaning.curate --documents results/sources/books/documents/0000.json \\
        --annotations results/sources/books/annotations/0000.json --selection results/corpora/main/selection/books/0000.json \\
        --duplicates results/corpora/main/duplicates.json --contamination results/corpora/main/contamination.json \\
        --manifest results/corpora/main/documents/books/0000.json \\
        --settings '{"source": "books", "line_edits": ["c4"], "pii": ["email"], "seed": 1,
        "split": {"validation": 0.05, "test": 0}}'

What goes of a text goes in this order: places of evaluation items where the corpus removes spans and paragraphs that other
documents of the corpus have before, lines, personal data. Writes `<part>.parquet`: the columns of a document and `split`
(train, validation or test), which depends on the seed and the document's id alone and so stays when data is added. The language
of a document that declares none is the one that was identified.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from scripts.cleaning.aligned import Aligned
from scripts.cleaning.edits import Removed, edit_lines
from scripts.cleaning.fates import Fates
from scripts.cleaning.measures import measure
from scripts.cleaning.paragraphs import TABLE, cut_out
from scripts.cleaning.pii import KINDS, replace_by_country
from scripts.lib.documents import DOCUMENT_SCHEMA, DocumentWriter, read_batches
from scripts.lib.progress import progress
from scripts.lib.seeds import unit_interval
from scripts.lib.step import Step, run_step, step_parser
from scripts.lib.versions import source_id

MODULE = "scripts.cleaning.curate"
Row = dict[str, Any]
NOTHING_LEFT = "nothing_left"  # why a document goes that cuts and edits of lines leave empty
CURATED_SCHEMA = DOCUMENT_SCHEMA.append(pa.field("split", pa.string()))


def split_of(identifier: str, seed: int, validation: float, test: float) -> str:
    """Return the split of a document."""
    place = unit_interval(seed, "split", identifier)
    if place < validation:
        return "validation"
    return "test" if place < validation + test else "train"


def with_annotations(documents: Path, annotations: Path) -> Iterator[Row]:
    """Yield documents with their `words` as measured and the language that they declare or, without one, that was identified."""
    measured = Aligned(annotations, ["language", "words"])
    for batch in read_batches(documents):
        annotated = measured.of(batch["id"]).to_pylist()
        for row, found in zip(batch.to_pylist(), annotated, strict=True):
            yield {**row, "language": row["language"] or found["language"], "words": found["words"]}


def curate(step: Step, args: argparse.Namespace) -> None:
    """Publish the documents of one part that stay."""
    settings = step.settings
    kinds, seed, source = settings["pii"], settings["seed"], settings["source"]
    validation, test = settings["split"]["validation"], settings["split"]["test"]
    documents, annotations = step.read("documents", args.documents), step.read("annotations", args.annotations)
    decisions = [step.read(role, getattr(args, role)) for role in ("selection", "duplicates", "contamination")]
    selection, copies, contamination = (one.path(f"{one.manifest_path.stem}.parquet") for one in decisions)
    fates = Fates(selection, copies, decisions[1].path(TABLE), contamination, (source, args.manifest.stem))
    removed: Counter[str] = Counter()
    paragraphs: Counter[str] = Counter()
    replaced: Counter[str] = Counter({kind: 0 for kind in KINDS if kind in kinds})
    countries: Counter[str] = Counter()
    splits: Counter[str] = Counter()
    line_edits, edits = settings["line_edits"], Removed()
    incoming = spanned = words = 0
    name = f"{args.manifest.stem}.parquet"
    with step.publish() as out:
        with DocumentWriter(out.file(name), CURATED_SCHEMA) as writer:
            rows = with_annotations(*(one.path(f"{args.documents.stem}.parquet") for one in (documents, annotations)))
            for row in progress(rows, pq.read_metadata(selection).num_rows, "curate"):
                incoming += 1
                fate = fates.of(row["id"])
                if fate.reason:
                    removed[fate.reason] += 1
                    continue
                before, lost, count = row["text"], Counter[str](), row.pop("words")
                row["text"], edited = edit_lines(cut_out(before, fate.spans, fate.paragraphs, lost), line_edits)
                if row["text"] != before:
                    if not any(map(str.isalnum, row["text"])):
                        removed[NOTHING_LEFT] += 1
                        continue
                    count = measure(row["text"])["words"]
                words += count
                spanned += bool(fate.spans)
                row["id"] = source_id(row["id"])
                paragraphs.update(lost)
                edits.update(edited)
                row["text"], counts, issuers = replace_by_country(row["text"], kinds)
                row["split"] = split_of(row["id"], seed, validation, test)
                replaced.update(counts)
                countries.update(issuers)
                splits[row["split"]] += 1
                writer.write(row)
            fates.finish()
        out.rows[name] = writer.rows
        out.summary["words"] = words
        out.summary["cut"] = spanned
        out.summary["repeated_paragraphs"] = dict(sorted(paragraphs.items()))
        out.summary["pii"] = dict(sorted(replaced.items()))
        out.summary["line_edits"] = edits.summary()
        out.summary["national_ids"] = dict(sorted(countries.items()))
        out.summary["splits"] = dict(sorted(splits.items()))
        out.account(incoming=incoming, kept=writer.rows, removed=dict(sorted(removed.items())))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    parser = step_parser(__doc__)
    parser.add_argument("--documents", type=Path, required=True, help="manifest of the documents of one part")
    parser.add_argument("--annotations", type=Path, required=True, help="manifest of the annotations of the part")
    parser.add_argument("--selection", type=Path, required=True, help="manifest of the selection of the part")
    parser.add_argument("--duplicates", type=Path, required=True, help="manifest of the duplicates of the corpus")
    parser.add_argument("--contamination", type=Path, required=True, help="manifest of the contamination of the corpus")
    return run_step(MODULE, parser, curate, argv)


if __name__ == "__main__":
    raise SystemExit(main())
