"""Every rule cuts where its paper says, every verdict is kept, and overrides hold for their sources, languages and scripts."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scripts.cleaning import select
from scripts.cleaning.choices import Choice
from scripts.cleaning.filters import FAMILIES, Limit, Rule, known_rules
from scripts.cleaning.measures import measure
from scripts.cleaning.urls import MEASURED_OF_URLS, UrlLists
from scripts.lib.documents import read_batches
from scripts.lib.manifest import load_manifest
from scripts.lib.unspaced import UNSPACED
from scripts.registry.filtering import filters_of_source, line_edits_of_source
from scripts.registry.local import LocalDigests
from tests.making import arguments, publish_rows

RULES = list(known_rules().values())
COLUMNS = [column for column in select.columns_of(RULES) if column not in MEASURED_OF_URLS]
SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("id", "url", "language")),
        *((name, pa.float64()) for name in ["unspaced_ratio", *COLUMNS]),
    ]
)
NO_LISTS = UrlLists({})
Row = dict[str, Any]


def passing(identifier: str = "a", **changes: Any) -> Row:
    """A row of annotations in which every rule of every family passes."""
    row: Row = {"id": identifier, "url": "https://example.net/page", "language": "en", "unspaced_ratio": 0.0}
    for name in COLUMNS:
        lows = [rule.threshold for rule in RULES if rule.column == name and rule.at_least]
        lows += [rule.unspaced.threshold for rule in RULES if _varies(rule, name) and rule.at_least]
        row[name] = max(lows, default=0.0)
    return row | changes


def _varies(rule: Rule, column: str) -> bool:
    return isinstance(rule.unspaced, Limit) and rule.unspaced.column == column


def chosen(**given: Any) -> Choice:
    return Choice.of({"families": [], "thresholds": {}, "languages": None, "overrides": [], **given})


def override(**given: Any) -> Row:
    return {"languages": None, "families": None, "thresholds": {}, **given}


def judged(row: Row, choice: Choice, lists: UrlLists = NO_LISTS) -> Row:
    batch = pa.RecordBatch.from_pylist([row], schema=SCHEMA)
    found: Row = select.verdicts(batch, choice, lists).to_pylist()[0]
    return found


def beyond(threshold: float, at_least: bool) -> float:
    return float(np.nextafter(threshold, -np.inf if at_least else np.inf))


MEASURED_RULES = [rule for rule in RULES if rule.family != "url"]


@pytest.mark.parametrize("rule", MEASURED_RULES, ids=lambda rule: rule.name)
def test_a_rule_passes_at_its_threshold_and_fails_beyond(rule: Rule) -> None:
    choice = chosen(families=[rule.family])
    assert judged(passing(**{rule.column: rule.threshold}), choice)[rule.name] is True
    failing = judged(passing(**{rule.column: beyond(rule.threshold, rule.at_least)}), choice)
    assert (failing["kept"], failing["reason"], failing[rule.name]) == (False, rule.name, False)


@pytest.mark.parametrize("rule", MEASURED_RULES, ids=lambda rule: rule.name)
def test_scripts_without_spaces_have_their_own_limits(rule: Rule) -> None:
    """At the limit for them a document passes and beyond it fails, or nothing that is measured can make it fail."""
    choice = chosen(families=[rule.family])
    ours = {"unspaced_ratio": UNSPACED, "language": rule.language or "ja"}
    if rule.unspaced == "skip":
        for value in (-1e9, 1e9):
            assert judged(passing(**ours, **{rule.column: value}), choice)[rule.name] is None
        return
    other = rule.unspaced if isinstance(rule.unspaced, Limit) else rule
    assert judged(passing(**ours, **{other.column: other.threshold}), choice)[rule.name] is True
    lost = judged(passing(**ours, **{other.column: beyond(other.threshold, rule.at_least)}), choice)
    assert lost[rule.name] is False
    spaced = {**ours, "unspaced_ratio": beyond(UNSPACED, True)}
    assert judged(passing(**spaced, **{rule.column: rule.threshold}), choice)[rule.name] is True


def test_a_chinese_page_is_not_dropped_for_having_one_word() -> None:
    """As splitters at spaces measure it: one word of 300 characters, no stop word, no line with three words."""
    measured = {"words": 1, "mean_word_length": 300, "stop_words": 0, "c4_sentences": 0, "punctuated_line_ratio": 0}
    page = passing(language="zh", unspaced_ratio=0.97, characters=300, **measured)
    families = [family for family in FAMILIES if family != "url"]
    assert judged(page, chosen(families=families))["reason"] is None
    assert judged({**page, "unspaced_ratio": 0.1}, chosen(families=families))["reason"] == "gopher_quality.min_words"


def test_a_page_of_chinese_with_code_and_names_is_judged_as_chinese() -> None:
    """Two letters in three are Latin, yet most of what is measured are single characters."""
    sentence = "使用者可以執行 apt-get update 和 systemctl restart networking 這兩個命令來更新系統設定。"
    measured = measure("\n".join(f"{number}. {sentence}" for number in range(20)))
    assert UNSPACED <= measured["unspaced_ratio"] < 0.5
    assert measured["mean_word_length"] < 3
    row = passing(language="zh-hant", unspaced_ratio=measured["unspaced_ratio"])
    row |= {name: measured[name] for name in ("words", "characters", "mean_word_length", "stop_words")}
    assert judged(row, chosen(families=["gopher_quality"]))["reason"] is None


def test_tibetan_is_not_dropped_for_marks_between_its_syllables(shared_data: Path) -> None:
    """A third of the characters of its declaration of human rights that are no vowel signs are such marks."""
    with zipfile.ZipFile(shared_data / "nltk-data" / "udhr2.zip") as archive:
        measured = measure(archive.read("udhr2/bod.txt").decode("utf-8"))
    families = [family for family in FAMILIES if family != "url"]
    assert judged(passing(language="bo", **measured), chosen(families=families))["reason"] is None


@pytest.mark.parametrize("language", ["de", "und", None, "zh-hans"])
def test_english_stop_words_condemn_english_alone(language: str | None) -> None:
    choice = chosen(families=["gopher_quality"])
    assert judged(passing(stop_words=0, language=language), choice)["reason"] is None
    assert judged(passing(stop_words=0), choice)["reason"] == "gopher_quality.min_stop_words"


def test_every_rule_says_from_where_its_threshold_is() -> None:
    for rule in RULES:
        assert len(rule.paper) > 20
        assert not isinstance(rule.unspaced, Limit) or len(rule.unspaced.paper) > 20


def test_gophers_rules_name_the_place_where_the_paper_has_them() -> None:
    """Table A1 has the limits of repetitions alone."""
    papers = {family: {rule.paper for rule in FAMILIES[family]} for family in ("gopher_quality", "gopher_repetition")}
    assert all(paper.endswith("section A.1.1") for paper in papers["gopher_quality"])
    assert all(paper.endswith("table A1") for paper in papers["gopher_repetition"])


def test_a_tag_covers_what_refines_it() -> None:
    row = passing(language="zh-hant")
    assert judged(row, chosen(languages=["zh"]))["kept"] is True
    assert judged(row, chosen(languages=["zh-hans"]))["reason"] == "language"
    assert judged(passing(language=None), chosen(languages=["en"]))["reason"] == "language"


RULE = "gopher_repetition.max_top_4_gram"  # 0.16, in scripts without spaces 0.256


def limit(choice: Choice, language: str, unspaced: bool = False) -> float | None:
    found = choice.applied(known_rules()[RULE], language, unspaced)
    return None if found is None else found.threshold


def test_later_overrides_win_and_hold_for_their_languages() -> None:
    families = ["gopher_repetition"]
    overrides = [
        override(languages=["de", "zh"], thresholds={RULE: 0.5}),
        override(languages=["de"], thresholds={RULE: 0.6}),
        override(languages=["nl"], families=["length"]),
        override(languages=["fr"], thresholds={RULE: None}),
    ]
    choice = chosen(families=families, thresholds={RULE: 0.3}, overrides=overrides)
    assert [limit(choice, name) for name in ("en", "de", "zh-hans", "nl", "fr")] == [0.3, 0.6, 0.5, None, None]
    assert limit(choice, "ja", unspaced=True) == 0.256
    assert limit(choice, "zh", unspaced=True) == 0.5
    choice = chosen(families=families, overrides=[*overrides, override(thresholds={RULE: 0.4})])
    assert [limit(choice, name) for name in ("en", "de", "nl", "fr")] == [0.4, 0.4, None, 0.4]
    assert limit(choice, "zh", unspaced=True) == 0.256
    assert limit(chosen(families=families, thresholds={RULE: None}), "ja", unspaced=True) is None


def test_an_override_of_a_language_brings_back_a_rule_that_its_script_is_spared() -> None:
    rule = "fineweb.min_punctuated_lines"
    row = passing(language="zh", unspaced_ratio=1.0, punctuated_line_ratio=0.1)
    assert judged(row, chosen(families=["fineweb"]))[rule] is None
    strict = chosen(families=["fineweb"], overrides=[override(languages=["zh"], thresholds={rule: 0.106})])
    assert judged(row, strict)["reason"] == rule


def test_an_override_may_add_a_family_for_a_language() -> None:
    choice = chosen(families=["length"], overrides=[override(languages=["de"], families=["length", "c4"])])
    assert judged(passing(curly_brackets=1), choice)["c4.max_curly_brackets"] is None
    assert judged(passing(curly_brackets=1, language="de"), choice)["reason"] == "c4.max_curly_brackets"
    assert choice.described()["c4.max_curly_brackets"] == {"all": [], "de": ["curly_brackets", "<=", 0]} | {
        "de unspaced": ["curly_brackets", "<=", 0]
    }


def test_a_variant_of_a_language_is_told_where_it_differs_from_the_language() -> None:
    rule = "gopher_quality.min_words"
    general = chosen(families=["gopher_quality"]).described()[rule]["unspaced"]
    overrides = [
        override(languages=["zh"], thresholds={rule: 10}),
        override(languages=["zh-hant"], thresholds={rule: general[2]}),
    ]
    choice = chosen(families=["gopher_quality"], overrides=overrides)
    assert choice.described()[rule]["zh-hant unspaced"] == general
    assert judged(passing(language="zh-hant", unspaced_ratio=1.0, characters=50), choice)[rule] is False
    assert judged(passing(language="zh-hans", unspaced_ratio=1.0, characters=50), choice)[rule] is True


def test_the_manifest_tells_every_threshold_that_was_used() -> None:
    told = chosen(families=["gopher_quality"]).described()
    assert told["gopher_quality.min_words"] == {"all": ["words", ">=", 50], "unspaced": ["characters", ">=", 100]}
    assert told["gopher_quality.max_mean_word_length"] == {"all": ["mean_word_length", "<=", 10], "unspaced": []}
    assert told["gopher_quality.min_stop_words"] == {"all": [], "en": ["stop_words", ">=", 2]}
    assert told["gopher_quality.max_hash_ratio"] == {"all": ["hash_ratio", "<=", 0.1]}


FILTERS: Row = {
    "families": ["length"],
    "thresholds": {},
    "languages": None,
    "overrides": [
        {"sources": ["web"], "line_edits": ["c4"], **override(families=["length", "c4"])},
        {
            "sources": ["books"],
            "line_edits": None,
            **override(languages=["de"], thresholds={"length.min_characters": 9}),
        },
        {"sources": None, "line_edits": None, **override(thresholds={"length.min_characters": 5})},
    ],
    "url_lists": {"domains": [], "urls": [], "words": [], "soft_words": [], "substrings": []},
    "line_edits": [],
}


def test_a_source_is_given_its_overrides_alone() -> None:
    digests = LocalDigests()
    mine = {name: filters_of_source(FILTERS, name, digests) for name in ("web", "books", "news")}
    assert [one["families"] for one in mine["web"]["overrides"]] == [["length", "c4"], None]
    assert [one["languages"] for one in mine["books"]["overrides"]] == [["de"], None]
    assert len(mine["news"]["overrides"]) == 1
    assert all("sources" not in one for name in mine for one in mine[name]["overrides"])
    assert mine["web"]["url_lists"] == {}
    assert [line_edits_of_source(FILTERS, name) for name in mine] == [["c4"], [], []]
    assert line_edits_of_source({"line_edits": ["refinedweb", "c4"], "overrides": []}, "a") == [
        "c4",
        "refinedweb",
    ]  # one order


def run_select(folder: Path, rows: list[Row], **changes: Any) -> Path:
    annotations = publish_rows(folder / "annotations" / "0000.json", rows, SCHEMA)
    manifest = folder / "selection" / "0000.json"
    settings = {"families": [], "thresholds": {}, "languages": None, "overrides": [], "url_lists": {}, **changes}
    assert select.main(arguments(settings, annotations=annotations, manifest=manifest)) == 0
    return manifest


def test_select_keeps_every_verdict_and_the_first_reason(tmp_path: Path) -> None:
    rows = [
        passing("a"),
        passing("b", words=3, mean_word_length=99.0),
        passing("c", language="de"),
        passing("d", duplicate_line_ratio=0.31),
    ]
    manifest = run_select(
        tmp_path,
        rows,
        families=["gopher_quality", "gopher_repetition"],
        thresholds={"gopher_repetition.max_duplicate_lines": 0.5},
        languages=["en"],
    )
    table = pq.read_table(manifest.with_suffix(".parquet")).to_pylist()
    assert [row["kept"] for row in table] == [True, False, False, True]
    assert [row["reason"] for row in table] == [None, "gopher_quality.min_words", "language", None]
    assert table[1]["gopher_quality.max_mean_word_length"] is False
    assert table[1]["gopher_quality.max_words"] is True
    content = load_manifest(manifest)
    assert content["accounting"] == {
        "in": 4,
        "kept": 2,
        "removed": {"gopher_quality.min_words": 1, "language": 1},
        "quarantined": {},
    }
    assert content["summary"]["failed"]["gopher_quality.max_mean_word_length"] == 1
    told = content["summary"]["thresholds"]["gopher_repetition.max_duplicate_lines"]
    assert told == {"all": ["duplicate_line_ratio", "<=", 0.5]}


def test_batches_do_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Verdicts of 500 documents, three at a time or all at once, are the same."""
    values = np.random.default_rng(1).random(500)
    languages = ["en", "de", None, "zh"]
    rows = [
        passing(str(i), language=languages[i % 4], unspaced_ratio=round(value), top_4_gram_ratio=value / 2)
        for i, value in enumerate(values)
    ]
    settings = {"families": ["gopher_repetition"], "overrides": [override(languages=["de"], thresholds={RULE: 0.4})]}
    whole = run_select(tmp_path / "a", rows, **settings)
    monkeypatch.setattr(select, "ROWS", 3)
    pieces = run_select(tmp_path / "b", rows, **settings)
    assert pq.read_table(whole.with_suffix(".parquet")).equals(pq.read_table(pieces.with_suffix(".parquet")))
    first, second = load_manifest(whole), load_manifest(pieces)
    assert first["accounting"] == second["accounting"]
    assert 0 < first["accounting"]["kept"] < 500
    for row, verdict in zip(rows, pq.read_table(whole.with_suffix(".parquet")).to_pylist(), strict=True):
        unspaced = row["unspaced_ratio"] >= UNSPACED
        most = 0.4 if row["language"] == "de" else 0.256 if unspaced else 0.16
        assert verdict["kept"] == (row["top_4_gram_ratio"] <= most)


def test_no_document_is_no_verdict(tmp_path: Path) -> None:
    content = load_manifest(run_select(tmp_path, [], families=["c4"], languages=["en"]))
    assert content["accounting"] == {"in": 0, "kept": 0, "removed": {}, "quarantined": {}}


def test_annotations_that_lack_a_column_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = pa.schema([("id", pa.string()), ("language", pa.string()), ("unspaced_ratio", pa.float64())])
    annotations = publish_rows(tmp_path / "0000.json", [], old)
    settings = {"families": ["length"], "thresholds": {}, "languages": None, "overrides": [], "url_lists": {}}
    assert select.main(arguments(settings, annotations=annotations, manifest=tmp_path / "out.json")) == 1
    assert "has no column characters; remove its manifest" in capsys.readouterr().err


def test_a_file_that_is_no_table_is_refused(tmp_path: Path) -> None:
    assert list(read_batches(publish_rows(tmp_path / "x.json", [], SCHEMA).with_suffix(".parquet"))) == []
