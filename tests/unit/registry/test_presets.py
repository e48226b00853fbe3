"""Every configuration that we ship is right, and plans."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.registry.config import complete_config, read_yaml
from tests.workflow.harness import ROOT, would_run

PRESETS = sorted((ROOT / "presets").glob("*.yaml"))


@pytest.mark.parametrize("preset", PRESETS, ids=lambda path: path.stem)
def test_a_preset_plans_every_step(preset: Path, tmp_path: Path) -> None:
    config = complete_config(read_yaml(preset), tmp_path)
    (tmp_path / "config.yaml").write_bytes(preset.read_bytes())
    planned = would_run(ROOT, tmp_path)
    assert planned["pretrain"] == len(config["models"])
    assert planned["finetune"] == sum(len(one["models"]) for one in config["finetunings"].values())


def test_there_are_presets() -> None:
    assert PRESETS
