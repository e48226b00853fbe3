"""A corpus keeps documents by their scores: above a minimum, or drawn in favour of good ones, by seed and id."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scripts.audit.gates import remedy
from scripts.audit.limits import thresholds
from scripts.cleaning import select
from scripts.cleaning.annotate import ANNOTATION_SCHEMA
from scripts.cleaning.quality import Judge, Scores, is_drawn
from scripts.cleaning.score_quality import SCORE_SCHEMA
from scripts.lib.manifest import load_manifest
from scripts.lib.versions import version_id
from tests.making import arguments, publish_rows
from tests.unit.cleaning.test_filters import passing_row

SCORES = {"a": 0.2, "b": 0.5, "c": 0.9, "d": 0.0, "e": 1.0}


def selected(folder: Path, quality: dict[str, Any] | None, scored: dict[str, float] | None = None) -> tuple[int, Path]:
    """Run the selection over documents of which `d` is in another language; returns exit code and manifest."""
    rows = [{**passing_row(name), "language": "de" if name == "d" else "en"} for name in SCORES]
    annotations = publish_rows(folder / "annotations" / "0000.json", rows, ANNOTATION_SCHEMA)
    scores = [{"id": name, "score": score} for name, score in (scored or SCORES).items()]
    published = publish_rows(folder / "scores" / "0000.json", scores, SCORE_SCHEMA)
    manifest = folder / "selection" / "0000.json"
    settings = {
        "families": [],
        "thresholds": {},
        "languages": ["en"],
        "overrides": [],
        "url_lists": {},
        **({"quality": quality} if quality else {}),
    }
    paths = {"annotations": annotations, "scores": [published] if quality else [], "manifest": manifest}
    return select.main(arguments(settings, **paths)), manifest


def quality(minimum: float | None = None, pareto: float | None = None) -> dict[str, Any]:
    seed = {} if pareto is None else {"seed": 1}
    return {"classifier": "prose", "minimum": minimum, "pareto": pareto, **seed}


def test_a_minimum_is_one_more_verdict(tmp_path: Path) -> None:
    code, manifest = selected(tmp_path, quality(minimum=0.5))
    assert code == 0
    table = pq.read_table(manifest.with_suffix(".parquet")).to_pylist()
    assert {row["id"]: row["quality.min_score"] for row in table} == {name: one >= 0.5 for name, one in SCORES.items()}
    assert [row["reason"] for row in table] == ["quality.min_score", None, None, "language", None]
    assert {row["id"]: row["quality"] for row in table} == SCORES
    content = load_manifest(manifest)
    assert content["accounting"]["removed"] == {"language": 1, "quality.min_score": 1}
    assert content["summary"]["failed"] == {"language": 1, "quality.min_score": 2}
    assert content["summary"]["thresholds"] == {"quality.min_score": {"all": ["quality", ">=", 0.5]}}


def test_scores_alone_remove_nothing(tmp_path: Path) -> None:
    code, manifest = selected(tmp_path, quality())
    assert code == 0
    table = pq.read_table(manifest.with_suffix(".parquet"))
    assert table.column_names == ["id", "kept", "reason", "language", "quality"]
    assert table["kept"].to_pylist() == [True, True, True, False, True]


def test_without_a_classifier_there_is_no_column(tmp_path: Path) -> None:
    code, manifest = selected(tmp_path, None)
    assert code == 0
    assert pq.read_table(manifest.with_suffix(".parquet")).column_names == ["id", "kept", "reason", "language"]


def test_a_draw_always_keeps_a_perfect_score(tmp_path: Path) -> None:
    code, manifest = selected(tmp_path, quality(pareto=9))
    assert code == 0
    table = {row["id"]: row for row in pq.read_table(manifest.with_suffix(".parquet")).to_pylist()}
    assert table["e"]["quality.sampled"] is True
    for name, score in SCORES.items():
        assert table[name]["quality.sampled"] == is_drawn(name, score, 9, 1)


@pytest.mark.parametrize("score", [0.0, 0.3, 0.8, 0.97])
def test_a_draw_keeps_as_often_as_the_rule_of_gpt_3(score: float) -> None:
    """Against numpy's Pareto variables, which the paper names: equal shares within 4 standard errors."""
    count = 20_000
    ours = np.mean([is_drawn(f"web:{number}", score, 9, 1) for number in range(count)])
    theirs = np.mean(np.random.default_rng(5).pareto(9, 50 * count) > 1 - score)
    assert abs(ours - theirs) <= 4 * np.sqrt(theirs * (1 - theirs) / count) + 1e-4


def test_a_draw_depends_on_seed_and_id_and_never_prefers_a_lower_score() -> None:
    names = [f"web:{number}" for number in range(2000)]
    low, high = ([is_drawn(name, score, 9, 1) for name in names] for score in (0.5, 0.9))
    assert all(not one or other for one, other in zip(low, high, strict=True))
    assert low != [is_drawn(name, 0.5, 9, 2) for name in names]


def test_a_draw_takes_a_text_by_the_id_of_its_source(tmp_path: Path) -> None:
    """Whether an id has a mark depends on what else is in its part."""
    names, scores = [f"web:{number}" for number in range(200)], pa.array([0.7] * 200)
    judge = Judge(
        quality(pareto=9), Scores(publish_rows(tmp_path / "0000.json", [], SCORE_SCHEMA).with_suffix(".parquet"))
    )
    marked = [version_id(name, "another text") for name in names]
    drawn, again = (judge.verdicts(pa.array(ids), scores)["quality.sampled"].to_pylist() for ids in (names, marked))
    assert drawn == again
    assert set(drawn) == {True, False}


@pytest.mark.parametrize("wrong", [dict(reversed(SCORES.items())), {"a": 0.5}])
def test_scores_of_other_documents_are_refused(
    wrong: dict[str, float], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, manifest = selected(tmp_path, quality(minimum=0.5), wrong)
    assert code == 1
    assert "is of other documents than were measured" in capsys.readouterr().err
    assert not manifest.exists()


def test_an_audit_names_the_keys_behind_the_verdicts(tmp_path: Path) -> None:
    _, manifest = selected(tmp_path, quality(minimum=0.5, pareto=9))
    described = load_manifest(manifest)["summary"]["thresholds"]
    assert thresholds({"web": described, "books": {}}) == {
        "quality.min_score": "≥ 0.5 (web)",
        "quality.sampled": "drawn by a Pareto variable of shape 9 (web)",
    }
    assert remedy("main", {"quality.min_score": 2, "language": 1}) == "corpora.main.filters.quality.minimum"
    assert remedy("main", {"quality.sampled": 2}) == "corpora.main.filters.quality.pareto"
