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
from tests.workflow.harness import copy_project, run, tree_digest, write_config

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
        """What was published, by digest."""
        return tree_digest(self.results)


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


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The clean build; tests leave it as it is."""
    folder = tmp_path_factory.mktemp("finished")
    clean = Run(copy_project(folder / "project"), folder / "work")
    write_config(clean.workdir, tiny_config())
    lay_out_text(clean.workdir)
    run(clean.project, clean.workdir, "--verbose")
    return clean


@pytest.fixture
def copied(finished: Run, tmp_path: Path) -> Run:
    """A copy of the clean build, records included, that the test may spoil."""
    shutil.copytree(finished.project, tmp_path / "project", symlinks=True)
    shutil.copytree(finished.workdir, tmp_path / "work", symlinks=True)
    return Run(tmp_path / "project", tmp_path / "work")


@pytest.fixture
def fresh(finished: Run, tmp_path: Path) -> Run:
    """The same sources and configuration, nothing run yet."""
    shutil.copytree(finished.project, tmp_path / "project", symlinks=True)
    lay_out = Run(tmp_path / "project", tmp_path / "work")
    write_config(lay_out.workdir, tiny_config())
    lay_out_text(lay_out.workdir)
    return lay_out


Editor = Callable[[dict[str, Any]], None]
