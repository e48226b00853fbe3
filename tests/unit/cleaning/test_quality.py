"""A classifier of quality finds what tells two sets apart, says honestly how well, and is the same however the work is cut."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from scripts.cleaning import score_quality, train_quality
from scripts.cleaning.examples import TRAIN, allowances, draw, leave_out_common
from scripts.cleaning.ngrams import Features, Vectoriser, first_words
from scripts.lib.manifest import load_manifest
from scripts.lib.versions import version_id
from tests.making import arguments, publish_documents
from tests.workflow.harness import ROOT

SETTINGS: dict[str, Any] = {
    "classifier": "prose",
    "ngrams": 2,
    "buckets": 4096,
    "words": 200,
    "documents": 2000,
    "held_out": 0.3,
    "regularisation": 1e-4,
    "epochs": 50,
    "seed": 1,
}
WORDS = "the of and a to in is was it for on are as with his they at be this have from or one had by"
COMMON = tuple(WORDS.split(" "))
Texts = dict[str, str]
Sets = Mapping[str, Mapping[str, Texts]]


def made_up(name: str, own: str, count: int, share: float = 0.1) -> Texts:
    """Texts of common words, a share of them replaced by words of the set's own."""
    texts = {}
    for number in range(count):
        rng = random.Random(f"{name} {number}")
        words = [rng.choice(own.split()) if rng.random() < share else rng.choice(COMMON) for _ in range(60)]
        texts[f"{name}:{number}"] = " ".join(words)
    return texts


GOOD = made_up("good", "theorem lemma proof harbour violin", 150)
BAD = made_up("bad", "click cheap casino pills lyrics", 150)


def trained(folder: Path, sets: Sets, parts: int = 1, backwards: bool = False, **changes: Any) -> Path:
    """Publish the documents of two sets, by source, in so many parts, and train; returns the manifest."""
    settings, manifests = {**SETTINGS, **changes}, {}
    for role, sources in sets.items():
        manifests[role] = []
        settings[role] = [{"name": name, "parts": parts} for name in sorted(sources)]
        for name in sorted(sources):
            items = sorted(sources[name].items(), reverse=backwards)
            for part in range(parts):
                path = folder / name / f"{part:04d}.json"
                manifests[role].append(publish_documents(path, dict(items[part::parts])))
    manifest = folder / "classifier" / "model.json"
    assert train_quality.main(arguments(settings, **manifests, manifest=manifest)) == 0
    return manifest


def scores(folder: Path, model: Path, texts: Texts) -> dict[str, float]:
    documents = publish_documents(folder / "scored" / "0000.json", texts)
    manifest = folder / "scores" / "0000.json"
    assert score_quality.main(arguments({}, model=model, documents=documents, manifest=manifest)) == 0
    assert sum(load_manifest(manifest)["summary"]["histogram"]) == len(texts)
    return {row["id"]: row["score"] for row in pq.read_table(manifest.with_suffix(".parquet")).to_pylist()}


def two(good: Texts = GOOD, bad: Texts = BAD) -> dict[str, dict[str, Texts]]:
    return {"positive": {"good": good}, "negative": {"bad": bad}}


def test_two_vocabularies_are_told_apart_and_scored(tmp_path: Path) -> None:
    model = trained(tmp_path, two())
    held_out = load_manifest(model)["summary"]["held_out"]
    assert held_out["auc"] > 0.99
    fresh = made_up("new", "theorem lemma proof harbour violin", 20) | made_up(
        "spam", "click cheap casino pills lyrics", 20
    )
    found = scores(tmp_path, model, fresh | {"empty": "", "signs": "... !!"})
    assert all((found[name] > 0.5) == name.startswith("new") for name in fresh)
    assert found["empty"] == found["signs"] == 0


def test_sets_that_do_not_differ_give_no_better_than_chance(tmp_path: Path) -> None:
    same = made_up("x", "theorem click harbour pills", 600)
    halves = [dict(list(same.items())[start::2]) for start in (0, 1)]
    held_out = load_manifest(trained(tmp_path, two(*halves)))["summary"]["held_out"]
    assert held_out["auc_low"] <= 0.5 <= held_out["auc_high"]


def published(manifest: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (manifest, manifest.with_suffix(".parquet"))}


@pytest.mark.parametrize(("parts", "backwards"), [(3, False), (1, True), (4, True)])
def test_parts_and_order_change_no_byte(parts: int, backwards: bool, tmp_path: Path) -> None:
    cut = {"documents": 100}  # so that a sample is drawn
    one = published(trained(tmp_path / "one", two(), **cut))
    assert published(trained(tmp_path / "other", two(), parts, backwards, **cut)) == one


def test_threads_locale_and_hash_seed_change_no_byte(tmp_path: Path) -> None:
    here = published(trained(tmp_path / "here", two()))
    there = tmp_path / "there" / "model.json"
    sets = {role: [{"name": name, "parts": 1}] for role, name in (("positive", "good"), ("negative", "bad"))}
    made = {role: tmp_path / "here" / name / "0000.json" for role, name in (("positive", "good"), ("negative", "bad"))}
    environment = {
        **os.environ,
        "PYTHONHASHSEED": "77",
        "LC_ALL": "C",
        "OMP_NUM_THREADS": "4",
        "NUMBA_NUM_THREADS": "4",
    }
    command = [sys.executable, "-m", train_quality.MODULE, *arguments(SETTINGS | sets, **made, manifest=there)]
    subprocess.run(command, check=True, cwd=ROOT, env=environment, capture_output=True)
    assert published(there) == here


def test_another_seed_is_another_sample(tmp_path: Path) -> None:
    one = published(trained(tmp_path / "one", two(), documents=100))
    assert published(trained(tmp_path / "other", two(), documents=100, seed=2)) != one


def test_a_copy_never_stands_on_both_sides(tmp_path: Path) -> None:
    """Copies by other ids, in other dress, count once; what stands in both sets says nothing of either."""
    copies = {f"good:copy{number}": text.upper() + " !!" for number, text in enumerate(list(GOOD.values())[:40])}
    wrong = {f"bad:copy{number}": text for number, text in enumerate(list(GOOD.values())[:10])}
    content = load_manifest(trained(tmp_path, two(GOOD | copies, BAD | wrong)))
    removed, kept = content["accounting"]["removed"], content["accounting"]["kept"]
    assert removed == {"duplicate": 40, "in_both_sets": 20}
    assert kept == len(GOOD) + len(BAD) - 10
    assert content["summary"]["texts_in_both_sets"] == 10
    used = content["summary"]["examples"]
    assert sum(count for sources in used.values() for uses in sources.values() for count in uses.values()) == kept


def test_what_is_held_out_is_not_trained_on(tmp_path: Path) -> None:
    """Words that occur in held-out texts alone leave no trace in the weights."""
    features = Features(1, 1 << 20, 200)
    texts = {f"good:{number}": f"{text} rare{number}" for number, text in enumerate(GOOD.values())}
    paths = {"good": [publish_documents(tmp_path / "x" / "0000.json", texts).with_suffix(".parquet")]}
    roles = {example.key[1]: example.role for example in draw(paths, 2000, features, 1, 0.3).examples}
    assert 0.1 < sum(role != TRAIN for role in roles.values()) / len(roles) < 0.5
    model = trained(tmp_path, two(texts), ngrams=1, buckets=1 << 20)
    learned = set(pq.read_table(model.with_suffix(".parquet"))["bucket"].to_pylist())
    for number in range(len(texts)):
        (bucket,) = Vectoriser(features).vector(first_words(f"rare{number}", 1))[0]
        assert (bucket in learned) == (roles[f"good:{number}"] == TRAIN)


def test_each_source_gives_an_equal_share() -> None:
    assert allowances({"a": 1000, "b": 1000}, 100) == {"a": 50, "b": 50}
    assert allowances({"a": 1000, "b": 10, "c": 1000}, 100) == {"b": 10, "a": 45, "c": 45}
    assert allowances({"a": 3, "b": 4}, 100) == {"a": 3, "b": 4}
    assert sum(allowances({"a": 50, "b": 50, "c": 50}, 100).values()) == 100


def test_a_large_source_does_not_drown_a_small_one(tmp_path: Path) -> None:
    sets = {"positive": {"good": GOOD, "tiny": made_up("tiny", "sonnet ballad", 60)}, "negative": {"bad": BAD}}
    used = load_manifest(trained(tmp_path, sets, documents=100))["summary"]["examples"]["positive"]
    assert [sum(used[name].values()) for name in ("good", "tiny")] == [50, 50]


@pytest.mark.parametrize(
    ("good", "sentence"),
    [
        ({"good:1": "", "good:2": "?!"}, r"classifiers.prose.positive gives 0 different documents with words"),
        (dict(list(GOOD.items())[:4]), r"classifiers.prose.positive gives 4 different documents"),
    ],
)
def test_a_set_without_usable_documents_is_an_error(
    good: Texts, sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifests = {
        role: publish_documents(tmp_path / role / "0000.json", texts)
        for role, texts in (("positive", good), ("negative", BAD))
    }
    sets = {role: [{"name": role, "parts": 1}] for role in manifests}
    manifest = tmp_path / "model.json"
    assert train_quality.main(arguments(SETTINGS | sets, **manifests, manifest=manifest)) == 1
    assert sentence in capsys.readouterr().err
    assert not manifest.exists()


def zipped(path: Path, member: str) -> dict[str, str]:
    """Texts of the members of an archive whose names begin so."""
    with zipfile.ZipFile(path) as archive:
        names = sorted(name for name in archive.namelist() if name.startswith(member) and not name.endswith("/"))
        return {name: archive.read(name).decode("latin-1") for name in names}


def lines(texts: Mapping[str, str], name: str) -> Texts:
    return {f"{name}:{number}": line for text in texts.values() for number, line in enumerate(text.splitlines())}


@pytest.mark.parametrize(
    ("sets", "least"),
    [
        (("subjectivity/plot", "subjectivity/quote"), 0.94),
        (("movie_reviews/pos", "movie_reviews/neg"), 0.86),
    ],
    ids=["plots and opinions", "praise and blame"],
)
def test_real_sets_are_told_apart(sets: Sequence[str], least: float, shared_data: Path, tmp_path: Path) -> None:
    texts = [zipped(shared_data / "nltk-data" / f"{one.partition('/')[0]}.zip", one) for one in sets]
    if sets[0].startswith("subjectivity"):
        texts = [lines(one, name) for one, name in zip(texts, ("good", "bad"), strict=True)]
    content = load_manifest(
        trained(tmp_path, two(*texts), documents=3000, words=1000, buckets=1 << 18, regularisation=1e-6)
    )
    held_out = content["summary"]["held_out"]
    assert held_out["auc"] >= least
    assert held_out["auc_high"] < 0.995
    assert all(
        abs(row["probability"] - row["positive"]) < 0.25 for row in held_out["reliability"] if row["documents"] > 20
    )


def test_draws_take_the_same_documents_from_any_parts(tmp_path: Path) -> None:
    whole = publish_documents(tmp_path / "whole" / "0000.json", GOOD).with_suffix(".parquet")
    halves = [
        publish_documents(tmp_path / "halves" / f"{half}.json", dict(list(GOOD.items())[half::2])).with_suffix(
            ".parquet"
        )
        for half in (0, 1)
    ]
    features = Features(1, 1024, 50)
    one, other = (draw({"good": paths}, 30, features, 1, 0.2) for paths in ([whole], halves))
    assert [example.key for example in one.examples] == [example.key for example in other.examples]
    assert len(one.examples) == 30
    assert one.left_out["not_drawn"] == len(GOOD) - 30
    assert leave_out_common(one, other) == 30
    assert one.examples == []


def test_an_id_that_comes_again_is_drawn_alike_from_any_parts(tmp_path: Path) -> None:
    """Within one part the later text has a mark behind its id, in another part it has none, and an equal one comes again."""
    first, later = dict(list(GOOD.items())[:40]), {key: f"later {text}" for key, text in list(GOOD.items())[:20]}
    marked = {version_id(key, text): text for key, text in later.items()}
    equal = {key: first[key] for key in list(first)[20:]}
    whole = [publish_documents(tmp_path / "whole" / "0000.json", {**first, **marked})]
    halves = [
        publish_documents(tmp_path / "halves" / f"{half}.json", texts)
        for half, texts in enumerate((first, {**later, **equal}))
    ]
    features = Features(1, 1024, 50)
    more = publish_documents(tmp_path / "more.json", BAD)
    one, other = (
        draw(
            {"good": [path.with_suffix(".parquet") for path in paths], "more": [more.with_suffix(".parquet")]},
            90,
            features,
            1,
            0.2,
        )
        for paths in (whole, halves)
    )
    assert [example.key for example in one.examples] == [example.key for example in other.examples]
    drawn = {source: {e.key[1] for e in one.examples if e.source == source} for source in ("good", "more")}
    assert [len(ids) for ids in drawn.values()] == [40, 50] and len(one.examples) > 90
