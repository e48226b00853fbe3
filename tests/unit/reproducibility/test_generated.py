"""What is generated is fresh."""

from __future__ import annotations

import ast
import itertools
import re
import sys
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from scripts.lib.code import ROOT, closure
from scripts.lib.environments import environment_pins
from scripts.registry import filter_reference
from scripts.reproducibility import environments, reference

RULES = "".join(path.read_text("utf-8") for path in sorted((ROOT / "rules").glob("*.smk")))
RULE = re.compile(r"^rule \w+:$(.*?)(?=^rule |\Z)", re.M | re.S)
PROGRAM = re.compile(r"python -m ([\w.]+)")


def programs() -> list[tuple[str, str]]:
    """The environment and the program of every rule, and the programs that those start in processes of their own."""
    found = set()
    for body in RULE.findall(RULES):
        for program in PROGRAM.findall(body):
            (stack,) = re.findall(r"conda:\s+\"\.\./envs/(\w+)\.yaml\"", body)
            found |= {(stack, one) for one in [program, *started(program)]}
    return sorted(found)


def started(program: str) -> set[str]:
    """The modules that a program names in a command line, after `-m`."""
    return {module for path in closure(program).values() for module in named(path) if module.startswith("scripts.")}


@cache
def named(path: Path) -> set[str]:
    """The words after `-m` in the tuples and lists of a file."""
    text, found = path.read_text("utf-8"), set()
    for node in ast.walk(ast.parse(text)) if '"-m"' in text else ():
        words = node.elts if isinstance(node, ast.Tuple | ast.List) else []
        values = [word.value if isinstance(word, ast.Constant) else None for word in words]
        found |= {str(module) for flag, module in itertools.pairwise(values) if flag == "-m"}
    return found


@cache
def providers_of_modules() -> dict[str, list[str]]:
    """The packages that have a top-level module, of all that is installed."""
    return dict(packages_distributions())


@cache
def imported(path: Path) -> set[str]:
    """The modules that a file imports by their full names."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(node.module or "")
    return found


def test_the_config_reference_is_fresh() -> None:
    assert reference.main(["--check"]) == 0


def test_the_page_of_filters_is_fresh() -> None:
    assert filter_reference.main(["--check"]) == 0


def test_the_environments_agree_with_the_lock() -> None:
    assert environments.main(["--check"]) == 0


def test_no_program_of_a_rule_is_overlooked() -> None:
    assert {program for _, program in programs()} == {*PROGRAM.findall(RULES), "scripts.pretraining.worker"}


@pytest.mark.parametrize(("stack", "program"), programs())
def test_a_program_imports_only_what_its_environment_has(stack: str, program: str) -> None:
    pins = environment_pins(ROOT / "envs" / f"{stack}.yaml")
    have = {pin.removeprefix("pip:").partition("==")[0] for pin in pins}
    providers = providers_of_modules()
    for name, path in closure(program).items():
        for module in imported(path):
            top = module.partition(".")[0]
            if top in sys.stdlib_module_names or top == "scripts":
                continue
            found = {canonicalize_name(provider) for provider in providers.get(top, [])}
            assert found & have, f"{name} imports {top}, which envs/{stack}.yaml does not have"
