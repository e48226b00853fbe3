"""A wrong configuration is one sentence that names the key, before anything runs: sources, corpora, the file itself."""

from __future__ import annotations

import copy
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.lib.errors import UserError
from scripts.registry.config import check_files, complete_config, read_yaml
from scripts.registry.local import LocalDigests
from scripts.registry.workflow import Registry
from tests.unit.registry.good_config import GOOD, Edit, drop, put, require_one_sentence

UNREADABLE = "/proc/self/mem"  # also for those who may read everything, as tests often run


def source(**given: Any) -> Edit:
    """Return an edit that makes the source `one` of these keys alone."""
    return put("sources.one", {"license": "CC0-1.0", **given})


def override(**given: Any) -> Edit:
    """Return an edit that gives the corpus one override of these keys."""
    return put("corpora.main.filters", {"overrides": [given]})


BAD: list[tuple[Edit, str]] = [
    (put("sead", 1), r"unknown key 'sead'; did you mean 'seed'"),
    (put("sources.one.licence", "x"), r"sources\.one has the unknown key 'licence'; did you mean 'license'"),
    (put("seed", "one"), r"seed is 'one', but it must be of type integer"),
    (put("seed", -1), r"seed is -1, but it must be at least 0"),
    (put("seed", 1.5), r"seed is 1\.5, but it must be of type integer"),
    (
        put("sources.one.max_quarantined", float("nan")),
        r"sources\.one\.max_quarantined is nan, but it must be a finite",
    ),
    (
        put("models.tiny.training.optimizer.learning_rate", float("inf")),
        r"learning_rate is inf, but it must be a finite",
    ),
    (
        put("models.tiny.training.optimizer.betas", [0.9, "-inf"]),
        r"optimizer\.betas\.1 is -inf, but it must be a finite",
    ),
    (drop("sources"), r"lacks the key 'sources'"),
    (put("sources", {}), r"sources is \{\}, but it must be of size at least 1"),
    (drop("sources.one.license"), r"sources\.one lacks the key 'license'"),
    (put("sources.one.kind", "pdf"), r"sources\.one\.kind is 'pdf'; choose one of"),
    (put("sources.one.parts", 0), r"sources\.one\.parts is 0, but it must be at least 1"),
    (put("sources.one.parts", 3), r"sources\.one\.parts is 3, but it has 1 files"),
    (put("sources.one.files", []), r"sources\.one\.files is \[\], but it must be of length at least 1"),
    (put("sources.one.files", [{"path": "missing.txt"}]), r"sources\.one\.files: there is no file missing\.txt"),
    (put("sources.one.files", [{"path": "fold*"}]), r"sources\.one\.files: there is no file fold\*"),
    (put("sources.one.files", [{"path": "a.txt"}, {"path": "a.txt"}]), r"lists a\.txt twice"),
    (put("sources.one.files", [{"path": "a.txt", "sha256": "abc"}]), r"sources\.one\.files\.0\.sha256 is 'abc'"),
    (
        put("sources.one.files", [{"path": "ftp://x.test/a"}]),
        r"files: ftp://x\.test/a is no address that is opened here",
    ),
    (put("sources.one.files", [{"path": "https://me:hush@x.test/a"}]), r"a user name or password.*use ~/\.netrc"),
    (put("sources.one.files", [{"path": "https://x.test/a?api_key=hush"}]), r"the parameter api_key.*use ~/\.netrc"),
    (put("sources.one.files", [{"path": "https://x.test/*.gz"}]), r"is an address, which cannot be a pattern"),
    (put("sources.one.files", [{"path": "a.txt", "checksums": "https://x.test/sums"}]), r"checksums is for addresses"),
    (put("sources.one.crawl", {"snapshot": "CC-MAIN-2024-10"}), r"crawl is for sources of kind common_crawl, not text"),
    (source(kind="common_crawl", crawl={"snapshot": "CC-MAIN-24"}), r"crawl\.snapshot is 'CC-MAIN-24'"),
    (
        source(kind="common_crawl", crawl={"snapshot": "CC-MAIN-2024-10", "files": 2, "share": 0.1}),
        r"has files and share",
    ),
    (source(kind="common_crawl"), r"sources\.one\.files is \[\], but it must be of length at least 1"),
    (source(kind="wikipedia", dump={"language": "en", "date": "latest"}), r"dump\.date is 'latest'"),
    (
        source(kind="huggingface", dataset={"name": "org/set"}),
        r"dataset\.revision is null, but org/set is no local path",
    ),
    (source(kind="huggingface", dataset={"name": "org/set", "revision": "main"}), r"dataset\.revision is 'main'"),
    (source(kind="huggingface", files=[{"path": "a.txt"}]), r"needs a dataset and no files"),
    (
        source(kind="wikipedia", files=[{"path": "a.txt"}], dump={"language": "en", "date": "20240101"}),
        r"has dump and files or a package",
    ),
    (put("downloads", {"connections": 0}), r"downloads\.connections is 0, but it must be at least 1"),
    (
        put("models.tiny.from", {"model": "tiny", "stp": 100}),
        r"models\.tiny\.from has the unknown key 'stp'; did you mean",
    ),
    (put("models.tiny.from", "trunk"), r"models\.tiny\.from is 'trunk', but it must be of type object or null"),
    (put("models.tiny.training.spikes", {"window": 9}), r"training\.spikes lacks the key 'action'; add it"),
    (put("corpora.main.deduplicate", {"near": {"bands": 2}}), r"deduplicate\.near lacks the key 'rows'; add it"),
    (put("lexicons.names.files", ["a.txt", "a.txt"]), r"lexicons\.names\.files is .*nothing may stand in it twice"),
    (put("sources.one.language", False), r"sources\.one\.language is False, but it must be of type string.*put quotes"),
    (put("sources.two.package.version", 1.1), r"version is 1\.1, but it must be of type string; put quotes around it"),
    (put("sources.one.origin", date(2024, 1, 1)), r"origin is 2024-01-01, but it must be of type string; put quotes"),
    (
        put("sources", {2024: GOOD["sources"]["one"]}),
        r"sources has the name 2024, which is no text; put quotes around it",
    ),
    (
        put("lexicons.names", {"languages": {False: ["a.txt"]}}),
        r"languages has the name False, which is no text; put quo",
    ),
    (
        put("tokenizers.small.language_weights", {"de": 2, False: 2}),
        r"tokenizers\.small\.language_weights has the name False, which is no text",
    ),
    (put("sources.one.language", "English"), r"sources\.one\.language is 'English'"),
    (put("sources.one.options", {"colour": "red"}), r"sources\.one\.options\.colour is not known"),
    (put("sources.one.max_quarantined", 2), r"max_quarantined is 2, but it must be at most 1"),
    (put("sources.two.package.registry", "conda"), r"registry is 'conda'; choose one of"),
    (put("sources.two.package.form", "deb"), r"form is 'deb'; choose one of wheel, sdist, null"),
    (
        put("sources.two.package", {"registry": "debian", "name": "bees", "version": "2.0", "form": "wheel"}),
        r"sources\.two\.package\.form of bees is wheel, but debian has deb; correct or remove it",
    ),
    (
        put("tasks.quiz.package", {"registry": "npm", "name": "-x", "version": "2"}),
        r"tasks\.quiz\.package\.name is '-x', which is no name",
    ),
    (put("sources.Two Words", {}), r"name 'Two Words' may only have lower-case letters"),
    (put("corpora.main.sources", ["three"]), r"corpora\.main\.sources names 'three', which is not under sources"),
    (put("corpora.main.sources", ["one", "one"]), r"corpora\.main\.sources"),
    (
        put("corpora.main.filters", {"thresholds": {"gopher_quality.nothing": 1}}),
        r"'gopher_quality\.nothing', which is no rule",
    ),
    (put("corpora.main.filters", {"families": ["best"]}), r"families\.0 is 'best'; choose one of"),
    (
        put("corpora.main.filters", {"thresholds": {"url.max_words": 1}}),
        r"url\.max_words belongs to a family that is not",
    ),
    (
        put("corpora.main.filters", {"thresholds": {"c4.min_sentences": "few"}}),
        r"is 'few', but it must be of type number",
    ),
    (put("corpora.main.filters", {"languages": ["English"]}), r"languages\.0 is 'English', but it must be of the form"),
    (
        put("corpora.main.filters", {"languages": []}),
        r"filters\.languages is \[\], but it must be of length at least 1",
    ),
    (
        put("corpora.main.filters", {"languages": ["en", "ger"]}),
        r"filters\.languages has 'ger', which no document is identified as",
    ),
    (override(), r"filters\.overrides\.0 changes nothing; give it families, thresholds or line_edits"),
    (override(source=["one"]), r"overrides\.0 has the unknown key 'source'; did you mean 'sources'"),
    (
        override(sources=["three"], families=[]),
        r"overrides\.0\.sources names 'three', which is no source of the corpus",
    ),
    (override(sources=[], families=[]), r"overrides\.0\.sources is \[\], but it must be of length at least 1"),
    (override(languages=["EN"], families=[]), r"overrides\.0\.languages\.0 is 'EN', but it must be of the form"),
    (
        override(languages=["zh-tw"], families=[]),
        r"overrides\.0\.languages has 'zh-tw', which no document is identified",
    ),
    (override(families=["best"]), r"overrides\.0\.families\.0 is 'best'; choose one of"),
    (override(thresholds={"c4.sentences": 1}), r"overrides\.0\.thresholds names 'c4\.sentences', which is no rule"),
    (override(languages=["de"], line_edits=["c4"]), r"overrides\.0 has languages and line_edits"),
    (
        override(languages=["de"], thresholds={"gopher_quality.min_stop_words": 1}),
        r"min_stop_words is a rule for the language en alone",
    ),
    (put("corpora.main.filters", {"line_edits": ["C4"]}), r"line_edits\.0 is 'C4'; choose one of c4"),
    (put("corpora.main.filters", {"families": ["url"]}), r"families has url, but url_lists names no file"),
    (put("corpora.main.filters", {"url_lists": {"domains": ["a.txt"]}}), r"url_lists is for the family url"),
    (
        put("corpora.main.filters", {"families": ["url"], "url_lists": {"words": ["b.txt"]}}),
        r"url_lists\.words: there is no file b\.txt",
    ),
    (put("corpora.main.filters", {"url_lists": {"hosts": []}}), r"url_lists has the unknown key 'hosts'"),
    (put("corpora.main.filters", {"lexicons": ["bad"]}), r"filters\.lexicons names 'bad', which is not under lexicons"),
    (put("corpora.main.filters", {"families": ["lexicon"]}), r"families has lexicon, but lexicons names none"),
    (
        put("corpora.main.filters", {"families": ["length"], "lexicons": ["names"]}),
        r"lexicons is for the family lexicon, which is not used",
    ),
    (
        put(
            "corpora.main.filters",
            {"families": ["lexicon"], "lexicons": ["names"], "thresholds": {"lexicon.bad.max_share": 1}},
        ),
        r"thresholds names 'lexicon\.bad\.max_share', which is no rule; .*lexicon\.names\.max_share",
    ),
    (put("lexicons.names", {}), r"lexicons\.names names no list; add one to files or languages"),
    (put("lexicons.names", {"files": ["b.txt"]}), r"lexicons\.names\.files: there is no file b\.txt"),
    (
        put("lexicons.names", {"files": [UNREADABLE]}),
        rf"{UNREADABLE} cannot be read \(Input/output error\); correct its",
    ),
    (
        put("lexicons.names", {"languages": {"ger": ["a.txt"]}}),
        r"lexicons\.names\.languages has 'ger', which no document is identified as",
    ),
    (
        put("lexicons.names", {"languages": {"de": ["b.txt"]}}),
        r"lexicons\.names\.languages\.de: there is no file b\.txt",
    ),
    (
        put("corpora.main.deduplicate", {"near": {"bands": 64, "rows": 8}}),
        r"64 x 8 numbers, but signatures\.permutations is 128",
    ),
    (put("corpora.main.decontaminate", {"tasks": ["boolq"]}), r"names 'boolq', which is not under tasks"),
    (
        put("classifiers.prose", {"positive": ["three"], "negative": ["two"]}),
        r"prose\.positive names 'three', which is not",
    ),
    (
        put("classifiers.prose", {"positive": ["one"], "negative": ["three"]}),
        r"prose\.negative names 'three', which is not",
    ),
    (
        put("classifiers.prose", {"positive": [], "negative": ["two"]}),
        r"prose\.positive is \[\], but it must be of length",
    ),
    (put("classifiers.prose", {"positive": ["one"]}), r"classifiers\.prose lacks the key 'negative'"),
    (
        put("classifiers.prose", {"positive": ["one"], "negative": ["two", "one"]}),
        r"classifiers\.prose has 'one' under positive and under negative; remove it from one of them",
    ),
    (
        put("classifiers.prose", {"positive": ["one"], "negative": ["two"], "held_out": 1}),
        r"held_out is 1, but it must be below 1",
    ),
    (
        put("corpora.main.filters", {"quality": {"classifier": "best"}}),
        r"quality\.classifier names 'best', which is not",
    ),
    (put("corpora.main.filters", {"quality": {"minimum": 0.5}}), r"filters\.quality"),
    (
        put("corpora.main.filters", {"quality": {"classifier": "prose", "sources": ["three"]}}),
        r"quality\.sources names 'three', which is no source of the corpus",
    ),
    (put("corpora.main.split", {"validation": 0.5, "test": 0.5}), r"split leaves nothing to train on"),
    (put("corpora.main.split", {"validation": -0.1}), r"validation is -0\.1, but it must be at least 0"),
]


def test_an_alias_of_yaml_is_completed_in_each_place_for_itself(folder: Path) -> None:
    """One mapping under two names gets the defaults of both places."""
    config = copy.deepcopy(GOOD)
    shared: dict[str, Any] = {}
    config["corpora"]["main"]["deduplicate"] = config["corpora"]["main"]["decontaminate"] = shared
    done = complete_config(config, folder)["corpora"]["main"]
    assert set(done["deduplicate"]) == {"exact", "near", "paragraphs"}
    assert "ngram" in done["decontaminate"] and "exact" not in done["decontaminate"]


def test_whole_numbers_may_be_written_with_an_exponent(folder: Path) -> None:
    """YAML reads 1e6 as text."""
    config = copy.deepcopy(GOOD)
    config["tokenizers"]["small"]["sample_bytes"] = yaml.safe_load("1e6")
    config["models"]["tiny"]["token_budget"] = yaml.safe_load("2e9")
    done = complete_config(config, folder)
    assert (done["tokenizers"]["small"]["sample_bytes"], done["models"]["tiny"]["token_budget"]) == (
        1_000_000,
        2 * 10**9,
    )
    config["tokenizers"]["small"]["sample_bytes"] = "1.5e0"
    with pytest.raises(UserError, match=r"sample_bytes is 1\.5, but it must be of type integer"):
        complete_config(config, folder)


def test_the_good_configuration_is_good(folder: Path) -> None:
    config = complete_config(GOOD, folder)
    assert config["sources"]["two"]["package"]["form"] is None
    assert config["corpora"]["main"]["split"] == {"validation": 0.05, "test": 0}
    assert complete_config(config, folder) == config


def test_a_whole_number_may_be_spelled_with_a_point(folder: Path) -> None:
    config = copy.deepcopy(GOOD)
    config["sources"]["two"]["parts"] = 2.0
    config["models"]["tiny"]["training"]["steps"] = 1e2
    config["evaluation"]["documents"] = 40.0
    found = complete_config(config, folder)
    read = [
        found["sources"]["two"]["parts"],
        found["models"]["tiny"]["training"]["steps"],
        found["evaluation"]["documents"],
    ]
    assert [repr(number) for number in read] == ["2", "100", "40"]
    assert len(Registry(found).parts("two")) == 2


@pytest.mark.parametrize(("edit", "sentence"), BAD, ids=[sentence for _, sentence in BAD])
def test_a_fault_is_one_sentence(edit: Edit, sentence: str, folder: Path) -> None:
    require_one_sentence(edit, sentence, folder)


def test_two_things_with_one_name_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("sources:\n  a: {kind: text}\n  b: {kind: text}\n  a: {kind: jsonl}\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"config\.yaml, line 4: the name 'a' is given twice"):
        read_yaml(path)


def test_a_source_and_a_task_of_one_name_are_refused(folder: Path) -> None:
    config = copy.deepcopy(GOOD)
    config["tasks"] = {"one": {"kind": "boolq", "license": "CC0-1.0", "files": [{"path": "a.txt"}]}}
    with pytest.raises(UserError, match="'one' stands under sources and under tasks"):
        complete_config(config, folder)


def test_broken_yaml_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("seed: 1\nsources: [\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"config\.yaml, line \d+ is not valid YAML"):
        read_yaml(path)


@pytest.mark.parametrize("name", ["{{ x }}: 1", "{{ x }}", "[x]: 1"])
def test_a_name_that_is_no_word_names_the_line(name: str, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(f"seed: 1\nsources: {{ {name} }}\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"config\.yaml, line 2: a list or mapping .* put it in quotes\.$"):
        read_yaml(path)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            '{"seed": 1, "sources": {"a": {"kind": "text"}, "a": {}}}',
            r"config\.json: the name 'a' is given twice; rename",
        ),
        ('{"seed": 1,\n "sources": [}', r"config\.json, line 2 is not valid JSON: .*; mend the syntax\.$"),
        ("[1, 2]", r"config\.json has no keys at its top level"),
    ],
)
def test_a_wrong_json_file_is_one_sentence(text: str, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=sentence):
        check_files([path])


def test_a_file_that_cannot_be_read_is_one_sentence(folder: Path) -> None:
    config = copy.deepcopy(GOOD)
    config["tasks"]["phrases"]["files"] = [{"path": UNREADABLE}]
    config["sources"]["one"]["files"] = [{"path": str(folder / "a.txt")}]
    sentence = rf"^{UNREADABLE} cannot be read \(Input/output error\); correct its permissions, or name another file\.$"
    registry = Registry(complete_config(config, folder) | {"tasks": {}})
    registry.require_readable()
    registry = Registry(complete_config(config, folder))
    with pytest.raises(UserError, match=sentence):
        registry.require_readable()
    with pytest.raises(UserError, match=sentence):
        LocalDigests().of(Path(UNREADABLE))
