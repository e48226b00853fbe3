"""Whatever goes wrong in between, the next run ends with what a clean build makes, bit for bit."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from scripts.lib.publish import one_writer
from tests.workflow.clean import CURATED, DOCUMENTS, NAMED_CORPUS, NAMED_SOURCE, PATH, require_clean
from tests.workflow.conftest import Run, lay_out_text, tiny_config
from tests.workflow.harness import run, write_config

LARGE = 1_000_000  # up to this many bytes Snakemake itself compares by content


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


def edit_manifest(target: Run) -> None:
    """Another number in a manifest that is still one; what follows would be made from it."""
    path = target.results / f"{DOCUMENTS}.json"
    manifest = json.loads(path.read_text("utf-8"))
    manifest["accounting"]["kept"] += 1
    path.write_text(json.dumps(manifest), encoding="utf-8")


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
    edit_manifest: NAMED_CORPUS,
}


# Of each damage, `make test` looks at one kind of target and `make prove` at the other.
WHOLE = [pytest.param(one, marks=[pytest.mark.long] * (n % 2)) for n, one in enumerate(DAMAGES)]
NAMED = [pytest.param(one, marks=[pytest.mark.long] * (1 - n % 2)) for n, one in enumerate(DAMAGES)]


@pytest.mark.parametrize("arguments", [["-np"], ["--summary"]], ids=lambda words: words[0])
def test_a_look_says_what_is_damaged_and_leaves_it_there(arguments: list[str], copied: Run) -> None:
    empty_final(copied)
    before = copied.with_report()
    looked = run(copied.project, copied.workdir, *arguments)
    assert f"notice: results/{CURATED}.parquet has 0 bytes" in looked.stderr
    assert "a run would make it again" in looked.stderr
    assert copied.with_report() == before


@pytest.mark.parametrize("damage", WHOLE, ids=lambda damage: damage.__name__)
def test_the_next_run_equals_a_clean_build(damage, finished: Run, copied: Run) -> None:  # type: ignore[no-untyped-def]
    damage(copied)
    run(copied.project, copied.workdir)
    assert copied.with_report() == finished.with_report()


@pytest.mark.parametrize("damage", NAMED, ids=lambda damage: f"{damage.__name__}-{DAMAGES[damage]}")
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
    assert copied.with_report() == clean.with_report()
    assert copied.with_report()[f"{CURATED}.json"] != finished.with_report()[f"{CURATED}.json"]
