"""Every leaf of the default configuration reruns exactly the jobs of the hand-written table.

The leaves of a kind are edited with all names together (`sources.*.language` of every source), and beside them such as concern no
rule of theirs. That one name's leaf is not another's is proved in test_leaves_of_names, and each leaf alone by `make prove`.
"""

from __future__ import annotations

import pytest

from tests.workflow.concerned import check, rounds
from tests.workflow.editing import default_config, edited, leaves, pattern
from tests.workflow.harness import Planner
from tests.workflow.leaves import LEAVES

DEFAULT = default_config()
ROUNDS = rounds(DEFAULT)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Planner:
    planner = Planner(tmp_path_factory.mktemp("leaves"))
    planner.record_everything(DEFAULT)
    return planner


def test_the_table_names_every_leaf_and_no_other() -> None:
    assert {pattern(leaf) for leaf, _ in leaves(DEFAULT)} == set(LEAVES)


def test_every_leaf_is_in_a_round() -> None:
    assert sorted(leaf for edits in ROUNDS for leaf in edits) == sorted(leaf for leaf, _ in leaves(DEFAULT))


@pytest.mark.parametrize("edits", ROUNDS, ids=lambda edits: ".".join(edits[0]))
def test_leaves_rerun_exactly_their_jobs(recorded: Planner, edits: list[tuple[str, ...]]) -> None:
    after = edited(DEFAULT, *edits)
    check(DEFAULT, edits, after, recorded.plan(after))
