"""The parts of a corpus, as the settings of its steps name them."""

from __future__ import annotations

from typing import Any


def part_sources(settings: Any) -> list[tuple[str, str]]:
    """Return source and name of every part, in the order in which the parts are given."""
    return [(source["name"], f"{part:04d}") for source in settings["sources"] for part in range(source["parts"])]
