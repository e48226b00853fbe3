"""What targets ask for: everything that comes from elsewhere, wherever that is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scripts.registry.config import complete_config
from scripts.registry.targets import Targets
from scripts.registry.workflow import Registry
from tests.unit.registry.good_config import GOOD

ORIGINS: dict[str, dict[str, Any]] = {
    "pages": {"kind": "common_crawl", "crawl": {"snapshot": "CC-MAIN-2024-10"}},
    "articles": {"kind": "wikipedia", "dump": {"language": "simple", "date": "20240101"}},
    "rows": {"kind": "huggingface", "dataset": {"name": "org/set", "revision": "0" * 40}},
    "texts": {"kind": "text", "files": [{"path": f"https://x.test/{n}"} for n in range(3)]},
}
PARTS = 3


@pytest.fixture
def targets(folder: Path) -> Targets:
    sources = {name: {"license": "CC0-1.0", "parts": PARTS, **origin} for name, origin in ORIGINS.items()}
    config = {"sources": sources, "corpora": {"main": {"sources": list(sources)}}, "tasks": GOOD["tasks"]}
    return Targets(Registry(complete_config(config, folder)))


def raw(name: str) -> set[str]:
    """The files that fetch_source declares for all parts of a source."""
    stems = [f"results/sources/{name}/raw/{part:04d}" for part in range(PARTS)]
    return {stem + suffix for stem in stems for suffix in (".json", ".provenance.json", "")}


def test_fetch_asks_for_every_part_of_every_source_and_for_every_task_that_is_published(targets: Targets) -> None:
    tasks = {f"results/tasks/{name}/raw/0000{end}" for name in ("quiz", "phrases") for end in (".json", "")}
    tasks |= {f"results/tasks/{name}/raw/0000.provenance.json" for name in ("quiz", "phrases")}
    assert set(targets.fetch()) == tasks.union(*map(raw, ORIGINS))


@pytest.mark.parametrize("name", ORIGINS)
def test_the_closure_of_a_source_holds_what_is_fetched_of_it(targets: Targets, name: str) -> None:
    assert raw(name) <= set(targets.closure("source", name))
    assert raw(name) <= set(targets.closure("corpus", "main"))
