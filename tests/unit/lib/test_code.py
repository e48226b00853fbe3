"""Code digests follow what a program does and nothing else."""

from __future__ import annotations

import ast
import json
import shutil
from pathlib import Path

import pytest

from scripts.lib.canonical import readable_json
from scripts.lib.code import ACCEPTANCES, ROOT, _said, closure, code_digest, serialise, source_digest
from scripts.lib.errors import UserError
from scripts.lib.summed import SUM, write_summed

PROGRAM = '''"""A program."""

from scripts.lib.words import count
from scripts.lib.code import data_file


def main() -> int:
    """Count."""
    return count(data_file("scripts/stage/words.txt").read_text())  # of the list
'''
WORDS = '''"""Words."""


def count(text: str) -> int:
    return len(text.split())
'''


@pytest.fixture
def project(tmp_path: Path) -> Path:
    files = {
        "scripts/__init__.py": "",
        "scripts/lib/__init__.py": "",
        "scripts/lib/words.py": WORDS,
        "scripts/lib/code.py": "def data_file(name): return name\n",
        "scripts/lib/unused.py": "x = 1\n",
        "scripts/stage/__init__.py": "",
        "scripts/stage/words.txt": "one two\n",
        "scripts/stage/program.py": PROGRAM,
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def digest(project: Path) -> str:
    """The digest as a new process finds it."""
    for function in (source_digest, _said):
        function.cache_clear()
    return source_digest("scripts.stage.program", project)


def edit(project: Path, name: str, old: str, new: str) -> None:
    text = (project / name).read_text("utf-8")
    assert old in text
    (project / name).write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("scripts/stage/program.py", "# of the list", "# of all words"),
        ("scripts/stage/program.py", '"""Count."""', '"""Count the words of the list."""'),
        ("scripts/stage/program.py", '    """Count."""\n', ""),
        (
            "scripts/stage/program.py",
            'data_file("scripts/stage/words.txt").read_text()',
            "data_file(\n        'scripts/stage/words.txt'\n    ).read_text()",
        ),
        ("scripts/lib/unused.py", "x = 1", "x = 2"),
    ],
)
def test_words_and_layout_do_not_count(project: Path, name: str, old: str, new: str) -> None:
    before = digest(project)
    edit(project, name, old, new)
    assert digest(project) == before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("scripts/stage/program.py", "return count", "return 1 + count"),
        ("scripts/lib/words.py", "text.split()", "text.split(' ')"),
        ("scripts/stage/words.txt", "one", "three"),
    ],
)
def test_behaviour_counts(project: Path, name: str, old: str, new: str) -> None:
    before = digest(project)
    edit(project, name, old, new)
    assert digest(project) != before


def test_taking_an_edit_back_restores_the_digest(project: Path) -> None:
    before = digest(project)
    edit(project, "scripts/lib/words.py", "split()", "split(None)")
    edit(project, "scripts/lib/words.py", "split(None)", "split()")
    assert digest(project) == before


def test_a_reading_is_kept_for_other_processes_and_believed_only_whole(project: Path) -> None:
    before = digest(project)
    kept = sorted((project / "scripts/__pycache__/said").iterdir())
    assert len(kept) == 6  # the program, what it imports and their packages
    whole = [path.read_bytes() for path in kept]
    for path, data in zip(kept, whole, strict=True):
        path.write_bytes(data.replace(b'["', b'["0', 1))
    assert digest(project) == before
    assert [path.read_bytes() for path in kept] == whole
    for path, data in zip(kept, whole, strict=True):
        write_summed(path, data[SUM:].replace(b'["', b'["0', 1))
    assert digest(project) != before


def test_where_nothing_can_be_kept_each_process_reads(project: Path) -> None:
    before = digest(project)
    shutil.rmtree(project / "scripts/__pycache__")
    (project / "scripts/__pycache__").write_text("in the way", encoding="utf-8")
    assert digest(project) == before


def test_the_closure_holds_imports_of_imports(project: Path) -> None:
    edit(project, "scripts/lib/words.py", '"""Words."""\n', '"""Words."""\n\nimport scripts.lib.unused\n')
    assert "scripts.lib.unused" in closure("scripts.stage.program", project)


def test_acceptance_leads_back_to_the_oldest_digest(project: Path) -> None:
    oldest = digest(project)
    edit(project, "scripts/lib/words.py", "text.split()", "list(text.split())")
    middle = digest(project)
    edit(project, "scripts/lib/words.py", "list(text.split())", "tuple(text.split())")
    newest = digest(project)
    entries = [
        {"program": "scripts.stage.program", "old": oldest, "new": middle, "reason": "a list"},
        {"program": "scripts.stage.program", "old": middle, "new": newest, "reason": "a tuple"},
        {"program": "scripts.stage.other", "old": "0", "new": oldest, "reason": "another program"},
    ]
    (project / ACCEPTANCES).write_text(readable_json(entries), encoding="utf-8")
    assert code_digest("scripts.stage.program", project) == oldest


def test_a_program_that_is_not_there_is_one_sentence(project: Path) -> None:
    with pytest.raises(UserError, match=r"no program scripts\.stage\.missing"):
        source_digest("scripts.stage.missing", project)


def test_a_program_that_is_no_python_is_named_by_its_path(project: Path) -> None:
    """Several have the same name in different folders."""
    (project / "scripts/lib/words.py").write_text("def f(:\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"^scripts/lib/words\.py cannot be read as Python"):
        source_digest("scripts.stage.program", project)


def test_only_empty_fields_of_newer_syntax_trees_are_left_out() -> None:
    """Python 3.12 added `type_params` to functions; it is empty unless used, and empty fields do not count."""
    tree = ast.parse("def f(x=1):\n    return x")
    before = list(serialise(tree))
    tree.body[0].type_params = []  # type: ignore[attr-defined]
    tree.body[0]._fields = (*tree.body[0]._fields, "type_params")  # type: ignore[misc]
    assert list(serialise(tree)) == before
    assert list(serialise(ast.parse("def f(x=2):\n    return x"))) != before


def test_no_module_imports_dynamically() -> None:
    """The digest follows what can be read from the source, so nothing may be imported by a computed name."""
    forbidden = {"__import__", "exec", "eval", "import_module", "run_module", "run_path"}
    for path in sorted((ROOT / "scripts").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                computed = name in forbidden and not (name == "eval" and isinstance(node.func, ast.Attribute))
                assert not computed, f"{path}:{node.lineno} calls {name}"


def test_data_files_are_opened_by_literal_names() -> None:
    for path in sorted((ROOT / "scripts").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "data_file":
                assert isinstance(node.args[0], ast.Constant), f"{path}:{node.lineno}"
                assert (ROOT / str(node.args[0].value)).is_file()


def test_stages_import_only_the_library_and_themselves() -> None:
    """Dependency direction of the design; the registry stands above the stages and may read their light tables."""
    stages = {path.parent.name for path in (ROOT / "scripts").glob("*/__init__.py")} - {"lib", "registry"}
    for path in sorted((ROOT / "scripts").rglob("*.py")):
        package = path.relative_to(ROOT / "scripts").parts[0]
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            for name in names:
                assert not name.startswith("snakemake"), f"{path} imports snakemake"
                parts = name.split(".")
                if parts[0] == "scripts" and len(parts) > 1 and package != "registry":
                    foreign = parts[1] in stages | {"registry"} and parts[1] != package
                    assert not foreign, f"{path} imports {name}"


def test_acceptances_are_well_formed() -> None:
    path = ROOT / ACCEPTANCES
    if not path.is_file():
        return
    for entry in json.loads(path.read_text("utf-8")):
        assert set(entry) == {"program", "old", "new", "reason"}
