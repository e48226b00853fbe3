"""Shards have the bytes that the format says, those that others wrote are read, and damaged ones are refused in one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.lib.errors import UserError
from scripts.lib.indexed import IndexedReader, IndexedWriter, smallest_dtype

COUNT = 3
HEADER, SIZES, POINTERS = 34, 34, 34 + 4 * COUNT
BOUNDARIES = POINTERS + 8 * COUNT


def bytes_of(values: Sequence[int], width: int) -> bytes:
    return b"".join(value.to_bytes(width, "little") for value in values)


def index_bytes(code: int, sizes: Sequence[int], pointers: Sequence[int], documents: Sequence[int]) -> bytes:
    """An index made from the description of the format alone."""
    head = b"MMIDIDX\0\0" + bytes_of([1], 8) + bytes_of([code], 1) + bytes_of([len(sizes), len(documents)], 8)
    return head + bytes_of(sizes, 4) + bytes_of(pointers, 8) + bytes_of(documents, 8)


@pytest.fixture
def written(tmp_path: Path) -> tuple[Path, Path]:
    data, index = tmp_path / "a.bin", tmp_path / "a.idx"
    with IndexedWriter(data, index, np.uint16) as writer:
        for ids in ([1, 2], [], [3]):
            writer.add(ids)
    return data, index


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.integers(0, 60_000), max_size=20), max_size=12))
def test_shards_have_the_bytes_that_the_format_says(
    tmp_path_factory: pytest.TempPathFactory, texts: list[list[int]]
) -> None:
    """A reader written from the description of the format alone reads what we write, and so do we."""
    folder = tmp_path_factory.mktemp("shard")
    with IndexedWriter(folder / "a.bin", folder / "a.idx", np.uint16) as writer:
        for ids in texts:
            writer.add(ids)
    index, data = (folder / "a.idx").read_bytes(), (folder / "a.bin").read_bytes()
    count = int.from_bytes(index[18:26], "little")
    assert (index[:9], int.from_bytes(index[9:17], "little"), index[17], count) == (b"MMIDIDX\0\0", 1, 8, len(texts))
    sizes = [int.from_bytes(index[34 + 4 * i : 38 + 4 * i], "little") for i in range(count)]
    pointers = [int.from_bytes(index[34 + 4 * count + 8 * i :][:8], "little") for i in range(count)]
    for ids, size, pointer in zip(texts, sizes, pointers, strict=True):
        assert [int.from_bytes(data[pointer + 2 * i :][:2], "little") for i in range(size)] == ids
    reader = IndexedReader(folder / "a.bin", folder / "a.idx")
    assert [reader[i].tolist() for i in range(len(reader))] == texts


@pytest.mark.parametrize(("code", "width"), [(1, 1), (4, 4), (5, 8), (8, 2)])
def test_documents_of_several_sequences_are_read(tmp_path: Path, code: int, width: int) -> None:
    """Megatron may cut documents into sentences; the boundaries then skip sequences."""
    data, index = tmp_path / "theirs.bin", tmp_path / "theirs.idx"
    data.write_bytes(bytes_of([7, 8, 9, 250], width))
    index.write_bytes(index_bytes(code, [1, 2, 1], [0, width, 3 * width], [0, 2, 3]))
    reader = IndexedReader(data, index)
    assert [reader[i].tolist() for i in range(len(reader))] == [[7], [8, 9], [250]]
    assert reader.documents.tolist() == [0, 2, 3]
    assert reader.tokens == 4


def test_more_tokens_than_32_bits_count_are_read(tmp_path: Path) -> None:
    data, index = tmp_path / "long.bin", tmp_path / "long.idx"
    sizes = [1 << 30, 1 << 30, 1 << 30]
    with data.open("wb") as stream:  # a sparse file: it takes no room on the disk
        stream.seek(2 * sum(sizes) - 4)
        stream.write(bytes_of([11, 12], 2))
    index.write_bytes(index_bytes(8, sizes, [0, 2 << 30, 4 << 30], [0, 1, 2, 3]))
    reader = IndexedReader(data, index)
    assert reader.tokens == 3 << 30
    assert reader[2][-3:].tolist() == [0, 11, 12]


def test_a_document_too_long_for_the_format_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(UserError, match="more than 2,147,483,647 tokens"),
        IndexedWriter(tmp_path / "a.bin", tmp_path / "a.idx", np.uint16) as writer,
    ):
        # The sizes alone decide; writing the 4 GB of ids that they speak of would prove nothing more.
        writer.add_many(np.zeros(0, np.int64), np.array([1 << 31], dtype=np.int64))
    assert not (tmp_path / "a.idx").exists()


def test_an_id_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(UserError, match="does not fit uint16"),
        IndexedWriter(tmp_path / "a.bin", tmp_path / "a.idx", np.uint16) as writer,
    ):
        writer.add([70_000])


def test_the_type_follows_the_vocabulary_as_in_megatron() -> None:
    assert [smallest_dtype(size).name for size in (1_000, 65_499, 65_500, 250_000)] == [
        "uint16",
        "uint16",
        "int32",
        "int32",
    ]


def test_a_read_array_cannot_be_written(written: tuple[Path, Path]) -> None:
    with pytest.raises(ValueError, match="read-only"):
        IndexedReader(*written)[0][0] = 5


@pytest.mark.parametrize(
    ("place", "new", "sentence"),
    [
        (0, b"X", "wrong magic"),
        (9, b"\x07", "version 7"),
        (17, b"\x06", "unknown type code 6 for token ids"),
        (18, b"\x02", "its header says"),
        (18, b"\xff\xff\xff\xff\xff\xff\xff\x7f", "its header says"),
        (SIZES, b"\x63", "its index says"),
        (SIZES + 3, b"\x80", "its index says"),
        (POINTERS, b"\xfe\xff\xff\xff\xff\xff\xff\x7f", "points outside"),
        (POINTERS + 8, b"\x01", "points outside"),
        (POINTERS + 16, b"\xfe\xff\xff\xff\xff\xff\xff\xff", "points outside"),
        (BOUNDARIES, b"\x01", "document boundaries"),
        (BOUNDARIES + 8, b"\x03", "document boundaries"),
        (BOUNDARIES + 24, b"\x02", "document boundaries"),
    ],
)
def test_a_damaged_index_is_refused(written: tuple[Path, Path], place: int, new: bytes, sentence: str) -> None:
    data, index = written
    content = bytearray(index.read_bytes())
    content[place : place + len(new)] = new
    index.write_bytes(content)
    with pytest.raises(UserError, match=sentence):
        IndexedReader(data, index)


@pytest.mark.parametrize(
    ("name", "length", "sentence"),
    [
        ("a.bin", 4, "has 4 bytes but its index says 6"),
        ("a.bin", 5, "has 5 bytes but its index says 6"),
        ("a.idx", 0, "wrong magic"),
        ("a.idx", 20, "ends within its header"),
        ("a.idx", 60, "has 60 bytes but its header says"),
    ],
)
def test_a_truncated_file_is_refused(written: tuple[Path, Path], name: str, length: int, sentence: str) -> None:
    path = written[0].with_name(name)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(UserError, match=sentence):
        IndexedReader(*written)


@pytest.mark.parametrize("name", ["a.bin", "a.idx"])
def test_a_missing_file_is_named(written: tuple[Path, Path], name: str) -> None:
    written[0].with_name(name).unlink()
    with pytest.raises(UserError, match=f"{name} is missing"):
        IndexedReader(*written)


def test_after_an_error_there_is_no_index(tmp_path: Path) -> None:
    with (
        pytest.raises(RuntimeError, match="killed"),
        IndexedWriter(tmp_path / "a.bin", tmp_path / "a.idx", np.uint16) as writer,
    ):
        writer.add([1])
        raise RuntimeError("killed")
    assert not (tmp_path / "a.idx").exists()
