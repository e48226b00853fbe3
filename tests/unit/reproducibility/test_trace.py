"""A document is followed from its record to the training steps that read it; whatever is asked gets an answer."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from scripts.cleaning.curate import CURATED_SCHEMA
from scripts.cleaning.decontaminate import CONTAMINATION_SCHEMA
from scripts.cleaning.deduplicate import DUPLICATE_SCHEMA, PARAGRAPH_SCHEMA
from scripts.cleaning.flag import FLAG_SCHEMA
from scripts.lib.canonical import canonical_json, sha256_file
from scripts.lib.documents import DOCUMENT_SCHEMA
from scripts.lib.indexed import IndexedReader, IndexedWriter
from scripts.lib.order import DataOrder
from scripts.lib.step import Step, step_parser
from scripts.lib.streams import SourceStream, document_key
from scripts.reproducibility import trace
from scripts.shards import index
from tests.making import arguments, publish_rows

SPLITS = ("train", "validation", "test")
RULE, FITNESS = "length.min_characters", "length.fitness"
SELECTION_SCHEMA = pa.schema(
    [("id", pa.string()), ("kept", pa.bool_()), ("reason", pa.string()), (RULE, pa.bool_()), (FITNESS, pa.bool_())]
)
ANNOTATION_SCHEMA = pa.schema([("id", pa.string()), ("language", pa.string()), ("characters", pa.int64())])
TRAINING = {"steps": 6, "sequence_length": 8, "global_batch": 2}
MODEL = {"corpus": "main", "tokenizer": "small", "weights": {}, "seed": 3, "training": TRAINING}


def summarise(manifest: Path, **summary: Any) -> None:
    """Put a summary into a manifest that is there."""
    found = json.loads(manifest.read_text("utf-8"))
    found["summary"] = summary
    manifest.write_text(canonical_json(found), encoding="utf-8")


def document(part: int, number: int) -> dict[str, Any]:
    name = f"{part}-{number}"
    text = f"Document {name} of 🙂 writer{number}@example.org. " + "More words follow here. " * number
    return {"id": f"web:{name}", "text": text, "url": f"https://example.org/{name}", "language": "en", "license": "CC0"}


def fate(row: dict[str, Any], part: str) -> dict[str, Any]:
    kept = not row["id"].endswith("-0")
    return {"id": row["id"], "kept": kept, "reason": None if kept else RULE, RULE: kept, FITNESS: None}


def publish_shards(folder: Path, part: str, curated: list[dict[str, Any]]) -> Path:
    """Publish the shards of a part: a token for every word."""
    manifest = folder / f"{part}.json"
    step = Step("scripts.lib.step", step_parser("").parse_args(["--settings", "{}", "--manifest", str(manifest)]))
    with step.publish(records=False) as out:
        for split in SPLITS:
            mine = [row for row in curated if row["split"] == split]
            stem = f"{part}.{split}"
            with IndexedWriter(out.file(f"{stem}.bin"), out.file(f"{stem}.idx"), np.uint16) as writer:
                for row in mine:
                    writer.add(np.arange(len(row["text"].split())))
            out.file(f"{stem}.keys").write_bytes(b"".join(document_key(row["id"]) for row in mine))
        out.summary["tokenizer_digest"] = "digest"
    return manifest


def publish_model(folder: Path, name: str, shards: list[Path], model: str = "tiny", **more: Any) -> None:
    """Publish a manifest with the provenance of a model that was trained on shards."""
    manifest = folder / "models" / model / f"{name}.json"
    line = ["--settings", canonical_json(MODEL | more), "--manifest", str(manifest)]
    step = Step("scripts.lib.step", step_parser("").parse_args(line))
    step.settings.plain()
    for shard in shards:
        step.read("shards", shard)
    with step.publish(records=False):
        pass


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of a corpus of two parts with ten documents each, up to a model."""
    root = tmp_path_factory.mktemp("work") / "results"
    corpus, shards, made = root / "corpora" / "main", root / "shards" / "main" / "small" / "web", []
    for number in range(2):
        part = f"{number:04d}"
        rows = [document(number, one) for one in range(10)]
        publish_rows(root / "sources" / "web" / "documents" / f"{part}.json", rows, DOCUMENT_SCHEMA)
        measured = [{"id": row["id"], "language": "en", "characters": len(row["text"])} for row in rows]
        publish_rows(root / "sources" / "web" / "annotations" / f"{part}.json", measured, ANNOTATION_SCHEMA)
        selection = corpus / "selection" / "web" / f"{part}.json"
        publish_rows(selection, [fate(row, part) for row in rows], SELECTION_SCHEMA)
        limits = {RULE: {"all": ["characters", ">=", 60], "unspaced": ["characters", ">=", 30]}, FITNESS: {"all": []}}
        summarise(selection, thresholds=limits)
        curated = [
            {**row, "text": row["text"].replace(f"writer{one}@example.org", "<EMAIL>"), "split": split}
            for one, row in enumerate(rows)
            if one > 2
            for split in ["validation" if one == 5 else "train"]
        ]
        publish_rows(corpus / "documents" / "web" / f"{part}.json", curated, CURATED_SCHEMA)
        made.append(publish_shards(shards, part, curated))
    copy = {
        "id": "web:1-1",
        "source": "web",
        "part": "0001",
        "kind": "near",
        "survivor": "web:0-4",
        "cluster": "web:0-4",
    }
    cut = {"id": "web:1-4", "source": "web", "part": "0001", "paragraph": 2, "characters": 120, "survivor": "web:0-3"}
    publish_rows(corpus / "duplicates.json", [copy], DUPLICATE_SCHEMA, paragraphs=([cut], PARAGRAPH_SCHEMA))
    place = {"source": "web", "part": "0001", "task": "quiz", "item": "quiz:7", "start": 4, "stop": 20}
    held = [{"id": "web:1-2", **place, "removed": True}, {"id": "web:1-3", **place, "removed": False}]
    publish_rows(corpus / "contamination.json", held, CONTAMINATION_SCHEMA)
    order = arguments({"parts": ["0000", "0001"]}, shards=made, manifest=shards / "order.json")
    assert index.main(order) == 0
    publish_model(root, "plan", made)
    broken = {"file": "a.warc", "reason": "bad_utf8", "position": "7-7", "sample": "\ufffd"}
    path = root / "sources" / "web" / "documents" / "0000.quarantine.jsonl"
    path.write_text(canonical_json({**broken, "position": 3}) + "\n" + canonical_json(broken) + "\n", encoding="utf-8")
    return root


def asked(results: Path, wanted: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert trace.main([wanted, "--results", str(results), "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def said(results: Path, wanted: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert trace.main([wanted, "--results", str(results)]) == 0
    return capsys.readouterr().out


def test_a_kept_document_is_followed_to_its_steps(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = asked(results, "web:1-6", capsys)
    assert (found["source"], found["part"], found["row"]) == ("web", "0001", 6)
    assert found["record"]["url"] == "https://example.org/1-6"
    assert found["attributes"] == {"language": "en", "characters": len(document(1, 6)["text"])}
    (corpus,) = found["corpora"]
    assert (corpus["selected"], corpus["reason"]) == (True, None)
    assert corpus["verdicts"] == [
        {"rule": RULE, "passed": True, "value": len(document(1, 6)["text"]), "sign": ">=", "threshold": 60},
        {"rule": FITNESS, "passed": None, "value": None, "sign": None, "threshold": None},
    ]
    curated = corpus["curated"]
    assert (curated["file"], curated["row"]) == ("corpora/main/documents/web/0001.parquet", 3)
    assert (curated["split"], curated["changed"], curated["personal_data"]) == ("train", True, {"<EMAIL>": 1})
    (shard,) = curated["shards"]
    words = [len(document(1, number)["text"].split()) for number in (3, 4, 6)]
    assert shard["file"] == "shards/main/small/web/0001.train.bin"
    assert (shard["document"], shard["first_token"], shard["tokens"]) == (2, sum(words[:2]), words[2])
    (model,) = shard["models"]
    stream = SourceStream.open("web", results / "shards" / "main" / "small" / "web", ["0000", "0001"], "train")
    order = DataOrder([stream], {}, 8, 2, 3)
    seen = [
        step
        for step in range(6)
        if any((span.part, span.document) == (1, 2) for row in order.locate(step) for span in row.spans)
    ]
    assert (model["model"], model["state"], model["of"], model["steps"]) == ("tiny", "planned", 6, seen)
    assert seen
    text = said(results, "web:1-6", capsys)
    assert "corpus main: kept, split train" in text
    assert f"model tiny (planned): in {len(seen)} of 6 steps: {', '.join(map(str, seen))}" in text
    assert "<EMAIL> replaces 1 piece of personal data" in text


def test_a_step_is_followed_to_its_documents(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Both ways give one relation, and the tokens named are those of the batch."""
    stream = SourceStream.open("web", results / "shards" / "main" / "small" / "web", ["0000", "0001"], "train")
    order = DataOrder([stream], {}, 8, 2, 3)
    seen: dict[str, set[int]] = {}
    for step in range(6):
        command = ["--model", "tiny", "--step", str(step), "--results", str(results)]
        assert trace.main([*command, "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert (found["model"], found["state"], found["step"], found["of"]) == ("tiny", "planned", step, 6)
        for number, (sample, ids) in enumerate(zip(found["samples"], order.batch(step).tolist(), strict=True)):
            assert (sample["sample"], sample["row"], sample["source"]) == (2 * step + number, number, "web")
            told = []
            for one in sample["documents"]:
                path = results / one["file"]
                tokens = IndexedReader(path, path.with_suffix(".idx"))[one["document"]]
                told += tokens[one["start"] : one["stop"]].tolist()
                seen.setdefault(one["id"], set()).add(step)
            assert told == ids
    for identifier, steps in seen.items():
        (corpus,) = asked(results, identifier, capsys)["corpora"]
        assert corpus["curated"]["shards"][0]["models"][0]["steps"] == sorted(steps)
    assert len(seen) > 5
    assert trace.main(["--model", "tiny", "--step", "0", "--results", str(results)]) == 0
    text = capsys.readouterr().out
    assert text.startswith("model tiny (planned), step 0 of 6\n  sample 0: window ")
    assert "  tokens " in text


def test_the_steps_of_a_branch_are_its_own(results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its step b reads what step 4 + b of its trunk would have read."""
    copied = shutil.copytree(results, tmp_path / "results")
    shards = sorted((copied / "shards" / "main" / "small" / "web").glob("000?.json"))
    start = {"model": "tiny", "step": 4, "first_batch": 4}
    publish_model(copied, "model", shards, "twig", **{"from": start, "training": MODEL["training"] | {"steps": 2}})
    batches = []
    for model, step in (("twig", 1), ("tiny", 5)):
        command = ["--model", model, "--step", str(step), "--results", str(copied)]
        assert trace.main([*command, "--json"]) == 0
        batches.append(json.loads(capsys.readouterr().out))
    assert batches[0]["samples"] == batches[1]["samples"]
    assert batches[0]["from"] == {"model": "tiny", "step": 4}
    assert trace.main(["--model", "twig", "--step", "1", "--results", str(copied)]) == 0
    assert capsys.readouterr().out.startswith("model twig (trained, from step 4 of tiny), step 1 of 2\n")
    read = {one["id"] for sample in batches[0]["samples"] for one in sample["documents"]}
    (corpus,) = asked(copied, sorted(read)[0], capsys)["corpora"]
    trunk, twig = corpus["curated"]["shards"][0]["models"]
    assert (trunk["model"], twig["model"]) == ("tiny", "twig") and 1 in twig["steps"]
    assert twig["steps"] == [step - 4 for step in trunk["steps"] if step >= 4]


def test_shards_of_another_tokenizer_are_refused(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By their digests, whatever the tokenizer is called."""
    copied = shutil.copytree(results, tmp_path / "results")
    tokenizer = copied / "tokenizers" / "small.json"
    summarise(publish_rows(tokenizer, [], DOCUMENT_SCHEMA), vocabulary=300)
    assert trace.main(["web:1-6", "--results", str(copied)]) == 1
    part = copied / "shards" / "main" / "small" / "web" / "0001.json"
    assert f"{part.with_stem('0000')} was made with" not in (shown := capsys.readouterr().err)
    assert f"{part} was made with another tokenizer than {tokenizer}; run the workflow again." in shown
    summarise(part, tokenizer_digest=sha256_file(tokenizer))
    refused = f"{part} is not the one that model tiny was planned with (its documents or its tokenizer"
    for command in (["web:1-6"], ["--model", "tiny", "--step", "0"]):
        assert trace.main([*command, "--results", str(copied)]) == 1
        assert refused in capsys.readouterr().err
    publish_model(copied, "plan", sorted(part.parent.glob("000?.json")))
    assert "model tiny (planned): in" in said(copied, "web:1-6", capsys)


def test_steps_of_a_batch_that_warms_up(results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two steps of one sample, then two each: they read what the steps of a run without read, one after the other."""
    copied = shutil.copytree(results, tmp_path / "results")
    shards = sorted((copied / "shards" / "main" / "small" / "web").glob("000?.json"))
    training = MODEL["training"] | {"steps": 7, "batch_warmup": {"from": 1, "over": 2}}
    publish_model(copied, "model", shards, "warm", **{"training": training})
    samples: dict[str, list[Any]] = {"warm": [], "tiny": []}
    steps: dict[str, set[int]] = {}
    for model, step in [*(("warm", step) for step in range(7)), *(("tiny", step) for step in range(6))]:
        assert trace.main(["--model", model, "--step", str(step), "--results", str(copied), "--json"]) == 0
        found = json.loads(capsys.readouterr().out)["samples"]
        samples[model] += [{key: value for key, value in one.items() if key != "row"} for one in found]
        for one in (one for sample in found for one in sample["documents"] if model == "warm"):
            steps.setdefault(one["id"], set()).add(step)
    assert samples["warm"] == samples["tiny"]
    for identifier, seen in steps.items():
        (corpus,) = asked(copied, identifier, capsys)["corpora"]
        told = {model["model"]: model["steps"] for model in corpus["curated"]["shards"][0]["models"]}
        assert told["warm"] == sorted(seen)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--model", "tiny", "--step", "6"], "has the steps 0 to 5, not 6"),
        (["--model", "small", "--step", "0"], "(there are: tiny); name one, or run it"),
    ],
)
def test_a_step_that_is_none(
    results: Path, capsys: pytest.CaptureFixture[str], options: list[str], sentence: str
) -> None:
    assert trace.main([*options, "--results", str(results)]) == 1
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize("options", [[], ["web:1", "--model", "tiny", "--step", "0"], ["--step", "0"]])
def test_either_a_document_or_a_step_is_asked_for(options: list[str]) -> None:
    with pytest.raises(SystemExit):
        trace.main(options)


def test_a_document_is_found_by_its_url(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert asked(results, "https://example.org/0-5", capsys)["id"] == "web:0-5"
    (corpus,) = asked(results, "https://example.org/0-5", capsys)["corpora"]
    assert corpus["curated"]["split"] == "validation"
    assert corpus["curated"]["shards"][0]["models"] == []


def test_an_id_may_hold_an_address(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    row = {**document(0, 4), "id": "web:https://example.org/a"}
    publish_rows(tmp_path / "sources" / "web" / "documents" / "0000.json", [row], DOCUMENT_SCHEMA)
    assert asked(tmp_path, "web:https://example.org/a", capsys)["id"] == row["id"]
    assert asked(tmp_path, "https://example.org/0-4", capsys)["id"] == row["id"]


def test_the_terms_of_a_lexicon_are_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rule, row = "lexicon.colours.max_matches", document(0, 4)
    publish_rows(tmp_path / "sources" / "web" / "documents" / "0000.json", [row], DOCUMENT_SCHEMA)
    flags = {"id": row["id"], "matches": 3, "share": 0.25, "terms": ["red", "dark blue"]}
    publish_rows(tmp_path / "lexicons" / "colours" / "flags" / "web" / "0000.json", [flags], FLAG_SCHEMA)
    corpus = tmp_path / "corpora" / "main"
    schema = pa.schema([("id", pa.string()), ("kept", pa.bool_()), ("reason", pa.string()), (rule, pa.bool_())])
    selection = corpus / "selection" / "web" / "0000.json"
    publish_rows(selection, [{"id": row["id"], "kept": False, "reason": rule, rule: False}], schema)
    summarise(selection, thresholds={rule: {"all": ["lexicon.colours.matches", "<=", 0]}})
    text = said(tmp_path, row["id"], capsys)
    assert f"removed by the filters, first by {rule}" in text
    assert "FAILS  3 <= 0 (red, dark blue)" in text


def test_why_a_document_went(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = said(results, "web:0-0", capsys)
    assert f"corpus main: removed by the filters, first by {RULE}" in text
    assert f"FAILS  {len(document(0, 0)['text'])} >= 60" in text
    assert "removed as a copy of web:0-4" in said(results, "web:1-1", capsys)
    assert "survives in place of web:1-1 (near, source web, part 0001)" in said(results, "web:0-4", capsys)
    assert "removed because it holds evaluation items" in said(results, "web:1-2", capsys)
    assert "paragraph 2 (120 characters) cut out, since web:0-3 has it too" in said(results, "web:1-4", capsys)
    assert "holds quiz:7 of task quiz at characters 4 to 20: cut out" in said(results, "web:1-3", capsys)


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ("web:1-66", "There is no document with the id web:1-66 under"),
        ("web:1-66", "near it are web:1-6"),
        ("https://example.org/1-66", "no document with the url"),
        ("nowhere", "the sources are web"),
        ("web:7-7", "web:7-7 is no document: its record is quarantined as bad_utf8 (a.warc, 7-7)"),
    ],
)
def test_what_is_not_there(wanted: str, sentence: str, results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert trace.main([wanted, "--results", str(results)]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("error: ")
    assert shown.err.count("\n") == 1
    assert sentence in shown.err


def test_an_empty_folder_is_no_result(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert trace.main(["web:1", "--results", str(tmp_path)]) == 1
    assert "holds no documents; run the workflow" in capsys.readouterr().err


def test_two_documents_of_one_url_are_told_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{**document(0, number), "url": "https://example.org/"} for number in range(2)]
    publish_rows(tmp_path / "sources" / "web" / "documents" / "0000.json", rows, DOCUMENT_SCHEMA)
    assert trace.main(["https://example.org/", "--results", str(tmp_path)]) == 1
    assert "is the URL of 2 documents (web:0-0, web:0-1); name one." in capsys.readouterr().err
    assert "no corpus has judged it" in said(tmp_path, "web:0-1", capsys)


def test_shards_of_other_documents_are_noticed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    row = {**document(0, 4), "split": "train"}
    publish_rows(tmp_path / "sources" / "web" / "documents" / "0000.json", [row], DOCUMENT_SCHEMA)
    corpus = tmp_path / "corpora" / "main"
    publish_rows(corpus / "selection" / "web" / "0000.json", [fate(row, "0000")], SELECTION_SCHEMA)
    publish_rows(corpus / "documents" / "web" / "0000.json", [row], CURATED_SCHEMA)
    publish_shards(tmp_path / "shards" / "main" / "small" / "web", "0000", [{**row, "id": "web:other"}])
    assert trace.main(["web:0-4", "--results", str(tmp_path)]) == 1
    assert "was made of other documents" in capsys.readouterr().err
