"""Whatever goes wrong in between, the next run ends with what a clean build makes, bit for bit."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from base64 import urlsafe_b64encode
from pathlib import Path

import pytest

from scripts.lib.publish import one_writer
from tests.workflow.conftest import Run, tiny_config
from tests.workflow.harness import command, environment, run, write_config

DOCUMENTS = "sources/reference/documents/0001"
CURATED = "corpora/main/documents/reference/0001"
TARGETS = [[], ["corpus-main"], [f"results/{CURATED}.json"]]
TARGET_NAMES = ["all", "named", "path"]


def find_process(text: str, folder: Path) -> int | None:
    """Return a process whose command line holds `text` and which works in `folder`."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
                if text in words and "bash" not in words and (entry / "cwd").resolve() == folder.resolve():
                    return int(entry.name)
    return None


def wait_for_process(text: str, folder: Path, running: subprocess.Popen[str]) -> int:
    """Wait until such a process is there; the run must not end before."""
    while running.poll() is None:
        found = find_process(text, folder)
        if found is not None:
            return found
        time.sleep(0.02)
    raise AssertionError(f"the run ended before {text} was seen")


def start(target: Run, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command(target.project, target.workdir, *arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment(),
        cwd=target.workdir,
        # Under nohup and in the background of a script this process ignores Ctrl-C, and what it starts would, too.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def edit_so_that_one_part_fails(target: Run) -> None:
    """A stricter source: the part with the broken line fails, the other parts are extracted again."""
    config = tiny_config()
    config["sources"]["reference"]["max_quarantined"] = 0
    write_config(target.workdir, config)
    failed = run(target.project, target.workdir, "--keep-going", check=False)
    assert failed.returncode == 1
    assert "max_quarantined" in failed.stdout + failed.stderr
    write_config(target.workdir, tiny_config())


def delete_intermediate(target: Run) -> None:
    (target.results / f"{DOCUMENTS}.parquet").unlink()


def delete_manifest(target: Run) -> None:
    (target.results / f"{DOCUMENTS}.json").unlink()


def delete_raw_file(target: Run) -> None:
    next(path for path in (target.results / "sources/reference/raw/0001").iterdir()).unlink()


def delete_final(target: Run) -> None:
    (target.results / f"{CURATED}.parquet").unlink()


def empty_final(target: Run) -> None:
    (target.results / f"{CURATED}.parquet").write_bytes(b"")


def flip_bit(path: Path) -> None:
    """Flip one bit in the middle of a file and give it its old times back."""
    status = path.stat()
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def flip_intermediate(target: Run) -> None:
    flip_bit(target.results / f"{DOCUMENTS}.parquet")


def flip_final(target: Run) -> None:
    flip_bit(target.results / f"{CURATED}.parquet")


def forget(workdir: Path, path: Path) -> None:
    """Take Snakemake's record of a file away."""
    name = urlsafe_b64encode(str(path.relative_to(workdir)).encode()).decode()
    (workdir / ".snakemake/metadata" / name).unlink()


DAMAGES = [
    edit_so_that_one_part_fails,
    delete_intermediate,
    delete_manifest,
    delete_raw_file,
    delete_final,
    empty_final,
    flip_intermediate,
    flip_final,
]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_the_next_run_equals_a_clean_build(damage, finished: Run, copied: Run) -> None:  # type: ignore[no-untyped-def]
    damage(copied)
    run(copied.project, copied.workdir)
    assert copied.digests() == finished.digests()
    assert "Nothing to be done" in run(copied.project, copied.workdir).stderr


@pytest.mark.parametrize("target", TARGETS[1:], ids=TARGET_NAMES[1:])
@pytest.mark.parametrize("damage", [edit_so_that_one_part_fails, delete_manifest], ids=lambda damage: damage.__name__)
def test_a_single_target_is_never_built_on_missing_ground(
    damage,
    target: list[str],
    finished: Run,
    copied: Run,  # type: ignore[no-untyped-def]
) -> None:
    damage(copied)
    run(copied.project, copied.workdir, *target)
    for name in (f"{DOCUMENTS}.parquet", f"{DOCUMENTS}.json", f"{CURATED}.parquet", f"{CURATED}.json"):
        assert copied.digests()[name] == finished.digests()[name]


def test_a_failed_run_ends_with_the_sentence_that_matters(fresh: Run) -> None:
    config = tiny_config()
    config["sources"]["reference"]["max_quarantined"] = 0
    write_config(fresh.workdir, config)
    words = ["bash", str(fresh.project / "scripts/run.sh"), *command(fresh.project, fresh.workdir)[3:]]
    done = subprocess.run(words, capture_output=True, text=True, env=environment(), cwd=fresh.workdir, check=False)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-3:]
    assert last[0].startswith("results/logs/extract/reference.") and "sources.reference.max_quarantined" in last[0]
    assert last[-1] == "What was finished is kept; run again to go on."


def test_interrupted_by_the_keyboard_it_leaves_nothing_half_written(finished: Run, fresh: Run) -> None:
    running = start(fresh)
    wait_for_process("scripts.cleaning.annotate", fresh.workdir, running)
    running.send_signal(signal.SIGINT)
    running.communicate()
    assert running.returncode != 0
    before = fresh.digests()
    assert {name: finished.digests()[name] for name in before} == before
    run(fresh.project, fresh.workdir)
    assert fresh.digests() == finished.digests()
    assert not list(fresh.results.rglob("*.staging"))


def test_a_killed_program_is_made_again(finished: Run, fresh: Run) -> None:
    running = start(fresh)
    os.kill(wait_for_process("scripts.cleaning.signatures", fresh.workdir, running), signal.SIGKILL)
    running.communicate()
    assert running.returncode == 1
    run(fresh.project, fresh.workdir)
    assert fresh.digests() == finished.digests()


def test_a_killed_snakemake_is_continued(finished: Run, fresh: Run) -> None:
    running = start(fresh)
    job = wait_for_process("scripts.cleaning.annotate", fresh.workdir, running)
    running.kill()
    running.communicate()
    with contextlib.suppress(ProcessLookupError):
        os.kill(job, signal.SIGKILL)
    run(fresh.project, fresh.workdir, "--unlock")
    run(fresh.project, fresh.workdir)
    assert fresh.digests() == finished.digests()
    assert not list(fresh.results.rglob("*.staging"))


def test_what_an_orphan_finished_is_made_again(finished: Run, copied: Run) -> None:
    """A Snakemake killed before it noted that a job had begun leaves that job's result without any record."""
    run(copied.project, copied.workdir)  # notes the times of the copied files, as publishing here would have
    orphan = copied.results / f"{DOCUMENTS}.json"
    forget(copied.workdir, orphan)
    looked = run(copied.project, copied.workdir)
    assert (
        f"finished by programs that outlived their run (first: {orphan.relative_to(copied.workdir)})" in looked.stderr
    )
    assert copied.digests() == finished.digests()


def test_two_runs_at_once_have_one_writer(finished: Run, fresh: Run) -> None:
    first = start(fresh)
    wait_for_process("scripts.sources.extract", fresh.workdir, first)
    second = run(fresh.project, fresh.workdir, check=False)
    output, _ = first.communicate()
    assert second.returncode == 1
    assert "lock" in (second.stdout + second.stderr).lower()
    assert first.returncode == 0, output[-3000:]
    assert fresh.digests() == finished.digests()


def test_an_orphan_keeps_its_output_to_itself(finished: Run, fresh: Run) -> None:
    """An orphan that is alive after --unlock still holds the lock of what it writes."""
    with one_writer(fresh.results / "sources/modules/documents/0000.json"):
        refused = run(fresh.project, fresh.workdir, "--keep-going", check=False)
        assert refused.returncode == 1
        assert "being written by another process" in refused.stdout + refused.stderr
    run(fresh.project, fresh.workdir)
    assert fresh.digests() == finished.digests()
