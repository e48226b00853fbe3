# The configuration; names, references and helpers shared by the rule files; no rules.
#
# Every rule depends on content manifests (`<artefact>.json`, under 1 MB, compared by content) and takes bulk data along as
# `ancient`. Its params are its settings as one canonical JSON string, its code digest and its environment digest.

import os
import shlex
import sys
from pathlib import Path

from snakemake.settings.types import DeploymentMethod

sys.path.insert(0, workflow.basedir)

from scripts.lib.canonical import canonical_json
from scripts.lib.code import acceptances, code_digest
from scripts.lib.environments import environment_digest, unlike, versions_of
from scripts.lib.errors import UserError
from scripts.registry.config import check_files, complete_config
from scripts.registry.failed import last_words
from scripts.registry.job_environment import memory_beside
from scripts.registry.layouts import check_layout
from scripts.registry.targets import PACKING_KINDS, SHARD_SUFFIXES, SPLITS, Targets
from scripts.registry.targets import manifests as corpus_manifests
from scripts.registry.workflow import Registry, preflight
from scripts.tokenizer.memory import megabytes


# Snakemake's limit of jobs a second starts a timer at each look at the open jobs, and each timer makes it look again: after a
# hundred jobs it looked a hundred times a second, which took a third of a core from the trainings. What is submitted to a cluster stays limited.
onstart:
    check_layouts()
    if workflow.local_exec:
        workflow.scheduler.job_rate_limiter = None


onerror:
    print("\n".join(last_words([Path(path) for path in log])), file=sys.stderr)


wildcard_constraints:
    source="[a-z0-9][a-z0-9_-]*",
    task="[a-z0-9][a-z0-9_-]*",
    classifier="[a-z0-9][a-z0-9_-]*",
    lexicon="[a-z0-9][a-z0-9_-]*",
    corpus="[a-z0-9][a-z0-9_-]*",
    tokenizer="[a-z0-9][a-z0-9_-]*",
    model="[a-z0-9][a-z0-9_-]*",
    finetuning="[a-z0-9][a-z0-9_-]*",
    part="[0-9]{4}",
    step="[1-9][0-9]*",
    length="[1-9][0-9]*",


# Checked before Snakemake reads it: what it says of a file that cannot be parsed names neither the file nor the line.
CONFIG = workflow.configfiles or [f"{workflow.basedir}/config.yaml"]
try:
    check_files(CONFIG)
except UserError as error:
    sys.exit(f"error: {error}")

if not workflow.configfiles:

    configfile: CONFIG[0]


CONDA = DeploymentMethod.CONDA in workflow.deployment_settings.deployment_method

try:
    ACCEPTED = acceptances()
    registry = Registry(complete_config(config, Path.cwd()))
    targets = Targets(registry)
    ENVIRONMENTS = [
        Path(workflow.basedir) / "envs" / f"{stack}.yaml"
        for stack in ("data", "training", "report")
    ]
    DATA, TRAINING, REPORT = [environment_digest(path) for path in ENVIRONMENTS]
    if workflow.is_main_process:
        registry.require_readable()
        preflight(Path.cwd(), sys.argv[1:])
        others = (
            []
            if CONDA
            else sorted({one for path in ENVIRONMENTS for one in unlike(path)})
        )
        if others:
            print(
                f"notice: {'; '.join(others)}. Results are recorded as made with the pins; `make setup` installs those of the "
                "lock, `make lock` pins what is installed.",
                file=sys.stderr,
            )
except UserError as error:
    sys.exit(f"error: {error}")

# What changes no result programs get by the environment and not as settings: how memory is kept, and limits of downloads.
VARIABLES = memory_beside(os.environ) | {
    "PYTHONPATH": str(workflow.basedir),
    "GROUNDWORK_DOWNLOADS": canonical_json(registry.config["downloads"]),
}
EXPORTED = " ".join(f"{name}={shlex.quote(value)}" for name, value in VARIABLES.items())
PROGRAMS = (
    "" if CONDA else f"PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH; "
)
PREFIX = f"set -euo pipefail; export {EXPORTED}; {PROGRAMS}"

shell.executable("bash")
shell.prefix(PREFIX.replace("{", "{{").replace("}", "}}"))  # it is a pattern


# The packages whose versions the report shows.
SHOWN_VERSIONS = [
    "deepspeed",
    "lxml",
    "numpy",
    "pyarrow",
    "resiliparse",
    "sentencepiece",
    "tokenizers",
    "torch",
    "transformers",
]


def settings(**values):
    """The settings of a job as Snakemake compares them: one string that names every value."""
    return canonical_json(values)


def manifests(pattern, corpus, by_priority=False):
    """One path for every part of every source of a corpus: sources by name, or in order of priority where that matters."""
    return corpus_manifests(registry, pattern, corpus, by_priority)


def set_of_classifier(wildcards, role, suffix):
    """Files of the documents of every source of one set of a classifier, sources by name."""
    return [
        f"results/sources/{source}/documents/{part}{suffix}"
        for source in sorted(registry.classifier(wildcards.classifier)[role])
        for part in registry.parts(source)
    ]


def quality_scores(wildcards, suffix):
    """A file of the scores that the selection of a part looks at; nothing where it looks at none."""
    quality = registry.quality(wildcards.corpus, wildcards.source)
    folder = "results/classifiers/{classifier}/scores"
    return [
        f"{folder.format(**one)}/{wildcards.source}/{wildcards.part}{suffix}"
        for one in [quality]
        if one
    ]


def lexicon_flags(wildcards, suffix):
    """A file of the flags of each lexicon that the selection of a part looks at, in the order in which it names them."""
    return [
        f"results/lexicons/{lexicon}/flags/{wildcards.source}/{wildcards.part}{suffix}"
        for lexicon in registry.lexicons(wildcards.corpus, wildcards.source)
    ]


def searched_sources(corpus):
    """Return the sources of a corpus with the edits of lines through which items are looked for, if any are."""
    sources = registry.sources_with_parts(corpus)
    if not registry.corpus(corpus)["decontaminate"]["tasks"]:
        return sources
    return [
        {**source, "line_edits": registry.line_edits(corpus, source["name"])}
        for source in sources
    ]


def model_shards(wildcards, name):
    """Files of the shards of every source of a model's corpus, in its tokenizer's ids."""
    model = registry.model(wildcards.model)
    pattern = f"results/shards/{{corpus}}/{model['tokenizer']}/{{source}}/{name}"
    return list(dict.fromkeys(manifests(pattern, model["corpus"])))


def model_packings(wildcards, suffix):
    """A file of the packing of every source of a model's corpus; nothing for a model that does not pack."""
    lengths = registry.packings(wildcards.model)
    return [
        path
        for length in lengths
        for path in model_shards(wildcards, f"pack-{length}{suffix}")
    ]


def trunk_plan(wildcards):
    """The plan of the model that one starts from; nothing for a model from scratch."""
    start = registry.model(wildcards.model)["from"]
    return [f"results/models/{start['model']}/plan.json"] if start else []


def raw_of_task(wildcards, suffix):
    """The published files of a task, or their manifest; nothing for a generated one."""
    return [
        f"results/tasks/{wildcards.task}/raw/0000{suffix}"
        for _ in registry.task(wildcards.task)["files"][:1]
    ]


def finetuning_tasks(wildcards, name):
    """A file of each task of a fine-tuning, by the task's name."""
    tasks = sorted(registry.finetuning(wildcards.finetuning)["tasks"])
    return [f"results/tasks/{task}/{name}" for task in tasks]


def finetuning_settings(wildcards):
    """The settings of the fine-tuning of one model; which other models it has changes nothing."""
    entry = registry.finetuning(wildcards.finetuning)
    return settings(
        model=wildcards.model,
        finetuning=wildcards.finetuning,
        objective=registry.model(wildcards.model)["objective"],
        seed=registry.seed,
        **{key: value for key, value in entry.items() if key != "models"},
    )


def task_settings(wildcards, **values):
    """The settings of a job that scores a model on a task."""
    return settings(
        model=wildcards.model,
        objective=registry.model(wildcards.model)["objective"],
        task=wildcards.task,
        kind=registry.task(wildcards.task)["kind"],
        items=registry.config["evaluation"]["items"],
        seed=registry.seed,
        **values,
    )


def model_settings(wildcards, *left_out):
    """The settings of a model, without the leaves that a rule does not use."""
    model = registry.model(wildcards.model)
    used = {key: value for key, value in model.items() if key not in left_out}
    used["from"] = registry.origin_of_model(wildcards.model)
    return settings(model=wildcards.model, seed=registry.seed, **used)


def check_layouts():
    """Refuse a layout that a training of this run would refuse, before anything is run for it."""
    trainings = [
        job
        for job in workflow.dag.needrun_jobs()
        if job.rule.name in ("pretrain", "branch_point")
    ]
    for job in sorted(trainings, key=lambda job: job.wildcards.model):
        # Not `job.resources`, which would keep what is said before its inputs are there.
        resources = job.rule.expand_resources(
            job.wildcards_dict, job.input, attempt=1, skip_evaluation={"tmpdir"}
        )
        try:
            check_layout(job.rule.name, model_settings(job.wildcards), resources)
        except UserError as error:
            sys.exit(f"error: {error}")
