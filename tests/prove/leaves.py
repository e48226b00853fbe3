"""Every leaf of the default configuration, edited alone, reruns exactly the jobs of the hand-written table."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.prove.processes import in_processes
from tests.workflow.concerned import check
from tests.workflow.editing import Leaf, default_config, edited, leaves
from tests.workflow.harness import Planner

LEAVES_PER_PROCESS = 60  # Snakemake keeps about 10 MB of every workflow that a process plans


@dataclass(frozen=True)
class Edit:
    """One leaf, the number of jobs that its edit reruns, and what is wrong with them."""

    leaf: str
    jobs: int
    wrong: str

    @property
    def within(self) -> bool:
        return not self.wrong


def edits_alone(folder: Path) -> Iterator[Edit]:
    """Plan the default configuration once for each of its leaves."""
    before = default_config()
    Planner(folder).record_everything(before)
    asked = [leaf for leaf, _ in leaves(before)]
    return in_processes(functools.partial(edit_alone, folder), asked, LEAVES_PER_PROCESS)


def edit_alone(folder: Path, leaf: Leaf) -> Edit:
    """Plan the default configuration with another value at one leaf, where everything was recorded in the folder."""
    before = default_config()
    after = edited(before, leaf)
    plan = Planner(folder).plan(after)
    try:
        check(before, [leaf], after, plan)
    except AssertionError as error:
        return Edit(".".join(leaf), len(plan.run), str(error))
    return Edit(".".join(leaf), len(plan.run), "")
