"""Runs that are killed, interrupted, or meet another run: what is left is whole, and the next run ends as a clean build."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from base64 import urlsafe_b64encode
from pathlib import Path

import pytest

from scripts.lib.errors import UserError
from scripts.lib.publish import one_writer
from scripts.registry.job_environment import MEMORY
from tests.workflow.clean import DOCUMENTS, NAMED_SOURCE, require_clean
from tests.workflow.conftest import Run, tiny_config
from tests.workflow.harness import environment, run, write_config
from tests.workflow.processes import start, started, through_run_sh, wait_for_process


def forget(workdir: Path, path: Path) -> None:
    """Take Snakemake's record of a file away."""
    name = urlsafe_b64encode(str(path.relative_to(workdir)).encode()).decode()
    (workdir / ".snakemake/metadata" / name).unlink()


def test_a_failed_run_ends_with_the_sentence_that_matters(fresh: Run) -> None:
    config = tiny_config()
    config["sources"]["reference"]["max_quarantined"] = 0
    write_config(fresh.workdir, config)
    done = subprocess.run(
        through_run_sh(fresh), capture_output=True, text=True, env=environment(), cwd=fresh.workdir, check=False
    )
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-3:]
    assert last[0].startswith("results/logs/extract/reference.") and "sources.reference.max_quarantined" in last[0]
    assert last[-1] == "What was finished is kept; run again to go on."


def half_written(target: Run) -> list[Path]:
    """What writers leave behind only when they are killed."""
    return [path for path in target.results.rglob(".*") if path.name.endswith((".staging", ".tmp", ".lock"))]


def test_interrupted_by_the_keyboard_it_leaves_nothing_half_written(finished: Run, fresh: Run) -> None:
    """Ctrl-C in a terminal reaches all that `make` started: the script, Snakemake, shells and programs."""
    running = started(fresh, through_run_sh(fresh))
    wait_for_process("scripts.cleaning.annotate", fresh.workdir, running)
    os.killpg(running.pid, signal.SIGINT)
    output, _ = running.communicate()
    assert running.returncode == 1, output[-3000:]
    assert output.endswith("What was finished is kept; run again to go on.\n")
    assert half_written(fresh) == []
    before = fresh.with_report()
    assert {name: finished.with_report()[name] for name in before} == before
    run(fresh.project, fresh.workdir)
    assert fresh.with_report() == finished.with_report()


@pytest.mark.parametrize("target", ["all", pytest.param(NAMED_SOURCE, marks=pytest.mark.long)])
def test_a_killed_program_is_made_again(target: str, finished: Run, fresh: Run) -> None:
    running = start(fresh, target)
    program = wait_for_process("scripts.cleaning.signatures", fresh.workdir, running)
    told = Path(f"/proc/{program}/environ").read_text().split("\0")
    os.kill(program, signal.SIGKILL)
    assert {f"{name}={value}" for name, value in MEMORY.items()} <= set(told)
    running.communicate()
    assert running.returncode == 1
    run(fresh.project, fresh.workdir, target)
    require_clean(target, fresh, finished)


@pytest.mark.parametrize("target", [pytest.param("all", marks=pytest.mark.long), NAMED_SOURCE])
def test_a_killed_snakemake_is_continued(target: str, finished: Run, fresh: Run) -> None:
    running = start(fresh, target)
    job = wait_for_process("scripts.cleaning.annotate", fresh.workdir, running)
    running.kill()
    running.communicate()
    with contextlib.suppress(ProcessLookupError):
        os.kill(job, signal.SIGKILL)
    run(fresh.project, fresh.workdir, "--unlock")
    run(fresh.project, fresh.workdir, target)
    require_clean(target, fresh, finished)
    assert half_written(fresh) == []


def test_what_an_orphan_finished_is_made_again(finished: Run, copied: Run) -> None:
    """A Snakemake killed before it noted that a job had begun leaves that job's result without any record."""
    run(copied.project, copied.workdir)  # notes the times of the copied files, as publishing here would have
    orphan = copied.results / f"{DOCUMENTS}.json"
    forget(copied.workdir, orphan)
    looked = run(copied.project, copied.workdir)
    assert (
        f"finished by programs that outlived their run (first: {orphan.relative_to(copied.workdir)})" in looked.stderr
    )
    assert copied.with_report() == finished.with_report()


def test_two_runs_at_once_have_one_writer(finished: Run, fresh: Run) -> None:
    first = start(fresh)
    wait_for_process("scripts.sources.extract", fresh.workdir, first)
    second = run(fresh.project, fresh.workdir, check=False)
    output, _ = first.communicate()
    assert second.returncode == 1
    assert "lock" in (second.stdout + second.stderr).lower()
    assert first.returncode == 0, output[-3000:]
    assert fresh.with_report() == finished.with_report()


def stop_a_writer(target: Run, running: subprocess.Popen[str]) -> int:
    """Stop, but do not end, the first program that is seen to write a part of the corpus; return its process."""
    corpus = target.results / "corpora" / "main"
    parts = [f"{stage}/{part}" for stage in ("selection", "documents") for part in ("reference/0000", "modules/0000")]
    artefacts = [corpus / f"{name}.json" for name in [*parts, "duplicates", "contamination", "overlap", "audit"]]
    while running.poll() is None:
        for artefact in artefacts:
            lock = artefact.with_name(f".{artefact.name}.lock")
            with contextlib.suppress(OSError, ValueError):
                holder = int(lock.read_text("ascii"))
                os.kill(holder, signal.SIGSTOP)
                if is_locked(artefact):
                    return holder
                os.kill(holder, signal.SIGCONT)  # it had ended writing
        time.sleep(0.002)
    raise AssertionError("the run ended before a program was seen to write")


def is_locked(artefact: Path) -> bool:
    try:
        with one_writer(artefact):
            return False
    except UserError:
        return True


def test_an_orphan_that_is_alive_after_unlock_stays_the_one_writer(finished: Run, copied: Run) -> None:
    shutil.rmtree(copied.results / "corpora")
    running = start(copied)
    orphan = stop_a_writer(copied, running)
    try:
        running.kill()
        running.wait()
        run(copied.project, copied.workdir, "--unlock")
        refused = run(copied.project, copied.workdir, "--keep-going", check=False)
        assert refused.returncode == 1
        assert f"being written by another process ({orphan})" in refused.stdout + refused.stderr
    finally:
        os.kill(orphan, signal.SIGCONT)
        running.communicate()  # ends with the last process that writes to its pipe
    run(copied.project, copied.workdir)
    assert copied.with_report() == finished.with_report()
    assert half_written(copied) == []
