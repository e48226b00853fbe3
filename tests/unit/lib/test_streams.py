"""A stream finds its tokens by few marks, and refuses an order that points elsewhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from scripts.lib import streams
from scripts.lib.errors import UserError
from scripts.lib.indexed import IndexedWriter
from scripts.lib.streams import SourceStream, document_key
from tests.unit.lib.test_order import documents, shard


def test_keys_of_documents_are_hashes_of_their_ids() -> None:
    assert document_key("books:7").hex() == "1e13021d8f72036712542fff2b9d0cc1"
    assert document_key("books:8") != document_key("books:7") == document_key("books:7")


def test_few_marks_find_every_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = shard(tmp_path / "books", documents("books", 300), 3)
    tokens = whole.read(0, whole.tokens)
    for stride, marks in ((1, 300), (2, 3), (1, 1)):
        monkeypatch.setattr(streams, "STRIDE", stride)
        monkeypatch.setattr(streams, "MARKS", marks)
        few = SourceStream.open("books", tmp_path / "books", ["0000", "0001", "0002"], "train")
        assert len(few._marks) <= marks
        for start in range(0, whole.tokens, 7):
            assert np.array_equal(few.read(start, min(start + 20, whole.tokens)), tokens[start : start + 20])


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("begin", 1 << 40, "points outside its shards"),
        ("begin", -1, "points outside its shards"),
        ("part", 2, "a part that there is not"),
        ("part", -1, "a part that there is not"),
    ],
)
def test_an_order_that_points_elsewhere_is_refused(tmp_path: Path, column: str, value: int, said: str) -> None:
    shard(tmp_path / "books", {"a": [1, 2, 3]}, 2)
    order = np.load(tmp_path / "books" / "order.train.npy")
    order[column] = value
    np.save(tmp_path / "books" / "order.train.npy", order)
    stream = SourceStream.open("books", tmp_path / "books", ["0000", "0001"], "train")
    with pytest.raises(IndexError, match=said):
        stream.read(0, 3)


@pytest.mark.parametrize(("start", "stop"), [(-1, 2), (0, 4), (3, 4)])
def test_a_run_outside_the_stream_is_refused(tmp_path: Path, start: int, stop: int) -> None:
    stream = shard(tmp_path / "books", {"a": [1, 2, 3]}, 1)
    with pytest.raises(IndexError, match="outside the tokens"):
        stream.read(start, stop)


def test_shards_of_different_types_are_refused(tmp_path: Path) -> None:
    shard(tmp_path / "books", {"a": [1, 2], "b": [3]}, 2)
    stem = tmp_path / "books" / "0001.train"
    with IndexedWriter(stem.with_suffix(".train.bin"), stem.with_suffix(".train.idx"), np.uint16) as writer:
        writer.add([3])
    with pytest.raises(UserError, match="token ids of different types"):
        SourceStream.open("books", tmp_path / "books", ["0000", "0001"], "train")
