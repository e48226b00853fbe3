"""Check what the default run made: every promise that the README makes of it. Run by `.ci/run` after `make`."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pyarrow.parquet as pq

from scripts.lib.manifest import load_manifest, open_artefact
from scripts.reproducibility.preflight import artefacts

RESULTS, RECORDS = Path("results"), Path(".snakemake")
MAIN_MODEL = "llama"
LEAST_IMPROVEMENT = {"llama": 0.2, "gpt2": 0.1, "bert": 0.1}  # over a unigram model, at what each predicts
LEAST_KNOWN_WORDS = 0.9  # of the sampled words
LEAST_WEB_PAGES = 100
MOST_GIGABYTES = 2
MOST_PAGE_BYTES = 5_000_000


def words(text: str) -> list[str]:
    return re.findall(r"[a-z]+(?:'[a-z]+)?", text.lower())


def corpus_vocabulary(corpus: str) -> set[str]:
    """All words of the curated documents of a corpus."""
    found: set[str] = set()
    for path in sorted((RESULTS / "corpora" / corpus / "documents").rglob("*.parquet")):
        for batch in pq.ParquetFile(path).iter_batches(columns=["text"]):
            for text in batch.column("text").to_pylist():
                found.update(words(text))
    return found


def main() -> int:
    """Print what was checked; returns 1 at the first broken promise."""
    checked = 0
    for manifest in artefacts(RESULTS):
        open_artefact(manifest)
        checked += 1
    print(f"{checked} artefacts have the digests of their manifests")
    pages = load_manifest(RESULTS / "sources/web/documents/0000.json")["accounting"]["kept"]
    print(f"{pages} web pages")
    if pages < LEAST_WEB_PAGES:
        return fail(f"there are less than {LEAST_WEB_PAGES} web pages")
    for name, least in LEAST_IMPROVEMENT.items():
        scores = load_manifest(RESULTS / "evaluations" / name / "bits_per_byte.json")["summary"]["all"]
        print(f"{name}: {scores['score']:.3f} {scores['unit']}, {scores['improvement']:.1%} better than unigram")
        if scores["improvement"] < least:
            return fail(f"{name} is less than {least:.0%} better than a unigram model")
    for path in sorted(RESULTS.glob("finetuned/*/*/model.json")):
        for task, one in load_manifest(path)["summary"]["dev"].items():
            print(
                f"{path.parent.relative_to(RESULTS)}: dev loss of {task} from {one['before']:.3f} to {one['after']:.3f}"
            )
            if one["after"] >= one["before"]:
                return fail(f"fine-tuning did not lower the dev loss of {task}")
    used = {
        load_manifest(path)["summary"]["model"]
        for path in RESULTS.glob("evaluations/*/zero_shot/*.json")
        if is_manifest(path)
    }
    if used != set(LEAST_IMPROVEMENT):
        return fail(f"zero-shot scores exist for {', '.join(sorted(used)) or 'no model'} only")
    accumulation = json.loads((RESULTS / "models/gpt2/model.provenance.json").read_text("utf-8"))["execution"][
        "accumulation"
    ]
    if accumulation < 2:
        return fail("no model accumulates gradients")
    model = load_manifest(RESULTS / "models" / MAIN_MODEL / "model.json")["summary"]
    samples = json.loads((RESULTS / "models" / MAIN_MODEL / "samples.json").read_text("utf-8"))
    vocabulary = corpus_vocabulary(model["corpus"])
    said = [word for sample in samples for word in words(sample["text"])]
    known = sum(word in vocabulary for word in said) / len(said)
    print(f"{known:.1%} of {len(said)} sampled words stand in the corpus")
    if known < LEAST_KNOWN_WORDS:
        return fail(f"less than {LEAST_KNOWN_WORDS:.0%} of the sampled words stand in the corpus")
    sizes = {folder: gigabytes(folder) for folder in (RESULTS, RECORDS)}
    print(", ".join(f"{folder}/ takes {size:.2f} GB of disk" for folder, size in sizes.items()))
    if sum(sizes.values()) > MOST_GIGABYTES:
        return fail(f"the run takes more than {MOST_GIGABYTES} GB of disk")
    page = (RESULTS / "report.html").read_bytes()
    if re.search(rb"""(?:src|href)=["']?(?:https?:)?//""", page) or len(page) > MOST_PAGE_BYTES:
        return fail(f"the report is larger than {MOST_PAGE_BYTES:,} bytes or refers to something elsewhere")
    print(f"the report has {len(page):,} bytes and refers to nothing elsewhere")
    return 0


def gigabytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e9


def is_manifest(path: Path) -> bool:
    return not path.name.endswith(".provenance.json")


def fail(sentence: str) -> int:
    print(f"error: {sentence}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
