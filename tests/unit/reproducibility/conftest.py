"""Results that are traced in, made once a module; tests leave them as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.reproducibility.traced import publish_results


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return publish_results(tmp_path_factory.mktemp("work") / "results")
