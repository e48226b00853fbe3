"""Say by the hand-written table which jobs edits of a configuration concern, and compare these with those of a plan."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from tests.workflow.editing import TABLE, Config, Leaf, leaves, pattern
from tests.workflow.harness import Job, Plan
from tests.workflow.jobs import KINDS, names_of, wake
from tests.workflow.leaves import APPEARING, NAMED

ALONE = {"models.*.objective"}  # a fine-tuning has models that it can teach


def rounds(config: Config) -> list[list[Leaf]]:
    """Return all leaves in rounds: those of one kind with all names together, and others that share no rule with them."""
    kinds: dict[str, list[Leaf]] = defaultdict(list)
    for leaf, _ in leaves(config):
        name = pattern(leaf)
        kinds[".".join(leaf) if name in ALONE else name].append(leaf)
    found: list[tuple[set[str], list[Leaf]]] = [(set(), [])]  # the first has those that concern nothing
    for edits in kinds.values():
        rules = set().union(*(rules_of(leaf) | APPEARING.get(pattern(leaf), set()) for leaf in edits))
        for taken, others in found if not rules else found[1:]:
            if not rules & taken:
                taken |= rules
                others += edits
                break
        else:
            found.append((rules, list(edits)))
    return [edits for _, edits in found]


def differing(before: Config, after: Config) -> list[Leaf]:
    """Return the leaves that two configurations do not share."""
    one, other = dict(leaves(before)), dict(leaves(after))
    return [leaf for leaf in {**one, **other} if one.get(leaf, ...) != other.get(leaf, ...)]


def rules_of(leaf: Leaf) -> set[str]:
    """Return the rules that the table gives for a leaf, for what it is part of or for all that lies below it."""
    name = pattern(leaf)
    found = [
        own for key, (_, own) in TABLE.items() if f"{key}.".startswith(f"{name}.") or f"{name}.".startswith(f"{key}.")
    ]
    if not found:
        raise AssertionError(f"the table lacks {name}")
    return set().union(*found)


def concerned(before: Config, after: Config, jobs: set[Job]) -> set[Job]:
    """Return the jobs that the table gives for all differences: those of its rules that are for the name that was edited."""
    names = {job: [names_of(job, config) for config in (before, after) if known(job, config)] for job in jobs}
    found = set()
    for leaf in differing(before, after):
        rules, kind = rules_of(leaf), KINDS.get(leaf[0])
        if kind is not None and not all(leaf[1] in config[leaf[0]] for config in (before, after)):
            rules = rules | NAMED.get(leaf[0], set())
        sources = asking(before, after, leaf)
        for job in jobs:
            if job.rule in rules and (kind is None or any(leaf[1] in one.get(kind, ()) for one in names[job])):
                if sources is None or dict(job.wildcards).get("source") in sources:
                    found.add(job)
    return found


def asking(before: Config, after: Config, leaf: Leaf) -> set[str] | None:
    """Return the sources that a leaf of the scores or lexicons of a corpus is for; None for a leaf that is for all."""
    key = pattern(leaf)
    if key.startswith("corpora.*.filters.quality"):
        one, other = (scored(config["corpora"][leaf[1]]) for config in (before, after))
        return one ^ other if key.endswith("sources") else one | other
    if key == "corpora.*.filters.lexicons":
        return listed(before["corpora"][leaf[1]]) | listed(after["corpora"][leaf[1]])
    return None


def scored(corpus: Config) -> set[str]:
    """Return the sources of a corpus that are chosen by scores."""
    quality = corpus["filters"]["quality"]
    return set() if quality is None else set(quality.get("sources") or corpus["sources"])


def listed(corpus: Config) -> set[str]:
    """Return the sources of a corpus in which terms are looked for."""
    filters = corpus["filters"]
    entries = [{"sources": None, "families": filters["families"]}, *filters["overrides"]]
    using = [one["sources"] or corpus["sources"] for one in entries if "lexicon" in (one["families"] or ())]
    return {source for sources in using for source in sources}


def known(job: Job, config: Config) -> bool:
    """Tell whether a configuration has everything that a job is named by."""
    return all(name in config[section] for section, kind in KINDS.items() for of, name in job.wildcards if of == kind)


def check(before: Config, edits: Sequence[Leaf], after: Config, plan: Plan) -> None:
    """Raise AssertionError unless exactly the jobs run that the table gives for the edited leaves: for these names alone."""
    require("leaves that have the value already", set(edits) - set(differing(before, after)), set())
    wanted = concerned(before, after, plan.jobs)
    require("jobs with other settings or inputs", plan.changed, wanted - plan.new)
    appeared = plan.new - wake(wanted, plan.jobs, after)
    rules = set().union(*(APPEARING.get(pattern(leaf), set()) for leaf in differing(before, after)))
    require("new jobs", {job for job in appeared if job.rule not in rules}, set())
    require("jobs that run", plan.run, wake(wanted | appeared, plan.jobs, after))


def require(what: str, found: set[Any], wanted: set[Any]) -> None:
    """Raise AssertionError with the differences of two sets."""
    more, less = (sorted(map(str, difference)) for difference in (found - wanted, wanted - found))
    if more or less:
        raise AssertionError(f"{what}: {', '.join(more) or 'none'} too many, {', '.join(less) or 'none'} missing")
