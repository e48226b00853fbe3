"""What the tests of training share: tiny inputs, and a group of one rank."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from tests.unit.pretraining import tiny
from tests.unit.pretraining.rank import group_of_one


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> tiny.Inputs:
    return tiny.Inputs(tmp_path_factory.mktemp("inputs") / "in")


@pytest.fixture(scope="module")
def device() -> Iterator[torch.device]:
    with group_of_one() as device:
        yield device
