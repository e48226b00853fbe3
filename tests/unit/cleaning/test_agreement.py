"""Documents are kept and removed as datatrove does; where a verdict differs, the stated difference is at work."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from benchmarks.cleaning import FILTERS, ours
from scripts.cleaning import annotate, select
from scripts.cleaning.characters import sentence_terminals
from scripts.cleaning.measures import measure
from scripts.lib.unspaced import UNSPACED
from tests.making import arguments, publish_documents

Row = dict[str, Any]
FAMILY_OF = {
    "gopher_quality": "gopher_quality",
    "gopher_repetition": "gopher_repetition",
    "c4_quality": "c4",
    "fineweb_quality": "fineweb",
}


@pytest.fixture(scope="module")
def annotated(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Row], Path]:
    """Documents with the verdicts of datatrove, and the annotations of these documents."""
    folder = tmp_path_factory.mktemp("agreement")
    with gzip.open(shared_data.parent / "reference" / "filter-decisions.jsonl.gz", "rt", encoding="utf-8") as stream:
        rows = [json.loads(line) for line in stream]
    documents = publish_documents(folder / "documents/0000.json", {f"{n}": row["text"] for n, row in enumerate(rows)})
    manifest = folder / "annotations/0000.json"
    assert annotate.main(arguments({}, documents=documents, manifest=manifest)) == 0
    return rows, manifest


@pytest.mark.parametrize("their", FAMILY_OF)
def test_verdicts_are_those_of_datatrove(their: str, annotated: tuple[list[Row], Path], tmp_path: Path) -> None:
    """The stated differences: scripts without spaces are measured in characters or segments, by limits of their own, and sentence
    terminals of other scripts end the lines of C4.
    """
    rows, annotations = annotated
    settings = {"families": [FAMILY_OF[their]], "thresholds": {}, "languages": None, "overrides": [], "url_lists": {}}
    manifest = tmp_path / "selection.json"
    assert select.main(arguments(settings, annotations=annotations, manifest=manifest)) == 0
    kept = pq.read_table(manifest.with_suffix(".parquet"), columns=["kept"])["kept"].to_pylist()
    unspaced = pq.read_table(annotations.with_suffix(".parquet"), columns=["unspaced_ratio"])["unspaced_ratio"]
    differing = [n for n, row in enumerate(rows) if kept[n] != (row[their] == "keep")]
    assert len(differing) <= 0.02 * len(rows)
    foreign = re.compile(f"[{''.join(chr(code) for code in sentence_terminals() if code > 127)}]$", re.MULTILINE)
    for n in differing:
        ends_otherwise = their == "c4_quality" and foreign.search(rows[n]["text"]) is not None
        assert unspaced[n].as_py() >= UNSPACED or ends_otherwise


@pytest.mark.parametrize("line", ["यह एक छोटा वाक्य है।", "这是一个短句。", "هل هذه جملة قصيرة؟"])
def test_sentence_terminals_of_other_scripts_end_the_lines_of_c4(line: str) -> None:
    """With datatrove's ends of lines alone, none of these lines would stay."""
    assert measure("\n".join([line] * 6))["c4_sentences"] == 6
    assert measure("\n".join([line[:-1]] * 6))["c4_sentences"] == 0


def test_what_the_benchmark_times_judges_as_datatrove_does(annotated: tuple[list[Row], Path]) -> None:
    rows, _ = annotated
    verdicts = zip(*ours([row["text"] for row in rows]), strict=True)
    theirs = {family: name for name, family in FAMILY_OF.items()}
    for family, mine in zip(FILTERS, verdicts, strict=True):
        equal = sum(passed == (row[theirs[family]] == "keep") for passed, row in zip(mine, rows, strict=True))
        assert equal >= 0.98 * len(rows), (family, equal)
