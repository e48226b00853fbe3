"""Ordering, packing and reading a source take the memory of a stretch of it, however many documents it has."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from scripts.lib.indexed import IndexedWriter
from scripts.lib.manifest import Artefact, open_artefact
from scripts.lib.order import DataOrder
from scripts.lib.packing import Packing
from scripts.lib.step import Step, step_parser
from scripts.lib.streams import ORDER_DTYPE, SourceStream
from scripts.shards.index import order_of
from scripts.shards.pack import write_packing

PART, BLOCK, LENGTH = 2_000, 4_000, 32
FEW, MANY = 4, 24  # parts
SLACK = 1.5  # hashes do not fall into stretches of equal size, and dictionaries grow by doubling


def peak(work: Callable[[], object]) -> int:
    """Return the bytes that some work needs at most; maps of files are none.

    It is done three times, and what other threads and the first use of a module add to one of them does not count.
    """
    return min(allocated(work) for _ in range(3))


def allocated(work: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        work()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def sizes_of(number: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return how many tokens the documents of a part have."""
    return np.random.default_rng(number).integers(0, 4 * LENGTH, PART)


def publish_shard(manifest: Path, number: int) -> Artefact:
    """Publish a part of documents with random keys."""
    step = Step("scripts.lib.step", step_parser("").parse_args(["--settings", "{}", "--manifest", str(manifest)]))
    with step.publish() as out:
        stem = f"{manifest.stem}.train"
        sizes = sizes_of(number)
        with IndexedWriter(out.file(f"{stem}.bin"), out.file(f"{stem}.idx"), np.uint16) as writer:
            writer.add_many(np.zeros(int(sizes.sum()), np.uint16), sizes)
        out.file(f"{stem}.keys").write_bytes(np.random.default_rng([number, 1]).bytes(16 * PART))
        out.account(incoming=PART, kept=PART)
    return open_artefact(manifest)


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> list[Artefact]:
    folder = tmp_path_factory.mktemp("books")
    return [publish_shard(folder / f"{number:04d}.json", number) for number in range(MANY)]


def names_of(shards: list[Artefact]) -> list[str]:
    return [shard.manifest_path.stem for shard in shards]


def test_ordering_holds_one_stretch(shards: list[Artefact], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scripts.shards.index.BLOCK", BLOCK)
    counted: list[int] = []

    def work(some: list[Artefact]) -> None:
        counted.append(sum(len(block) for block in order_of(some, names_of(some), "train")))

    few, many = (peak(partial(work, shards[:count])) for count in (FEW, MANY))
    assert set(counted) == {FEW * PART, MANY * PART}
    assert many < SLACK * few


def test_packing_holds_one_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("lib.packing", "shards.pack"):
        monkeypatch.setattr(f"scripts.{module}.BLOCK", BLOCK)
    found = []
    for count in (FEW, MANY):
        ends = np.cumsum(np.concatenate([sizes_of(number) for number in range(count)]))
        paths = [tmp_path / f"{count}.{kind}.npy" for kind in ("pieces", "samples", "offsets")]
        found.append(peak(partial(write_packing, ends, LENGTH, *paths)))
    assert found[1] < SLACK * found[0]


def test_reading_holds_marks_and_a_plan(shards: list[Artefact], monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where a source is packed, and where what training will take of it is counted."""
    monkeypatch.setattr("scripts.lib.streams.MARKS", 64)
    monkeypatch.setattr("scripts.lib.order.BLOCK", BLOCK)
    folder, found = shards[0].manifest_path.parent, []
    for count in (FEW, MANY):
        some = shards[:count]
        np.save(folder / "order.train.npy", np.concatenate(list(order_of(some, names_of(some), "train"))))
        assert np.load(folder / "order.train.npy").dtype == ORDER_DTYPE
        ends = np.load(folder / "order.train.npy")["end"]
        kinds = ("pieces", "samples", "offsets")
        write_packing(ends, LENGTH, *(folder / f"pack-{LENGTH}.{kind}.npy" for kind in kinds))

        def read(names: list[str], packed: bool) -> None:
            stream = SourceStream.open("books", folder, names, "train")
            packings = {"books": Packing.open(folder, LENGTH, stream.tokens)} if packed else {}
            order = DataOrder([stream], {}, LENGTH, 8, 1, 1.0, packings)
            assert order.batch(order.windows("books") // 16).shape == (8, LENGTH + 1)
            order.taken(order.windows("books") * 7 // 4)

        found.append([peak(partial(read, names_of(some), packed)) for packed in (False, True)])
    assert found[1][0] < SLACK * found[0][0]
    assert found[1][1] < SLACK * found[0][1]
