"""The default configuration, alone and with what it lacks so that every rule has work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from scripts.registry.config import complete_config, read_yaml
from tests.workflow.harness import ROOT


def default_config() -> dict[str, Any]:
    return complete_config(read_yaml(ROOT / "config.yaml"), ROOT)


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


def config_of_every_rule(folder: Path) -> dict[str, Any]:
    """That with a lexicon, whose list is written into `folder`, and a model that packs: every rule has a job."""
    terms = folder / "colours.txt"
    terms.write_text("red\n", encoding="utf-8")
    config = config_with_quality()
    config["lexicons"]["colours"] = {"files": [str(terms)]}
    filters = config["corpora"]["english"]["filters"]
    filters["lexicons"] = ["colours"]
    filters["overrides"] = [{"sources": ["web"], "families": ["length", "lexicon"]}]
    config["models"]["gpt2"]["training"]["packing"] = "best_fit"
    return complete_config(config, ROOT)
