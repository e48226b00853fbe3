"""What is generated is fresh."""

from __future__ import annotations

import ast
import sys
from importlib.metadata import packages_distributions

import pytest
from packaging.utils import canonicalize_name

from scripts.lib.code import ROOT, closure
from scripts.lib.environments import environment_pins
from scripts.registry import filter_reference
from scripts.reproducibility import environments, reference

PROGRAMS = {
    "data": [
        "scripts.sources.fetch",
        "scripts.sources.extract",
        "scripts.cleaning.annotate",
        "scripts.cleaning.signatures",
        "scripts.cleaning.select",
        "scripts.cleaning.deduplicate",
        "scripts.cleaning.decontaminate",
        "scripts.cleaning.curate",
        "scripts.cleaning.overlap",
        "scripts.tasks.prepare",
        "scripts.audit.audit",
        "scripts.tokenizer.train",
        "scripts.tokenizer.compare",
        "scripts.shards.encode",
        "scripts.shards.index",
        "scripts.shards.pack",
    ],
    "training": [
        "scripts.pretraining.plan",
        "scripts.pretraining.train",
        "scripts.pretraining.worker",
        "scripts.finetuning.train",
        "scripts.evaluation.bits_per_byte",
        "scripts.evaluation.score_task",
    ],
    "report": ["scripts.report.build"],
}


def test_the_config_reference_is_fresh() -> None:
    assert reference.main(["--check"]) == 0


def test_the_page_of_filters_is_fresh() -> None:
    assert filter_reference.main(["--check"]) == 0


def test_the_environments_agree_with_the_lock() -> None:
    assert environments.main(["--check"]) == 0


@pytest.mark.parametrize(("stack", "program"), [(s, p) for s, programs in PROGRAMS.items() for p in programs])
def test_a_program_imports_only_what_its_environment_has(stack: str, program: str) -> None:
    pins = environment_pins(ROOT / "envs" / f"{stack}.yaml")
    have = {pin.removeprefix("pip:").partition("==")[0] for pin in pins}
    providers = packages_distributions()
    for name, path in closure(program).items():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                modules = [node.module or ""]
            for module in modules:
                top = module.partition(".")[0]
                if top in sys.stdlib_module_names or top == "scripts":
                    continue
                found = {canonicalize_name(provider) for provider in providers.get(top, [])}
                assert found & have, f"{name} imports {top}, which envs/{stack}.yaml does not have"
