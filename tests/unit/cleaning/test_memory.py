"""Deduplication keeps signatures on disk: its memory grows by a few numbers a document (the full proof is `make prove`)."""

from __future__ import annotations

from pathlib import Path

from tests.prove.duplicates import memory_of_duplicates

PER_DOCUMENT = 512  # bytes: what a signature alone has, without its keys


def test_memory_grows_by_less_than_a_signature(tmp_path: Path) -> None:
    few = memory_of_duplicates(tmp_path / "few", 20_000_000, sentences=12)
    many = memory_of_duplicates(tmp_path / "many", 100_000_000, sentences=12)
    assert many.documents - few.documents > 60_000
    assert (many.peak - few.peak) * 2**20 < PER_DOCUMENT * (many.documents - few.documents)
    assert many.peak < 400
    assert many.removed > 0.98 * many.planted
