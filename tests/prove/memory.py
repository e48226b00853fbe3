"""The memory of extraction on a part of many gigabytes."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import zstandard

from scripts.registry.job_environment import MEMORY
from scripts.sources import fetch
from tests.conftest import ROOT

# `ru_maxrss` would also count what the process that started this one had.
MEASURE = """
import pathlib, sys
from scripts.sources import extract
code = extract.main(sys.argv[1:])
(line,) = [line for line in pathlib.Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
print(code, int(line.split()[1]) // 1024)
"""
LIMIT_MB = 500


@dataclass(frozen=True)
class Peak:
    """What extraction of a part took: bytes in, documents out, MB at most."""

    kind: str
    size: int
    documents: int
    peak: int

    @property
    def within(self) -> bool:
        return self.peak < LIMIT_MB


def write_lines(path: Path, size: int) -> None:
    """Write JSON lines of `size` bytes in all, as zstd."""
    words = [random.Random(number).randbytes(4).hex() for number in range(5_000)]
    generator, written = random.Random(7), 0
    block = "".join(
        json.dumps({"text": " ".join(generator.choices(words, k=400))}) + "\n" for _ in range(3_000)
    ).encode()
    with path.open("wb") as file, zstandard.ZstdCompressor(level=1).stream_writer(file) as out:
        while written < size:
            out.write(block)
            written += len(block)


def extract_in_a_process(folder: Path, raw: Path, kind: str, size: int) -> Peak:
    """Extract a fetched part in a process of its own, which is told of memory what jobs are."""
    manifest = folder / "documents" / "0000.json"
    settings = {"source": "s", "kind": kind, "language": None, "license": "x", "options": {}, "max_quarantined": 0.0}
    arguments = ["--raw", str(raw), "--manifest", str(manifest), "--settings", json.dumps(settings)]
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, *arguments],
        cwd=ROOT,
        env={**os.environ, **MEMORY},
        capture_output=True,
        text=True,
        check=True,
    )
    status, peak = map(int, done.stdout.split())
    assert status == 0, done.stderr
    return Peak(kind, size, json.loads(manifest.read_text("utf-8"))["accounting"]["kept"], peak)


def fetch_local(folder: Path, path: Path) -> Path:
    """Fetch one local file as a part; returns its manifest."""
    manifest = folder / "raw" / "0000.json"
    origin = {"package": None, "files": [{"path": str(path)}]}
    settings = {"origin": origin, "part": "0000", "parts": 1, "content": None}
    places = ["--cache", str(folder / "cache"), "--lock", str(folder / "downloads.lock"), "--manifest", str(manifest)]
    code = fetch.main([*places, "--settings", json.dumps(settings)])
    assert code == 0
    return manifest


def memory_of_lines(folder: Path, size: int) -> Peak:
    """Return what a part of JSON lines takes."""
    folder.mkdir(parents=True)
    write_lines(folder / "big", size)
    raw = fetch_local(folder, folder / "big")
    (folder / "big").unlink()
    return extract_in_a_process(folder, raw, "jsonl", size)
