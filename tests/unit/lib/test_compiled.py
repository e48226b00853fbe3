"""Machine code is kept from process to process, and never outlives a source that went into it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.lib.code import ROOT

CALLEE = "from scripts.lib.compiled import compiled_inner\n\n@compiled_inner\ndef step(value):\n    return value + {}\n"
INLINE = CALLEE.replace("compiled_inner", "compiled_inline")
CALLER = (
    "from scripts.callee import step\nfrom scripts.lib.compiled import compiled\n\n"
    "@compiled\ndef twice(value):\n    return step(step(value))\n"
)
PRINT = "print(twice(1), sum(twice.stats.cache_hits.values()))"
PROGRAM = f"from scripts.caller import twice; {PRINT}"
REMOVED = f"import shutil; from scripts.caller import twice; shutil.rmtree('scripts/__pycache__/compiled'); {PRINT}"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A project with a compiled function that calls one of another file."""
    library = tmp_path / "scripts" / "lib"
    library.mkdir(parents=True)
    for name in ("__init__", "canonical", "code", "compiled", "errors", "summed"):
        shutil.copy(ROOT / "scripts" / "lib" / f"{name}.py", library)
    (tmp_path / "scripts" / "__init__.py").touch()
    (tmp_path / "scripts" / "callee.py").write_text(CALLEE.format(1))
    (tmp_path / "scripts" / "caller.py").write_text(CALLER)
    return tmp_path


def start(tree: Path, program: str = PROGRAM) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(tree), "XDG_CACHE_HOME": str(tree / "cache")}
    return subprocess.Popen(
        [sys.executable, "-c", program], env=environment, cwd=tree, stdout=subprocess.PIPE, text=True
    )


def run(tree: Path, program: str = PROGRAM) -> tuple[int, int]:
    """Return the result, and how often machine code was found."""
    output, _ = start(tree, program).communicate(timeout=300)
    value, hits = output.split()
    return int(value), int(hits)


@pytest.mark.parametrize("callee", [CALLEE, INLINE], ids=["inner", "inline"])
def test_code_is_kept_and_made_anew_when_a_function_of_another_file_changes(tree: Path, callee: str) -> None:
    (tree / "scripts" / "callee.py").write_text(callee.format(1))
    assert run(tree) == (3, 0)
    assert run(tree) == (3, 1)
    (tree / "scripts" / "callee.py").write_text(callee.format(10))
    assert run(tree) == (21, 0)
    (tree / "scripts" / "callee.py").write_text("# as it was\n" + callee.format(1))
    assert run(tree) == (3, 1)


@pytest.mark.parametrize(("callee", "inline"), [(CALLEE, False), (INLINE, True)], ids=["inner", "inline"])
def test_only_an_inline_function_is_compiled_into_its_callers_for_sure(tree: Path, callee: str, inline: bool) -> None:
    (tree / "scripts" / "callee.py").write_text(callee.format(1))
    code = "step.overloads[step.signatures[0]].library.get_llvm_str()"
    show = f"from scripts.callee import step; step(1); print('alwaysinline' in {code}, 0)"
    output, _ = start(tree, show).communicate(timeout=300)
    assert output.split()[0] == str(inline)


@pytest.mark.parametrize("size", [0, 20])
def test_a_torn_file_of_machine_code_is_made_anew(size: int, tree: Path) -> None:
    assert run(tree) == (3, 0)
    kept = [path for path in (tree / "scripts" / "__pycache__" / "compiled").rglob("*.nb?") if path.is_file()]
    assert kept
    for path in kept:
        path.write_bytes(path.read_bytes()[:size])
    assert run(tree) == (3, 0)
    assert run(tree) == (3, 1)


def folders(tree: Path) -> set[Path]:
    return set((tree / "scripts" / "__pycache__" / "compiled").iterdir())


def test_code_that_no_process_has_asked_for_in_a_month_goes_when_there_is_new(tree: Path) -> None:
    assert run(tree) == (3, 0)
    unused = folders(tree)
    (tree / "scripts" / "callee.py").write_text(CALLEE.format(10))
    assert run(tree) == (21, 0)
    used = folders(tree) - unused
    for folder in unused | used:
        os.utime(folder, (0, 0))
    assert run(tree) == (21, 1)
    assert folders(tree) == unused | used
    (tree / "scripts" / "callee.py").write_text(CALLEE.format(100))
    assert run(tree) == (201, 0)
    assert used < folders(tree) and not unused & folders(tree)


def test_a_process_whose_folder_is_removed_compiles_for_itself(tree: Path) -> None:
    assert run(tree) == (3, 0)
    assert run(tree, REMOVED) == (3, 0)


def test_of_processes_that_need_a_function_at_once_one_compiles_it(tree: Path) -> None:
    outputs = [process.communicate(timeout=600)[0] for process in [start(tree) for _ in range(3)]]
    assert sorted(output.split() for output in outputs) == [["3", "0"], ["3", "1"], ["3", "1"]]


def test_without_a_folder_to_write_to_each_process_compiles(tree: Path) -> None:
    (tree / "scripts" / "__pycache__").touch()
    (tree / "cache").touch()
    assert run(tree) == (3, 0)
    assert run(tree) == (3, 0)


def test_code_goes_to_the_folder_of_the_user_where_the_project_cannot_be_written(tree: Path) -> None:
    (tree / "scripts" / "__pycache__").touch()
    assert run(tree) == (3, 0)
    assert run(tree) == (3, 1)
    assert list((tree / "cache" / "groundwork" / "compiled").iterdir())
