"""Edits of one name rerun the jobs that are for it or read of it: no job of another source, model or task.

All leaves of the name that do not contradict one another are edited at once. The classifier and the lexicons, which the default
configuration lacks, are edited leaf by leaf.
"""

from __future__ import annotations

import copy

import pytest

from tests.making import at
from tests.workflow.concerned import check
from tests.workflow.editing import default_config, edited, leaves, of_one_name, pattern, rich_config
from tests.workflow.harness import Planner
from tests.workflow.jobs import KINDS
from tests.workflow.leaves import LEAVES, OTHER_LEAVES

DEFAULT, RICH = default_config(), rich_config()
NAMES = [(section, name) for section in KINDS for name in DEFAULT[section]]
OTHERS = [
    leaf
    for leaf, _ in leaves(RICH)
    if pattern(leaf) not in LEAVES or leaf == ("corpora", "english", "filters", "lexicons")
]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Planner:
    planner = Planner(tmp_path_factory.mktemp("names"))
    planner.record_everything(DEFAULT)
    return planner


@pytest.mark.parametrize(("section", "name"), NAMES)
def test_a_name_reruns_its_own_jobs(recorded: Planner, section: str, name: str) -> None:
    edits = of_one_name(DEFAULT, section, name)
    after = edited(DEFAULT, *edits)
    check(DEFAULT, edits, after, recorded.plan(after))


@pytest.fixture(scope="module")
def recorded_rich(tmp_path_factory: pytest.TempPathFactory) -> Planner:
    planner = Planner(tmp_path_factory.mktemp("rich"))
    planner.record_everything(RICH)
    return planner


def test_the_table_names_what_the_default_lacks_and_no_more() -> None:
    assert {pattern(leaf) for leaf in OTHERS} - set(LEAVES) == set(OTHER_LEAVES)


@pytest.mark.parametrize("leaf", OTHERS, ids=".".join)
def test_what_the_default_lacks_reruns_exactly_its_jobs(recorded_rich: Planner, leaf: tuple[str, ...]) -> None:
    after = edited(RICH, leaf)
    check(RICH, [leaf], after, recorded_rich.plan(after))


SWAPPED_ROLES = [
    (("classifiers", "prose"), ("positive", "negative")),
    (("corpora", "english", "split"), ("validation", "test")),
]


@pytest.mark.parametrize(("place", "roles"), SWAPPED_ROLES, ids=["classifier", "split"])
def test_swapped_roles_rerun_exactly_their_users(
    recorded_rich: Planner, place: tuple[str, ...], roles: tuple[str, str]
) -> None:
    """The same values in each other's place: Snakemake itself compares neither the order of inputs nor names of values."""
    after, (one, other) = copy.deepcopy(RICH), roles
    entry = at(after, ".".join(place))
    entry[one], entry[other] = entry[other], entry[one]
    check(RICH, [(*place, one), (*place, other)], after, recorded_rich.plan(after))


def test_the_seed_draws_another_sample(recorded_rich: Planner) -> None:
    changed = recorded_rich.plan({**RICH, "seed": 7}).changed
    assert sorted(str(job) for job in changed if job.rule in ("train_quality", "select")) == [
        "select(corpus=english, part=0000, source=news)",
        "select(corpus=english, part=0000, source=web)",
        "train_quality(classifier=prose)",
    ]
