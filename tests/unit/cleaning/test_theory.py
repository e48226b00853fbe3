"""What banded MinHash finds is what theory says, and neither parts, arrival nor the size of a group changes it."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scripts.cleaning import clusters, deduplicate, signatures
from scripts.cleaning.clusters import LEADERS, Joiner
from scripts.cleaning.curve import candidate_chance, curve, found_chance, least_agreement
from scripts.cleaning.spool import Spool
from scripts.lib.manifest import load_manifest
from tests.making import arguments, publish_documents, publish_rows
from tests.unit.cleaning.test_duplicates import edited, jaccard, text_of

SHAPE = {"bands": 21, "rows": 6, "similarity": 0.7}
SELECTION = pa.schema([("id", pa.string()), ("kept", pa.bool_()), ("quality", pa.float64())])
Texts = Mapping[str, str]
PERMUTATIONS = 128


def run(
    folder: Path,
    sources: Mapping[str, Texts],
    parts: int = 1,
    quality: Mapping[str, float] | None = None,
    **changes: Any,
) -> Path:
    """Sign and deduplicate sources, the first of which has the highest priority; returns the manifest."""
    signed, selected = [], []
    for source, texts in sources.items():
        for part in range(parts):
            mine = dict(list(texts.items())[part::parts])
            documents = publish_documents(folder / source / "documents" / f"{part:04d}.json", mine)
            signed.append(folder / source / "signatures" / f"{part:04d}.json")
            settings = {"shingle": 5, "permutations": PERMUTATIONS, "seed": 1}
            assert signatures.main(arguments(settings, documents=documents, manifest=signed[-1])) == 0
            rows = [{"id": key, "kept": True, "quality": (quality or {}).get(key)} for key in mine]
            schema = SELECTION if quality is not None else SELECTION.remove(2)
            selected.append(publish_rows(folder / source / "selection" / f"{part:04d}.json", rows, schema))
    settings = {
        "sources": [{"name": name, "parts": parts} for name in sources],
        **{"exact": True, "near": SHAPE, "paragraphs": None},
        **changes,
    }
    manifest = folder / "duplicates.json"
    assert deduplicate.main(arguments(settings, signatures=signed, selections=selected, manifest=manifest)) == 0
    return manifest


def found(manifest: Path) -> dict[str, tuple[str, str]]:
    rows = pq.read_table(manifest.with_suffix(".parquet")).to_pylist()
    return {row["id"]: (row["kind"], row["survivor"]) for row in rows}


@pytest.mark.parametrize("true", [0.3, 0.5, 0.65, 0.7, 0.8, 0.95])
def test_the_curve_is_that_of_independent_places(true: float) -> None:
    """Against 40,000 drawn signatures: within 4 standard errors."""
    drawn = np.random.default_rng(int(true * 100)).random((40_000, PERMUTATIONS)) < true
    banded = drawn[:, :126].reshape(-1, 21, 6).all(axis=2).any(axis=1)
    passed = banded & (drawn.sum(axis=1) >= least_agreement(PERMUTATIONS, 0.7))
    for share, chance in (
        (banded.mean(), candidate_chance(true, 21, 6)),
        (passed.mean(), found_chance(true, 21, 6, PERMUTATIONS, 0.7)),
    ):
        assert abs(share - chance) <= 4 * math.sqrt(chance * (1 - chance) / len(drawn)) + 1e-4


def test_the_curve_rises_from_nothing_to_certainty() -> None:
    points = curve(21, 6, PERMUTATIONS, 0.7)
    assert points[0] == [0.0, 0.0, 0.0] and points[-1] == [1.0, 1.0, 1.0]
    assert all(one[2] <= other[2] + 1e-9 and one[2] <= one[1] for one, other in itertools.pairwise(points))
    assert candidate_chance(0.7, 21, 6) > 0.92  # the default shape loses few pairs of the similarity that it asks for
    assert (least_agreement(128, 0.7), least_agreement(10, 0.7), least_agreement(128, 1)) == (90, 7, 128)


def planted(pairs: int) -> tuple[dict[str, str], dict[str, str], dict[str, float]]:
    """Texts, copies of them with words replaced, and the true similarity of each pair, from about 0.45 to 0.95."""
    generator, base, copies, true = random.Random(3), {}, {}, {}
    for number in range(pairs):
        words = generator.randint(150, 300)
        text = text_of(10_000 + number, words)
        base[f"base:{number}"] = text
        copies[f"copy:{number}"] = edited(text, generator.randint(1, words // 12), number)
        true[f"copy:{number}"] = jaccard(text, copies[f"copy:{number}"])
    return base, copies, true


def test_recall_and_precision_on_planted_pairs_are_those_of_theory(tmp_path: Path) -> None:
    """Both within 4 standard deviations of what the true similarities of the pairs make theory expect."""
    base, copies, true = planted(800)
    gone = found(run(tmp_path, {"base": base, "copy": copies}))
    assert all(survivor == key.replace("copy", "base") for key, (_, survivor) in gone.items())  # no strangers
    chances = {key: found_chance(similarity, 21, 6, PERMUTATIONS, 0.7) for key, similarity in true.items()}
    close = [key for key, similarity in true.items() if similarity >= 0.7]
    assert 200 < len(close) < 600
    for keys in (close, [key for key in true if true[key] < 0.7], [key for key in true if abs(true[key] - 0.7) < 0.05]):
        expected = sum(chances[key] for key in keys)
        deviation = math.sqrt(sum(chances[key] * (1 - chances[key]) for key in keys))
        assert deviation > 1  # else the comparison would say nothing
        assert abs(sum(key in gone for key in keys) - expected) <= 4 * deviation
    precision = sum(chances[key] for key in close) / sum(chances.values())
    measured = sum(key in gone for key in close) / len(gone)
    assert abs(measured - precision) <= 4 * math.sqrt(precision * (1 - precision) / len(gone))


def chains(seed: int) -> dict[str, dict[str, str]]:
    """Two sources of clusters of several sizes, in which copies of copies drift away, and exact copies."""
    generator = random.Random(seed)
    sources: dict[str, dict[str, str]] = {"one": {}, "two": {}}
    for cluster in range(60):
        text = text_of(generator.randrange(10**6), 120)
        for number in range(generator.choice([1, 1, 2, 3, 8])):
            source = generator.choice(["one", "two"])
            sources[source][f"{source}:{cluster}.{number}"] = text
            text = text.upper() if generator.random() < 0.2 else edited(text, generator.randint(0, 3), number)
    return sources


def test_neither_parts_nor_arrival_count(tmp_path: Path) -> None:
    sources = chains(4)
    expected = found(run(tmp_path / "whole", sources))
    assert len(expected) > 50 and {kind for kind, _ in expected.values()} == {"exact", "near"}
    backwards = {name: dict(reversed(texts.items())) for name, texts in sources.items()}
    assert found(run(tmp_path / "parts", sources, parts=3)) == expected
    assert found(run(tmp_path / "backwards", backwards, parts=2)) == expected
    assert not list(tmp_path.glob("*/.*spool*"))


def test_the_first_by_source_then_quality_then_length_then_id_survives(tmp_path: Path) -> None:
    text = text_of(1)
    longer = text.replace(" ", "  ")
    sources = {"a": {"a:2": text, "a:1": text, "a:3": longer}, "b": {"b:1": longer}}
    assert {survivor for _, survivor in found(run(tmp_path / "length", sources)).values()} == {"a:3"}
    for quality, survivor in (
        ({"a:1": 0.5, "a:2": 0.9, "a:3": 0.1, "b:1": 1.0}, "a:2"),
        ({"a:1": 0.5, "a:2": 0.5, "b:1": 1.0}, "a:1"),  # what has no quality stands behind
        ({"b:1": 1.0}, "a:3"),
    ):
        made = found(run(tmp_path / survivor, sources, quality=quality))
        assert {left for _, left in made.values()} == {survivor}
        assert len(made) == 3


def join_rows(folder: Path, rows: np.ndarray[Any, Any], least: int, keys: Sequence[int]) -> dict[int, int]:
    """Return the smallest document of the component of each document that is not the smallest of its own."""
    spools = [
        Spool(folder / "rows", "<u4", rows.shape[1]),
        Spool(folder / "ids", "<u4", 4),
        Spool(folder / "keys", "<u8"),
    ]
    numbers = np.zeros((len(rows), 4), np.uint32)
    numbers[:, 0] = np.arange(len(rows))
    for spool, values in zip(spools, (rows, numbers, np.array(keys, np.uint64)), strict=True):
        spool.append(values)
    joiner = Joiner(folder, spools[1], spools[1])
    joiner.join(spools[2].blocks, spools[0], least)
    return {int(node): int(least) for block in joiner.components.stars() for node, least in block}


def test_a_group_is_compared_in_all_its_pairs(tmp_path: Path) -> None:
    """Members 0..63 are strangers to each other; the last one is a copy of one in the middle."""
    rows = np.arange((LEADERS + 1) * 8, dtype=np.uint32).reshape(-1, 8)
    rows[LEADERS] = rows[40]
    assert join_rows(tmp_path, rows, 8, [5] * len(rows)) == {LEADERS: 40}


@pytest.mark.parametrize("compared", [clusters.COMPARED, 100])
def test_a_large_group_of_copies_is_one_cluster(compared: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether or not the group is compared in one go."""
    monkeypatch.setattr(clusters, "COMPARED", compared)
    rows = np.zeros((70_000, 4), np.uint32)
    rows[::7] = 9
    found = join_rows(tmp_path, rows, 3, [1] * len(rows))
    assert len(found) == len(rows) - 2
    assert all(root == (number % 7 > 0) for number, root in found.items())


def test_equal_keys_alone_join_nothing(tmp_path: Path) -> None:
    rows = np.random.default_rng(1).integers(0, 2**32, (300, 16), dtype=np.uint32)
    assert join_rows(tmp_path, rows, 1, [number % 3 for number in range(300)]) == {}


PROSE = [text_of(500 + number, 40).replace(" ", " the ") for number in range(8)]
SHORT = "A heading"
SHARED = {
    "a": {
        "a:1": f"{SHORT}\n\n{PROSE[0]}\n\n{PROSE[1]}",
        "a:2": f"{PROSE[2]}\n\n{PROSE[2]}\n\n{PROSE[3]}",  # twice in one document only: stays
    },
    "b": {
        "b:1": f"{SHORT}\n\n{PROSE[4]}\n\n\n{PROSE[0].upper()}!\n\n{PROSE[5]}",
        "b:2": f"{PROSE[1]}\n\n* * *\n\n{PROSE[0]}",  # nothing of it is left
        "b:3": f"{PROSE[6]}\n\n{PROSE[5]}\n\n{PROSE[6]}",
        "b:4": f"{PROSE[6]}\n\n{PROSE[7]}\n\nand then",
    },
}


@pytest.mark.parametrize("parts", [1, 2])
def test_repeated_paragraphs_go_from_all_but_the_first_document(parts: int, tmp_path: Path) -> None:
    """By length b:1 stands before b:3 and b:3 before b:4."""
    manifest = run(tmp_path, SHARED, parts, near=None, paragraphs={"minimum_characters": 100})
    rows = pq.read_table(manifest.with_name("duplicates.paragraphs.parquet")).to_pylist()
    assert {(row["id"], row["paragraph"]): row["survivor"] for row in rows} == {
        ("b:1", 2): "a:1",
        ("b:3", 1): "b:1",
        ("b:3", 2): "b:3",
        ("b:4", 0): "b:3",
    }
    assert found(manifest) == {"b:2": ("paragraph", "a:1")}
    made = load_manifest(manifest)
    assert made["accounting"]["removed"] == {"paragraph_duplicate": 1}
    assert {name: (one["in"], one["kept"]) for name, one in made["accounting"]["sources"].items()} == {
        "a": (2, 2),
        "b": (4, 3),
    }
    counts = {"documents": 3, "paragraphs": 4, "characters": sum(row["characters"] for row in rows)}
    assert made["summary"]["paragraphs"] == {"b": counts}
    assert counts["characters"] == len(PROSE[0]) + 1 + len(PROSE[5]) + 2 * len(PROSE[6])


def test_short_paragraphs_and_copies_that_go_anyway_cut_nothing(tmp_path: Path) -> None:
    whole = run(tmp_path / "long", SHARED, paragraphs={"minimum_characters": 1_000}, near=None)
    assert pq.read_table(whole.with_name("duplicates.paragraphs.parquet")).num_rows == 0
    sources = {"a": {"a:1": f"{PROSE[0]}\n\n{PROSE[1]}"}, "b": {"b:1": f"{PROSE[0]}\n\n{PROSE[1]}"}}
    copy = run(tmp_path / "copy", sources, paragraphs={"minimum_characters": 100})
    assert found(copy) == {"b:1": ("exact", "a:1")}
    assert pq.read_table(copy.with_name("duplicates.paragraphs.parquet")).num_rows == 0


def test_a_selection_of_other_documents_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = run(tmp_path, {"a": {"a:1": "x", "a:2": "y"}})
    for rows in ([{"id": "a:1", "kept": True}], [{"id": "a:1", "kept": True}, {"id": "a:3", "kept": True}]):
        selection = publish_rows(tmp_path / "a/selection/0000.json", rows, SELECTION.remove(2))
        settings = {"sources": [{"name": "a", "parts": 1}], "exact": True, "near": None, "paragraphs": None}
        paths = {"signatures": tmp_path / "a/signatures/0000.json", "selections": selection}
        assert deduplicate.main(arguments(settings, **paths, manifest=manifest)) == 1
        assert "selection/0000.json does not decide on the documents of" in capsys.readouterr().err
        assert not list(tmp_path.glob(".*staging*"))
