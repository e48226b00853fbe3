"""Every leaf of the default configuration, edited alone, reruns exactly the jobs of the hand-written table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.workflow.editing import check, default_config, edited, leaves
from tests.workflow.harness import Planner


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
    planner = Planner(folder)
    planner.record_everything(before)
    for leaf, _ in leaves(before):
        after = edited(before, leaf)
        plan = planner.plan(after)
        try:
            check(before, [leaf], after, plan)
        except AssertionError as error:
            yield Edit(".".join(leaf), len(plan.run), str(error))
        else:
            yield Edit(".".join(leaf), len(plan.run), "")
