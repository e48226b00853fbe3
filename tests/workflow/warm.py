"""Snakemake's command line in processes forked from one that has imported it: tests start it a hundred times."""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from multiprocessing import get_context
from pathlib import Path

CONTEXT = get_context("forkserver")
CONTEXT.set_forkserver_preload(["snakemake.cli"])


def run_snakemake(
    arguments: Sequence[str], workdir: Path, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run `python -m snakemake ARGUMENTS` in a folder and an environment to its end, and return what it printed."""
    with tempfile.TemporaryDirectory() as name:
        streams = [Path(name) / stream for stream in ("stdout", "stderr")]
        process = CONTEXT.Process(target=_main, args=(list(arguments), workdir, dict(environment), streams))
        process.start()
        process.join()
        assert process.exitcode is not None
        printed = [stream.read_text("utf-8", errors="replace") for stream in streams]
    return subprocess.CompletedProcess(["snakemake", *arguments], process.exitcode, *printed)


def _main(arguments: list[str], workdir: Path, environment: dict[str, str], streams: list[Path]) -> None:
    for number, stream in enumerate(streams, start=1):
        os.dup2(os.open(stream, os.O_WRONLY | os.O_CREAT), number)
    os.chdir(workdir)
    os.environ.clear()
    os.environ.update(environment)
    root = str(Path(__file__).resolve().parents[2])  # whose programs must not stand in for those of the project
    sys.path[:] = [str(workdir), *(path for path in sys.path if path not in ("", root))]
    sys.argv = ["snakemake", *arguments]
    from snakemake.cli import main

    try:
        main()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        atexit._run_exitfuncs()  # which a forked process leaves out
