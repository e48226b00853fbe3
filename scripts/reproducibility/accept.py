"""Record that a change of code changes no result, so that nothing is computed again for a refactor.

    python -m scripts.reproducibility.accept --step scripts.cleaning.annotate --reason "split a function in two"

The results on disk say which code made them; from now on today's code counts as equal to it. `acceptances.json` belongs
into the commit of the refactor, and the report prints every entry: it is written again when one is added.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from scripts.lib.canonical import readable_json
from scripts.lib.code import ACCEPTANCES, ROOT, acceptances, accepted, source_digest
from scripts.lib.errors import UserError
from scripts.lib.manifest import provenance_path
from scripts.lib.publish import write_atomic
from scripts.reproducibility.preflight import artefacts


def recorded_digests(results: Path, program: str) -> list[str]:
    """Return the code digests, sorted, with which the results of `program` on disk were made.

    Raises UserError where there is no such folder, or where a result has a record that cannot be read.
    """
    if not results.is_dir():
        raise UserError(f"There is no folder {results}; name the results with --results, or run the workflow.")
    found = set()
    for manifest in artefacts(results):
        path = provenance_path(manifest)
        try:
            provenance = json.loads(path.read_text("utf-8"))
            if provenance["program"] == program and manifest.is_file():
                found.add(provenance["code"])
        except (ValueError, KeyError, TypeError):
            raise UserError(f"{path} cannot be read; run the workflow once, which makes that result again.") from None
    return sorted(found)


def accept(results: Path, program: str, reason: str, root: Path = ROOT) -> str:
    """Record today's code of `program` as equal to that of its results; returns a sentence, raises UserError."""
    if not reason.strip():
        raise UserError('Say why the old and new code are equivalent: make accept STEP=... REASON="...".')
    new = source_digest(program, root)
    old = [digest for digest in recorded_digests(results, program) if digest != accepted(program, new, root)]
    if not old:
        return f"Nothing to accept: no result of {program} was made with other code."
    if len(old) > 1:
        raise UserError(
            f"The results of {program} come from {len(old)} versions of its code; run the workflow once first."
        )
    entries = [*acceptances(root), {"program": program, "old": old[0], "new": new, "reason": reason.strip()}]
    write_atomic(root / ACCEPTANCES, readable_json(entries).encode("utf-8"))
    return f"{program}: code {new[:12]} now counts as {old[0][:12]}; commit {ACCEPTANCES} with the change."


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--step", required=True, metavar="PROGRAM", help="the program, e.g. scripts.cleaning.annotate")
    parser.add_argument("--reason", required=True, help="why no result can change")
    parser.add_argument("--results", type=Path, default=Path("results"), help="the results to look at")
    args = parser.parse_args(argv)
    try:
        print(accept(args.results, args.step, args.reason))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
