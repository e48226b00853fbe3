from __future__ import annotations

from collections.abc import Iterator

import pytest

from scripts.sources import downloads


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """Waits are recorded and not waited for."""
    waits: list[float] = []
    monkeypatch.setattr(downloads.time, "sleep", waits.append)
    yield waits


@pytest.fixture(autouse=True)
def without_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
