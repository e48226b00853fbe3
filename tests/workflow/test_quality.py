"""A classifier of quality in a real run: what it makes, and that another threshold reads no text."""

from __future__ import annotations

import pyarrow.parquet as pq

from scripts.lib.manifest import load_manifest
from tests.workflow.conftest import Run, tiny_config
from tests.workflow.harness import jobs_of, run, would_run, write_config
from tests.workflow.leaves import closure
from tests.workflow.test_reruns import BUILT


def test_a_corpus_is_chosen_by_a_classifier(copied: Run) -> None:
    config = tiny_config()
    config["classifiers"] = {
        "manual": {"positive": ["reference"], "negative": ["modules"], "buckets": 16384, "held_out": 0.4}
    }
    config["corpora"]["main"]["filters"]["quality"] = {"classifier": "manual", "minimum": 0.5, "sources": ["modules"]}
    write_config(copied.workdir, config)
    made = jobs_of(run(copied.project, copied.workdir))
    assert set(made) == closure({"train_quality", "select"}) & (BUILT | {"train_quality", "score_quality"})
    assert (made["train_quality"], made["score_quality"], made["select"]) == (1, 1, 1)

    model = load_manifest(copied.results / "classifiers" / "manual" / "model.json")
    assert model["summary"]["held_out"]["auc"] > 0.8
    documents = sum(
        load_manifest(copied.results / "sources" / source / "documents" / f"{part}.json")["accounting"]["kept"]
        for source, part in (("reference", "0000"), ("reference", "0001"), ("modules", "0000"))
    )
    assert model["accounting"]["in"] == documents
    selection = pq.read_table(
        copied.results / "corpora" / "main" / "selection" / "modules" / "0000.parquet"
    ).to_pylist()
    scores = pq.read_table(
        copied.results / "classifiers" / "manual" / "scores" / "modules" / "0000.parquet"
    ).to_pylist()
    assert [row["quality.min_score"] for row in selection] == [row["score"] >= 0.5 for row in scores]
    assert sum(row["quality.min_score"] for row in selection) < len(selection) / 2
    report = (copied.results / "report.html").read_text("utf-8")
    assert "Classifiers of quality" in report
    assert "<td>manual</td>" in report

    config["corpora"]["main"]["filters"]["quality"]["minimum"] = 0.2
    write_config(copied.workdir, config)
    assert set(would_run(copied.project, copied.workdir)) == closure({"select"}) & BUILT
