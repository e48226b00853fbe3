"""Deduplication on disk decides as plain search in memory does, however little is held there."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from scripts.cleaning import clusters, deduplicate, sorting, spool, survivors
from scripts.cleaning.curve import least_agreement
from scripts.lib.manifest import load_manifest
from scripts.lib.versions import source_id
from tests.unit.cleaning.test_sorting import roots
from tests.unit.cleaning.test_theory import PERMUTATIONS, SHAPE, SHARED, Texts, chains, run

TABLES = ("duplicates.parquet", "duplicates.paragraphs.parquet")


def many() -> dict[str, dict[str, str]]:
    """Clusters of copies in two sources, and documents that share paragraphs."""
    found = chains(9)
    return {
        source: {**texts, **{f"{key}.{source}": text for key, text in SHARED[shared].items()}}
        for (source, texts), shared in zip(found.items(), SHARED, strict=True)
    }


def searched(folder: Path, sources: Mapping[str, Texts], parts: int) -> dict[str, tuple[str, str]]:
    """Return kind and survivor of every copy: all pairs compared, components by search, the first by a sort."""
    rows: list[dict[str, Any]] = []
    for rank, source in enumerate(sources):
        for part in range(parts):
            for row in pq.read_table(folder / source / "signatures" / f"{part:04d}.parquet").to_pylist():
                numbers = [row["minhash"][4 * place : 4 * place + 4] for place in range(PERMUTATIONS)]
                rows.append({**row, "rank": rank, "numbers": numbers})
    least, width = least_agreement(PERMUTATIONS, SHAPE["similarity"]), int(SHAPE["rows"])
    edges = []
    for one, other in itertools.combinations(range(len(rows)), 2):
        mine, its = rows[one]["numbers"], rows[other]["numbers"]
        bands = range(0, int(SHAPE["bands"]) * width, width)
        near = any(mine[band : band + width] == its[band : band + width] for band in bands)
        near = near and sum(first == second for first, second in zip(mine, its, strict=True)) >= least
        if near or rows[one]["exact"] == rows[other]["exact"]:
            edges.append((one, other))
    components: dict[int, list[int]] = {}
    for node, root in roots(edges).items():
        components.setdefault(root, [root]).append(node)
    found = {}
    for members in components.values():
        copies = sorted(
            (rows[member] for member in members),
            key=lambda row: (row["rank"], -row["characters"], source_id(row["id"])),
        )
        for row in copies[1:]:
            found[row["id"]] = ("exact" if row["exact"] == copies[0]["exact"] else "near", copies[0]["id"])
    return found


def little_memory(patch: pytest.MonkeyPatch) -> None:
    """Let everything that is held at a time be a few rows."""
    for module, name, value in (
        (sorting, "NUMBERS", 256),
        (sorting, "FAN_IN", 3),
        (spool, "BLOCK", 17),
        (spool, "PICKED", 5),
        (clusters, "COMPARED", 70),
        (survivors, "RANKED", 9),
        (deduplicate, "ROW_GROUP_ROWS", 10),
    ):
        patch.setattr(module, name, value)


def tables(manifest: Path) -> list[Any]:
    return [pq.read_table(manifest.with_name(name)).to_pylist() for name in TABLES]


def test_decisions_are_those_of_a_plain_search(tmp_path: Path) -> None:
    sources = chains(4)
    manifest = run(tmp_path, sources, parts=2)
    rows = pq.read_table(manifest.with_suffix(".parquet")).to_pylist()
    expected = searched(tmp_path, sources, parts=2)
    assert {row["id"]: (row["kind"], row["survivor"]) for row in rows} == expected
    assert len(rows) == len(expected) > 50


def test_decisions_do_not_depend_on_what_is_held_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = run(tmp_path / "whole", many(), parts=2, paragraphs={"minimum_characters": 100})
    little_memory(monkeypatch)
    bits = run(tmp_path / "bits", many(), parts=2, paragraphs={"minimum_characters": 100})
    assert tables(bits) == tables(whole)
    assert all(len(rows) > 3 for rows in tables(whole))
    told, expected = load_manifest(bits), load_manifest(whole)
    assert told["summary"] == expected["summary"] and told["accounting"] == expected["accounting"]
    assert max(map(int, expected["summary"]["cluster_sizes"])) > 4


def test_rows_stand_in_the_order_of_the_documents(tmp_path: Path) -> None:
    """So what reads the documents of a part finds their decisions as it goes."""
    sources = many()
    rows, _ = tables(run(tmp_path, sources, parts=2, paragraphs={"minimum_characters": 100}))
    places = {
        (source, f"{part:04d}", key): (rank, part, number)
        for rank, (source, texts) in enumerate(sources.items())
        for part in range(2)
        for number, key in enumerate(list(texts)[part::2])
    }
    found = [places[row["source"], row["part"], row["id"]] for row in rows]
    assert found == sorted(found)
