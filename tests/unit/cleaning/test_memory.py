"""Deduplication keeps documents, their keys and their pairs on disk: memory does not grow (the full proof is `make prove`)."""

from __future__ import annotations

from pathlib import Path

from tests.prove.duplicates import memory_of_duplicates

PER_DOCUMENT = 64  # bytes: half of what a forest with sorts of documents in memory takes


def test_memory_does_not_grow_with_the_documents(tmp_path: Path) -> None:
    few = memory_of_duplicates(tmp_path / "few", 40_000_000, sentences=12, little=True)
    many = memory_of_duplicates(tmp_path / "many", 300_000_000, sentences=12, little=True)
    assert many.documents - few.documents > 200_000
    assert (many.own - few.own) * 2**20 < PER_DOCUMENT * (many.documents - few.documents)
    assert many.peak < 400
    assert many.removed > 0.98 * many.planted
