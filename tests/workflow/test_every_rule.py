"""A configuration with work for every rule: planned as a user types it, for a cluster, target by target, with other pins."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from scripts.registry.targets import Targets
from scripts.registry.workflow import Registry
from tests.workflow.editing import config_of_every_rule
from tests.workflow.harness import ROOT, Planner, copy_project, environment, jobs_of, write_config
from tests.workflow.leaves import FOLLOWS, closure

# The rules of each environment; all others have that of the data.
TRAINING = {"plan", "pretrain", "branch_point", "finetune", "bits_per_byte", "zero_shot", "score_finetuned"}
REPORT = {"report"}
PINS = {
    "data": ("polib", set(FOLLOWS) - TRAINING - REPORT),
    "training": ("torch", TRAINING | REPORT),  # the report shows the version of torch
    "report": ("pandas", REPORT),
}
UNDECLARED = {"checkpoints", "cache", "logs", "benchmarks", "quarantine"}  # folders that are no output of a rule
PROFILE = yaml.safe_load((ROOT / "profiles" / "cluster" / "profile.yaml").read_text("utf-8"))


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone with such a config.yaml; without their messages, the jobs of a dry run show threads and memory."""
    project = copy_project(tmp_path_factory.mktemp("every-rule") / "clone")
    write_config(project, config_of_every_rule())
    for path in sorted((project / "rules").glob("*.smk")):
        path.write_text(re.sub(r"    message:\n.*\n", "", path.read_text("utf-8")), encoding="utf-8")
    return project


def typed(clone: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Type a command in the folder of the clone."""
    return subprocess.run(words, capture_output=True, text=True, env=environment(), cwd=clone, check=True)


def test_snakemake_alone_plans_every_rule(clone: Path) -> None:
    assert set(jobs_of(typed(clone, "snakemake", "-n"))) == set(FOLLOWS)


def test_the_cluster_gives_its_threads_and_memory_to_every_job_of_every_rule(clone: Path) -> None:
    done = typed(clone, "snakemake", "--profile", "cluster", "-n")
    jobs = jobs_of(done)
    assert set(jobs) == set(PROFILE["set-threads"]) == set(PROFILE["set-resources"]) == set(FOLLOWS)
    for rule, count in jobs.items():
        blocks = re.findall(rf"^rule {rule}:\n(.*?)\n\[", done.stdout + done.stderr, re.S | re.M)
        assert len(blocks) == count, rule
        for block in blocks:
            given = dict(re.findall(r"(\w+)=([^,\s]+)", re.search(r"^    resources: (.*)", block, re.M)[1]))  # type: ignore[index]
            wanted = {key: str(value) for key, value in PROFILE["set-resources"][rule].items()}
            assert {key: given[key] for key in wanted} == wanted, rule
            threads = re.search(r"^    threads: (\d+)", block, re.M)  # one thread is not shown
            assert int(threads[1] if threads else 1) == PROFILE["set-threads"][rule], rule


@pytest.fixture(scope="module")
def closures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[set[str], set[str]]]:
    """The files that each target asks for, and those that the jobs it rests on make."""
    config = config_of_every_rule()
    targets = [f"{kind}-{name}" for kind, name in Targets(Registry(config)).names()]
    found = Planner(tmp_path_factory.mktemp("closures")).closures(config, ["all", *targets])
    assert set(found) == {"all", *targets}
    return found


def test_every_target_asks_for_all_that_it_rests_on(closures: dict[str, tuple[set[str], set[str]]]) -> None:
    """A missing intermediate that nobody asks for is not made by Snakemake, and what rests on it would be built on air."""
    for target, (asked, made) in closures.items():
        assert asked == made, target


def test_the_layout_of_results_names_all_that_is_made_and_nothing_else(
    closures: dict[str, tuple[set[str], set[str]]],
) -> None:
    """Manifests lie beside what they are of, so names are compared up to a dot."""
    table = (ROOT / "results/README.md").read_text("utf-8")
    cells = re.findall(r"^\| (`.*?) \|", table, re.M)
    rows = {name.rstrip("/") for cell in cells for name in re.findall("`(.+?)`", cell)} - UNDECLARED
    patterns = {row: re.sub("[A-Z]+", "[^/.]+", row.rpartition(".")[0] or row) for row in rows}
    seen = set()
    for path in closures["all"][1]:
        found = {row for row, one in patterns.items() if re.match(rf"results/{one}(?:[/.]|$)", path)}
        assert found, f"{path} is in no row of results/README.md"
        seen |= found
    assert seen == rows


@pytest.fixture(scope="module")
def pinned(tmp_path_factory: pytest.TempPathFactory) -> Planner:
    """Everything recorded, by a project whose environments may be edited."""
    folder = tmp_path_factory.mktemp("pins")
    planner = Planner(folder / "work", copy_project(folder / "project") / "Snakefile")
    planner.record_everything(config_of_every_rule())
    return planner


@pytest.mark.parametrize("stack", PINS)
def test_a_pin_of_an_environment_reruns_exactly_the_rules_that_use_it(stack: str, pinned: Planner) -> None:
    package, users = PINS[stack]
    path = pinned.snakefile.parent / "envs" / f"{stack}.yaml"
    text = path.read_text("utf-8")
    assert f"{package}==" in text
    path.write_text(text.replace(f"{package}==", f"{package}==9."), encoding="utf-8")
    plan = pinned.plan(config_of_every_rule())
    path.write_text(text, encoding="utf-8")
    assert {job.rule for job in plan.changed} == users
    assert {job.rule for job in plan.run} == closure(users)
