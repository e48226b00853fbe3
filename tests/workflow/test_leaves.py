"""For every leaf of the default configuration, exactly the rules of the hand-written table run again."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from scripts.lib.settings import leaves
from scripts.registry.config import complete_config, read_yaml
from tests.making import at
from tests.workflow.harness import ROOT, Planner
from tests.workflow.leaves import LEAVES, LEXICON_LEAVES, LEXICON_RULES, QUALITY_LEAVES, QUALITY_RULES, closure

SECTIONS = ("sources", "tasks", "classifiers", "lexicons", "corpora", "tokenizers", "models", "finetunings")
OPEN_ENDED = (
    "sources.*.options",
    "corpora.*.filters.thresholds",
    "models.*.weights",
    "models.*.epoch_caps",
    "finetunings.*.tasks",
    "lexicons.*.languages",
)


def default_config() -> dict[str, Any]:
    return complete_config(read_yaml(ROOT / "config.yaml"), ROOT)


def pattern(leaf: str) -> str:
    """Return a leaf with names replaced: sources.books.parts is sources.*.parts."""
    keys = leaf.split(".")
    if keys[0] in SECTIONS:
        keys[1] = "*"
    for open_ended in OPEN_ENDED:
        if ".".join(keys).startswith(open_ended):
            return open_ended
    return ".".join(keys)


REPRESENTATIVES = {
    "sources.*.parts": "sources.books.parts",  # a source of one file has one part
    "models.*.objective": "models.bert.objective",  # it is fine-tuned on nothing that only one objective can learn
}


def edited(config: dict[str, Any], leaf: str) -> dict[str, Any]:
    """Return a copy of the configuration with another value at the leaf."""
    other = copy.deepcopy(config)
    key = pattern(leaf)
    parent = at(other, ".".join(leaf.split(".")[:-1])) if "." in leaf else other
    name = leaf.split(".")[-1]
    value = (LEAVES | QUALITY_LEAVES)[key][0]
    if value == "reversed":
        value = list(reversed(parent[name]))
    if value == "other task":
        value = [task for task in other["tasks"] if task not in parent[name]][:1] or parent[name][1:]
    if value == "other form":
        value = {"wheel": "sdist", "sdist": "wheel"}[parent[name]]
    if value == "second":
        section = f"{name}s"
        change = {"tokenizer": {"vocabulary": 1000}, "classifier": {"ngrams": 1}}[name]
        other[section]["second"] = {**other[section][parent[name]], **change}
    if value == {"classifier": "prose"}:
        other["classifiers"]["prose"] = {"positive": ["encyclopedia"], "negative": ["social"]}
    if name in ("crawl", "dump", "dataset"):  # it takes the place of the files
        kinds = {"crawl": "common_crawl", "dump": "wikipedia", "dataset": "huggingface"}
        parent |= {"files": [], "package": None, "kind": kinds[name], "options": {}}
    if value in ("causal", "gpt2"):  # these stand for a change of family, which has no grouped heads
        other["models"][leaf.split(".")[1]]["architecture"] |= {"family": "gpt2", "key_value_heads": None}
    parent[name] = value
    return other


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Planner:
    planner = Planner(tmp_path_factory.mktemp("leaves"))
    planner.record_everything(default_config())
    return planner


def one_of_each() -> list[str]:
    """The first leaf of each pattern in the default configuration."""
    found: dict[str, str] = {}
    for leaf in leaves(default_config()):
        if leaf not in SECTIONS:  # an empty section names nothing yet
            found.setdefault(pattern(leaf), REPRESENTATIVES.get(pattern(leaf), leaf))
    return list(found.values())


def test_the_table_names_every_leaf_and_no_other() -> None:
    assert {pattern(leaf) for leaf in one_of_each()} == set(LEAVES)


def test_nothing_runs_when_nothing_changed(recorded: Planner) -> None:
    assert recorded.rules(default_config()) == {}


def editable() -> list[str]:
    """The leaves that have another valid value; the table gives None for the others."""
    return [leaf for leaf in one_of_each() if pattern(leaf) not in LEAVES or LEAVES[pattern(leaf)][0] is not None]


def expected(config: dict[str, Any], own: set[str]) -> set[str]:
    """The rules that follow from some, without those that a configuration has no use for."""
    found = closure(own)
    if not config["classifiers"]:
        found -= QUALITY_RULES
    if not config["lexicons"]:
        found -= LEXICON_RULES
    if all(model["training"]["packing"] == "contiguous" for model in config["models"].values()):
        found -= {"pack"}
    if not any(model["from"] for model in config["models"].values()):
        found -= {"branch_point"}
    return found


@pytest.mark.parametrize("leaf", editable())
def test_a_leaf_reruns_exactly_its_rules(recorded: Planner, leaf: str) -> None:
    config = edited(default_config(), leaf)
    if config == default_config():
        pytest.fail(f"the other value of {leaf} is the one it has")
    assert set(recorded.rules(config)) == expected(config, LEAVES[pattern(leaf)][1])


def test_only_the_jobs_of_the_edited_source_run(recorded: Planner) -> None:
    config = default_config()
    config["sources"]["encyclopedia"]["language"] = "de"
    counts = recorded.rules(config)
    assert counts["extract"] == counts["annotate"] == counts["select"] == counts["signatures"] == 1


def test_an_override_for_a_source_reruns_the_decisions_on_it_alone(recorded: Planner) -> None:
    config = default_config()
    config["corpora"]["english"]["filters"]["overrides"] = [
        {"sources": ["news"], "languages": ["en"], "families": None, "thresholds": {"length.min_characters": 9}}
    ]
    counts = recorded.rules(config)
    assert counts["select"] == 1
    config["corpora"]["english"]["filters"]["overrides"] = [{"sources": ["news"], "line_edits": ["c4"]}]
    counts = recorded.rules(config)
    assert counts["curate"] == 1
    assert "select" not in counts


def test_an_edited_list_of_addresses_reruns_the_decisions(recorded: Planner, tmp_path: Path) -> None:
    blocked = tmp_path / "blocked.txt"
    blocked.write_text("example.org\n", encoding="utf-8")
    config = default_config()
    filters = config["corpora"]["parliaments"]["filters"]
    filters |= {"families": ["length", "url"], "url_lists": {"domains": [str(blocked)]}}
    planner = Planner(tmp_path / "work")
    planner.record_everything(config)
    assert planner.rules(config) == {}
    moved = blocked.rename(tmp_path / "elsewhere.txt")
    filters["url_lists"]["domains"] = [str(moved)]
    assert planner.rules(config) == {}
    moved.write_text("example.org\nexample.com\n", encoding="utf-8")
    assert planner.own_reasons(config) == {"select"}
    assert planner.rules(config)["select"] == 3


@pytest.fixture
def colours(tmp_path: Path) -> dict[str, Any]:
    """The default configuration with two lexicons, one of which a corpus uses for two of its sources."""
    for name in ("colours", "farben", "metals"):
        (tmp_path / name).write_text(f"{name}\n", encoding="utf-8")
    config = default_config()
    config["lexicons"] = {
        "colours": {"files": [str(tmp_path / "colours")], "languages": {"de": [str(tmp_path / "farben")]}},
        "metals": {"files": [str(tmp_path / "metals")]},
    }
    filters = config["corpora"]["english"]["filters"]
    filters["lexicons"] = ["colours"]
    filters["overrides"] = [{"sources": ["web", "news"], "families": ["length", "lexicon"]}]
    return complete_config(config, ROOT)


def test_leaves_of_lexicons_rerun_exactly_their_rules(colours: dict[str, Any], tmp_path: Path) -> None:
    named = {
        pattern(leaf) for leaf in leaves(colours) if "lexicons." in leaf or leaf.endswith("english.filters.lexicons")
    }
    assert named == set(LEXICON_LEAVES)
    planner = Planner(tmp_path / "work")
    planner.record_everything(colours)
    assert planner.rules(colours) == {}
    for leaf, value in (
        ("lexicons.colours.files", [str(tmp_path / "metals")]),
        ("lexicons.colours.languages", {"de": [str(tmp_path / "farben"), str(tmp_path / "metals")]}),
        ("corpora.english.filters.lexicons", ["colours", "metals"]),
    ):
        config = copy.deepcopy(colours)
        above, _, name = leaf.rpartition(".")
        at(config, above)[name] = value
        counts = planner.rules(config)
        assert set(counts) == expected(config, LEXICON_LEAVES[pattern(leaf)][1])
        assert (counts["flag"], counts["select"]) == (2, 2)
    unused = copy.deepcopy(colours)
    unused["lexicons"]["metals"]["files"] = [str(tmp_path / "farben")]
    assert planner.rules(unused) == {}
    (tmp_path / "farben").write_text("farben\nrot\n", encoding="utf-8")
    assert planner.own_reasons(colours) == {"flag"}


def test_a_threshold_on_terms_reads_no_text(colours: dict[str, Any], tmp_path: Path) -> None:
    planner = Planner(tmp_path / "work")
    planner.record_everything(colours)
    colours["corpora"]["english"]["filters"]["thresholds"] = {"lexicon.colours.max_matches": 3}
    assert planner.own_reasons(colours) == {"select"}


def test_threads_and_memory_rerun_nothing(recorded: Planner) -> None:
    assert recorded.rules(default_config(), cores=7) == {}


def test_spelling_of_the_configuration_reruns_nothing(recorded: Planner, tmp_path: Path) -> None:
    config = default_config()
    shuffled = {key: config[key] for key in reversed(list(config))}
    for name, source in shuffled["sources"].items():
        shuffled["sources"][name] = {key: source[key] for key in reversed(list(source))}
    assert recorded.rules(shuffled) == {}


def config_with_quality() -> dict[str, Any]:
    """The default configuration with a classifier that one corpus uses for two of its sources."""
    config = default_config()
    config["classifiers"]["prose"] = {"positive": ["encyclopedia"], "negative": ["social"]}
    config["corpora"]["english"]["filters"]["quality"] = {
        "classifier": "prose",
        "minimum": 0.5,
        "pareto": 9,
        "sources": ["web", "news"],
    }
    return complete_config(config, ROOT)


def quality_leaves() -> list[str]:
    """The leaves that the default configuration lacks."""
    return [leaf for leaf in leaves(config_with_quality()) if "classifiers." in leaf or ".quality." in leaf]


@pytest.fixture(scope="module")
def recorded_quality(tmp_path_factory: pytest.TempPathFactory) -> Planner:
    planner = Planner(tmp_path_factory.mktemp("quality-leaves"))
    planner.record_everything(config_with_quality())
    return planner


def test_the_table_of_quality_names_every_leaf_and_no_other() -> None:
    assert {pattern(leaf) for leaf in quality_leaves()} == set(QUALITY_LEAVES)


@pytest.mark.parametrize("leaf", quality_leaves())
def test_a_leaf_of_quality_reruns_exactly_its_rules(recorded_quality: Planner, leaf: str) -> None:
    config = edited(config_with_quality(), leaf)
    counts = recorded_quality.rules(config)
    assert set(counts) == expected(config, QUALITY_LEAVES[pattern(leaf)][1])
    if QUALITY_LEAVES[pattern(leaf)][1] == {"select"}:  # the selections of the sources that are scored, or were, alone
        assert counts["select"] == 1 if leaf.endswith("sources") else 2


def test_the_seed_draws_another_sample(recorded_quality: Planner) -> None:
    config = {**config_with_quality(), "seed": 7}
    own = LEAVES["seed"][1] | {"train_quality", "select"}
    assert set(recorded_quality.rules(config)) == expected(config, own)


def test_scores_are_made_for_the_sources_that_are_judged(recorded_quality: Planner) -> None:
    config = edited(config_with_quality(), "classifiers.prose.ngrams")
    counts = recorded_quality.rules(config)
    assert (counts["train_quality"], counts["score_quality"], counts["select"]) == (1, 2, 2)
