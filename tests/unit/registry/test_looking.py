"""Command lines that run nothing are told from those that run, however they are spelled."""

from __future__ import annotations

import pytest

from scripts.registry.workflow import only_looks


@pytest.mark.parametrize(
    "words",
    [
        *(
            "-n",
            "-np",
            "-pn",
            "-kFn",
            "--dry-run",
            "--dryrun",
            "--dry",
            "-S",
            "-D",
            "-l",
            "--summary",
            "--detailed-summary",
        ),
        *(
            "--lint",
            "--lint=json",
            "--dag",
            "--rulegraph",
            "--list",
            "--lt",
            "--list-untracked",
            "--cores 4 -n corpus-main",
        ),
    ],
)
def test_what_only_looks(words: str) -> None:
    assert only_looks(words.split())


@pytest.mark.parametrize(
    "words",
    [
        *(
            "",
            "--cores 4",
            "-c4",
            "-j 8 -k",
            "-pF",
            "-Rannotate",
            "-R annotate",
            "corpus-main",
            "--configfile n.yaml",
            "-qn",
        ),
        *("--touch", "-t", "--forceall", "--", "-- -n.txt", "-d/data/n", "--unlock"),
    ],
)
def test_what_runs(words: str) -> None:
    assert not only_looks(words.split())
