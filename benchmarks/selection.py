"""What another threshold costs: the decision on a million documents from their measured attributes.

    python -m benchmarks.selection --documents 1000000 --folder /tmp/selection

Attributes are drawn at random around the thresholds of their rules, so that every rule has verdicts of both kinds, in five
languages and one of ten documents in a script without spaces; a list has 100,000 domains. Prints CPU seconds and the peak of
memory of the whole program for three choices: the five families of English web pages, the same with overrides for two languages,
and all of them with the list of domains.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from scripts.cleaning.filters import FAMILIES, known_rules
from scripts.cleaning.select import columns_of
from scripts.cleaning.urls import MEASURED_OF_URLS
from scripts.lib.canonical import sha256_file
from scripts.lib.documents import DocumentWriter
from scripts.lib.lists import remember
from scripts.lib.step import Step, step_parser

ROWS = 50_000
WEB = ["length", "gopher_quality", "gopher_repetition", "c4", "fineweb"]
RULE = "gopher_quality.min_words"


def annotations(folder: Path, documents: int) -> Path:
    """Publish attributes of documents."""
    manifest = folder / "annotations" / "0000.json"
    rules = list(known_rules().values())
    columns = [name for name in columns_of(rules) if name not in MEASURED_OF_URLS]
    limits = {rule.column: max(rule.threshold, 1e-3) for rule in rules}
    kinds = [("id", pa.string()), ("url", pa.string()), ("language", pa.string())]
    schema = pa.schema([*kinds, *((name, pa.float64()) for name in ["unspaced_ratio", *columns])])
    draw = np.random.default_rng(1)
    step = Step("scripts.lib.step", step_parser("").parse_args(["--settings", "{}", "--manifest", str(manifest)]))
    with step.publish() as out:
        with DocumentWriter(out.file("0000.parquet"), schema) as writer:
            for start in range(0, documents, ROWS):
                number = min(ROWS, documents - start)
                hosts = draw.integers(0, 2_000_000, number)
                table: dict[str, Any] = {
                    "id": [f"web:{start + i}" for i in range(number)],
                    "url": [f"https://www.site{host}.example/articles/{start + i}" for i, host in enumerate(hosts)],
                    "language": draw.choice(["en", "de", "fr", "es", "zh"], number).tolist(),
                    "unspaced_ratio": (draw.random(number) < 0.1).astype(float),
                }
                for name in columns:
                    table[name] = draw.exponential(limits.get(name, 1.0), number)
                writer.write_table(pa.table(table))
        out.account(incoming=documents, kept=documents)
    return manifest


def timed(folder: Path, name: str, measured: Path, **changes: Any) -> None:
    """Run the program in a process of its own and print what it took."""
    settings = {
        "families": WEB,
        "thresholds": {RULE: 40},
        "languages": ["en"],
        "overrides": [],
        "url_lists": {},
        **changes,
    }
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    line = [sys.executable, "-m", "scripts.cleaning.select", "--settings", json.dumps(settings)]
    line += ["--annotations", str(measured), "--manifest", str(folder / name / "0000.json")]
    line += ["--lists", str(folder / "lists.json")]
    subprocess.run(line, check=True, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{name}: {seconds:.1f} s of CPU, peak of memory so far {after.ru_maxrss / 1024:.0f} MiB")


def main() -> None:
    """Print the cost of three choices."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=1_000_000, help="how many")
    parser.add_argument("--folder", type=Path, required=True, help="where to work")
    args = parser.parse_args()
    measured = annotations(args.folder, args.documents)
    blocked = args.folder / "domains"
    blocked.write_text("".join(f"site{20 * i}.example\n" for i in range(100_000)), encoding="utf-8")
    lists = {"domains": [sha256_file(blocked)]}
    remember({sha256_file(blocked): blocked}, args.folder / "lists.json")
    override = {"languages": None, "families": None, "thresholds": {}}
    overrides = [
        {**override, "languages": ["de"], "thresholds": {RULE: 30}},
        {**override, "languages": ["zh"], "families": WEB[:2]},
    ]
    timed(args.folder, "families of web pages", measured)
    timed(args.folder, "overrides for two languages", measured, languages=None, overrides=overrides)
    timed(args.folder, "every family and a list of domains", measured, families=list(FAMILIES), url_lists=lists)


if __name__ == "__main__":
    main()
