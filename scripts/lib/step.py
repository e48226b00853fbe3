"""The contract between a program and its artefact: what it is given, what it reads, what it publishes.

Every program builds its parser with `step_parser`, does its work in a function of a `Step`, and lets `run_step` run it:

    def annotate(step: Step, args: argparse.Namespace) -> None:
        documents = step.read("documents", args.documents)
        with step.publish() as out:
            write(out.file("0000.parquet"), documents, step.settings["threshold"])
            out.account(incoming=10, kept=10)
"""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from scripts.lib.canonical import canonical_json, readable_json, sha256_text
from scripts.lib.code import code_digest, source_digest
from scripts.lib.errors import UserError
from scripts.lib.manifest import (
    CONTENT,
    SCHEMA,
    Artefact,
    check_accounting,
    content_digest,
    load_manifest,
    open_artefact,
    provenance_path,
)
from scripts.lib.publish import Staging, one_writer, stamp, write_atomic, write_stamps
from scripts.lib.settings import Settings

log = logging.getLogger(__name__)
MANIFEST_LIMIT = 1_000_000  # Snakemake compares files by content only below this many bytes


def step_parser(description: str | None) -> argparse.ArgumentParser:
    """Return a parser with the arguments that all programs share."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument(
        "--settings",
        required=True,
        metavar="JSON",
        help="the settings of this step; - reads them from the standard input",
    )
    parser.add_argument("--code", metavar="DIGEST", help="the code digest that the run was planned with")
    parser.add_argument("--environment", default="unpinned", metavar="DIGEST", help="digest of the environment's pins")
    parser.add_argument("--manifest", type=Path, required=True, help="the content manifest to write")
    return parser


class Output:
    """What one step publishes: files, counts, summary."""

    def __init__(self, staging: Staging) -> None:
        self._staging = staging
        self.rows: dict[str, int] = {}
        self.canonical: dict[str, str] = {}
        self.summary: dict[str, Any] = {}
        self.accounting: dict[str, Any] | None = None

    def file(self, name: str) -> Path:
        """Return the temporary path to write the file `name` to."""
        return self._staging.path(name)

    def folder(self, name: str) -> Path:
        """Return a temporary folder; every file in it is published under `name/`."""
        path = self._staging.path(name)
        path.mkdir()
        return path

    def staged_file(self, name: str) -> Path:
        """Return the temporary path of a staged file, also of one inside a staged folder."""
        return self._staging.staged_path(name)

    def account(
        self,
        *,
        incoming: int,
        kept: int,
        removed: Mapping[str, int] | None = None,
        quarantined: Mapping[str, int] | None = None,
    ) -> None:
        """Record what became of the records; raises AssertionError unless they add up exactly."""
        self.accounting = _account(incoming, kept, removed or {}, quarantined or {})
        check_accounting(self.accounting)

    def account_sources(self, kept: Mapping[str, int], removed: Mapping[tuple[str, str], int]) -> None:
        """Record what became of the records of each source: how many are kept, and how many went by (source, reason).

        Raises AssertionError where a source loses records and is not among those that had some.
        """
        sources = {}
        for source, count in kept.items():
            lost = {reason: number for (name, reason), number in sorted(removed.items()) if name == source and number}
            sources[source] = _account(count + sum(lost.values()), count, lost, {})
        gone: Counter[str] = Counter()
        for (_, reason), number in sorted(removed.items()):
            gone[reason] += number
        whole = _account(sum(kept.values()) + gone.total(), sum(kept.values()), +gone, {})
        self.accounting = {**whole, "sources": sources}
        check_accounting(self.accounting)

    def manifest(self) -> dict[str, Any]:
        """Return the content manifest of what is staged."""
        entries = self._staging.entries()
        for entry in entries:
            name = str(entry["name"])
            if name in self.rows:
                entry["rows"] = self.rows[name]
            if name in self.canonical:
                entry["canonical"] = self.canonical[name]
        return {"schema": SCHEMA, "files": entries, "accounting": self.accounting, "summary": self.summary}


def _account(incoming: int, kept: int, removed: Mapping[str, int], quarantined: Mapping[str, int]) -> dict[str, Any]:
    return {"in": incoming, "kept": kept, "removed": dict(removed), "quarantined": dict(quarantined)}


def recipe_digest(made: Mapping[str, Any], *gates: str) -> str:
    """Return what identifies the result of a costly step, by its provenance: settings, code, environment, content of the inputs.

    It names the folder of the step's state. Settings named as `gates` refuse a result or let it pass, and are no part of what
    makes it.
    """
    settings = {name: value for name, value in made["settings"].items() if name not in gates}
    inputs = {role: [entry["sha256"] for entry in entries] for role, entries in made["inputs"].items()}
    return sha256_text(canonical_json([settings, made["code"], made["environment"], inputs]))[:32]


class Step:
    """One run of one program."""

    def __init__(self, program: str, args: argparse.Namespace) -> None:
        self.program = program
        self.settings = Settings.parse(sys.stdin.read() if args.settings == "-" else args.settings)
        self.manifest: Path = args.manifest
        self.environment: str = args.environment
        self.code = code_digest(program)
        self.inputs: dict[str, list[dict[str, str]]] = {}
        self.execution: dict[str, Any] = {}
        if args.code is not None and args.code != self.code:
            raise UserError(f"The code of {program} changed after this run was planned; run the workflow again.")

    def read(self, role: str, manifest: Path) -> Artefact:
        """Open an input artefact and verify it; the role and the digest go into the provenance in the order read."""
        artefact = open_artefact(manifest)
        name = os.path.relpath(manifest, self.manifest.parent)
        self.inputs.setdefault(role, []).append({"manifest": name, "sha256": artefact.digest})
        return artefact

    def recipe_digest(self, *gates: str) -> str:
        """Return what identifies the result of a costly step, without the settings named as `gates`: see `recipe_digest`."""
        return recipe_digest(self._made(), *gates)

    def _made(self) -> dict[str, Any]:
        return {
            "settings": self.settings.original(),
            "code": self.code,
            "environment": self.environment,
            "inputs": self.inputs,
        }

    def provenance(self, manifest: Mapping[str, Any]) -> dict[str, Any]:
        """Return how this artefact was made, with the digest of its manifest, which tells a later edit of that."""
        return {
            "schema": SCHEMA,
            "program": self.program,
            "source": source_digest(self.program),
            "execution": self.execution,
            **self._made(),
            CONTENT: content_digest(manifest),
        }

    @contextmanager
    def publish(self, records: bool = True) -> Iterator[Output]:
        """Publish what the block stages: all of it with the manifest last, or nothing. A step on `records` accounts for them.

        Raises UserError when another process writes the same artefact, AssertionError when a setting was never read or
        records were not accounted for.
        """
        with one_writer(self.manifest):
            self.manifest.unlink(missing_ok=True)
            staging = Staging(self.manifest)
            try:
                output = Output(staging)
                yield output
                unread = self.settings.unread()
                if unread:
                    raise AssertionError(f"{self.program} was given settings that it never read: {', '.join(unread)}")
                if records and output.accounting is None:
                    raise AssertionError(f"{self.program} does not say what became of its records")
                manifest = output.manifest()
                content = readable_json(manifest).encode("utf-8")
                if len(content) >= MANIFEST_LIMIT:
                    raise AssertionError(f"{self.manifest} would have {len(content)} bytes; put details into a file")
                staging.commit()
                names = [entry["name"] for entry in manifest["files"]]
                write_stamps(self.manifest, {name: stamp(self.manifest.parent / name) or [] for name in names})
                write_atomic(provenance_path(self.manifest), readable_json(self.provenance(manifest)).encode("utf-8"))
                write_atomic(self.manifest, content)
            finally:
                staging.discard()


def finished_state(folder: Path) -> Artefact | None:
    """Return the finished result that a costly step keeps in its checkpoint folder, or None when there is none whole."""
    manifest = folder / "finished.json"
    if not manifest.is_file():
        return None
    try:
        return open_artefact(manifest)
    except UserError as error:
        log.warning("%s", error)
        return None


def keep_finished(folder: Path, output: Output) -> None:
    """Copy what is staged into the checkpoint folder, manifest last, so that it can be republished."""
    manifest = output.manifest()
    for entry in manifest["files"]:
        target = folder / entry["name"]
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(output.staged_file(entry["name"]), target)
    write_atomic(folder / "finished.json", readable_json(manifest).encode("utf-8"))


def republish(finished: Artefact, output: Output) -> None:
    """Stage a finished result again, as it was made; its files were verified when it was opened."""
    for entry in finished.manifest["files"]:
        target = output.file(entry["name"])
        shutil.copyfile(finished.path(entry["name"]), target)
        if "rows" in entry:
            output.rows[entry["name"]] = entry["rows"]
    output.summary.update(finished.summary)
    output.accounting = finished.manifest["accounting"]
    log.info("This recipe was finished before; its verified result is published again.")


def run_step(
    program: str,
    parser: argparse.ArgumentParser,
    body: Callable[[Step, argparse.Namespace], None],
    argv: Sequence[str] | None,
) -> int:
    """Parse the command line, run the body, and return the exit code; a UserError becomes one sentence and 1."""
    args = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr, force=True)
    try:
        body(Step(program, args), args)
        load_manifest(args.manifest)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0
