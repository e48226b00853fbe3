"""A failed run shows the end of each failed job's log."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.registry.failed import last_words

SNAKEMAKE = """Error in rule extract:
    jobid: 4
    log: logs/long.log (check log file(s) for error details)
    shell:
        python -m scripts.sources.extract
Error in rule extract:
    jobid: 5
    log: logs/short.log, logs/never.log (check log file(s) for error details)
Error in rule extract:
    jobid: 4
    log: logs/long.log (check log file(s) for error details)
Finished job of a rule
    log: logs/fine.log
"""


def test_the_last_lines_of_each_failed_log_are_shown_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("logs").mkdir()
    Path("logs/long.log").write_text("".join(f"line {number}\n" for number in range(1, 31)), encoding="utf-8")
    Path("logs/short.log").write_bytes(b"error: caf\xe9 is not UTF-8\n")
    Path("logs/fine.log").write_text("all is well\n", encoding="utf-8")
    Path("snakemake.log").write_text(SNAKEMAKE, encoding="utf-8")
    shown = last_words([Path("snakemake.log")], lines=3)
    assert shown == [
        "",
        "logs/long.log (the last 3 of 30 lines):",
        "    line 28",
        "    line 29",
        "    line 30",
        "",
        "logs/short.log:",
        "    error: caf\N{REPLACEMENT CHARACTER} is not UTF-8",
    ]
