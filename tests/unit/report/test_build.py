"""The page is built from manifests by its command line, and every figure in it shows something and says of how many."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path

import pytest

from scripts.lib.manifest import load_manifest
from scripts.report import build
from tests.look_at_report import faults
from tests.making import arguments
from tests.unit.report import made


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("report")


@pytest.fixture(scope="module")
def inputs(results: Path) -> dict[str, list[Path]]:
    return made.everything(results)


@pytest.fixture(scope="module")
def page(results: Path, inputs: dict[str, list[Path]]) -> str:
    """The whole page, timings included."""
    places = {
        "manifest": results / "report.json",
        "benchmarks": made.timings(results),
        "checkpoints": made.checkpoints(results, inputs["models"][0]),
    }
    assert build.main(arguments(made.SETTINGS, **inputs, **places)) == 0
    return (results / "report.html").read_text("utf-8")


def test_every_role_of_the_rule_is_on_the_page(inputs: dict[str, list[Path]], page: str) -> None:
    assert set(inputs) == set(build.ROLES)
    headings = re.findall(r'<h2 id="[^"]*">([^<]*)', page)
    assert headings == [
        *("Sources", "Corpora", "Classifiers of quality", "Tasks", "Tokenizers", "Models", "Zero-shot"),
        *("Fine-tuning", "How it was made"),
    ]


def test_every_figure_shows_something_and_its_caption_has_units_and_n(page: str) -> None:
    assert faults(page) == []
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", page)
    assert len(captions) == len(re.findall("<figure", page)) == 30, "the two models made up here are of one recipe"
    assert "Validation while training (bits per byte; n = 2,468 tokens, the same each time)" in captions
    assert "Validation while training (nats per masked token; n = 2,468 tokens, the same each time)" in captions
    assert "Speed of training, model tiny (tokens a second, mean over runs of steps; n = 8 steps)" in captions
    assert ">tiny: 5008 at 8<" in page and "model tiny (ratio, mean over runs of steps; n = 4 steps)" in page
    assert "Training loss (nats per token, mean over runs of steps; n = 8 steps)" in captions
    assert "Training loss (nats per masked token, mean over runs of steps; n = 8 steps)" in captions
    assert "The rules of the default configuration, indirect edges left out (rules; n = 23 rules)" in captions


def test_a_corpus_of_which_there_is_little_to_say_has_no_empty_figure(tmp_path: Path) -> None:
    """Nothing was removed, replaced or found twice, no evaluation items were looked for, and nothing came after cleaning."""
    quiet = {
        role: [made.publish(path, summary)]
        for role, path, summary in [
            ("documents", tmp_path / "sources/web/documents/0000.json", {}),
            ("curated", tmp_path / "corpora/main/documents/web/0000.json", {"splits": {"train": 10}, "pii": {}}),
            ("duplicates", tmp_path / "corpora/main/duplicates.json", {"cluster_sizes": {}}),
            ("contamination", tmp_path / "corpora/main/contamination.json", {}),
            ("audits", tmp_path / "corpora/main/audit.json", {"groups": []}),
        ]
    }
    settings = {**made.SETTINGS, "origins": {"web": "A crawl"}, "corpora": {"main": ["web"]}, "acceptances": []}
    assert build.main(arguments(settings, **quiet, manifest=tmp_path / "report.json")) == 0
    assert faults((tmp_path / "report.html").read_text("utf-8")) == []


def test_a_baseline_stands_under_its_own_name(page: str) -> None:
    """A copy of the source is no majority class."""
    rows = re.findall(r"<tr><td>tiny</td>.*?</tr>", page)
    assert any("phrases (test)</td><td>BLEU" in row and "<td>copy of the source</td>" in row for row in rows)
    assert any("quiz (test)</td><td>accuracy" in row and "<td>majority class</td>" in row for row in rows)
    assert '<th class="n">majority class</th>' not in page


def test_the_page_names_every_change_of_code_that_was_accepted(page: str) -> None:
    assert "recorded as changing no result: scripts.cleaning.select (a function became two)." in page


SPOILED = {
    "a caption alone": (r"<div class=\"bar\">.*?<div class=\"legend\">.*?</div>", "", "is empty"),
    "bars without a part": (r"<b style=.*?</b>", "", "is empty"),
    "a chart without a line": (r"<polyline.*?</polyline>", "", "is empty"),
    "a line without points": (r' points="[^"]*"', ' points=""', "is empty"),
    "no text": (r"<blockquote>.*?</blockquote>", "", "is empty"),
    "a table of a header alone": (r"<tr><td>.*?</tr>", "", "no cell with text"),
    "cells without text": (r"<td[^>]*>.*?</td>", "<td> </td>", "no cell with text"),
    "a caption without n": (r"; n = [\d,]+", "", r"lacks \(units; n"),
    "a caption without units": (r"\([^();]*; n = ", "(n = ", r"lacks \(units; n"),
    "a figure without a caption": (r"<figcaption>.*?</figcaption>", "", r"lacks \(units; n"),
    "no figure": (r"<figure.*</figure>", "", "there is no figure"),
}


@pytest.mark.parametrize("name", SPOILED)
def test_a_spoiled_page_is_noticed(page: str, name: str) -> None:
    pattern, replacement, sentence = SPOILED[name]
    spoiled, count = re.subn(pattern, replacement, page, flags=re.S)
    assert count
    assert re.search(sentence, "\n".join(faults(spoiled)))


def test_timings_are_no_part_of_the_canonical_digest(
    results: Path, inputs: dict[str, list[Path]], page: str, tmp_path: Path
) -> None:
    manifest = tmp_path / "report.json"
    assert build.main(arguments(made.SETTINGS, **inputs, manifest=manifest)) == 0
    (with_timings,), (without,) = (load_manifest(path)["files"] for path in (results / "report.json", manifest))
    assert with_timings["sha256"] != without["sha256"]
    assert with_timings["canonical"] == without["canonical"]


@pytest.mark.parametrize("leaf", ["origins.nowhere", "colour"])
def test_a_setting_that_the_page_does_not_show_is_refused(
    inputs: dict[str, list[Path]], tmp_path: Path, leaf: str
) -> None:
    settings = copy.deepcopy(made.SETTINGS)
    above, _, name = leaf.rpartition(".")
    (settings[above] if above else settings)[name] = "x"
    with pytest.raises(AssertionError, match=f"never read: {leaf}$"):
        build.main(arguments(settings, **inputs, manifest=tmp_path / "report.json"))
    assert not (tmp_path / "report.html").exists()


def test_a_wrong_digest_of_an_input_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    inputs = made.everything(tmp_path)
    metrics = tmp_path / "models/tiny/metrics.jsonl"
    metrics.write_text(json.dumps({"step": 1, "loss": 0.0}) + "\n", encoding="utf-8")
    assert build.main(arguments(made.SETTINGS, **inputs, manifest=tmp_path / "report.json")) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ") and "metrics.jsonl" in error
