"""Code digests: what a program *does*, as one number.

The digest covers the program's module, every module under `scripts/` that it imports (also inside functions) and every
data file that one of them opens through `data_file`. Modules are compared as syntax trees without positions, comments and
docstrings, and by a walker of our own, so that formatting and the Python version do not count. Only imports that can be
read from the source are followed, which is why dynamic imports are refused by a test.

Every job and every start of Snakemake asks for such digests, and reading syntax trees takes seconds. What one module says is
therefore kept beside the machine code of Python, under a name that is a digest of its source: an edit is another name.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from scripts.lib.canonical import canonical_json, sha256_file, sha256_text
from scripts.lib.errors import UserError
from scripts.lib.summed import read_summed, write_summed

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "scripts"
ACCEPTANCES = "acceptances.json"


def data_file(name: str) -> Path:
    """Return the path of a data file of the project, by its path from the root.

    Call it with a literal: the digest of the calling module's programs then covers the file's content.
    """
    path = ROOT / name
    if not path.is_file():
        raise UserError(f"{name} is missing from the installation; restore it from the repository.")
    return path


def module_path(module: str, root: Path = ROOT) -> Path | None:
    """Return the source file of a module under `root`, or None where there is none (a name inside a module)."""
    base = f"{root}/{module.replace('.', '/')}"  # cheap, since thousands of names are tried
    for candidate in (Path(f"{base}.py"), Path(f"{base}/__init__.py")):
        if candidate.is_file():
            return candidate
    return None


def code_digest(module: str, root: Path = ROOT) -> str:
    """Return the digest of a program, replaced by that of the code it was accepted as equivalent to (`make accept`)."""
    return accepted(module, source_digest(module, root), root)


@functools.cache
def source_digest(module: str, root: Path = ROOT) -> str:
    """Return the digest of the code that the program `module` runs. Raises UserError for a module that is not there."""
    parts: dict[str, str] = {}
    for name, path in closure(module, root).items():
        said = _said(name, path, path.stat().st_mtime_ns, root)
        parts[name] = said.digest
        for data in said.data_files:
            parts[data] = sha256_file(root / data) if (root / data).is_file() else "missing"
    return sha256_text(canonical_json(parts))


def closure(module: str, root: Path = ROOT) -> dict[str, Path]:
    """Return the modules under `scripts/` that `module` runs, itself included, with their files, sorted by name."""
    if module_path(module, root) is None:
        raise UserError(f"There is no program {module} under {PACKAGE}/; check the name in the rule.")
    found: dict[str, Path] = {}
    queue = [module]
    while queue:
        name = queue.pop()
        path = module_path(name, root)
        if path is None or name in found:
            continue
        found[name] = path
        queue.extend(_said(name, path, path.stat().st_mtime_ns, root).imports)
        queue.append(name.rpartition(".")[0] or PACKAGE)
    return dict(sorted(found.items()))


def acceptances(root: Path = ROOT) -> list[dict[str, str]]:
    """Return the recorded acceptances of equivalent code, oldest first. Raises UserError for a record that cannot be read."""
    path = root / ACCEPTANCES
    try:
        found = json.loads(path.read_text("utf-8")) if path.is_file() else []
        return [{key: str(entry[key]) for key in ("program", "old", "new", "reason")} for entry in found]
    except (ValueError, KeyError, TypeError):
        raise UserError(
            f"{ACCEPTANCES} is not a list of acceptances as `make accept` writes it; mend what an edit or a merge left in it."
        ) from None


def accepted(module: str, digest: str, root: Path = ROOT) -> str:
    """Follow the recorded acceptances of `module` from `digest` back to the oldest equivalent digest."""
    older = {entry["new"]: entry["old"] for entry in acceptances(root) if entry["program"] == module}
    seen = {digest}
    while digest in older and older[digest] not in seen:
        digest = older[digest]
        seen.add(digest)
    return digest


class Said(NamedTuple):
    """What the source of one module says."""

    digest: str
    imports: tuple[str, ...]
    data_files: tuple[str, ...]


@functools.cache
def _said(module: str, path: Path, _modified: int, root: Path) -> Said:
    """Return what a module says, kept from an earlier process where its source is the same."""
    source = path.read_bytes()
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    key = hashlib.sha256(b"\0".join([*_READER, package.encode(), source])).hexdigest()
    folder = root / PACKAGE / "__pycache__" / "said"
    kept = read_summed(folder / key)
    if kept is not None:
        digest, imports, data_files = json.loads(kept)
        return Said(digest, tuple(imports), tuple(data_files))
    try:
        tree = ast.parse(source.decode("utf-8"))
    except (SyntaxError, UnicodeDecodeError) as error:
        raise UserError(
            f"{path.relative_to(root)} cannot be read as Python ({error}); mend it before running."
        ) from None
    said = Said(_tree_digest(tree), _imports(tree, package), _data_files(tree))
    write_summed(folder / key, canonical_json(said).encode("utf-8"))
    return said


# What a source says may depend on the version of Python and on this module.
_READER = (sys.version.encode(), Path(__file__).read_bytes())


def _tree_digest(tree: ast.Module) -> str:
    digest = hashlib.sha256()
    for token in serialise(tree):
        digest.update(token.encode("utf-8", "surrogatepass"))
        digest.update(b"\0")
    return digest.hexdigest()


def serialise(node: ast.AST) -> Iterator[str]:
    """Yield the tokens of a syntax tree that mean something: no positions, docstrings or empty fields.

    Empty fields are left out because newer versions of Python add some (`type_params`), and `kind` because it only
    tells how a string was written.
    """
    yield type(node).__name__
    for name, value in ast.iter_fields(node):
        if name in ("kind", "type_comment", "type_ignores", "ctx") or value is None or value == []:
            continue
        yield "." + name
        if name == "body" and isinstance(value, list):
            value = _without_docstring(node, value)
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, ast.AST):
                yield from serialise(item)
            else:
                yield f"{type(item).__name__}:{item!r}"
    yield "end"


def _without_docstring(node: ast.AST, body: list[ast.stmt]) -> list[ast.stmt]:
    holders = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    first = body[0] if body else None
    if isinstance(node, holders) and isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        return body[1:] if isinstance(first.value.value, str) else body
    return body


def _imports(tree: ast.Module, package: str) -> tuple[str, ...]:
    """Return the names under `scripts` that a module imports; `from a import b` gives both `a` and `a.b`."""
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *([base] if base else [])])
            names += [base, *(f"{base}.{alias.name}" for alias in node.names)]
    return tuple(dict.fromkeys(name for name in names if name.split(".")[0] == PACKAGE))


def _data_files(tree: ast.Module) -> tuple[str, ...]:
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _called(node) == "data_file" and node.args:
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                names.append(first.value)
    return tuple(sorted(set(names)))


def _called(node: ast.Call) -> str:
    function = node.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
