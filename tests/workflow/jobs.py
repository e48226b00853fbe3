"""Which jobs an edit concerns, told from the names in a configuration: what each job is for, and whose results it reads.

Written by hand beside the table of the leaves, so that a rule which looks at another name than it should is found.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from tests.workflow.harness import Job
from tests.workflow.leaves import FOLLOWS

SECTIONS = {
    "source": "sources",
    "task": "tasks",
    "classifier": "classifiers",
    "lexicon": "lexicons",
    "corpus": "corpora",
    "tokenizer": "tokenizers",
    "model": "models",
    "finetuning": "finetunings",
}
KINDS = {section: kind for kind, section in SECTIONS.items()}
Names = dict[str, set[str]]


def names_of(job: Job, config: Mapping[str, Any]) -> Names:
    """Return the names of each kind that a job is for or reads something of; its wildcards come before what they refer to."""
    if job.rule == "report":
        return {kind: set(config[section]) for kind, section in SECTIONS.items()}
    given = {kind: name for kind, name in job.wildcards if kind in SECTIONS}
    found: Names = {kind: {name} for kind, name in given.items()}

    def add(kind: str, names: Iterable[str]) -> None:
        if kind not in given:
            found.setdefault(kind, set()).update(names)

    if "model" in given:
        model = config["models"][given["model"]]
        add("corpus", [model["corpus"]])
        add("tokenizer", [model["tokenizer"]])
    if "finetuning" in given:
        add("task", config["finetunings"][given["finetuning"]]["tasks"])
    if "tokenizer" in given:
        add("model", models_with(config, given))
        add("corpus", [config["tokenizers"][given["tokenizer"]]["corpus"]])
    if "classifier" in given:
        add("corpus", corpora_that_ask(config, given["classifier"]))
        entry = config["classifiers"][given["classifier"]]
        add("source", [*entry["positive"], *entry["negative"]])
    if "lexicon" in given:
        add(
            "corpus",
            [name for name, one in config["corpora"].items() if given["lexicon"] in one["filters"]["lexicons"]],
        )
    for corpus in found.get("corpus", set()):
        entry = config["corpora"][corpus]
        if "classifier" not in given:
            add("source", entry["sources"])
        if "finetuning" not in given:
            add("task", entry["decontaminate"]["tasks"])
        if "model" not in given:
            add("tokenizer", [name for name, one in config["tokenizers"].items() if one["corpus"] == corpus])
        add("classifier", [entry["filters"]["quality"]["classifier"]] if entry["filters"]["quality"] else [])
        add("lexicon", entry["filters"]["lexicons"])
    return found


def models_with(config: Mapping[str, Any], given: Mapping[str, str]) -> list[str]:
    """Return the models that use a tokenizer, and the corpus where one is given."""
    return [
        name
        for name, model in config["models"].items()
        if model["tokenizer"] == given["tokenizer"] and given.get("corpus", model["corpus"]) == model["corpus"]
    ]


def corpora_that_ask(config: Mapping[str, Any], classifier: str) -> list[str]:
    """Return the corpora that look at the scores of a classifier."""
    quality = {name: corpus["filters"]["quality"] for name, corpus in config["corpora"].items()}
    return [name for name, one in quality.items() if one and one["classifier"] == classifier]


def wake(jobs: Collection[Job], all_jobs: Iterable[Job], config: Mapping[str, Any]) -> set[Job]:
    """Return the jobs and all that run after them, by the rules that follow and the names that they share."""
    by_rule: dict[str, list[tuple[Job, Names]]] = defaultdict(list)
    for job in all_jobs:
        by_rule[job.rule].append((job, names_of(job, config)))
    found, queue = set(jobs), list(jobs)
    while queue:
        first = queue.pop()
        for rule in FOLLOWS[first.rule]:
            after = {job for job, names in by_rule[rule] if job not in found and reads(job, names, first)}
            after = {job for job in after if first.rule != "pack" or packs(job, config)}
            found |= after
            queue += after
    return found


def reads(job: Job, names: Names, first: Job) -> bool:
    """Tell whether a job of a rule that follows is for, or reads of, all names that the first is for, and the same part."""
    own = dict(job.wildcards)
    return all(
        name in names.get(kind, ()) if kind in SECTIONS else own.get(kind, name) == name
        for kind, name in first.wildcards
    )


def packs(job: Job, config: Mapping[str, Any]) -> bool:
    """Tell whether a job is of a model whose samples are packed; others with the same tokenizer read no packings."""
    model = dict(job.wildcards).get("model")
    return model is None or config["models"][model]["training"]["packing"] == "best_fit"
