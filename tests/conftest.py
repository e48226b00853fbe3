"""Fixtures shared by all tests."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LONGEST = ("end_to_end", "workflow", "pretraining")  # folders whose files take minutes each


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, so that at the end no process waits for one that has just begun."""
    items.sort(key=lambda item: next((n for n, name in enumerate(LONGEST) if name in item.path.parts), len(LONGEST)))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real files that stands beside a development checkout; tests that need it skip without it."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("needs the real files in ../shared/data, which are not part of the repository")
    return folder
