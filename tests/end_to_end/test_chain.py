"""From real text to a scored model in two real processes; costly steps are never done twice."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from scripts.lib.indexed import IndexedReader
from scripts.lib.seen import Seen
from scripts.reproducibility import trace
from scripts.reproducibility.batches import ModelBatches
from tests.workflow.conftest import Run, copy_of, lay_out, tiny_config
from tests.workflow.harness import ROOT, Planner, run, would_run, write_config
from tests.workflow.processes import start, wait_for_process
from tests.workflow.test_adopt import adopt

MODEL = "models/tiny/model.json"
AGAIN = "its verified result is published again"


def chain_config() -> dict[str, Any]:
    config = tiny_config()
    config["evaluation"] = {"documents": 5, "minimum_improvement": None, "zero_shot": ["pairs"], "items": 24}
    config["tasks"] = {
        "pairs": {"kind": "minimal_pairs", "license": "Apache-2.0"},
        "moods": {"kind": "sentiment", "license": "CC0-1.0", "files": [{"path": "text/moods.tsv"}]},
    }
    config["finetunings"] = {
        "small": {
            "models": ["tiny"],
            "tasks": {"moods": 1},
            "training": {
                "steps": 8,
                "batch": 8,
                "evaluate_every": 8,
                "checkpoint_every": 4,
                "optimizer": {"learning_rate": 0.01},
                "schedule": {"warmup": 2},
            },
        }
    }
    config["tokenizers"] = {"small": {"corpus": "main", "vocabulary": 1000, "sample_bytes": 400_000}}
    config["models"] = {
        "tiny": {
            "corpus": "main",
            "tokenizer": "small",
            "objective": "causal",
            "architecture": {"family": "llama", "layers": 2, "width": 32, "heads": 2, "context": 64, "dropout": 0.1},
            "training": {
                "steps": 24,
                "sequence_length": 64,
                "global_batch": 8,
                "evaluate_every": 12,
                "evaluate_sequences": 8,
                "checkpoint_every": 4,
                "optimizer": {"learning_rate": 0.01},
                "schedule": {"warmup": 4},
            },
        }
    }
    return config


def lay_out_moods(workdir: Path) -> None:
    """Write a small rated set."""
    words = [("3.0", "good", "fine"), ("-3.0", "bad", "dull")]
    rows = [
        f"{number}\t{rating}\tThe book that he wrote in {1900 + number} was {first} and {second}."
        for number, (rating, first, second) in enumerate(words * 60)
    ]
    (workdir / "text" / "moods.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished chain; tests leave it as it is."""
    made = lay_out(tmp_path_factory.mktemp("chain"), chain_config())
    lay_out_moods(made.workdir)
    run(made.project, made.workdir)
    return made


@pytest.fixture
def again(chain: Run, tmp_path: Path) -> Run:
    """A copy of the chain that the test may change."""
    return copy_of(chain, tmp_path)


def pretrain_log(target: Run) -> str:
    return (target.results / "logs" / "pretrain" / "tiny.log").read_text("utf-8")


def require_republished(target: Run) -> None:
    """Every costly step published its finished result again and did nothing else."""
    logs = target.results / "logs"
    for name in ("tokenizer/small", "pretrain/tiny", "finetune/tiny/small"):
        log = (logs / f"{name}.log").read_text("utf-8")
        assert AGAIN in log, name
        assert not re.search(r"^step \d+ of", log, re.M), name


def test_the_chain_ends_with_a_scored_model_and_a_report(chain: Run) -> None:
    provenance = json.loads((chain.results / "models/tiny/model.provenance.json").read_text("utf-8"))
    assert provenance["execution"]["processes"] == 2
    assert len(re.findall(r"^step \d+ of 24", pretrain_log(chain), re.M)) == 24
    scores = json.loads((chain.results / "evaluations/tiny/bits_per_byte.json").read_text("utf-8"))["summary"]
    assert set(scores["sources"]) == {"reference", "modules"}
    assert 0 < scores["all"]["low"] < scores["all"]["score"] < scores["all"]["high"] < 16
    page = (chain.results / "report.html").read_text("utf-8")
    for part in ("Sources", "Corpora", "Tokenizers", "Models", "Zero-shot", "Fine-tuning", "polyline"):
        assert part in page
    for rule in ("pretrain", "finetune", "zero_shot", "score_finetuned"):
        assert f"<tr><td>{rule}</td>" in page
    assert would_run(chain.project, chain.workdir) == {}


def test_the_model_is_fine_tuned_and_scored_before_and_after(chain: Run) -> None:
    tuned = json.loads((chain.results / "finetuned/tiny/small/model.json").read_text("utf-8"))["summary"]
    assert tuned["dev"]["moods"]["after"] < tuned["dev"]["moods"]["before"]
    evaluations = chain.results / "evaluations/tiny"
    pairs = json.loads((evaluations / "zero_shot/pairs.json").read_text("utf-8"))["summary"]
    assert pairs["items"] == 24 and len(pairs["groups"]) > 3
    (moods,) = json.loads((evaluations / "finetuned/small/moods.json").read_text("utf-8"))["summary"]["measures"]
    assert moods["low"] <= moods["score"] <= moods["high"] and moods["chance"] == 50
    assert moods["baseline_name"] == "majority class"


def test_a_chain_without_records_is_taken_over_whole(again: Run) -> None:
    shutil.rmtree(again.workdir / ".snakemake")
    assert "refused 0" in adopt(again)
    assert would_run(again.project, again.workdir) == {}


def test_the_plan_is_what_was_seen(chain: Run) -> None:
    plan = json.loads((chain.results / "models/tiny/plan.json").read_text("utf-8"))["summary"]
    rows = [json.loads(line) for line in (chain.results / "models/tiny/metrics.jsonl").read_text("utf-8").splitlines()]
    assert sum(source["tokens"] for source in plan["sources"].values()) == plan["tokens"] == 24 * 8 * 64
    assert [row["tokens"] for row in rows if "loss" in row][-1] == plan["tokens"]
    seen = json.loads((chain.results / MODEL).read_text("utf-8"))["summary"]["seen"]
    planned = {name: (account["samples"], account["tokens"]) for name, account in plan["sources"].items()}
    assert {name: (account["samples"], account["tokens"]) for name, account in seen["sources"].items()} == planned


def test_a_step_of_the_model_is_traced_to_its_documents_and_back(
    chain: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the batches that training says it saw: the digest over all of them is the same."""
    order, _ = ModelBatches(chain.results, "tiny").open()
    anew = Seen()
    for step in range(24):
        anew.add(step, *order.draw(step))
    assert anew.record() == json.loads((chain.results / MODEL).read_text("utf-8"))["summary"]["seen"]
    assert trace.main(["--model", "tiny", "--step", "23", "--results", str(chain.results), "--json"]) == 0
    samples = json.loads(capsys.readouterr().out)["samples"]
    for sample, row in zip(samples, order.batch(23).tolist(), strict=True):
        told = []
        for one in sample["documents"]:
            path = chain.results / one["file"]
            tokens = IndexedReader(path, path.with_suffix(".idx"))[one["document"]]
            told += tokens[one["start"] : one["stop"]].tolist()
        assert told == row
    assert trace.main([samples[0]["documents"][0]["id"], "--results", str(chain.results), "--json"]) == 0
    (corpus,) = json.loads(capsys.readouterr().out)["corpora"]
    (model,) = corpus["curated"]["shards"][0]["models"]
    assert model["state"] == "trained" and 23 in model["steps"]


def test_curated_documents_are_read_by_the_datasets_library(chain: Run, tmp_path: Path) -> None:
    import datasets

    files = [str(path) for path in sorted((chain.results / "corpora/main/documents").rglob("*.parquet"))]
    loaded = datasets.load_dataset("parquet", data_files=files, split="train", cache_dir=str(tmp_path))
    assert loaded.column_names == ["id", "text", "url", "date", "language", "license", "meta", "split"]
    manifests = (
        path for path in (chain.results / "corpora/main/documents").rglob("0*.json") if "prov" not in path.name
    )
    assert len(loaded) == sum(json.loads(path.read_text("utf-8"))["accounting"]["kept"] for path in manifests) > 20


LAYOUT: dict[str, Any] = {
    "processes": 1,
    "micro_batch_tokens": 256,
    "zero_stage": 1,
    "tensor_parallel": 2,
    "pipeline_parallel": 2,
    "sequence_parallel": 2,
    "checkpointing": 1,
    "offload": 1,
    "compile": 1,
    "nodes": 2,
    "device": "h100",
    "keep_last": 5,
    "keep_every": 8,
    "keep_steps": "8",
    "timeout_minutes": 5,
    "walltime_minutes": 60,
    "mem_mb": 7000,
}


@pytest.mark.parametrize("resource", LAYOUT)
def test_the_layout_reruns_nothing(resource: str, chain: Run) -> None:
    planner = Planner(chain.workdir, chain.project / "Snakefile")
    layout = {"pretrain": {resource: LAYOUT[resource]}}
    assert planner.rules(chain_config(), overwrite_resources=layout) == {}


def test_the_layout_names_every_resource_that_the_training_is_given() -> None:
    rule = (ROOT / "rules" / "pretraining.smk").read_text("utf-8").partition("rule pretrain:")[2]
    rule = rule.partition("\nrule ")[0]
    assert set(re.findall(r"\{resources\.(\w+)", rule)) < set(LAYOUT)


def test_another_profile_reruns_nothing(chain: Run) -> None:
    assert would_run(chain.project, chain.workdir, "--profile", str(chain.project / "cluster")) == {}
    assert would_run(chain.project, chain.workdir, "--set-threads", "pretrain=4", "finetune=4", "tokenizer=3") == {}


def test_a_forced_costly_step_publishes_again(chain: Run, again: Run) -> None:
    run(again.project, again.workdir, "--forcerun", "tokenizer", "pretrain", "finetune")
    require_republished(again)
    assert again.digests() == chain.digests()


def test_deleting_a_curated_file_and_adding_a_corpus_trains_nothing_again(chain: Run, again: Run) -> None:
    (again.results / "corpora/main/documents/modules/0000.parquet").unlink()
    config = chain_config()
    config["corpora"]["other"] = {"sources": ["modules"], "filters": {"families": ["length"]}}
    write_config(again.workdir, config)
    run(again.project, again.workdir)
    require_republished(again)
    before, after = chain.digests(), again.digests()
    assert {name: after[name] for name in before} == before
    assert "corpora/other/documents/modules/0000.json" in after


def test_settings_there_and_back_train_each_once(chain: Run, again: Run) -> None:
    config = chain_config()
    config["models"]["tiny"]["training"]["optimizer"]["learning_rate"] = 0.005
    write_config(again.workdir, config)
    run(again.project, again.workdir, f"results/{MODEL}")
    assert AGAIN not in pretrain_log(again)
    assert again.digests()[MODEL] != chain.digests()[MODEL]
    write_config(again.workdir, chain_config())
    run(again.project, again.workdir, f"results/{MODEL}")
    assert AGAIN in pretrain_log(again)
    assert again.digests() == chain.digests()


def test_killed_training_resumes_to_the_same_weights(chain: Run, again: Run) -> None:
    """The whole run is killed after a checkpoint; what remains is enough, and the bytes come out the same."""
    shutil.rmtree(again.results / "checkpoints")
    shutil.rmtree(again.results / "models")
    running = start(again, f"results/{MODEL}")
    launcher = wait_for_process("scripts.pretraining.train", again.workdir, running)
    deadline = time.monotonic() + 120
    while not list((again.results / "checkpoints").glob("*/step-*")):
        assert time.monotonic() < deadline, "no checkpoint was written"
        time.sleep(0.05)
    running.kill()
    os.kill(launcher, signal.SIGKILL)
    running.communicate()
    run(again.project, again.workdir, "--unlock")
    run(again.project, again.workdir, f"results/{MODEL}")
    assert "resuming after step" in pretrain_log(again)
    made = again.digests()
    # The scores of the model that was deleted are gone until they are asked for; nothing else may differ.
    wanted = {name: digest for name, digest in chain.digests().items() if name in made or name.startswith("models/")}
    assert made == wanted
