"""A finished run over a small real corpus, made once, and copies of it for each test to spoil."""

from __future__ import annotations

import base64
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.real_text import module_documents, topic_documents, write_jsonl
from tests.workflow.harness import copy_project, report_digest, run, tree_digest, write_config

BAD_LINE = b'{"id": "bad", "text": "caf\xe9 latin-1 in a UTF-8 file"}\n'


def tiny_config() -> dict[str, Any]:
    """Two sources in three parts and one corpus, from files in the working folder."""
    return {
        "seed": 3,
        "sources": {
            "reference": {
                "kind": "jsonl",
                "language": "en",
                "license": "PSF-2.0",
                "parts": 2,
                "max_quarantined": 0.1,
                "files": [{"path": "text/topics-0.jsonl"}, {"path": "text/topics-1.jsonl"}],
            },
            "modules": {
                "kind": "jsonl",
                "language": "en",
                "license": "PSF-2.0",
                "files": [{"path": "text/modules.jsonl"}],
            },
        },
        "corpora": {
            "main": {
                "sources": ["reference", "modules"],
                "filters": {
                    "families": ["length", "gopher_quality"],
                    "thresholds": {"gopher_quality.min_alphabetic_words": 0.5},  # a manual is full of signs
                },
                "split": {"validation": 0.1},
            }
        },
    }


@dataclass(frozen=True)
class Run:
    """A project and a working folder of its own."""

    project: Path
    workdir: Path

    @property
    def results(self) -> Path:
        return self.workdir / "results"

    def digests(self) -> dict[str, str]:
        """What was published, by digest; all but the report, which is one of everything that a configuration names."""
        return tree_digest(self.results)

    def with_report(self) -> dict[str, str]:
        """What was published, by digest; of the report what does not tell times."""
        return {**self.digests(), **report_digest(self.results)}


def noise() -> dict[str, str]:
    """A document that no compression makes small and no corpus keeps: Snakemake compares files above 1 MB by time only."""
    return {"id": "noise", "text": base64.encodebytes(random.Random(0).randbytes(1_100_000)).decode("ascii")}


def lay_out_text(workdir: Path) -> None:
    """Write the files of the sources; one line of the first is not UTF-8, and the second is large."""
    topics = topic_documents()
    write_jsonl(workdir / "text" / "topics-0.jsonl", topics[0::2])
    write_jsonl(workdir / "text" / "topics-1.jsonl", [*topics[1::2], *topics[:3], noise()])
    write_jsonl(workdir / "text" / "modules.jsonl", module_documents())
    with (workdir / "text" / "topics-0.jsonl").open("ab") as stream:
        stream.write(BAD_LINE)


def lay_out(folder: Path, config: dict[str, Any]) -> Run:
    """Return a project of its own in a folder with a configuration and its sources, nothing run yet."""
    made = Run(copy_project(folder / "project"), folder / "work")
    write_config(made.workdir, config)
    lay_out_text(made.workdir)
    return made


def copy_of(made: Run, folder: Path) -> Run:
    """Copy a project with what it has made, records included."""
    shutil.copytree(made.project, folder / "project", symlinks=True)
    shutil.copytree(made.workdir, folder / "work", symlinks=True)
    return Run(folder / "project", folder / "work")


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The clean build; tests leave it as it is."""
    clean = lay_out(tmp_path_factory.mktemp("finished"), tiny_config())
    run(clean.project, clean.workdir, "--verbose")
    return clean


@pytest.fixture
def copied(finished: Run, tmp_path: Path) -> Run:
    """A copy of the clean build that the test may spoil."""
    return copy_of(finished, tmp_path)


@pytest.fixture
def fresh(finished: Run, tmp_path: Path) -> Run:
    """The same sources and configuration, nothing run yet."""
    shutil.copytree(finished.project, tmp_path / "project", symlinks=True)
    made = Run(tmp_path / "project", tmp_path / "work")
    write_config(made.workdir, tiny_config())
    lay_out_text(made.workdir)
    return made


Editor = Callable[[dict[str, Any]], None]
