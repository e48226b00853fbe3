"""The verdicts of filters as a trace shows them: value, limit, and what was found."""

from __future__ import annotations

from scripts.reproducibility.tracing import applied, verdicts


def test_the_score_of_a_classifier_is_the_value_of_its_verdict() -> None:
    row = {"id": "a", "quality.min_score": False, "quality": 0.25}
    (verdict,) = verdicts(row, {"quality.min_score": {"all": ["quality", ">=", 0.5]}}, {})
    assert (verdict["value"], verdict["threshold"], verdict["passed"]) == (0.25, 0.5, False)


def test_the_entries_that_match_an_address_are_shown() -> None:
    row = {
        "id": "a",
        "url.max_words": False,
        "url.max_substrings": None,
        "url_words": ["casino"],
        "url_substrings": None,
    }
    limits = {
        "url.max_words": {"all": ["url_words", "<=", 0]},
        "url.max_substrings": {"all": ["url_substrings", "<=", 0]},
    }
    first, second = verdicts(row, limits, {})
    assert (first["value"], first["threshold"], first["found"]) == (1, 0, ["casino"])
    assert second["value"] is None
    assert "found" not in second


def test_the_limit_of_a_language_and_script_is_shown() -> None:
    limits = {
        "all": ["words", ">=", 50],
        "unspaced": ["characters", ">=", 100],
        "zh": ["words", ">=", 9],
        "zh-hant unspaced": ["characters", ">=", 70],
    }
    assert applied(limits, {"language": "en"}) == ("words", ">=", 50)
    assert applied(limits, {"language": "zh", "unspaced_ratio": 0.1}) == ("words", ">=", 9)
    assert applied(limits, {"language": "zh", "unspaced_ratio": 0.9}) == ("characters", ">=", 100)
    assert applied(limits, {"language": "zh-hant", "unspaced_ratio": 0.9}) == ("characters", ">=", 70)
    assert applied(limits, {"language": None}) == ("words", ">=", 50)
    assert verdicts({"id": "a", "r.s": False}, {"r.s": 3}, {"r.s": 2})[0] == {
        "rule": "r.s",
        "passed": False,
        "value": 2,
        "sign": None,
        "threshold": 3,
    }
