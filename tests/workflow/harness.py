"""Run the workflow in a folder of its own, and ask Snakemake what it would do."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from snakemake.api import SnakemakeApi
from snakemake.settings.enums import Quietness, RerunTrigger
from snakemake.settings.types import ConfigSettings, DAGSettings, ExecutionSettings, OutputSettings, ResourceSettings

from scripts.registry.workflow import SKIP_PREFLIGHT
from tests.workflow.warm import run_snakemake

ROOT = Path(__file__).resolve().parents[2]
PARTS = ["Snakefile", "config.schema.yaml", "rules", "scripts", "report", "docs", "envs", "profiles", "cluster"]
COMPILED = Path("scripts/__pycache__/compiled")
TRIGGERS = frozenset({RerunTrigger.CODE, RerunTrigger.INPUT, RerunTrigger.MTIME, RerunTrigger.PARAMS})


def copy_project(target: Path) -> Path:
    """Copy what the workflow needs, so that a test may edit it."""
    target.mkdir(parents=True)
    for name in PARTS:
        source = ROOT / name
        if source.is_dir() and not source.is_symlink():
            # What another process writes at this moment has a passing name.
            passing = shutil.ignore_patterns("*.pyc", "*.pyc.*", "*.tmp.*", COMPILED.name)
            shutil.copytree(source, target / name, ignore=passing)
        else:
            shutil.copy2(source, target / name, follow_symlinks=False)
    # Machine code is named by the digest of its source: what one project compiles, all that have that source may use.
    (ROOT / COMPILED).mkdir(parents=True, exist_ok=True)
    (target / COMPILED).parent.mkdir(exist_ok=True)
    (target / COMPILED).symlink_to(ROOT / COMPILED)
    return target


def environment() -> dict[str, str]:
    """The environment of a run: this interpreter's programs first, nothing of the test runner."""
    values = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "SNAKEMAKE"))}
    values["PATH"] = f"{Path(sys.executable).parent}:{values['PATH']}"
    values["OMP_NUM_THREADS"] = "1"
    return values


def arguments_of(project: Path, workdir: Path, *arguments: str) -> list[str]:
    """The arguments of a run of `project` in `workdir` with the configuration that lies there."""
    return [
        "--snakefile",
        str(project / "Snakefile"),
        "--directory",
        str(workdir),
        "--configfile",
        str(workdir / "config.yaml"),
        "--workflow-profile",
        str(project / "profiles" / "default"),
        *arguments,
    ]


def command(project: Path, workdir: Path, *arguments: str) -> list[str]:
    """The command line of such a run."""
    return [sys.executable, "-m", "snakemake", *arguments_of(project, workdir, *arguments)]


def run(project: Path, workdir: Path, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run Snakemake to its end; with `check` a failure fails the test and shows what was printed."""
    done = run_snakemake(arguments_of(project, workdir, *arguments), workdir, environment())
    if check and done.returncode:
        raise AssertionError(f"snakemake {' '.join(arguments)} failed:\n{done.stdout[-3000:]}\n{done.stderr[-6000:]}")
    return done


def jobs_of(done: subprocess.CompletedProcess[str]) -> Counter[str]:
    """Return how many jobs of each rule a run did or a dry run would do."""
    found: Counter[str] = Counter()
    text = done.stdout + done.stderr
    if "Nothing to be done" in text:
        return found
    table = re.search(r"^job +count\n[- ]+\n(.*?)\n\n", text, re.M | re.S)
    if table is None:
        raise AssertionError(f"no table of jobs in:\n{text[-3000:]}")
    for line in table[1].splitlines():
        name, count = line.split()
        if name not in ("total", "all"):
            found[name] += int(count)
    return found


def would_run(project: Path, workdir: Path, *arguments: str) -> Counter[str]:
    """Return the jobs of each rule that a run would do now."""
    return jobs_of(run(project, workdir, "--dry-run", *arguments))


def write_config(workdir: Path, config: dict[str, Any]) -> None:
    """Write the configuration of a folder."""
    workdir.mkdir(parents=True, exist_ok=True)
    (workdir / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")


def tree_digest(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every published file, provenance included; logs, times, hidden files and the report are left out.

    The report shows timings; its digest without them stands in its manifest.
    """
    skipped = {"logs", "benchmarks", "quarantine", "cache", "checkpoints"}
    found = {}
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if str(relative).startswith("report."):
            continue
        if path.is_file() and not skipped & set(relative.parts) and not any(p.startswith(".") for p in relative.parts):
            found[str(relative)] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def report_digest(results: Path) -> dict[str, str]:
    """Return the digest of the report without its timings, and of how it was made; nothing where there is no report."""
    manifest, provenance = results / "report.json", results / "report.provenance.json"
    if not manifest.is_file():
        return {}
    (page,) = json.loads(manifest.read_text("utf-8"))["files"]
    return {page["name"]: page["canonical"], provenance.name: hashlib.sha256(provenance.read_bytes()).hexdigest()}


class Job(NamedTuple):
    """A job by its rule and wildcards, sorted by name."""

    rule: str
    wildcards: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return f"{self.rule}({', '.join(f'{name}={value}' for name, value in self.wildcards)})"


class Plan(NamedTuple):
    """All jobs; of these the ones never made before, those made with other settings, inputs or code, and those that run."""

    jobs: set[Job]
    new: set[Job]
    changed: set[Job]
    run: set[Job]


class Planner:
    """Ask Snakemake in this process which jobs a configuration would run in a folder where everything was recorded."""

    def __init__(self, workdir: Path, snakefile: Path = ROOT / "Snakefile") -> None:
        self.workdir = workdir
        self.snakefile = snakefile

    def _with_dag(
        self,
        config: dict[str, Any],
        action: Any,
        force: bool = False,
        resources: Mapping[str, Any] = {},
        targets: Iterable[str] = ("all",),
    ) -> Any:
        self.workdir.mkdir(parents=True, exist_ok=True)
        file = self.workdir / "config.json"  # it is read faster than YAML
        file.write_text(json.dumps(config), encoding="utf-8")
        before, directory = os.environ.get(SKIP_PREFLIGHT), Path.cwd()
        os.environ[SKIP_PREFLIGHT] = "1"
        try:
            with SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
                workflow_api = api.workflow(
                    resource_settings=ResourceSettings(**{"cores": 2, **resources}),
                    config_settings=ConfigSettings(configfiles=[file]),
                    snakefile=self.snakefile,
                    workdir=self.workdir,
                )
                dag_api = workflow_api.dag(DAGSettings(targets=set(targets), rerun_triggers=TRIGGERS))
                workflow = dag_api.workflow_api._workflow
                workflow.dag_settings, workflow.execution_settings = dag_api.dag_settings, ExecutionSettings()
                workflow._prepare_dag(forceall=force, ignore_incomplete=True, lock_warn_only=True)
                workflow._build_dag()
                return action(workflow)
        finally:
            os.chdir(directory)
            if before is None:
                del os.environ[SKIP_PREFLIGHT]
            else:
                os.environ[SKIP_PREFLIGHT] = before

    def record_everything(self, config: dict[str, Any]) -> None:
        """Lay a file for every output and let Snakemake record that its job made it."""

        def action(workflow: Any) -> None:
            for level in workflow.dag.toposorted():
                for job in level:
                    for path in job.output:
                        target = self.workdir / str(path)
                        if path.is_directory:
                            target.mkdir(parents=True, exist_ok=True)
                        else:
                            target.parent.mkdir(parents=True, exist_ok=True)
                            target.write_text(str(path), encoding="utf-8")
            for level in workflow.dag.toposorted():
                for job in level:
                    workflow.async_run(workflow.persistence.finished(job))

        self._with_dag(config, action, force=True)

    def rules(self, config: dict[str, Any], **resources: Any) -> dict[str, int]:
        """Return the number of jobs of each rule that would run for a reason of their own or another's."""
        return self._with_dag(config, self._needed, resources=resources)

    @staticmethod
    def _needed(workflow: Any) -> dict[str, int]:
        counts: Counter[str] = Counter(job.rule.name for job in workflow.dag.needrun_jobs())
        counts.pop("all", None)
        return dict(counts)

    def plan(self, config: dict[str, Any]) -> Plan:
        """Return which jobs would run; `changed` holds those behind others that run too, whose reasons Snakemake skips."""

        def action(workflow: Any) -> Plan:
            records, found = workflow.persistence, Plan(set(), set(), set(), set())
            running = set(workflow.dag.needrun_jobs())
            for job in workflow.dag.jobs:
                if job.rule.name == "all":
                    continue
                name = Job(job.rule.name, tuple(sorted(job.wildcards_dict.items())))
                found.jobs.add(name)
                if not records.has_metadata(job):
                    found.new.add(name)
                elif records.params_changed(job) or any(records.input_changed(job)) or any(records.code_changed(job)):
                    found.changed.add(name)
                if job in running:
                    found.run.add(name)
            return found

        return self._with_dag(config, action)

    def closures(self, config: dict[str, Any], targets: Sequence[str]) -> dict[str, tuple[set[str], set[str]]]:
        """Return, for each target, the files that it asks for and those that the jobs it rests on make."""

        def action(workflow: Any) -> dict[str, tuple[set[str], set[str]]]:
            dag = workflow.dag
            found = {}
            for target in dag.targetjobs:
                above = [job for job in dag.bfs(dag.dependencies, target) if job is not target]
                found[target.rule.name] = (set(target.input), {path for job in above for path in job.output})
            return found

        return self._with_dag(config, action, force=True, targets=targets)
