"""What reruns nothing, and edits that are finer than a leaf: overrides for a source, the content of lists."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.workflow.editing import default_config
from tests.workflow.harness import Plan, Planner


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Planner:
    planner = Planner(tmp_path_factory.mktemp("leaves"))
    planner.record_everything(default_config())
    return planner


def test_nothing_runs_when_nothing_changed(recorded: Planner) -> None:
    assert recorded.rules(default_config()) == {}


def test_an_override_for_a_source_reruns_the_decisions_on_it_alone(recorded: Planner) -> None:
    config = default_config()
    config["corpora"]["english"]["filters"]["overrides"] = [
        {"sources": ["news"], "languages": ["en"], "families": None, "thresholds": {"length.min_characters": 9}}
    ]
    counts = recorded.rules(config)
    assert counts["select"] == 1
    config["corpora"]["english"]["filters"]["overrides"] = [{"sources": ["news"], "line_edits": ["c4"]}]
    counts = recorded.rules(config)
    assert counts["decontaminate"] == 1  # and, until it turns out to find the same, all that follows
    assert "select" not in counts


def test_lists_count_by_their_content_and_thresholds_on_terms_read_no_text(tmp_path: Path) -> None:
    blocked, colours, farben = (tmp_path / name for name in ("blocked.txt", "colours.txt", "farben.txt"))
    for path in (blocked, colours, farben):
        path.write_text("example.org\n", encoding="utf-8")
    config = default_config()
    config["corpora"]["parliaments"]["filters"] |= {
        "families": ["length", "url"],
        "url_lists": {"domains": [str(blocked)]},
    }
    config["lexicons"] = {"colours": {"files": [str(colours)], "languages": {"de": [str(farben)]}}}
    filters = config["corpora"]["english"]["filters"]
    filters["lexicons"] = ["colours"]
    filters["overrides"] = [{"sources": ["web", "news"], "families": ["length", "lexicon"]}]
    planner = Planner(tmp_path / "work")
    planner.record_everything(config)
    assert planner.rules(config) == {}

    filters["thresholds"] = {"lexicon.colours.max_matches": 3}
    assert rules(planner.plan(config)) == {"select": 9}  # a threshold of a corpus is one of all its parts
    filters["thresholds"] = {}
    farben.write_text("rot\n", encoding="utf-8")
    assert rules(planner.plan(config)) == {"flag": 2}
    farben.write_text("example.org\n", encoding="utf-8")
    moved = blocked.rename(tmp_path / "elsewhere.txt")
    config["corpora"]["parliaments"]["filters"]["url_lists"]["domains"] = [str(moved)]
    assert planner.rules(config) == {}
    moved.write_text("example.com\n", encoding="utf-8")
    assert rules(planner.plan(config)) == {"select": 3}


def rules(plan: Plan) -> Counter[str]:
    """Return how many jobs of each rule have other settings, inputs or code."""
    return Counter(job.rule for job in plan.changed)


def test_threads_and_memory_rerun_nothing(recorded: Planner) -> None:
    assert recorded.rules(default_config(), cores=7) == {}


def test_spelling_of_the_configuration_reruns_nothing(recorded: Planner, tmp_path: Path) -> None:
    config = default_config()
    shuffled = {key: config[key] for key in reversed(list(config))}
    for name, source in shuffled["sources"].items():
        shuffled["sources"][name] = {key: source[key] for key in reversed(list(source))}
    assert recorded.rules(shuffled) == {}
