"""Run the long proofs and write their tables.

    python -m tests.prove --kills 6 --training-kills 4 --out docs/proofs.md

Exits with 1 when a single comparison fails; the table then says which.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from tests.prove.duplicates import LIMIT_MB as DUPLICATES_LIMIT_MB
from tests.prove.duplicates import Deduplicated, memory_of_duplicates
from tests.prove.kills import Kill, finetuning_kills, layout_changes, training_kills, workflow_kills
from tests.prove.leaves import Edit, edits_alone
from tests.prove.linear import FACTOR, MOST, Growth, growths
from tests.prove.memory import LIMIT_MB, Peak, memory_of_lines
from tests.workflow.harness import ROOT

T = TypeVar("T")


def main() -> int:
    """Run, print and write; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=10, help="kills of a whole run")
    parser.add_argument("--training-kills", type=int, default=4, help="kills of training, for each layout")
    parser.add_argument("--seed", type=int, default=1, help="where the moments are drawn from")
    parser.add_argument("--gigabytes", type=float, default=5.0, help="size of the part whose extraction is watched")
    parser.add_argument("--text-gigabytes", type=float, default=10.0, help="size of the corpus that is deduplicated")
    parser.add_argument("--out", type=Path, default=ROOT / "docs/proofs.md", help="the file of the tables")
    args = parser.parse_args()
    rows: list[tuple[str, Kill]] = []
    with tempfile.TemporaryDirectory(prefix="prove-") as name:
        folder = Path(name)
        rows += show(("whole run", kill) for kill in workflow_kills(folder / "run", args.kills, args.seed))
        rows += show(training_kills(folder / "training", args.training_kills, args.seed))
        rows += show(layout_changes(folder / "layouts", args.training_kills, args.seed))
        (folder / "finetuning").mkdir()
        found = finetuning_kills(folder / "finetuning", args.training_kills, args.seed)
        rows += show(("fine-tuning, llama", kill) for kill in found)
        for part in ("linear", "leaves"):
            (folder / part).mkdir()
        edits, times = printed(edits_alone(folder / "leaves")), printed(growths(folder / "linear"))
        peak = memory_of_lines(folder / "memory", int(args.gigabytes * 1e9))
        print(peak, flush=True)
        copies = memory_of_duplicates(folder / "duplicates", int(args.text_gigabytes * 1e9))
        print(copies, flush=True)
    tests = long_tests()
    print(tests, flush=True)
    args.out.write_text(document(rows, edits, times, peak, copies, tests, args), encoding="utf-8")
    others: list[Edit | Growth | Peak | Deduplicated | Tests] = [*edits, *times, peak, copies, tests]
    return 0 if all(kill.equal for _, kill in rows) and all(one.within for one in others) else 1


@dataclass(frozen=True)
class Tests:
    """What came of the tests that are too long for `make test`, in pytest's words."""

    summary: str
    within: bool


def long_tests() -> Tests:
    """Run the tests that are marked `long`."""
    words = ["-m", "pytest", "-m", "long", "--numprocesses", "logical", "--maxprocesses", "4", "--dist", "loadfile"]
    done = subprocess.run([sys.executable, *words], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    return Tests(done.stdout.strip().splitlines()[-1], done.returncode == 0)


def printed(found: Iterable[T]) -> list[T]:
    """Print each as it comes."""
    listed = []
    for one in found:
        print(one, flush=True)
        listed.append(one)
    return listed


def show(rows: Iterable[tuple[str, Kill]]) -> list[tuple[str, Kill]]:
    """Print each row as it comes."""
    found = []
    for label, kill in rows:
        verdict = "equal" if kill.equal else "DIFFERENT"
        print(
            f"{label}: {kill.what} killed after {kill.after:.1f} s ({kill.doing}), went on {kill.went_on}: {verdict}",
            flush=True,
        )
        found.append((label, kill))
    return found


def code(text: str) -> str:
    """Return a text as code in the cell of a table."""
    return "`" + text.replace("|", "\\|").replace("\n", " ") + "`"


def document(
    rows: list[tuple[str, Kill]],
    edits: list[Edit],
    times: list[Growth],
    peak: Peak,
    copies: Deduplicated,
    tests: Tests,
    args: argparse.Namespace,
) -> str:
    """Return the page."""
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True
    ).stdout.strip()
    equal = sum(kill.equal for _, kill in rows)
    table = "".join(
        f"| {label} | {kill.what} | {kill.after:.1f} | {kill.doing} | {kill.went_on} | {'yes' if kill.equal else '**no**'} |\n"
        for label, kill in rows
    )
    failed = "".join(f"- `{one.leaf}`: {one.wrong}\n" for one in edits if not one.within)
    growth = "".join(
        f"| {one.program} | {code(one.text)} | {one.short:.3f} | {one.long:.3f} | {'yes' if one.within else '**no**'} |\n"
        for one in times
    )
    return f"""# Proofs

Written by `make prove ARGS="--kills {args.kills} --training-kills {args.training_kills} --seed {args.seed}"` on
{datetime.now(UTC):%Y-%m-%d}, commit {commit}, {os.cpu_count()} cores, Python {platform.python_version()}.

Runs are killed by SIGKILL at random moments, trainings after a random step, and run again until they end. What they
published is then compared, file by file and bit for bit, with what an undisturbed run published.
**{equal} of {len(rows)} are equal.** A training also has to go on from the newest checkpoint that it had, since one that began
anew would end with the same bytes.

- *Whole run*: two sources through cleaning, audit, tokenizer, shards and pretraining in two processes to a scored model and
  the report. Where Snakemake alone is killed, its jobs live on; while one still writes, the next run is refused and tried again.
- *Pretraining*: two to eight gloo processes, dropout 0.1, a checkpoint every 5 steps of 60, for every ZeRO stage,
  tensor, pipeline and sequence parallelism, tensor x pipeline, data x tensor x pipeline, and model family.
- *Pretraining, from one layout to another*: without dropout, killed at a random layout and gone on with at another one; equal
  means losses within 1e-5 of those of one process.
- *Fine-tuning*: one process, dropout 0.1, a checkpoint every 25 steps of 400.

| proof | killed | after (s) | while | went on | equal |
|---|---|---|---|---|---|
{table}
## Leaves

Each leaf of the default configuration was given another value alone: the edits of **{sum(one.within for one in edits)} of
{len(edits)}** rerun exactly the jobs of the table that was written by hand.

{failed}
## Time

Hostile texts, each at a length and at {FACTOR} times that length; at most {MOST:g} times the CPU seconds are right, {FACTOR**2}
would be those of a square.

| program | text | seconds | seconds at {FACTOR} times the length | right |
|---|---|---|---|---|
{growth}
## Memory

One part of {peak.size / 1e9:.1f} GB of JSON lines, {peak.documents} documents, was extracted in one process of at most
**{peak.peak} MB** (the limit is {LIMIT_MB}).

{copies.size / 1e9:.1f} GB of made-up text, {copies.documents:,} documents, were signed and deduplicated with near-duplicates and
paragraphs in a process of at most **{copies.peak:,} MB** (the limit is {DUPLICATES_LIMIT_MB:,}), in {copies.seconds:.0f} s of
CPU; of {copies.planted:,} planted copies {copies.removed:,} were removed.

## Tests

Those marked `long`, which `make test` leaves out (`python -m pytest -m long`): {tests.summary}.
"""


if __name__ == "__main__":
    sys.exit(main())
