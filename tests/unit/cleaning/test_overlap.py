"""Held-out text that stands in training text is measured word by word, whatever the parts and their order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from scripts.cleaning import overlap
from scripts.lib.manifest import load_manifest
from tests.making import arguments, publish_curated
from tests.real_text import module_documents, topic_documents

QUOTED = "The rivers run to the sea, and yet the sea is never full of all the water that they bring"
HELD = "validation"


def run(
    folder: Path, texts: dict[str, str], held: list[str], parts: int = 1
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Publish curated documents in parts and measure them; returns rows and summary."""
    curated = []
    for part in range(parts):
        mine = dict(list(texts.items())[part::parts])
        curated.append(publish_curated(folder / "curated" / f"{part:04d}.json", mine, held))
    settings = {"sources": [{"name": "web", "parts": parts}], "ngram": 13, "minimum_words": 8, "sentence_words": 5}
    manifest = folder / "overlap.json"
    assert overlap.main(arguments(settings, curated=curated, manifest=manifest)) == 0
    return pq.read_table(manifest.with_suffix(".parquet")).to_pylist(), load_manifest(manifest)


def test_shared_runs_are_counted_in_words(tmp_path: Path) -> None:
    texts = {
        "v:quotes": f"Only here. {QUOTED}! And only here too.",
        "v:own": "Nothing of this stands anywhere else but in this one document, as far as anyone can tell at all.",
        "v:short": "Never seen elsewhere again",
        "t:one": f"Before that. {QUOTED.upper().replace(' ', chr(10))} after that",
        "t:two": " ".join(QUOTED.split()[:12]) + " ends otherwise. Nothing of this stands anywhere else.",
    }
    rows, manifest = run(tmp_path, texts, ["v:quotes", "v:own", "v:short"])
    words = len(QUOTED.split())
    assert rows == [{"id": "v:quotes", "source": "web", "split": HELD, "words": words + 6, "covered": words}]
    everything = sum(len(texts[name].split()) for name in ("v:quotes", "v:own", "v:short"))
    assert manifest["summary"]["held_out"] == [
        {
            "split": HELD,
            "source": "web",
            "documents": 3,
            "checked": 3,
            "sharing": 1,
            "words": everything,
            "covered": words,
        }
    ]


def test_neither_parts_nor_order_count(tmp_path: Path) -> None:
    texts = {f"d:{n}": one["text"][:3000] for n, one in enumerate([*module_documents()[:40], *topic_documents()[:40]])}
    held = [f"d:{number}" for number in range(0, 80, 5)]
    texts |= {f"t:{number}": f"Intro. {texts[name][300:900]}" for number, name in enumerate(held)}
    found = [
        run(tmp_path / str(parts), dict(sorted(texts.items(), reverse=parts > 1)), held, parts) for parts in (1, 3)
    ]
    assert found[0][0] == found[1][0]
    assert found[0][1]["summary"] == found[1][1]["summary"]
    assert len(found[0][0]) == len(held)


def test_the_sample_is_bounded_and_does_not_depend_on_arrival() -> None:
    documents = [overlap.HeldOut(f"d:{n}", "web", HELD, "word " * (n % 7 + 1)) for n in range(200)]
    chosen = []
    for order in (documents, documents[::-1], documents[100:] + documents[:100]):
        sample = overlap.Sample(500)
        for document in order:
            sample.add(document)
        chosen.append(sample.chosen())
        assert sample.documents == {(HELD, "web"): 200}
    assert chosen[0] == chosen[1] == chosen[2]
    size = sum(len(document.text) for document in chosen[0])
    assert 500 <= size < 500 + 5 * 7


def test_what_does_not_fit_the_sample_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overlap, "LARGEST_SAMPLE", 100)
    texts = {f"v:{number}": f"{QUOTED} and {number}" for number in range(5)} | {"t:0": QUOTED}
    rows, manifest = run(tmp_path, texts, [name for name in texts if name != "t:0"])
    assert len(rows) == 2
    assert manifest["accounting"]["removed"] == {"beyond_sample": 3}
    assert manifest["accounting"]["sources"] == {
        "web": {"in": 5, "kept": 2, "removed": {"beyond_sample": 3}, "quarantined": {}}
    }


def test_a_corpus_without_held_out_text(tmp_path: Path) -> None:
    rows, manifest = run(tmp_path, {"t:0": QUOTED}, [])
    assert rows == []
    assert manifest["summary"] == {"held_out": []}
