"""Apply the thresholds of a corpus to the measured attributes of a part: every verdict for every document.

    python -m scripts.cleaning.select --annotations results/sources/books/annotations/0000.json \\
        --manifest results/corpora/main/selection/books/0000.json \\
        --settings '{"families": ["gopher_quality"], "thresholds": {}, "languages": ["en"], "overrides": [], "url_lists": {}}'

Writes `<part>.parquet`: id, kept, reason (the first rule that fails, or null), a column per rule that is true where the document
passes, false where it fails, and null where the rule does not apply to it (scripts.cleaning.choices). Where the corpus looks
at them, there are also the entries of block lists that match its address (`url_domains` and so on) and its score by a classifier
(`quality`). No text is read.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from scripts.cleaning.choices import NO_LANGUAGE, Applied, Choice
from scripts.cleaning.filters import LEXICON, Rule
from scripts.cleaning.flags import NO_FLAGS, Flags
from scripts.cleaning.quality import COLUMN, Judge
from scripts.cleaning.tags import matches
from scripts.cleaning.urls import MATCHED, MEASURED_OF_URLS, UrlLists, counted
from scripts.lib.documents import DocumentWriter, read_batches
from scripts.lib.errors import UserError
from scripts.lib.lists import INDEX
from scripts.lib.progress import progress
from scripts.lib.step import Step, run_step, step_parser
from scripts.lib.unspaced import UNSPACED

MODULE = "scripts.cleaning.select"
LANGUAGE = "language"
ROWS = 65_536  # in memory at a time

Values = dict[str, npt.NDArray[np.float64]]


class Kinds:
    """The documents of a batch by language and script, since these decide which limits hold."""

    def __init__(self, batch: pa.RecordBatch) -> None:
        encoded = batch[LANGUAGE].dictionary_encode()
        self.labels: list[str | None] = [*encoded.dictionary.to_pylist(), None]
        codes = encoded.indices.fill_null(len(self.labels) - 1).to_numpy(zero_copy_only=False)
        unspaced = batch["unspaced_ratio"].to_numpy(zero_copy_only=False) >= UNSPACED
        self.languages = codes.astype(np.int64)
        self.kinds = 2 * self.languages + unspaced

    def limits(self, choice: Choice, rule: Rule) -> list[Applied | None]:
        """Return the limit of a rule for each kind."""
        return [choice.applied(rule, label, unspaced) for label in self.labels for unspaced in (False, True)]


def judged(rule: Rule, choice: Choice, kinds: Kinds, values: Values) -> pa.Array:
    """Return for each document whether it passes a rule; null where the rule does not apply or nothing was measured."""
    limits = kinds.limits(choice, rule)
    thresholds = np.array([np.nan if limit is None else limit.threshold for limit in limits])[kinds.kinds]
    measured = np.full(len(thresholds), np.nan)
    for column in dict.fromkeys(limit.column for limit in limits if limit is not None):
        mine = np.array([limit is not None and limit.column == column for limit in limits])[kinds.kinds]
        np.copyto(measured, values[column], where=mine)
    passed = measured >= thresholds if rule.at_least else measured <= thresholds
    return pa.array(passed, mask=np.isnan(measured) | np.isnan(thresholds))


def verdicts(batch: pa.RecordBatch, choice: Choice, lists: UrlLists, flags: Flags = NO_FLAGS) -> pa.Table:
    """Return id, kept, reason, a column per rule and entries that match addresses, in the order of the annotations."""
    kinds, rules = Kinds(batch), choice.rules()
    listed = lists.matched(batch["url"]) if looks_at_urls(rules) else {}
    values = measured_values(batch, rules) | {name: counted(entries) for name, entries in listed.items()}
    values |= flags.measure(batch["id"])
    found: dict[str, pa.Array] = {}
    if choice.languages is not None:
        wanted = np.array([matches(label or NO_LANGUAGE, choice.languages) for label in kinds.labels])
        found[LANGUAGE] = pa.array(wanted[kinds.languages])
    found |= {rule.name: judged(rule, choice, kinds, values) for rule in rules}
    first = np.full(batch.num_rows, len(found), dtype=np.int32)
    for place, passed in reversed(list(enumerate(found.values()))):
        first[~passed.fill_null(True).to_numpy(zero_copy_only=False)] = place
    kept = first == len(found)
    names = pa.array(list(found), pa.string())
    reason = names.take(pa.array(first, mask=kept))
    return pa.table({"id": batch["id"], "kept": pa.array(kept), "reason": reason, **found, **listed})


def measured_values(batch: pa.RecordBatch, rules: Sequence[Rule]) -> Values:
    """Return the columns of the annotations that rules look at, as numbers; NaN where nothing was measured."""
    return {name: batch[name].cast(pa.float64()).to_numpy(zero_copy_only=False) for name in annotated(rules)}


def columns_of(rules: Sequence[Rule]) -> list[str]:
    """Return the columns that rules may look at, each once."""
    others = [rule.unspaced.column for rule in rules if not isinstance(rule.unspaced, str)]
    return list(dict.fromkeys([*(rule.column for rule in rules), *others]))


def annotated(rules: Sequence[Rule]) -> list[str]:
    """Return the columns that rules may look at and annotations hold: those of addresses and lexicons are found here."""
    found = columns_of([rule for rule in rules if rule.family != LEXICON])
    return [name for name in found if name not in MEASURED_OF_URLS]


def looks_at_urls(rules: Sequence[Rule]) -> bool:
    """Tell whether a rule looks at what lists of addresses tell."""
    return bool(set(columns_of(rules)) & set(MEASURED_OF_URLS))


def read_columns(path: Path, rules: Sequence[Rule]) -> list[str]:
    """Return the columns of the annotations that the rules need; raises UserError when one is not there."""
    urls = ["url"] if looks_at_urls(rules) else []
    needed = list(dict.fromkeys(["id", LANGUAGE, "unspaced_ratio", *urls, *annotated(rules)]))
    missing = sorted(set(needed) - set(pq.read_schema(path).names))
    if missing:
        raise UserError(f"{path} has no column {missing[0]}; remove its manifest and run again to measure it.")
    return needed


def selection_schema(columns: Sequence[str], scored: bool, listed: bool) -> pa.Schema:
    """Return the schema of a selection: a column for each verdict, and for entries of lists and the score where there are."""
    verdicts_of = [(one, pa.bool_()) for one in columns]
    entries = [(one, MATCHED) for one in MEASURED_OF_URLS] if listed else []
    scores = [(COLUMN, pa.float64())] if scored else []
    first = [("id", pa.string()), ("kept", pa.bool_()), ("reason", pa.string())]
    return pa.schema([*first, *verdicts_of, *entries, *scores])


def select(step: Step, args: argparse.Namespace) -> None:
    """Publish the verdicts on the documents of one part."""
    settings = step.settings
    keys = ("families", "thresholds", "languages", "overrides")
    thresholds = settings["thresholds"]
    lexicons = tuple(settings["lexicons"]) if "lexicons" in settings else ()
    given = {key: settings[key] for key in keys} | {"thresholds": thresholds and thresholds.plain()}
    choice = Choice.of(given | {"lexicons": lexicons})
    lists = UrlLists.load(settings["url_lists"], args.lists)
    flags = Flags.open(step, lexicons, args.flags)
    annotations = step.read("annotations", args.annotations)
    path = annotations.path(f"{args.annotations.stem}.parquet")
    judge = Judge.open(step, args.scores)
    name, rules = f"{args.manifest.stem}.parquet", choice.rules()
    columns = [*([LANGUAGE] if choice.languages is not None else []), *(rule.name for rule in rules)]
    columns += judge.described() if judge else []
    failed, removed = dict.fromkeys(columns, 0), dict.fromkeys(columns, 0)
    with step.publish() as out:
        schema = selection_schema(columns, judge is not None, looks_at_urls(rules))
        with DocumentWriter(out.file(name), schema) as writer:
            batches = read_batches(path, read_columns(path, rules), ROWS)
            for batch in progress(batches, -(-pq.read_metadata(path).num_rows // ROWS), "select"):
                table = verdicts(batch, choice, lists, flags)
                table = judge.applied(table) if judge else table
                writer.write_table(table.select(schema.names))
                for column in columns:
                    failed[column] += pc.sum(pc.invert(table[column])).as_py() or 0
                for count in pc.value_counts(table["reason"].drop_null()).to_pylist():
                    removed[count["values"]] += count["counts"]
        out.rows[name] = writer.rows
        limits = choice.described() | (judge.described() if judge else {})
        out.summary.update(failed=failed, thresholds=limits, unspaced=UNSPACED)
        removed = {reason: count for reason, count in sorted(removed.items()) if count}
        out.account(incoming=writer.rows, kept=writer.rows - sum(removed.values()), removed=removed)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    parser = step_parser(__doc__)
    parser.add_argument("--annotations", type=Path, required=True, help="manifest of the annotations of one part")
    parser.add_argument("--scores", type=Path, nargs="*", default=[], help="manifest of the scores of the part")
    parser.add_argument(
        "--flags", type=Path, nargs="*", default=[], help="manifests of its flags, in the order of the lexicons"
    )
    parser.add_argument("--lists", type=Path, default=INDEX, help="file that says where lists of addresses lie")
    return run_step(MODULE, parser, select, argv)


if __name__ == "__main__":
    raise SystemExit(main())
