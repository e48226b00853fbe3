"""The memory of deduplication on a corpus of many gigabytes.

The text is made up (sentences drawn from a stock of them), signed by the code that the step `signatures` runs, and not kept;
deduplication then runs as a program of its own on the signatures, with every option on.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from scripts.cleaning.minhash import permutations
from scripts.cleaning.signatures import signature_schema, signed
from scripts.lib.documents import DocumentWriter
from scripts.lib.step import Step, step_parser
from tests.conftest import ROOT

# `ru_maxrss` would also count what the process that started this one had; and of what is resident, pages of mapped files
# can go at any time, so that the rest is watched by itself.
MEASURE = """
import pathlib, resource, sys, threading, time
from scripts.cleaning import clusters, deduplicate, sorting
if int(sys.argv.pop(1)):
    sorting.NUMBERS, clusters.COMPARED = 1 << 16, 1 << 10
own = 0
def watch():
    global own
    while True:
        resident, shared = map(int, pathlib.Path("/proc/self/statm").read_text().split()[1:3])
        own = max(own, (resident - shared) * resource.getpagesize())
        time.sleep(0.005)
threading.Thread(target=watch, daemon=True).start()
code = deduplicate.main(sys.argv[1:])
(line,) = [line for line in pathlib.Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
print(code, int(line.split()[1]) // 1024, own // 2**20, time.process_time())
"""
LIMIT_MB = 3_000
BATCH = 2_000
COPIED = 10  # every so many documents, the next one is a copy with one sentence replaced
SELECTION = pa.schema([("id", pa.string()), ("kept", pa.bool_())])


@dataclass(frozen=True)
class Deduplicated:
    """What deduplication took: bytes of text, documents in, copies planted and found, MB at most, seconds of CPU.

    `own` counts no pages of mapped files.
    """

    size: int
    documents: int
    planted: int
    removed: int
    peak: int
    own: int
    seconds: float

    @property
    def within(self) -> bool:
        return self.peak < LIMIT_MB and abs(self.removed - self.planted) <= 0.01 * self.planted


class Texts:
    """Documents of some sentences of about 100 bytes, five to a paragraph."""

    def __init__(self, seed: int, sentences: int) -> None:
        generator = random.Random(seed)
        words = [generator.randbytes(generator.randint(1, 4)).hex() for _ in range(50_000)]
        self._sentences = sentences
        self._stock = [" ".join(generator.choices(words, k=16)) + ". " for _ in range(50_000)]
        self._draws = np.random.default_rng(seed)

    def batch(self) -> list[str]:
        """Return the texts of the next documents."""
        drawn = self._draws.integers(0, len(self._stock), (BATCH, self._sentences))
        copies = np.arange(COPIED - 1, BATCH, COPIED)
        drawn[copies, :-1] = drawn[copies - 1, :-1]
        texts = []
        for row in drawn.tolist():
            sentences = [self._stock[number] for number in row]
            texts.append("\n\n".join("".join(sentences[start : start + 5]) for start in range(0, self._sentences, 5)))
        return texts


def write_signatures(folder: Path, size: int, sentences: int) -> tuple[int, int]:
    """Publish signatures and a selection of made-up documents of `size` bytes; returns bytes and documents."""
    functions, texts, written, documents = permutations(128, 1), Texts(11, sentences), 0, 0
    paths = [folder / stage / "0000.json" for stage in ("signatures", "selection")]
    signing, selecting = (
        Step("scripts.lib.step", step_parser("").parse_args(["--settings", "{}", "--manifest", str(path)]))
        for path in paths
    )
    with signing.publish() as out, selecting.publish() as selected:
        with (
            DocumentWriter(out.file("0000.parquet"), signature_schema(128)) as writer,
            DocumentWriter(selected.file("0000.parquet"), SELECTION) as verdicts,
        ):
            while written < size:
                found = texts.batch()
                ids = pa.array([f"web:https://example.org/{documents + number}" for number in range(BATCH)])
                batch = pa.record_batch([ids, pa.array(found)], names=["id", "text"])
                writer.write_table(pa.Table.from_batches([signed(batch, 5, functions)]))
                verdicts.write_table(pa.table([ids, pa.array([True] * BATCH)], schema=SELECTION))
                written += sum(map(len, found))
                documents += BATCH
        for output in (out, selected):
            output.account(incoming=documents, kept=documents)
    return written, documents


def memory_of_duplicates(folder: Path, size: int, sentences: int = 30, little: bool = False) -> Deduplicated:
    """Return what deduplication of `size` bytes of text takes, with near-duplicates and paragraphs.

    With `little` memory for what is sorted and compared at a time, a corpus of some MB is more than that holds.
    """
    folder.mkdir(parents=True)
    written, documents = write_signatures(folder, size, sentences)
    settings = {
        "sources": [{"name": "web", "parts": 1}],
        "exact": True,
        "near": {"bands": 21, "rows": 6, "similarity": 0.7},
        "paragraphs": {"minimum_characters": 100},
    }
    manifest = folder / "duplicates.json"
    paths = ["--signatures", str(folder / "signatures/0000.json"), "--selections", str(folder / "selection/0000.json")]
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            MEASURE,
            str(int(little)),
            *paths,
            "--manifest",
            str(manifest),
            "--settings",
            json.dumps(settings),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    status, peak, own, seconds = done.stdout.split()
    assert status == "0", done.stderr
    account = json.loads(manifest.read_text("utf-8"))["accounting"]
    removed = account["removed"].get("near_duplicate", 0)
    return Deduplicated(written, documents, documents // COPIED, removed, int(peak), int(own), float(seconds))
