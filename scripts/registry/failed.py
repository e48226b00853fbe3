"""What a failed run shows of the logs of the jobs that failed: their last lines, which say why."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

LINES = 20
_LOG = re.compile(r"^ {4,12}log: (.+) \(check log file\(s\) for error details\)$", re.M)


def last_words(snakemake_logs: Iterable[Path], lines: int = LINES) -> list[str]:
    """Return the last lines of every log that Snakemake's own logs name for a failed job, each log under its name.

    A job that never wrote its log, and one that failed again on a retry, give nothing more.
    """
    said = [path.read_text("utf-8", errors="replace") for path in snakemake_logs]
    named = ", ".join(", ".join(_LOG.findall(text)) for text in said).split(", ")
    found: list[str] = []
    for name in dict.fromkeys(filter(None, named)):
        path = Path(name)
        if path.is_file():
            text = path.read_text("utf-8", errors="replace").splitlines()
            more = f" (the last {lines} of {len(text)} lines)" if len(text) > lines else ""
            found += ["", f"{name}{more}:", *[f"    {line}" for line in text[-lines:]]]
    return found
