"""What must rerun nothing, and what must rerun exactly its users."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.lib.code import source_digest
from tests.workflow.conftest import Run, tiny_config
from tests.workflow.harness import ROOT, run, would_run, write_config
from tests.workflow.leaves import closure

BUILT = {
    "fetch_source",
    "extract",
    "annotate",
    "signatures",
    "select",
    "deduplicate",
    "decontaminate",
    "curate",
    "overlap",
    "audit",
    "report",
}


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text, f"{old!r} is not in {path.name}"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_the_scheduler_looks_at_the_open_jobs_when_one_ends_and_not_by_timers(finished: Run) -> None:
    log = min((finished.workdir / ".snakemake" / "log").glob("*.log")).read_text("utf-8")
    assert 0 < log.count("Ready jobs: ") <= log.count("Finished jobid: ") + 1


def test_a_second_run_has_nothing_to_do(copied: Run) -> None:
    assert would_run(copied.project, copied.workdir) == {}


def test_touch_reruns_nothing(copied: Run) -> None:
    now = time.time()
    for path in sorted([*copied.results.rglob("*"), *(copied.workdir / "text").iterdir()]):
        os.utime(path, (now, now))
    assert would_run(copied.project, copied.workdir) == {}


@pytest.mark.parametrize("tool", ["cp -r", pytest.param("cp -a", marks=pytest.mark.long), "rsync -a"])
def test_a_copy_elsewhere_reruns_nothing(tool: str, finished: Run, tmp_path: Path) -> None:
    program = tool.split()[0]
    assert shutil.which(program), f"{program} is missing; the tests need it, install it (`apt-get install {program}`)."
    target = tmp_path / "another" / "place"
    target.parent.mkdir(parents=True)
    subprocess.run([*tool.split(), f"{finished.workdir}/", str(target)], check=True)
    assert would_run(finished.project, target) == {}
    assert "Nothing to be done" in run(finished.project, target).stderr


def reformatted(text: str) -> str:
    """The code as Python would write it: other line breaks, quotes and parentheses, no comments."""
    return ast.unparse(ast.parse(text)) + "\n"


HARMLESS: dict[str, Callable[[str], str]] = {
    "comment": lambda text: "# Another remark.\n" + text + "\n# And one at the end.\n",
    "docstring": lambda text: re.sub(r'^"""', '"""Said otherwise. ', text, count=1),
    "formatting": reformatted,
}


def programs() -> list[str]:
    """The programs of all rules."""
    rules = "".join(path.read_text("utf-8") for path in (ROOT / "rules").glob("*.smk"))
    return sorted(set(re.findall(r'code_digest\("([\w.]+)"\)', rules)))


@pytest.mark.parametrize("edit", HARMLESS)
def test_words_about_the_code_rerun_nothing(edit: str, copied: Run) -> None:
    for path in sorted((copied.project / "scripts").rglob("*.py")):
        text = path.read_text("utf-8")
        if text.startswith('"""') and "from __future__" in text:
            path.write_text(HARMLESS[edit](text), encoding="utf-8")
            assert path.read_text("utf-8") != text
    for program in programs():
        assert source_digest(program, copied.project) == source_digest(program), program
    assert would_run(copied.project, copied.workdir) == {}


def test_an_edit_that_is_taken_back_reruns_nothing(copied: Run) -> None:
    path = copied.project / "scripts" / "cleaning" / "filters.py"
    text = path.read_text("utf-8")
    path.write_text(text + "\nADDED = 1\n", encoding="utf-8")
    assert would_run(copied.project, copied.workdir) != {}
    path.write_text(text, encoding="utf-8")
    assert would_run(copied.project, copied.workdir) == {}


def test_an_imported_module_reruns_exactly_its_users(copied: Run) -> None:
    path = copied.project / "scripts" / "cleaning" / "filters.py"
    path.write_text(path.read_text("utf-8") + "\nADDED = 1\n", encoding="utf-8")
    assert set(would_run(copied.project, copied.workdir)) == closure({"select"}) & BUILT


LISTS = {"stop_words_en.txt": {"annotate"}, "pii_labels.txt": {"curate"}}


@pytest.mark.parametrize("name", LISTS)
def test_a_word_list_reruns_exactly_its_users(name: str, copied: Run) -> None:
    with (copied.project / "scripts" / "cleaning" / "lists" / name).open("a", encoding="utf-8") as stream:
        stream.write("added\n")
    assert set(would_run(copied.project, copied.workdir)) == closure(LISTS[name]) & BUILT


def test_a_pin_of_an_environment_reruns_exactly_its_users(copied: Run) -> None:
    replace(copied.project / "envs" / "training.yaml", "torch==2.13.0", "torch==2.13.1")
    assert set(would_run(copied.project, copied.workdir)) == {"report"}  # it shows the version of torch
    replace(copied.project / "envs" / "data.yaml", "polib==", "polib==9")
    assert set(would_run(copied.project, copied.workdir)) == BUILT


def test_comments_in_an_environment_rerun_nothing(copied: Run) -> None:
    path = copied.project / "envs" / "data.yaml"
    path.write_text("# a remark\n" + path.read_text("utf-8"), encoding="utf-8")
    assert would_run(copied.project, copied.workdir) == {}


def test_swapped_splits_rerun_exactly_their_users(copied: Run) -> None:
    config = tiny_config()
    config["corpora"]["main"]["split"] = {"validation": 0.0, "test": 0.1}
    write_config(copied.workdir, config)
    assert would_run(copied.project, copied.workdir) == {"curate": 3, "overlap": 1, "audit": 1, "report": 1}


def test_reordered_priorities_rerun_exactly_their_users(copied: Run) -> None:
    config = tiny_config()
    config["corpora"]["main"]["sources"].reverse()
    write_config(copied.workdir, config)
    wanted = {"deduplicate": 1, "curate": 3, "overlap": 1, "audit": 1, "report": 1}
    assert would_run(copied.project, copied.workdir) == wanted


def test_an_edited_text_reruns_the_part_that_holds_it(copied: Run) -> None:
    replace(copied.workdir / "text" / "topics-1.jsonl", "the", "teh")
    counts = would_run(copied.project, copied.workdir)
    assert (counts["fetch_source"], counts["extract"], counts["annotate"]) == (1, 1, 1)
    run(copied.project, copied.workdir)
    assert would_run(copied.project, copied.workdir) == {}


EXECUTION = [["--cores", "1"], ["--set-threads", "curate=2"], ["--set-resources", "curate:mem_mb=77"]]


@pytest.mark.parametrize("arguments", EXECUTION)
def test_execution_reruns_nothing(arguments: list[str], copied: Run) -> None:
    assert would_run(copied.project, copied.workdir, *arguments) == {}
