"""What cannot be accepted is one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.lib.manifest import provenance_path
from scripts.reproducibility import accept
from tests.making import publish_documents

ARGUMENTS = ("--step", "scripts.sources.extract", "--reason", "nothing changed")


def test_a_folder_that_is_not_there_is_not_taken_for_one_without_results(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert accept.main([*ARGUMENTS, "--results", str(tmp_path / "results")]) == 1
    assert capsys.readouterr().err == (
        f"error: There is no folder {tmp_path / 'results'}; name the results with --results, or run the workflow.\n"
    )


def test_a_record_that_cannot_be_read_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = provenance_path(publish_documents(tmp_path / "results/sources/x/documents/0000.json", {"x:1": "text"}))
    record.write_text("{", encoding="utf-8")
    assert accept.main([*ARGUMENTS, "--results", str(tmp_path / "results")]) == 1
    assert capsys.readouterr().err.startswith(f"error: {record} cannot be read; run the workflow once")
