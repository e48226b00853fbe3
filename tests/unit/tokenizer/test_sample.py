"""The sample that a tokenizer learns from: bounded, and shared out among sources and languages."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from scripts.cleaning.curate import CURATED_SCHEMA
from scripts.lib.errors import UserError
from scripts.lib.manifest import open_artefact
from scripts.tokenizer.sample import bytes_of, cut, rank_documents, sample_texts, shares, take
from tests.making import publish_rows


def shared(totals: dict[str, int], limit: int, **weights: float) -> dict[str, int]:
    """Return the shares of strata by their sources alone."""
    named = {(name, ""): total for name, total in totals.items()}
    found = shares(named, limit, {(name, ""): Fraction(str(weights.get(name, 1))) for name in totals})
    return {name: size for (name, _), size in found.items()}


def test_the_sample_is_bounded_and_shared_out() -> None:
    assert shared({"a": 300, "b": 100}, 200) == {"a": 150, "b": 50}
    assert shared({"a": 30}, 200) == {"a": 30}
    assert shared({"a": 300, "b": 300}, 200, a=3) == {"a": 150, "b": 50}
    assert shared({"a": 300, "b": 20, "c": 300}, 220, b=100) == {"a": 100, "b": 20, "c": 100}
    assert shared({"a": 10, "b": 20, "c": 300}, 220, b=0.001, a=0.001)["c"] <= 220
    assert take([(1, "x", 60), (2, "y", 50), (3, "z", 40)], 100) == {"x": 60, "y": 40}
    assert cut("naïve", 3) == "na"
    assert cut("naïve", 4) == "naï"


def test_languages_share_by_their_weights_within_their_sources(tmp_path: Path) -> None:
    rows = [
        {"id": f"web:{number}", "text": "x" * 100, "split": "train", "language": ("en", "de", None)[number % 3]}
        for number in range(300)
    ]
    sources = {"web": [open_artefact(publish_rows(tmp_path / "web" / "0000.json", rows, CURATED_SCHEMA))]}
    language = {row["id"]: row["language"] for row in rows}
    totals = bytes_of(sources)
    assert totals == {("web", "de"): 10_000, ("web", "en"): 10_000, ("web", "und"): 10_000}
    weights = {("web", "de"): Fraction(4), ("web", "en"): Fraction(1), ("web", "und"): Fraction(1)}
    limits = shares(totals, 6_000, weights)
    assert limits == {("web", "de"): 4_000, ("web", "en"): 1_000, ("web", "und"): 1_000}
    ranked = rank_documents(sources, limits, 1)
    assert [len(first) for first in ranked.values()] == [40, 10, 10]
    assert all(language[key] == "de" for _, key, _ in ranked["web", "de"])
    texts = sample_texts(sources, 6_000, 1, {}, {"de": 4.0})["web"]
    assert [len(text) for text in texts] == [100] * 60
    with pytest.raises(UserError, match="language_weights names 'fr', which no training document is in"):
        sample_texts(sources, 6_000, 1, {}, {"fr": 2.0})


def test_each_language_of_a_source_has_its_share_without_weights(tmp_path: Path) -> None:
    """Exactly, where a sample by hash alone has about its share."""
    spoken = ["en"] * 70 + ["de"] * 20 + [""] * 5 + [None] * 5
    rows = [
        {"id": f"web:{number}", "text": f"{language or 'und'} " * 25, "split": "train", "language": language}
        for number, language in enumerate(spoken)
    ]
    sources = {"web": [open_artefact(publish_rows(tmp_path / "web" / "0000.json", rows, CURATED_SCHEMA))]}
    size = sum(bytes_of(sources).values())
    texts = sample_texts(sources, size // 5, 1, {}, {})["web"]
    for language, total in bytes_of(sources).items():
        taken = sum(len(text) for text in texts if text.startswith(language[1]))
        assert total // 5 - 1 <= taken <= total // 5


def test_sources_share_by_their_weights(tmp_path: Path) -> None:
    both = {}
    for name in ("a", "b"):
        rows = [{"id": f"{name}:{number}", "text": "x" * 100, "split": "train"} for number in range(100)]
        both[name] = [open_artefact(publish_rows(tmp_path / name / "0000.json", rows, CURATED_SCHEMA))]
    found = sample_texts(both, 8_000, 1, {"a": 3.0}, {})
    assert {name: sum(map(len, texts)) for name, texts in found.items()} == {"a": 6_000, "b": 2_000}
