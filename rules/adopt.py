"""Take over results that came without Snakemake's records (a clone, a copy): verify each, record the right ones.

    python rules/adopt.py                          # with config.yaml
    python rules/adopt.py --configfile other.yaml

The plan is Snakemake's own: for every job of the target `all`, in order, the files must have the digests of their manifest
and the provenance must name the settings, code, environment and inputs that the job would have now. What matches is recorded
as if it had just been made. The rest loses its manifest, so that the next run makes it again. An input by the name `after` is
waited for and not read, so it is none here.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from snakemake.api import SnakemakeApi  # noqa: E402
from snakemake.exceptions import WorkflowError  # noqa: E402
from snakemake.settings.types import (  # noqa: E402
    ConfigSettings,
    DAGSettings,
    ExecutionSettings,
    OutputSettings,
    Quietness,
    ResourceSettings,
)

from scripts.lib.canonical import sha256_file  # noqa: E402
from scripts.lib.errors import UserError  # noqa: E402
from scripts.lib.manifest import altered, open_artefact, provenance_path  # noqa: E402
from scripts.lib.publish import stamp, write_stamps  # noqa: E402
from scripts.registry.config import check_files  # noqa: E402
from scripts.registry.workflow import SKIP_PREFLIGHT  # noqa: E402


def mismatch(job: Any, manifest: Path) -> str | None:
    """Return why the artefact is not what the job would make now, or None."""
    if not manifest.is_file() or not provenance_path(manifest).is_file():
        return "is missing"
    try:
        artefact = open_artefact(manifest)
    except UserError as error:
        return f"is damaged: {error}"
    try:
        provenance = json.loads(provenance_path(manifest).read_text("utf-8"))
        entries = [entry for role in provenance["inputs"].values() for entry in role]
        inputs = {os.path.normpath(manifest.parent / entry["manifest"]): entry["sha256"] for entry in entries}
    except (ValueError, KeyError, TypeError, AttributeError):
        return "has a provenance that cannot be read"
    if altered(artefact.manifest, provenance):
        return "is damaged: its manifest is not as it was published"
    if provenance.get("settings") != json.loads(job.params.settings):
        return "was made with other settings"
    if provenance.get("code") != job.params.code:
        return "was made with other code"
    if provenance.get("environment") != job.params.environment:
        return "was made in another environment"
    read = [path for path in job.input if is_manifest_path(path) and path != job.input.get("after")]
    wanted = {os.path.normpath(path): sha256_file(Path(path)) for path in read}
    if inputs != wanted:
        return "was made from other inputs"
    write_stamps(
        manifest, {entry["name"]: stamp(manifest.parent / entry["name"]) or [] for entry in artefact.manifest["files"]}
    )
    return None


def is_manifest_path(path: str) -> bool:
    """Tell whether an input of a job is a content manifest."""
    return str(path).endswith(".json") and provenance_path(Path(path)).is_file()


def adopt(workflow: Any) -> tuple[int, list[str]]:
    """Record what is right and take the manifests of the rest; returns a count and a line for each refusal."""
    workflow._prepare_dag(forceall=True, ignore_incomplete=True, lock_warn_only=False)
    workflow._build_dag()
    right, refused, stale = 0, [], set()
    for level in workflow.dag.toposorted():
        for job in sorted(level, key=str):
            if not hasattr(job.params, "code"):
                continue
            manifest = Path(job.output.manifest)
            grounds = {str(path) for path in job.input} & stale
            reason = "rests on results that were refused" if grounds else mismatch(job, manifest)
            if reason is None:
                workflow.async_run(workflow.persistence.finished(job))
                right += 1
                continue
            stale.update(str(path) for path in job.output)
            if reason != "is missing":
                refused.append(f"{manifest} {reason}")
                manifest.unlink(missing_ok=True)
    return right, refused


def main() -> int:
    """Run from the command line; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--configfile", type=Path, action="append", default=[], help="as for snakemake")
    parser.add_argument("--directory", type=Path, default=Path.cwd(), help="where results/ is")
    args = parser.parse_args()
    try:
        check_files(args.configfile)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    os.environ[SKIP_PREFLIGHT] = "1"
    with SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
        try:
            workflow = api.workflow(
                resource_settings=ResourceSettings(cores=1),
                config_settings=ConfigSettings(configfiles=[path.resolve() for path in args.configfile]),
                snakefile=ROOT / "Snakefile",
                workdir=args.directory,
            )
            dag = workflow.dag(DAGSettings(targets={"all"}))
            plan = dag.workflow_api._workflow
            plan.dag_settings, plan.execution_settings = dag.dag_settings, ExecutionSettings()
            right, refused = adopt(plan)
        except WorkflowError as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
    for line in refused:
        print(f"refused: {line}")
    print(f"Adopted {right} results; refused {len(refused)}, which the next run will make again.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
