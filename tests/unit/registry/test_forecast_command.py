"""The forecast reads a configuration as the workflow does: relative to the working folder, every fault one sentence."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import yaml

from scripts.registry import forecast
from tests.unit.registry.good_config import GOOD

OPTIONS = ("--device", "h100", "--devices", "1")


def test_files_of_sources_lie_relative_to_the_working_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    path = folder / "folder" / "mine.yaml"
    path.write_text(yaml.safe_dump(copy.deepcopy(GOOD)), encoding="utf-8")
    assert forecast.main([str(path), *OPTIONS]) == 0, capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "# nothing\n", "- a\n"])
def test_a_file_without_keys_is_one_sentence(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    assert forecast.main([str(path), *OPTIONS]) == 1
    assert capsys.readouterr().err.startswith("error: mine.yaml has no keys at its top level")
