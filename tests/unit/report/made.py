"""Artefacts of every stage that the report reads, made up: small numbers in the shapes that the programs publish."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from scripts.lib.events import EventFile
from scripts.lib.manifest import provenance_path
from scripts.lib.step import Step, recipe_digest, step_parser

Row = dict[str, Any]
SOURCES = ("books", "web")
SETTINGS: Row = {
    "origins": {"books": "Project Gutenberg", "web": "A crawl"},
    "corpora": {"main": ["web", "books"]},
    "versions": ["torch==2.13.0", "numpy==2.4.6"],
    "acceptances": [{"program": "scripts.cleaning.select", "reason": "a function became two"}],
}


def publish(manifest: Path, summary: Row, removed: dict[str, int] | None = None, **files: str) -> Path:
    """Publish an artefact of ten records; its files are named by keys with `__` for the dot."""
    step = Step("scripts.lib.step", step_parser("").parse_args(["--settings", "{}", "--manifest", str(manifest)]))
    with step.publish() as out:
        for name, text in files.items():
            out.file(name.replace("__", ".")).write_text(text, encoding="utf-8")
        out.summary.update(summary)
        out.account(incoming=10, kept=10 - sum((removed or {}).values()), removed=removed)
    return manifest


def cleaning(results: Path) -> dict[str, list[Path]]:
    """Publish what the report reads of sources, one corpus and a classifier."""
    corpus = results / "corpora/main"
    groups = [
        {"group": "gender-woman", "mentions": 4, "removed": 1, "removal": {"ratio": 1.5, "low": 0.4, "high": 5.0}},
        {"group": "religion-none", "mentions": 10, "removed": 3, "removal": None},
    ]
    uses = {"train": 4, "calibration": 2, "test": 2}
    held_out = {"auc": 0.9, "auc_low": 0.8, "auc_high": 1.0, "true_positive_rate": 0.8, "false_positive_rate": 0.1}
    examples = {"positive": {"books": uses}, "negative": {"web": uses}}
    return {
        "documents": [
            publish(results / f"sources/{name}/documents/0000.json", {}, {"empty": 1}, **{"0000__parquet": name})
            for name in SOURCES
        ],
        "curated": [
            publish(
                corpus / f"documents/{name}/0000.json",
                {"splits": {"train": 6, "validation": 1}, "pii": {"email": 2}},
                {"length.min_characters": 2, "duplicate": 1},
            )
            for name in SOURCES
        ],
        "duplicates": [publish(corpus / "duplicates.json", {"cluster_sizes": {"2": 1}})],
        "contamination": [
            publish(
                corpus / "contamination.json", {"quiz": {"items": 5, "together": 0, "too_short": 1, "documents": 2}}
            )
        ],
        "audits": [publish(corpus / "audit.json", {"groups": groups})],
        "classifiers": [
            publish(
                results / "classifiers/prose/model.json",
                {"examples": examples, "held_out": held_out, "texts_in_both_sets": 1},
            )
        ],
    }


def tokenizers(results: Path) -> dict[str, list[Path]]:
    """Publish what the report reads of two tokenizers of the corpus."""
    tally = {"documents": 3, "bytes": 900, "tokens": 300, "bytes_per_token": 3.0, "fertility": 1.5, "premium": 1.0}
    compared = {
        "vocabulary": 800,
        "unused_pieces": 7,
        "round_trip": 1.0,
        "renyi_efficiency": 0.5,
        "all": tally,
        "sources": dict.fromkeys(SOURCES, tally),
        "languages": dict.fromkeys(("de", "en"), tally),
    }
    one = {"vocabulary": 800, "unused_pieces": 7, "checked_texts": 20, "sources": dict.fromkeys(SOURCES, tally)}
    comparison = {"corpus": "main", "documents": "held out", "tokenizers": {"large": compared, "small": compared}}
    return {
        "tokenizers": [publish(results / f"tokenizers/{name}.json", one) for name in ("large", "small")],
        "comparisons": [publish(results / "corpora/main/tokenizers.json", comparison)],
    }


def lines(*rows: Row) -> str:
    """Return rows as JSON lines."""
    return "".join(json.dumps(row) + "\n" for row in rows)


def pretrained(results: Path, name: str, masked: bool) -> dict[str, list[Path]]:
    """Publish what the report reads of a model; one that is masked writes nothing."""
    score = {
        "unit": "nats per masked token" if masked else "bits per byte",
        **{"score": 2.0, "low": 1.9, "high": 2.1, "unigram": 3.0, "improvement": 0.3},
        **{"documents": 4, "tokens": 300, "bytes": 900},
    }
    plan = {
        **{"parameters": {"total": 1000}, "steps": 8, "tokens": 512, "tokens_per_parameter": 0.5},
        **{"compute_optimal_tokens": 20_000, "flops": {"total": 1e9}},
        "sources": {source: {"tokens": 256, "epochs": 0.5} for source in SOURCES},
        "from": None if masked else {"tokens": 512, "flops": 1e9},
    }
    sample = {} if masked else {"sample": {"prompt": "Once", "text": " upon"}}
    measured = {"loss": 2.0, "tokens": 1234} | ({} if masked else {"bits_per_byte": 1.0})
    metrics = lines(
        *({"step": step, "loss": 4 - step / 10, "lr": step / 100, "grad_norm": 1 / step} for step in range(1, 9)),
        *({"step": step, "validation": dict.fromkeys(SOURCES, measured)} | sample for step in (4, 8)),
    )
    samples = [
        {"source": source, "number": 0, "temperature": 0.8, "prompt": "Once", "text": " upon"} for source in SOURCES
    ]
    folder = results / f"models/{name}"
    summary = {"family": "bert", "objective": "masked"} if masked else {"family": "llama", "objective": "causal"}
    summary |= {"corpus": "main", "from": None if masked else {"model": "trunk", "step": 8}}
    files = {"metrics__jsonl": metrics, "samples__json": json.dumps([] if masked else samples)}
    return {
        "plans": [publish(folder / "plan.json", plan)],
        "models": [publish(folder / "model.json", summary, **files)],
        "scores": [
            publish(
                results / f"evaluations/{name}/bits_per_byte.json",
                {"all": score, "sources": dict.fromkeys(SOURCES, score)},
            )
        ],
    }


def tasks(results: Path) -> dict[str, list[Path]]:
    """Publish what the report reads of a task, of scores on it and of a fine-tuning."""
    share = {"score": 60.0, "low": 50.0, "high": 70.0, "n": 30, "unit": "%"}
    measure = {"name": "accuracy", **share, "chance": 50.0, "baseline": 55.0, "baseline_name": "majority class"}
    scored = {
        **{"model": "tiny", "finetuning": None, "task": "quiz", "split": "test", "items": 30, "available": 40},
        **{"measures": [measure], "groups": {"easy": share}, "examples": []},
    }
    copied = {"chance": None, "baseline": 20.0, "baseline_name": "copy of the source"}
    written = scored | {
        "task": "phrases",
        "measures": [{"name": "BLEU", **share, "unit": "points", **copied}],
        "groups": {},
    }
    examples = [{"source": "one", "answer": "eins", "right": "eins"}]
    dev = {"quiz": {"before": 2.0, "after": 1.0, "items": 12, "tokens": 12}}
    tuned = {
        **{"model": "tiny", "finetuning": "mixed", "steps": 8, "batch": 4},
        **{"dev": dev, "train": {"quiz": 36}, "epochs": {"quiz": 0.9}},
    }
    rows = [{"step": step, "loss": 3 - step / 10} for step in range(1, 9)]
    rows += [{"step": step, "dev": {"quiz": {"loss": 2.0, "items": 12, "tokens": 12}}} for step in (0, 8)]
    evaluations = results / "evaluations/tiny"
    return {
        "tasks": [publish(results / "tasks/quiz/items.json", {"splits": {"train": 6, "test": 4}})],
        "zero_shot": [publish(evaluations / f"zero_shot/{one['task']}.json", one) for one in (scored, written)],
        "finetuned": [publish(results / "finetuned/tiny/mixed/model.json", tuned, metrics__jsonl=lines(*rows))],
        "finetuned_scores": [
            publish(
                evaluations / "finetuned/mixed/quiz.json",
                {**scored, "finetuning": "mixed", "examples": examples},
            )
        ],
    }


def timings(results: Path) -> Path:
    """Write the benchmark file of a job, as Snakemake does."""
    folder = results / "benchmarks"
    (folder / "extract").mkdir(parents=True)
    (folder / "extract" / "books.0000.tsv").write_text("s\tmax_rss\n1.5\t120.0\n", encoding="utf-8")
    return folder


def checkpoints(results: Path, model: Path) -> Path:
    """Write the event files of a training that was killed while it wrote and went on; return the folder of all states."""
    folder = results / "checkpoints"
    state = folder / recipe_digest(json.loads(provenance_path(model).read_text("utf-8")))
    first = EventFile(state)
    for step in range(1, 6):
        first.add(step, {"tokens_per_second": 4000.0, "loss": 3.0})
    first.path.write_bytes(first.path.read_bytes()[:-7])
    second = EventFile(state)
    for step in range(4, 9):
        second.add(step, {"tokens_per_second": 5000.0 + step, "update_to_weight": float("nan") if step == 4 else 0.01})
    return folder


def everything(results: Path) -> dict[str, list[Path]]:
    """Publish all that the report reads, by its role."""
    causal, masked = pretrained(results, "tiny", False), pretrained(results, "cloze", True)
    models = {role: causal[role] + masked[role] for role in causal}
    return cleaning(results) | tokenizers(results) | models | tasks(results)
