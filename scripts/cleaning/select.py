"""Apply the thresholds of a corpus to the measured attributes of a part: every verdict for every document.

    python -m scripts.cleaning.select --annotations results/sources/books/annotations/0000.json \\
        --manifest results/corpora/main/selection/books/0000.json \\
        --settings '{"families": ["gopher_quality"], "thresholds": {}, "languages": ["en"]}'

Writes `<part>.parquet`: id, kept, reason (the first rule that fails, or null), a column per rule that is true where the document
passes, and its score in the column `quality` where the corpus looks at a classifier's. No text is read.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from scripts.cleaning.filters import Rule, chosen_rules
from scripts.cleaning.quality import COLUMN, Judge
from scripts.cleaning.tags import matches
from scripts.lib.documents import write_table
from scripts.lib.step import Step, run_step, step_parser

MODULE = "scripts.cleaning.select"
LANGUAGE = "language"


def verdicts(annotations: pa.Table, rules: Sequence[Rule], languages: Sequence[str] | None) -> pa.Table:
    """Return id, kept, reason and a boolean column per rule, in the order of the annotations."""
    passed: dict[str, pa.Array] = {}
    if languages is not None:
        found = pc.unique(annotations[LANGUAGE]).to_pylist()
        kept = pa.array([tag for tag in found if matches(tag, languages)], pa.string())
        passed[LANGUAGE] = pc.is_in(annotations[LANGUAGE], kept).combine_chunks()
    for rule in rules:
        compare = pc.greater_equal if rule.at_least else pc.less_equal
        limit = pa.scalar(float(rule.threshold))
        passed[rule.name] = compare(annotations[rule.column].cast(pa.float64()), limit).combine_chunks()
    reasons = np.full(annotations.num_rows, None, dtype=object)
    for name in reversed(passed):
        reasons[~np.asarray(passed[name])] = name
    reason = pa.array(reasons, pa.string())
    return pa.table({"id": annotations["id"], "kept": pc.is_null(reason), "reason": reason, **passed})


def select(step: Step, args: argparse.Namespace) -> None:
    """Publish the verdicts on the documents of one part."""
    settings = step.settings
    rules = chosen_rules(settings["families"], settings["thresholds"] and settings["thresholds"].plain())
    languages = settings["languages"]
    annotations = step.read("annotations", args.annotations)
    table = verdicts(pq.read_table(annotations.path(f"{args.annotations.stem}.parquet")), rules, languages)
    judge = Judge.open(step, args.scores)
    table = judge.applied(table) if judge else table
    name = f"{args.manifest.stem}.parquet"
    removed = Counter(reason for reason in table["reason"].to_pylist() if reason is not None)
    with step.publish() as out:
        write_table(out.file(name), table)
        out.rows[name] = table.num_rows
        out.summary["failed"] = {
            column: table.num_rows - (pc.sum(table[column]).as_py() or 0)
            for column in table.column_names[3:]
            if column != COLUMN
        }
        out.summary["thresholds"] = {rule.name: rule.threshold for rule in rules} | (judge.thresholds if judge else {})
        out.account(
            incoming=table.num_rows, kept=table.num_rows - removed.total(), removed=dict(sorted(removed.items()))
        )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    parser = step_parser(__doc__)
    parser.add_argument("--annotations", type=Path, required=True, help="manifest of the annotations of one part")
    parser.add_argument("--scores", type=Path, nargs="*", default=[], help="manifest of the scores of the part")
    return run_step(MODULE, parser, select, argv)


if __name__ == "__main__":
    raise SystemExit(main())
