"""Held-out text that stands in training text is measured word by word, whatever the parts and their order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from scripts.cleaning import overlap
from scripts.cleaning.runs import Rules
from scripts.cleaning.wording import Words
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
            "sharing": 1,
            "touched": 1,
            "words": everything,
            "covered": words,
        }
    ]


def test_what_stands_for_hyphens_and_apostrophes_hides_no_shared_run(tmp_path: Path) -> None:
    quoted = "It's a well-known and oft-told tale, and we don't tire of it"
    cut = "It 's a well @-@ known and oft told tale , and we do n't tire of it"
    rows, _ = run(tmp_path, {"v:1": f"{quoted}.", "t:1": f"Before. {cut} . After."}, ["v:1"])
    assert [(row["words"], row["covered"]) for row in rows] == [(16, 16)]


def test_neither_parts_nor_order_count(tmp_path: Path) -> None:
    texts = {f"d:{n}": one["text"][:3000] for n, one in enumerate([*module_documents()[:40], *topic_documents()[:40]])}
    held = [f"d:{number}" for number in range(0, 80, 5)]
    texts |= {f"t:{number}": f"Intro. {texts[name][300:900]}" for number, name in enumerate(held)}
    found = [
        run(tmp_path / str(parts), dict(sorted(texts.items(), reverse=parts > 1)), held, parts) for parts in (1, 3)
    ]
    first, second = (sorted(rows, key=lambda row: row["id"]) for rows, _ in found)
    assert first == second
    assert found[0][1]["summary"] == found[1][1]["summary"]
    assert len(found[0][0]) == len(held)


def test_all_held_out_text_is_looked_for_some_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slices of the index change nothing, and none is larger than asked for by more than what is read at once."""
    texts = {f"d:{n}": one["text"][:3000] for n, one in enumerate([*module_documents()[:30], *topic_documents()[:30]])}
    held = [f"d:{number}" for number in range(0, 60, 3)]
    texts |= {f"t:{number}": f"Intro. {texts[name][300:900]}" for number, name in enumerate(held)}
    texts |= {f"u:{number}": f"Other. {texts[name][200:800]}" for number, name in enumerate(held[::2])}
    whole = run(tmp_path / "whole", texts, held)
    sizes: list[int] = []

    class Watched(overlap.Runs):
        def __init__(self, words: Words, rules: Rules) -> None:
            sizes.append(len(words.hashes))
            super().__init__(words, rules)

    monkeypatch.setattr(overlap, "INDEXED", 1_000)
    monkeypatch.setattr(overlap, "CHARACTERS", 1_500)
    monkeypatch.setattr(overlap, "Runs", Watched)
    assert run(tmp_path / "slices", texts, held) == whole
    assert len(sizes) > 3 and max(sizes) < 2_000
    (counts,) = whole[1]["summary"]["held_out"]
    assert (counts["documents"], counts["sharing"]) == (20, 20)
    assert 30 <= counts["touched"] <= 70
    assert counts["words"] == sum(sizes)


def test_training_documents_are_counted_once_by_split_and_source(tmp_path: Path) -> None:
    """One training document that quotes two held-out ones of a source and one of another touches each source once."""
    first, second, third = (f"{QUOTED} as {name} {QUOTED[::-1]}" for name in ("one", "two", "three"))
    sources = {
        "books": {"b:1": first, "b:2": second, "b:3": "Nothing that anybody else would say in the same words at all"},
        "web": {"w:1": third, "w:2": f"{first}. {third}", "w:3": f"{second} {first}", "w:4": "Other words"},
    }
    held, curated = ["b:1", "b:2", "b:3", "w:1"], []
    for name, texts in sources.items():
        curated.append(publish_curated(tmp_path / name / "0000.json", texts, held))
    names = [{"name": name, "parts": 1} for name in sources]
    settings = {"sources": names, "ngram": 13, "minimum_words": 8, "sentence_words": 5}
    manifest = tmp_path / "overlap.json"
    assert overlap.main(arguments(settings, curated=curated, manifest=manifest)) == 0
    counts = load_manifest(manifest)["summary"]["held_out"]
    told = [(row["source"], row["documents"], row["sharing"], row["touched"]) for row in counts]
    assert told == [("books", 3, 2, 2), ("web", 1, 1, 2)]
    assert load_manifest(manifest)["accounting"]["sources"] == {
        name: {"in": documents, "kept": documents, "removed": {}, "quarantined": {}}
        for name, documents in (("books", 3), ("web", 1))
    }


def test_a_corpus_without_held_out_text(tmp_path: Path) -> None:
    rows, manifest = run(tmp_path, {"t:0": QUOTED}, [])
    assert rows == []
    assert manifest["summary"] == {"held_out": []}
