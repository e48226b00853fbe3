"""A corpus that grows by a source: what stands in shards stays, and so does the order within the other sources."""

from __future__ import annotations

import copy
import hashlib
from pathlib import Path
from typing import Any

from scripts.lib.order import Sample
from scripts.registry.targets import SPLITS
from scripts.reproducibility.batches import ModelBatches
from tests.end_to_end.test_chain import chain_config
from tests.real_text import topic_documents, write_jsonl
from tests.workflow.conftest import lay_out
from tests.workflow.harness import jobs_of, run, write_config

OTHERS = ("reference", "modules")
PLAN = "results/models/tiny/plan.json"


def small_config() -> dict[str, Any]:
    """One model over `main`, whose tokenizer is trained on a corpus of its own."""
    whole = chain_config()
    config = {name: whole[name] for name in ("seed", "sources", "corpora", "tokenizers", "models")}
    config["corpora"]["words"] = copy.deepcopy(config["corpora"]["main"])
    config["tokenizers"]["small"]["corpus"] = "words"
    return config


def grown_config() -> dict[str, Any]:
    config = small_config()
    extra = {"kind": "jsonl", "language": "en", "license": "PSF-2.0", "files": [{"path": "text/extra.jsonl"}]}
    config["sources"]["extra"] = extra
    config["corpora"]["main"]["sources"].append("extra")
    return config


def backwards() -> list[dict[str, str]]:
    """Return the reference's topics word by word from their ends: texts that are nobody's copies."""
    return [{"id": one["id"], "text": " ".join(one["text"].split()[::-1])} for one in topic_documents()]


def samples(results: Path) -> dict[str, list[Sample]]:
    """Return what the steps of the model take of each source, in their order."""
    batches = ModelBatches(results, "tiny")
    order, _ = batches.open()
    found: dict[str, list[Sample]] = {}
    for step in range(batches.steps):
        for sample in order.locate(step):
            found.setdefault(sample.source, []).append(sample)
    return found


def shards(results: Path) -> dict[str, str]:
    """Return the digests of the tokens of the other sources, by file."""
    files = [path for name in OTHERS for path in (results / "shards" / "main" / "small" / name).glob("*.bin")]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_another_source_leaves_the_shards_and_the_order_within_the_others(tmp_path: Path) -> None:
    made = lay_out(tmp_path, small_config())
    write_jsonl(made.workdir / "text" / "extra.jsonl", backwards())
    run(made.project, made.workdir, PLAN)
    before, tokens = samples(made.results), shards(made.results)
    assert set(before) == set(OTHERS) and len(tokens) == 3 * len(SPLITS)  # of two parts and of one
    write_config(made.workdir, grown_config())
    jobs = jobs_of(run(made.project, made.workdir, PLAN))
    assert (jobs["extract"], jobs["annotate"], jobs["train_tokenizer"]) == (1, 1, 0)
    after = samples(made.results)
    assert shards(made.results) == tokens
    assert len(after["extra"]) > 20
    for name in OTHERS:
        both = min(len(before[name]), len(after[name]))
        assert both > 5
        assert after[name][:both] == before[name][:both]
