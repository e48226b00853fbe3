"""Results without Snakemake's records: refused by a plain run, taken over where they are right."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.workflow.conftest import Run, tiny_config
from tests.workflow.harness import ROOT, environment, run, would_run, write_config
from tests.workflow.leaves import closure
from tests.workflow.test_recovery import flip_bit
from tests.workflow.test_reruns import BUILT


def adopt(target: Run) -> str:
    done = subprocess.run(
        [
            sys.executable,
            str(target.project / "rules" / "adopt.py"),
            "--configfile",
            str(target.workdir / "config.yaml"),
            "--directory",
            str(target.workdir),
        ],
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def unrecorded(copied: Run) -> Run:
    shutil.rmtree(copied.workdir / ".snakemake")
    return copied


@pytest.mark.parametrize("arguments", [[], ["--dry-run"]])
def test_a_plain_run_refuses_in_one_sentence(arguments: list[str], unrecorded: Run) -> None:
    before = unrecorded.with_report()
    done = run(unrecorded.project, unrecorded.workdir, *arguments, check=False)
    assert done.returncode == 1
    said = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("error: ")]
    assert len(said) == 1
    assert "make adopt" in said[0]
    assert unrecorded.with_report() == before


def test_right_results_are_taken_over(unrecorded: Run, finished: Run) -> None:
    assert "refused 0" in adopt(unrecorded)
    assert would_run(unrecorded.project, unrecorded.workdir) == {}
    assert unrecorded.with_report() == finished.with_report()


def test_other_settings_are_refused_with_all_that_follows(unrecorded: Run, finished: Run) -> None:
    config = tiny_config()
    config["corpora"]["main"]["filters"] = {"families": ["length"]}
    write_config(unrecorded.workdir, config)
    said = adopt(unrecorded)
    assert "was made with other settings" in said
    assert set(would_run(unrecorded.project, unrecorded.workdir)) == closure({"select"}) & BUILT
    write_config(unrecorded.workdir, tiny_config())
    run(unrecorded.project, unrecorded.workdir)
    assert unrecorded.with_report() == finished.with_report()


def test_other_code_is_refused(unrecorded: Run) -> None:
    path = unrecorded.project / "scripts" / "cleaning" / "filters.py"
    path.write_text(path.read_text("utf-8") + "\nADDED = 1\n", encoding="utf-8")
    assert "was made with other code" in adopt(unrecorded)
    assert set(would_run(unrecorded.project, unrecorded.workdir)) == closure({"select"}) & BUILT


@pytest.mark.parametrize(
    "name",
    [pytest.param("sources/modules/documents/0000.parquet", marks=pytest.mark.long), "corpora/main/duplicates.parquet"],
)
def test_damaged_results_are_refused_and_made_again(name: str, unrecorded: Run, finished: Run) -> None:
    flip_bit(unrecorded.results / name)
    assert "is damaged" in adopt(unrecorded)
    run(unrecorded.project, unrecorded.workdir)
    assert unrecorded.with_report() == finished.with_report()


def test_an_edited_manifest_is_refused_and_made_again(unrecorded: Run, finished: Run) -> None:
    path = unrecorded.results / "corpora/main/duplicates.json"
    path.write_text(path.read_text("utf-8").replace('"schema": 1', '"schema": 1, "remark": "mine"'), encoding="utf-8")
    assert "is damaged: its manifest is not as it was published" in adopt(unrecorded)
    run(unrecorded.project, unrecorded.workdir)
    assert unrecorded.with_report() == finished.with_report()


def test_results_that_were_copied_into_recorded_ones_are_refused_too(copied: Run) -> None:
    """One foreign artefact among recorded ones is as unknown as a whole tree."""
    source, target = copied.results / "sources" / "modules", copied.results / "sources" / "foreign"
    shutil.copytree(source, target)
    done = run(copied.project, copied.workdir, check=False)
    assert done.returncode == 1
    assert "make adopt" in done.stderr


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "cannot be read ([Errno 2] No such file or directory"),
        ("seed: [1\n", "mine.yaml, line 2 is not valid YAML"),
    ],
)
def test_a_configuration_that_cannot_be_read_is_one_sentence(text: str | None, sentence: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    program = [sys.executable, str(ROOT / "rules" / "adopt.py"), "--configfile", "mine.yaml"]
    done = subprocess.run(program, capture_output=True, text=True, env=environment(), cwd=tmp_path, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error: mine.yaml") and sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_accepted_code_reruns_nothing_but_the_report_that_says_so(copied: Run) -> None:
    """A refactor that is recorded as equivalent keeps the results; taking the record back makes them again."""
    path = copied.project / "scripts" / "cleaning" / "filters.py"
    path.write_text(path.read_text("utf-8") + "\nADDED = 1\n", encoding="utf-8")
    assert set(would_run(copied.project, copied.workdir)) == closure({"select"}) & BUILT
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "scripts.reproducibility.accept",
            "--step",
            "scripts.cleaning.select",
            "--reason",
            "a constant that nothing reads",
            "--results",
            str(copied.results),
        ],
        capture_output=True,
        text=True,
        env=environment(),
        cwd=copied.project,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert would_run(copied.project, copied.workdir) == {"report": 1}
    (copied.project / "acceptances.json").unlink()
    assert "select" in would_run(copied.project, copied.workdir)
