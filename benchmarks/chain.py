"""From a WARC file to curated documents, beside the same chain in datatrove: CPU time of whole programs, start and all.

    pip install --target PEERS -r benchmarks/requirements.txt
    MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=100000000000 MALLOC_TOP_PAD_=67108864 \\
        GLIBC_TUNABLES=glibc.malloc.hugetlb=1 PYTHONPATH=. \\
        python -m benchmarks.chain --data ../shared/data --peers PEERS --megabytes 600 --rounds 1

Ours: fetch, extract, annotate, signatures, select (the families gopher_repetition, gopher_quality, c4 and fineweb), deduplicate,
decontaminate (against nothing), curate with personal data replaced: each the program that Snakemake runs, one after the other.
datatrove: WarcReader, Trafilatura, the same four filters, its four steps of MinHash deduplication with as many permutations, and
its formatter of personal data. Neither identifies languages to keep some, since datatrove's models have to be downloaded; ours
identifies them all the same, because `annotate` does. Both read the same file, in turn, and are told the same of memory as jobs
of the workflow are (scripts/registry/job_environment.py). Ours runs once unmeasured, so that compiled loops are kept. What each
makes of a page differs by the extractor, so they do not end with the same documents; how many each has is printed. datatrove
gets all the time that a page takes; by default it gives it up after a second. trafilatura leaves out what it has seen in
earlier pages, which here come again and again, so it forgets them after each page.

Programs take seconds to start, a crawl's file of some gigabytes of HTML minutes to read: `--megabytes` says how far from one.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.extraction import MEGABYTE, pages

BANDS, ROWS = 21, 6
_RECORD = re.compile(rb"(WARC-Record-ID: <urn:uuid:)[0-9A-Fa-f]{8}")
SOURCES = [{"name": "web", "parts": 1}]
PEER = f"""
import sys
from pathlib import Path
from datatrove.data import DocumentsPipeline
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupFilter, MinhashDedupSignature
from datatrove.pipeline.dedup.minhash import MinhashConfig
from datatrove.pipeline.extractors import Trafilatura
from datatrove.pipeline.filters import C4QualityFilter, FineWebQualityFilter, GopherQualityFilter, GopherRepetitionFilter
from datatrove.pipeline.formatters import PIIFormatter
from datatrove.pipeline.readers import JsonlReader, WarcReader
from datatrove.pipeline.writers import JsonlWriter
from trafilatura.deduplication import LRU_TEST
class MainText(Trafilatura):
    def extract(self, text):
        LRU_TEST.clear()
        return super().extract(text)
folder, out = sys.argv[1:]
config = MinhashConfig(n_grams=5, num_buckets={BANDS}, hashes_per_bucket={ROWS})
main_text = MainText(favour_precision=True, timeout=600)
filters = [GopherRepetitionFilter(), GopherQualityFilter(), C4QualityFilter(), FineWebQualityFilter()]
steps = [
    [WarcReader(folder, compression=None), main_text, *filters, JsonlWriter(f"{{out}}/filtered")],
    [JsonlReader(f"{{out}}/filtered"), MinhashDedupSignature(f"{{out}}/signatures", config=config)],
    [MinhashDedupBuckets(f"{{out}}/signatures", f"{{out}}/buckets", config=config)],
    [MinhashDedupCluster(f"{{out}}/buckets", f"{{out}}/remove", config=config)],
    [JsonlReader(f"{{out}}/filtered"), MinhashDedupFilter(f"{{out}}/remove"), PIIFormatter(), JsonlWriter(f"{{out}}/curated")],
]
for number, step in enumerate(steps):
    tasks = {BANDS} if number == 2 else 1
    LocalPipelineExecutor(step, tasks=tasks, workers=1, logging_dir=f"{{out}}/logs/{{number}}", skip_completed=False).run()
"""


def write_pages(data: Path, target: Path, size: int) -> int:
    """Write the whole WARC files of the data until they hold `size` bytes of HTML, records under ids of their own.

    Returns how many bytes they hold. The file is not compressed.
    """
    archives = [path for path in sorted(data.glob("warc-*/*.warc.gz")) if "truncated" not in path.name]
    html = sum(len(page) for archive in archives for page, _ in pages(archive))
    rounds = -(-size // html)
    with target.open("wb") as out:
        for number in range(rounds):
            for archive in archives:
                out.write(_RECORD.sub(b"\\g<1>%08x" % number, gzip.decompress(archive.read_bytes())))
    return rounds * html


def run(command: list[str], path: str) -> float:
    """Run a program and return the CPU seconds of it and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        command,
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stderr[-3000:])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def program(name: str, settings: Mapping[str, Any], **files: Path) -> list[str]:
    """Return the command line of a step."""
    command = [sys.executable, "-m", f"scripts.{name}", "--settings", json.dumps(settings)]
    for flag, path in files.items():
        command += [f"--{flag}", str(path)]
    return command


def ours(archive: Path, folder: Path) -> dict[str, float]:
    """Run the steps on one archive; return the CPU seconds of each."""
    part = {
        name: folder / name / "0000.json" for name in ("raw", "documents", "annotations", "signatures", "selection")
    }
    whole = {name: folder / f"{name}.json" for name in ("duplicates", "contamination")}
    origin = {"package": None, "files": [{"path": str(archive)}]}
    families = ["gopher_repetition", "gopher_quality", "c4", "fineweb"]
    filters = {"families": families, "thresholds": {}, "languages": None, "overrides": [], "url_lists": {}}
    near = {"bands": BANDS, "rows": ROWS, "similarity": 0.7}
    items = {"tasks": [], "ngram": 13, "minimum_words": 8, "sentence_words": 5, "remove": "documents"}
    kinds = ["email", "phone", "ip", "card", "iban", "national_id"]
    curation = {
        "source": "web",
        "line_edits": [],
        "pii": kinds,
        "split": {"validation": 0.05, "test": 0.0},
        "seed": 1,
    }
    source = {"source": "web", "kind": "common_crawl", "language": None, "license": "x", "options": {}}
    places = {"cache": folder / "cache", "lock": folder / "downloads.lock"}
    commands = [
        program(
            "sources.fetch",
            {"origin": origin, "part": "0000", "parts": 1, "content": None},
            manifest=part["raw"],
            **places,
        ),
        program("sources.extract", {**source, "max_quarantined": 1.0}, raw=part["raw"], manifest=part["documents"]),
        program("cleaning.annotate", {}, documents=part["documents"], manifest=part["annotations"]),
        program(
            "cleaning.signatures",
            {"shingle": 5, "permutations": 128, "seed": 1},
            documents=part["documents"],
            manifest=part["signatures"],
        ),
        program("cleaning.select", filters, annotations=part["annotations"], manifest=part["selection"]),
        program(
            "cleaning.deduplicate",
            {"sources": SOURCES, "exact": True, "near": near, "paragraphs": None},
            signatures=part["signatures"],
            selections=part["selection"],
            manifest=whole["duplicates"],
        ),
        program(
            "cleaning.decontaminate",
            {"sources": SOURCES, **items},
            documents=part["documents"],
            selections=part["selection"],
            manifest=whole["contamination"],
        ),
        program(
            "cleaning.curate",
            curation,
            documents=part["documents"],
            annotations=part["annotations"],
            selection=part["selection"],
            **whole,
            manifest=folder / "curated" / "0000.json",
        ),
    ]
    return {command[2]: run(command, str(Path.cwd())) for command in commands}


def documents_of(folder: Path) -> int:
    """Return how many documents ours left, by the manifest of its last step."""
    accounting: dict[str, int] = json.loads((folder / "curated" / "0000.json").read_text())["accounting"]
    return accounting["kept"]


def peer_documents(folder: Path) -> int:
    """Return how many documents datatrove left."""
    files = (folder / "curated").glob("*.jsonl.gz")
    return sum(len(gzip.decompress(path.read_bytes()).splitlines()) for path in files)


def main() -> None:
    """Run both chains and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with warc-* folders")
    parser.add_argument("--peers", type=Path, required=True, help="folder into which datatrove was installed")
    parser.add_argument("--megabytes", type=int, default=25, help="of HTML")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        archive = folder / "pages" / "pages.warc"
        archive.parent.mkdir()
        size = write_pages(args.data, archive, args.megabytes * MEGABYTE) / MEGABYTE
        ours(archive, folder / "unmeasured")
        mine: list[dict[str, float]] = []
        seconds: dict[str, list[float]] = {"groundwork": [], "datatrove": []}
        for number in range(args.rounds):
            mine.append(ours(archive, folder / f"ours-{number}"))
            seconds["groundwork"].append(sum(mine[-1].values()))
            told = [str(archive.parent), str(folder / f"datatrove-{number}")]
            seconds["datatrove"].append(run([sys.executable, "-c", PEER, *told], str(args.peers)))
            print({name: round(found[-1], 1) for name, found in seconds.items()}, flush=True)
        left = [documents_of(folder / "ours-0"), peer_documents(folder / "datatrove-0")]
    medians = [statistics.median(found) for found in seconds.values()]
    print(f"WARC to curated documents: {size:.1f} MB of HTML\n")
    print("| chain | MB/s per core | CPU time beside ours | documents at the end |\n|---|---|---|---|")
    for name, median, count in zip(seconds, medians, left, strict=True):
        print(f"| {name} | {size / median:.3g} | {median / medians[0]:.1f} x | {count} |")
    print()
    print("| step of ours | CPU seconds |\n|---|---|")
    for step in mine[0]:
        print(f"| {step.removeprefix('scripts.')} | {statistics.median(one[step] for one in mine):.2f} |")


if __name__ == "__main__":
    main()
