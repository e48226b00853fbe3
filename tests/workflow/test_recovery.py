"""Whatever goes wrong in between, the next run ends with what a clean build makes, bit for bit."""

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
from tests.workflow.conftest import Run, lay_out_text, tiny_config
from tests.workflow.harness import command, environment, run, write_config

DOCUMENTS = "sources/reference/documents/0001"
CURATED = "corpora/main/documents/reference/0001"
LARGE = 1_000_000  # up to this many bytes Snakemake itself compares by content
NAMED_SOURCE, NAMED_CORPUS, PATH = "source-reference", "corpus-main", f"results/{CURATED}.json"
RESTS_ON = {
    "all": ("",),
    NAMED_SOURCE: ("sources/reference/",),
    NAMED_CORPUS: ("sources/", "corpora/"),
    PATH: ("sources/", "corpora/main/selection/", "corpora/main/duplicates", "corpora/main/contamination", CURATED),
}


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
    return started(target, command(target.project, target.workdir, *arguments))


def through_run_sh(target: Run) -> list[str]:
    """The command line that `make` runs."""
    return ["bash", str(target.project / "scripts" / "run.sh"), *command(target.project, target.workdir)[3:]]


def started(target: Run, words: list[str]) -> subprocess.Popen[str]:
    """Start a command in a group of its own, as a terminal does."""
    return subprocess.Popen(
        words,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment(),
        cwd=target.workdir,
        start_new_session=True,
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
    assert "records of reference are broken" in failed.stdout + failed.stderr
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


def flip_large_intermediate(target: Run) -> None:
    path = target.results / f"{DOCUMENTS}.parquet"
    assert path.stat().st_size > LARGE
    flip_bit(path)


def flip_final(target: Run) -> None:
    flip_bit(target.results / f"{CURATED}.parquet")


def forget(workdir: Path, path: Path) -> None:
    """Take Snakemake's record of a file away."""
    name = urlsafe_b64encode(str(path.relative_to(workdir)).encode()).decode()
    (workdir / ".snakemake/metadata" / name).unlink()


# Each damage, with a target by name or path that rests on what it spoils.
DAMAGES = {
    edit_so_that_one_part_fails: NAMED_CORPUS,
    delete_intermediate: PATH,
    delete_manifest: PATH,
    delete_raw_file: NAMED_SOURCE,
    delete_final: PATH,
    empty_final: NAMED_CORPUS,
    flip_large_intermediate: NAMED_SOURCE,
    flip_final: PATH,
}


def require_clean(target: str, spoiled: Run, clean: Run) -> None:
    """What a target rests on is what a clean build makes; what rests on it is that, too, or gone, but never stale."""
    made, wanted = spoiled.digests(), clean.digests()
    assert {name for name in made if name.startswith(RESTS_ON[target])} == {
        name for name in wanted if name.startswith(RESTS_ON[target])
    }
    assert made == {name: wanted.get(name) for name in made}


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_the_next_run_equals_a_clean_build(damage, finished: Run, copied: Run) -> None:  # type: ignore[no-untyped-def]
    damage(copied)
    run(copied.project, copied.workdir)
    assert copied.digests() == finished.digests()
    assert "Nothing to be done" in run(copied.project, copied.workdir).stderr


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: f"{damage.__name__}-{DAMAGES[damage]}")
def test_the_next_run_for_one_target_equals_a_clean_build(damage, finished: Run, copied: Run) -> None:  # type: ignore[no-untyped-def]
    damage(copied)
    run(copied.project, copied.workdir, DAMAGES[damage])
    require_clean(DAMAGES[damage], copied, finished)


def test_a_lasting_edit_whose_run_failed_ends_as_a_clean_build_of_it(
    finished: Run, copied: Run, tmp_path: Path
) -> None:
    """One part fails for a reason that is not the edit's; Snakemake has noted the new settings for it all the same."""
    config = tiny_config()
    config["sources"]["reference"]["license"] = "CC0-1.0"
    write_config(copied.workdir, config)
    with one_writer(copied.results / f"{DOCUMENTS}.json"):
        failed = run(copied.project, copied.workdir, "--keep-going", check=False)
    assert failed.returncode == 1
    assert "being written by another process" in failed.stdout + failed.stderr
    run(copied.project, copied.workdir)
    clean = Run(copied.project, tmp_path / "clean")
    write_config(clean.workdir, config)
    lay_out_text(clean.workdir)
    run(clean.project, clean.workdir)
    assert copied.digests() == clean.digests()
    assert copied.digests()[f"{CURATED}.json"] != finished.digests()[f"{CURATED}.json"]


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
    before = fresh.digests()
    assert {name: finished.digests()[name] for name in before} == before
    run(fresh.project, fresh.workdir)
    assert fresh.digests() == finished.digests()


@pytest.mark.parametrize("target", ["all", NAMED_SOURCE])
def test_a_killed_program_is_made_again(target: str, finished: Run, fresh: Run) -> None:
    running = start(fresh, target)
    os.kill(wait_for_process("scripts.cleaning.signatures", fresh.workdir, running), signal.SIGKILL)
    running.communicate()
    assert running.returncode == 1
    run(fresh.project, fresh.workdir, target)
    require_clean(target, fresh, finished)


@pytest.mark.parametrize("target", ["all", NAMED_SOURCE])
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
    assert copied.digests() == finished.digests()
    assert half_written(copied) == []
