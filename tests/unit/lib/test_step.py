"""A step publishes all or nothing, once, and says how it was made."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.lib.canonical import sha256_file
from scripts.lib.errors import UserError
from scripts.lib.manifest import altered, check_accounting, load_manifest, open_artefact, provenance_path
from scripts.lib.publish import one_writer, read_stamps, stamp
from scripts.lib.step import Step, finished_state, keep_finished, run_step, step_parser

PROGRAM = "scripts.lib.step"


def make_step(manifest: Path, settings: str = '{"a": {"b": 1}}') -> Step:
    return Step(PROGRAM, step_parser("").parse_args(["--settings", settings, "--manifest", str(manifest)]))


def publish(manifest: Path, text: str = "hello", settings: str = '{"a": {"b": 1}}') -> Step:
    step = make_step(manifest, settings)
    with step.publish() as out:
        out.file(f"{manifest.stem}.txt").write_text(text, encoding="utf-8")
        out.summary["b"] = step.settings["a"]["b"]
        out.account(incoming=3, kept=1, removed={"short": 1}, quarantined={"bad": 1})
    return step


def test_an_artefact_is_its_files_a_manifest_and_a_provenance(tmp_path: Path) -> None:
    manifest = tmp_path / "results" / "things" / "0000.json"
    publish(manifest)
    assert sorted(path.name for path in manifest.parent.iterdir() if not path.name.startswith(".")) == [
        "0000.json",
        "0000.provenance.json",
        "0000.txt",
    ]
    artefact = open_artefact(manifest)
    assert artefact.manifest["files"] == [
        {"name": "0000.txt", "bytes": 5, "sha256": sha256_file(manifest.parent / "0000.txt")}
    ]
    assert artefact.manifest["accounting"] == {
        "in": 3, "kept": 1, "removed": {"short": 1}, "quarantined": {"bad": 1}
    }  # fmt: skip
    provenance = json.loads(provenance_path(manifest).read_text("utf-8"))
    assert provenance["settings"] == {"a": {"b": 1}}
    assert str(tmp_path) not in manifest.read_text("utf-8") + provenance_path(manifest).read_text("utf-8")
    assert read_stamps(manifest)["0000.txt"] == stamp(manifest.parent / "0000.txt")


@pytest.mark.parametrize(
    ("old", "new"), [('"kept": 1', '"kept": 2'), ('"b": 1', '"b": NaN'), ('"files": [', '"files": 3, "others": [')]
)
def test_an_edit_of_a_manifest_is_told_by_its_provenance(old: str, new: str, tmp_path: Path) -> None:
    manifest = tmp_path / "x.json"
    publish(manifest)
    provenance = json.loads(provenance_path(manifest).read_text("utf-8"))
    assert not altered(load_manifest(manifest), provenance)
    text = manifest.read_text("utf-8")
    assert old in text
    manifest.write_text(text.replace(old, new, 1), encoding="utf-8")
    assert altered(load_manifest(manifest), provenance)


def test_bytes_that_may_vary_change_no_provenance(tmp_path: Path) -> None:
    """Else it would tell times where the page of a report does."""
    found = []
    for text in ("at ten", "at noon"):
        step = make_step(tmp_path / "x.json", "{}")
        with step.publish(records=False) as out:
            out.file("x.html").write_text(text, encoding="utf-8")
            out.canonical["x.html"] = "0"
        found.append(provenance_path(step.manifest).read_bytes())
    assert found[0] == found[1]


def test_a_setting_that_is_never_read_stops_the_step(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"never read: a\.c"):
        publish(tmp_path / "x.json", settings='{"a": {"b": 1, "c": 2}}')
    assert list(tmp_path.iterdir()) == []


def test_records_that_do_not_add_up_stop_the_step(tmp_path: Path) -> None:
    step = make_step(tmp_path / "x.json")
    with pytest.raises(AssertionError, match="do not add up"), step.publish() as out:
        out.account(incoming=3, kept=1, removed={"short": 1})
    assert not (tmp_path / "x.json").exists()


def test_records_that_nobody_counted_stop_the_step(tmp_path: Path) -> None:
    step = make_step(tmp_path / "x.json", "{}")
    with pytest.raises(AssertionError, match="does not say what became of its records"), step.publish():
        pass
    assert list(tmp_path.iterdir()) == []


def test_records_of_sources_add_up_in_each_and_as_a_whole(tmp_path: Path) -> None:
    step = make_step(tmp_path / "x.json", "{}")
    with step.publish() as out:
        out.account_sources({"web": 3, "books": 2}, {("web", "short"): 1, ("books", "copy"): 4, ("books", "short"): 0})
    accounting = load_manifest(tmp_path / "x.json")["accounting"]
    assert accounting == {
        "in": 10,
        "kept": 5,
        "removed": {"copy": 4, "short": 1},
        "quarantined": {},
        "sources": {
            "web": {"in": 4, "kept": 3, "removed": {"short": 1}, "quarantined": {}},
            "books": {"in": 6, "kept": 2, "removed": {"copy": 4}, "quarantined": {}},
        },
    }
    check_accounting(accounting)
    accounting["sources"]["web"] |= {"kept": 2, "removed": {"short": 2}}
    with pytest.raises(AssertionError, match="the sources are not the whole"):
        check_accounting(accounting)
    accounting["sources"]["web"]["removed"] = {}
    with pytest.raises(AssertionError, match="records of web do not add up"):
        check_accounting(accounting)


def test_records_lost_by_a_source_that_had_none_stop_the_step(tmp_path: Path) -> None:
    step = make_step(tmp_path / "x.json", "{}")
    with pytest.raises(AssertionError, match="the sources are not the whole"), step.publish() as out:
        out.account_sources({"web": 3}, {("books", "copy"): 1})


def test_a_failing_step_leaves_nothing(tmp_path: Path) -> None:
    step = make_step(tmp_path / "x.json")
    with pytest.raises(ZeroDivisionError), step.publish() as out:
        out.file("x.txt").write_text("half", encoding="utf-8")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_a_killed_writer_leaves_no_final_name_and_its_leftovers_go(tmp_path: Path) -> None:
    manifest = tmp_path / "x.json"
    program = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from tests.unit.lib.test_step import make_step\n"
        f"with make_step(Path({str(manifest)!r})).publish() as out:\n"
        "    out.file('x.txt').write_text('half')\n"
        "    print('writing', flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, cwd=Path.cwd()) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        with pytest.raises(UserError, match=f"written by another process \\({writer.pid}\\)"):
            publish(manifest)
        os.kill(writer.pid, signal.SIGKILL)
    assert not manifest.exists()
    assert not (tmp_path / "x.txt").exists()
    publish(manifest)
    assert (tmp_path / "x.txt").read_text("utf-8") == "hello"
    assert not list(tmp_path.glob(".x.staging*"))


def test_the_lock_is_free_again_afterwards(tmp_path: Path) -> None:
    with one_writer(tmp_path / "x.json"), pytest.raises(UserError), one_writer(tmp_path / "x.json"):
        pass
    with one_writer(tmp_path / "x.json"):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("damage", ["flip", "cut", "delete"])
def test_damaged_input_is_moved_aside_with_its_manifest(tmp_path: Path, damage: str) -> None:
    manifest = tmp_path / "results" / "things" / "0000.json"
    publish(manifest)
    file = manifest.parent / "0000.txt"
    if damage == "delete":
        file.unlink()
    else:
        file.write_text("hellp" if damage == "flip" else "hell", encoding="utf-8")
    with pytest.raises(UserError, match="run again to rebuild"):
        make_step(tmp_path / "results" / "y.json").read("things", manifest)
    assert not manifest.exists()
    kept = tmp_path / "results" / "quarantine" / "things+0000.1"
    assert (kept / "0000.json").is_file()
    assert (kept / "0000.txt").is_file() == (damage != "delete")


def test_inputs_are_recorded_relative_and_by_role(tmp_path: Path) -> None:
    manifest = tmp_path / "results" / "things" / "0000.json"
    publish(manifest)
    step = make_step(tmp_path / "results" / "more" / "y.json")
    step.read("things", manifest)
    assert step.inputs == {"things": [{"manifest": "../things/0000.json", "sha256": sha256_file(manifest)}]}


def test_the_recipe_is_settings_code_environment_and_content(tmp_path: Path) -> None:
    publish(tmp_path / "a" / "x.json", "one")
    publish(tmp_path / "b" / "x.json", "one")
    publish(tmp_path / "c" / "x.json", "two")

    def digest(folder: str, settings: str = '{"a": {"b": 1}}') -> str:
        step = make_step(tmp_path / "y.json", settings)
        step.read("x", tmp_path / folder / "x.json")
        return step.recipe_digest()

    assert digest("a") == digest("b")
    assert len({digest("a"), digest("c"), digest("a", '{"a": {"b": 2}}')}) == 3


def test_a_finished_result_is_kept_whole_or_not_at_all(tmp_path: Path) -> None:
    step = make_step(tmp_path / "x.json")
    kept = tmp_path / "checkpoints" / "r"
    kept.mkdir(parents=True)
    with step.publish(records=False) as out:
        (out.folder("x") / "weights").write_bytes(b"w" * 100)
        out.summary["b"] = step.settings["a"]["b"]
        keep_finished(kept, out)
    state = finished_state(kept)
    assert state is not None
    assert state.summary == {"b": 1}
    (kept / "x" / "weights").write_bytes(b"v" * 100)
    assert finished_state(kept) is None


def test_code_that_changed_after_planning_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def body(step: Step, args: argparse.Namespace) -> None:
        raise AssertionError("must not run")

    arguments = ["--settings", "{}", "--code", "another", "--manifest", str(tmp_path / "x.json")]
    assert run_step(PROGRAM, step_parser(""), body, arguments) == 1
    assert "changed after this run was planned" in capsys.readouterr().err
