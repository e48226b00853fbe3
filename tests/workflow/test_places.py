"""Wherever a checkout lies, with whatever it was installed, a run works or says what is amiss."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.workflow.conftest import Run, lay_out_text, tiny_config
from tests.workflow.harness import ROOT, copy_project, environment, run, write_config

FIRST = "results/sources/modules/raw/0000.json"


@pytest.mark.parametrize("name", ["with spaces", "it's $HOME `x`"])
def test_a_checkout_may_lie_anywhere(name: str, tmp_path: Path) -> None:
    made = Run(copy_project(tmp_path / name / "project"), tmp_path / name / "work")
    write_config(made.workdir, tiny_config())
    lay_out_text(made.workdir)
    run(made.project, made.workdir, FIRST)
    assert (made.workdir / FIRST).is_file()


def test_a_run_needs_no_script_that_holds_the_path_of_an_environment(fresh: Run, tmp_path: Path) -> None:
    """The scripts in .venv/bin begin with the path at which it was made; after a move no such interpreter is there."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in {
        "python": f'#!/bin/sh\nexec {sys.executable} "$@"\n',
        "snakemake": "#!/gone/bin/python\n",
    }.items():
        (programs / name).write_text(text, encoding="utf-8")
        (programs / name).chmod(0o755)
    values = environment() | {"PATH": f"{programs}:/usr/bin:/bin"}
    command = ["bash", str(fresh.project / "scripts/run.sh"), FIRST, "--cores", "1"]
    command += ["--snakefile", str(fresh.project / "Snakefile"), "--configfile", "config.yaml"]
    done = subprocess.run(command, capture_output=True, text=True, env=values, cwd=fresh.workdir, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert (fresh.workdir / FIRST).is_file()


def test_what_is_installed_otherwise_than_pinned_is_said(copied: Run) -> None:
    path = copied.project / "envs" / "data.yaml"
    text, version = path.read_text("utf-8"), re.escape("polib==")
    path.write_text(re.sub(version, "polib==9", text), encoding="utf-8")
    said = run(copied.project, copied.workdir, "--dry-run").stderr
    assert re.search(
        r"^notice: polib [\d.]+ is installed, but envs/data\.yaml pins 9[\d.]+\. Results are recorded as", said, re.M
    )
    path.write_text(text, encoding="utf-8")
    assert "notice:" not in run(copied.project, copied.workdir, "--dry-run").stderr


def test_a_source_may_list_more_files_than_an_argument_holds(fresh: Run) -> None:
    folder = fresh.workdir / "text" / "many"
    folder.mkdir()
    names = [f"text/many/{number:04d}-{'x' * 60}.txt" for number in range(1200)]
    for name in names:
        (fresh.workdir / name).write_text("A line.\n", encoding="utf-8")
    config = tiny_config()
    config["sources"]["many"] = {"kind": "text", "license": "CC0-1.0", "files": [{"path": name} for name in names]}
    write_config(fresh.workdir, config)
    manifest = "results/sources/many/raw/0000.json"
    assert len(json.dumps(config["sources"]["many"])) > 100_000
    run(fresh.project, fresh.workdir, manifest)
    assert json.loads((fresh.workdir / manifest).read_text("utf-8"))["accounting"]["kept"] == len(names)


def test_broken_acceptances_are_one_sentence(fresh: Run) -> None:
    (fresh.project / "acceptances.json").write_text("<<<<<<< HEAD\n[]\n", encoding="utf-8")
    done = run(fresh.project, fresh.workdir, "--dry-run", check=False)
    assert done.returncode == 1
    assert [line for line in done.stderr.splitlines() if line.startswith("error: acceptances.json is not a list")]


def test_an_old_python_is_refused_in_one_sentence(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "envs").mkdir()
    shutil.copy(ROOT / "envs/requirements.lock", tmp_path / "envs")
    programs = tmp_path / "bin"
    programs.mkdir()
    old = f'#!/bin/sh\nexec {sys.executable} -c "import sys; sys.version_info = (3, 10, 4); exec(sys.argv[2])" "$@"\n'
    (programs / "python3.11").write_text(old, encoding="utf-8")
    (programs / "python3.11").chmod(0o755)
    values = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}
    done = subprocess.run(["make", "setup"], capture_output=True, text=True, env=values, cwd=tmp_path, check=False)
    assert done.returncode != 0
    assert done.stderr.startswith("error: Python 3.11 or later is needed")
    assert not (tmp_path / ".venv").exists()
