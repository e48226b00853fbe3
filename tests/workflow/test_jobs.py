"""Which jobs the default configuration has, and that what tells a reader of them is fresh."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from tests.workflow.editing import default_config
from tests.workflow.harness import ROOT, Planner
from tests.workflow.leaves import FOLLOWS, closure

JOBS = {  # of the default configuration
    "fetch_source": 12,  # of eleven sources, one of them in two parts
    "extract": 12,
    "annotate": 12,
    "signatures": 12,
    "fetch_task": 4,  # a fifth task is generated
    "prepare_task": 5,
    "select": 12,
    "deduplicate": 2,
    "decontaminate": 2,
    "curate": 12,
    "overlap": 2,
    "audit": 2,
    "tokenizer": 2,
    "compare_tokenizers": 1,
    "shard": 18,  # nine parts of the corpus that models learn from, for each of two tokenizers
    "order": 16,
    "plan": 3,
    "pretrain": 3,
    "bits_per_byte": 3,
    "zero_shot": 12,
    "finetune": 2,
    "score_finetuned": 5,
    "report": 1,
}


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Counter[str]:
    return Counter(job.rule for job in Planner(tmp_path_factory.mktemp("jobs")).plan(default_config()).jobs)


def test_a_dry_run_has_so_many_jobs_of_each_rule(counted: Counter[str]) -> None:
    assert counted == JOBS


def test_the_readme_says_how_many_steps_there_are(counted: Counter[str]) -> None:
    said = re.findall(r"^(\d+) of (\d+) steps \(100%\) done$", (ROOT / "README.md").read_text("utf-8"), re.M)
    assert said == [(str(counted.total() + 1), str(counted.total() + 1))]  # the target is a step to Snakemake


def test_the_picture_of_the_rules_is_fresh(counted: Counter[str]) -> None:
    """It shows the rules of the default run, and what follows on what but not what follows from that."""
    text = (ROOT / "docs/rulegraph.svg").read_text("utf-8")
    names = dict(re.findall(r'class="node">\s*<title>(\d+)</title>.*?<text[^>]*>(\w+)</text>', text, re.S))
    assert sorted(names.values()) == sorted(counted)
    drawn = {(names[one], names[other]) for one, other in re.findall(r"<title>(\d+)&#45;&gt;(\d+)</title>", text)}
    after = {rule: FOLLOWS[rule] & set(counted) for rule in counted}
    assert drawn == {
        (rule, follower)
        for rule, followers in after.items()
        for follower in followers
        if not any(follower in closure({other}) for other in followers - {follower})
    }
