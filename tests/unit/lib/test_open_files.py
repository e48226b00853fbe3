"""Steps over a whole source get by with few open files, however many parts it has."""

from __future__ import annotations

import itertools
import os
import resource
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pytest

from scripts.lib.errors import UserError
from scripts.lib.indexed import IndexedReader, IndexedWriter
from scripts.lib.maps import map_file
from scripts.lib.order import DataOrder
from tests.unit.audit.test_audit import run_audit
from tests.unit.cleaning import test_decontaminate, test_duplicates, test_overlap, test_quality
from tests.unit.lib.test_order import documents, shard
from tests.unit.shards.test_shards import shards
from tests.unit.sources.running import run_fetch
from tests.unit.tokenizer.test_compare import ROWS, publish_parts, run_compare
from tests.unit.tokenizer.test_tokenizer import publish, train_tokenizer

PARTS = 150
ROOM = 64  # a step may hold some tens of files of its own, as runs that are merged or archives that stay open


@contextmanager
def few_files() -> Iterator[None]:
    """Let this process open no more than ROOM files beside those that it has."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    have = set(map(int, os.listdir("/proc/self/fd")))
    free = itertools.islice((number for number in itertools.count() if number not in have), ROOM)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(free) + 1, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_the_limit_holds(tmp_path: Path) -> None:
    with few_files(), ExitStack() as stack, pytest.raises(OSError, match="Too many open files"):
        for number in range(2 * ROOM):
            stack.enter_context((tmp_path / str(number)).open("w"))


def test_a_stream_holds_no_file_open(tmp_path: Path) -> None:
    """Write, open, read, locate and place with more parts than files may be open."""
    texts = documents("web", 3 * PARTS)
    one = shard(tmp_path / "one" / "web", texts, 1)
    with few_files():
        many = shard(tmp_path / "many" / "web", texts, PARTS)
        assert np.array_equal(one.read(0, one.tokens), many.read(0, many.tokens))
        orders = [DataOrder([stream], {}, 8, 4, seed=1) for stream in (one, many)]
        for step in (*range(20), 1000):
            assert np.array_equal(orders[0].batch(step), orders[1].batch(step))
        where = {place: many.place(*place) for place in ((n, d) for n in range(PARTS) for d in range(3))}
        assert many.place(many.spans(0, 1)[0].part, many.spans(0, 1)[0].document)[0] == 0
    sizes = {(number % PARTS, number // PARTS): len(ids) for number, ids in enumerate(texts.values())}
    assert {place: stop - start for place, (start, stop) in where.items()} == sizes


def test_duplicates_in_many_parts(tmp_path: Path) -> None:
    with few_files():
        assert test_duplicates.duplicates(tmp_path, PARTS) == test_duplicates.EXPECTED


def test_items_and_held_out_text_in_many_parts(tmp_path: Path) -> None:
    texts = {f"web:{number}": f"{test_overlap.QUOTED} and {number}" for number in range(2 * PARTS)}
    held = list(texts)[:3]
    with few_files():
        found, _ = test_decontaminate.run(tmp_path / "items", texts, [test_overlap.QUOTED], PARTS)
        assert len(found) == len(texts)
        rows, _ = test_overlap.run(tmp_path / "overlap", texts, held, PARTS)
        assert [row["id"] for row in rows] == held


def test_an_audit_of_many_parts(tmp_path: Path) -> None:
    whole = (run_audit(tmp_path / "one") / "audit.json").read_bytes()
    with few_files():
        assert (run_audit(tmp_path / "many", PARTS) / "audit.json").read_bytes() == whole


def test_a_classifier_from_many_parts(tmp_path: Path) -> None:
    with few_files():
        test_quality.trained(tmp_path, test_quality.two(), PARTS)


def test_a_tokenizer_and_shards_of_many_parts(tmp_path: Path) -> None:
    tokenizer = train_tokenizer(tmp_path, publish(tmp_path / "documents", 1))
    whole = shards(tmp_path / "one", tokenizer, 1)
    with few_files():
        train_tokenizer(tmp_path / "again", publish(tmp_path / "again" / "documents", PARTS), vocabulary=600)
        many = shards(tmp_path / "many", tokenizer, PARTS)
        assert np.array_equal(whole.read(0, whole.tokens), many.read(0, many.tokens))


def test_tokenizers_are_compared_on_many_parts(tmp_path: Path) -> None:
    documents = publish(tmp_path / "documents", 1)
    tokenizers = [
        train_tokenizer(tmp_path, documents, name=name, vocabulary=size)
        for name, size in (("large", 900), ("small", 500))
    ]
    with few_files():
        run_compare(tmp_path, publish_parts(tmp_path / "held", ROWS, PARTS), tokenizers)


def test_files_in_many_archives_are_found_and_copied(tmp_path: Path) -> None:
    for number in range(PARTS):
        with zipfile.ZipFile(tmp_path / f"{number:03d}.zip", "w") as archive:
            archive.writestr("a.txt", f"text {number}")
            archive.writestr("b.txt", f"other {number}")
    with few_files():
        code, manifest = run_fetch(tmp_path, [{"path": f"{tmp_path}/*.zip!*.txt"}], 1, 2)
    assert code == 0
    found = sorted(path.read_text("utf-8") for path in manifest.with_suffix("").iterdir())
    assert found == sorted(f"other {number}" for number in range(PARTS))


def test_a_map_lives_as_long_as_what_looks_into_it(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(bytes(range(200)) * 100)
    tail = map_file(path)[-200:].view(">u2")
    path.unlink()
    assert tail[:2].tolist() == [1, 0x0203]
    with pytest.raises(ValueError, match="read-only"):
        tail[0] = 1


def test_a_map_is_given_back(tmp_path: Path) -> None:
    path = tmp_path / "mapped.bin"
    path.write_bytes(b"x" * 10_000)

    def maps() -> int:
        return Path("/proc/self/maps").read_text("utf-8").count("mapped.bin")

    first, second = map_file(path), map_file(path)[5:]
    assert maps() == 2
    del first
    assert maps() == 1
    del second
    assert maps() == 0


def test_an_empty_file_and_none(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    assert len(map_file(tmp_path / "empty")) == 0
    with pytest.raises(FileNotFoundError):
        map_file(tmp_path / "none")


def test_too_many_maps_are_an_error_in_one_sentence(tmp_path: Path) -> None:
    """What a process may map can be limited too; then a reader says what to do."""
    with IndexedWriter(tmp_path / "a.bin", tmp_path / "a.idx", np.uint16) as writer:
        writer.add_many(np.zeros(1 << 24, np.uint16), np.array([1 << 24], np.int64))
    limits = resource.getrlimit(resource.RLIMIT_AS)
    have = int(Path("/proc/self/statm").read_text("utf-8").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (have + (8 << 20), limits[1]))
    try:
        with pytest.raises(UserError, match=r"a\.bin cannot be mapped into memory \(Cannot allocate memory\); give"):
            IndexedReader(tmp_path / "a.bin", tmp_path / "a.idx")
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)
