"""The data order is a pure function of seed, mixture, shards and step."""

from __future__ import annotations

import pickle
import struct
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from scripts.lib.errors import UserError
from scripts.lib.indexed import Ids, IndexedReader, IndexedWriter
from scripts.lib.order import DataOrder, mixture_weights, validation_windows
from scripts.lib.permutation import Permutation
from scripts.lib.seen import Seen
from scripts.lib.streams import ORDER_DTYPE, SourceStream, Span, document_key

LENGTH, BATCH = 8, 4


def documents(name: str, count: int) -> dict[str, list[int]]:
    """Documents of different lengths whose tokens are all different numbers."""
    generator = np.random.default_rng(len(name) * 1000 + count)
    sizes = generator.integers(0, 30, count)
    starts = np.cumsum(sizes) - sizes
    return {f"{name}:{i}": list(range(int(s), int(s + n))) for i, (s, n) in enumerate(zip(starts, sizes, strict=True))}


def shard(folder: Path, texts: dict[str, list[int]], parts: int) -> SourceStream:
    """Write documents as shards of a number of parts, with their order, and open the stream."""
    folder.mkdir(parents=True)
    names = [f"{part:04d}" for part in range(parts)]
    rows, keys = [], []
    for number, part in enumerate(names):
        mine = list(texts.items())[number::parts]
        with IndexedWriter(folder / f"{part}.train.bin", folder / f"{part}.train.idx", np.int32) as writer:
            for document, (identifier, ids) in enumerate(mine):
                writer.add(ids)
                rows.append((number, document, writer.tokens - len(ids), len(ids)))
                keys.append(document_key(identifier))
        (folder / f"{part}.train.keys").write_bytes(b"".join(keys[len(keys) - len(mine) :]))
    joined = np.frombuffer(b"".join(keys), dtype=">u8").reshape(-1, 2)
    order = np.array(rows, ORDER_DTYPE)[np.lexsort((joined[:, 1], joined[:, 0]))]
    order["end"] = np.cumsum(order["end"])
    np.save(folder / "order.train.npy", order)
    return SourceStream.open(folder.name, folder, names, "train")


def document_of(stream: SourceStream, part: int, document: int) -> Ids:
    """Return the token ids of a document from its shard alone."""
    path = stream.folder / f"{part:04d}.train.bin"
    return IndexedReader(path, path.with_suffix(".idx"))[document]


@pytest.fixture
def sources(tmp_path: Path) -> list[SourceStream]:
    return [shard(tmp_path / "one" / name, documents(name, count), 1) for name, count in (("books", 40), ("web", 90))]


def order_of(streams: list[SourceStream], seed: int = 1, causal: bool = True, **weights: float) -> DataOrder:
    return DataOrder(streams, weights, LENGTH, BATCH, seed, causal=causal)


def test_batches_do_not_depend_on_parts(sources: list[SourceStream], tmp_path: Path) -> None:
    cut = [shard(tmp_path / "three" / name, documents(name, count), 3) for name, count in (("books", 40), ("web", 90))]
    for step in range(60):
        assert np.array_equal(order_of(sources).batch(step), order_of(cut).batch(step))


def test_a_step_does_not_depend_on_the_steps_before(sources: list[SourceStream]) -> None:
    walked = order_of(sources)
    batches = [walked.batch(step) for step in range(50)]
    for step in (49, 3, 17):
        assert np.array_equal(order_of(sources).batch(step), batches[step])
    assert not np.array_equal(order_of(sources, seed=2).batch(0), batches[0])


def test_memory_does_not_grow_with_epochs(sources: list[SourceStream]) -> None:
    """Whoever has walked through hundreds of epochs keeps no more than after a few, and reads what another one reads."""
    walked = order_of(sources[:1])
    held = []
    for step in range(200 * walked.windows("books") // BATCH):
        epoch = walked.locate(step)[-1].epoch
        if epoch in (20, 199):
            held.append(len(pickle.dumps(vars(walked)["_permutations"])))
    assert epoch == 199 and max(held) < 1.2 * min(held)
    for step in (0, 500, 100):
        assert np.array_equal(walked.batch(step), order_of(sources[:1]).batch(step))


def test_an_epoch_predicts_every_token_of_whole_windows_once(sources: list[SourceStream]) -> None:
    books = sources[0]
    order = order_of([books])
    windows = order.windows("books")
    predicted: Counter[int] = Counter()
    for step in range(-(-windows // BATCH)):
        for row, sample in zip(order.batch(step), order.locate(step), strict=True):
            if sample.epoch == 0:
                predicted.update(row[1:].tolist())
    assert set(predicted.values()) == {1}
    assert len(predicted) == windows * LENGTH >= books.tokens - 1 - LENGTH


def test_another_source_leaves_the_order_within_the_others(sources: list[SourceStream]) -> None:
    def sequence(order: DataOrder, steps: int) -> list[tuple[int, int]]:
        rows = (sample for step in range(steps) for sample in order.locate(step))
        return [(sample.epoch, sample.window) for sample in rows if sample.source == "books"]

    alone, grown = sequence(order_of(sources[:1]), 20), sequence(order_of(sources), 20)
    assert grown == alone[: len(grown)]
    assert len(grown) > 5


@pytest.mark.parametrize("causal", [True, False])
def test_documents_are_found_from_steps_and_samples_from_documents(sources: list[SourceStream], causal: bool) -> None:
    """A masked model is not fed the last token of a row, which is the first of the next window."""
    order = order_of(sources, causal=causal, books=1.0, web=1.0)
    seen: dict[tuple[str, int], set[int]] = {}
    for step in range(40):
        for number, (row, sample) in enumerate(zip(order.batch(step), order.locate(step), strict=True)):
            texts = list(documents(sample.source, {"books": 40, "web": 90}[sample.source]).values())
            told = [token for span in sample.spans for token in texts[span.document][span.start : span.stop]]
            assert told == row[: LENGTH + causal].tolist()
            for span in sample.spans:
                seen.setdefault((sample.source, span.document), set()).add(step * BATCH + number)
    for source, count in (("books", 40), ("web", 90)):
        for document in range(count):  # those without tokens, and those that only the cut-off end holds, too
            found = order.samples_of(source, 0, document, 40 * BATCH)
            assert found == sorted(seen.get((source, document), ()))
            assert order.samples_of(source, 0, document, 99) == [sample for sample in found if sample < 99]
    assert len(seen) < 130


def test_steps_before_the_first_hold_nothing(sources: list[SourceStream]) -> None:
    order = order_of(sources)
    assert [order.samples_of("books", 0, document, 0) for document in range(40)] == [[]] * 40
    assert {taken.samples for taken in order.taken(0).values()} == {0}


def test_an_unknown_document_is_refused(sources: list[SourceStream]) -> None:
    with pytest.raises(UserError, match="no document 40 in part 0"):
        order_of(sources).samples_of("books", 0, 40, 10)


def test_keys_of_other_documents_are_refused(tmp_path: Path) -> None:
    stream = shard(tmp_path / "books", documents("books", 40), 2)
    path = tmp_path / "books" / "0001.train.keys"
    path.write_bytes(path.read_bytes()[::-1])
    with pytest.raises(UserError, match=r"0001\.train\.keys does not belong to the order of source books"):
        stream.place(1, 5)


def test_documents_longer_than_a_batch_and_empty_ones_lose_nothing(tmp_path: Path) -> None:
    texts = {"long:0": list(range(1, 1001)), "long:1": [], "long:2": [2000], "long:3": list(range(3000, 3100))}
    order = order_of([shard(tmp_path / "long", texts, 2)])
    steps = -(-order.windows("long") // BATCH)
    rows = [row for step in range(steps) for row in zip(order.batch(step), order.locate(step), strict=True)]
    predicted = Counter(token for ids, sample in rows if sample.epoch == 0 for token in ids[1:].tolist())
    assert set(predicted.values()) == {1}
    assert len(predicted) == order.windows("long") * LENGTH >= 1101 - 1 - LENGTH
    assert order.samples_of("long", 1, 0, steps * BATCH) == []  # the empty one
    assert {sample // BATCH for sample in order.samples_of("long", 0, 0, steps * BATCH)} == set(range(steps))


def test_a_part_without_tokens_is_a_part(tmp_path: Path) -> None:
    texts = {f"few:{number}": list(range(30 * number + 1, 30 * number + 31)) for number in range(2)}
    order = order_of([shard(tmp_path / "few", texts, 3)])  # the third has no document
    assert order.batch(0).shape == (BATCH, LENGTH + 1)


def test_batches_are_read_beyond_32_bits_of_tokens(tmp_path: Path) -> None:
    """A source of 3 x 2**30 tokens as a sparse file: the offsets in shard, order and windows pass 2**31 and 2**32 bytes."""
    folder, sizes = tmp_path / "huge", [1 << 30] * 3
    folder.mkdir()
    with (folder / "0000.train.bin").open("wb") as stream:
        stream.truncate(2 * sum(sizes))
        for number in range(3):  # the last token of each document tells which it is
            stream.seek(2 * (number + 1) * (1 << 30) - 2)
            stream.write((number + 1).to_bytes(2, "little"))
        stream.seek(2 * 2048 * (((3 << 30) - 1) // 2048))  # the last token of the last window
        stream.write((7).to_bytes(2, "little"))
    pointers = [2 * (1 << 30) * number for number in range(3)]
    head = struct.pack("<9sQBQQ", b"MMIDIDX\0\0", 1, 8, 3, 4)
    body = np.array(sizes, "<i4").tobytes() + np.array(pointers, "<i8").tobytes() + np.arange(4, dtype="<i8").tobytes()
    (folder / "0000.train.idx").write_bytes(head + body)
    order = np.array([(0, number, number << 30, (number + 1) << 30) for number in range(3)], ORDER_DTYPE)
    np.save(folder / "order.train.npy", order)
    stream_of = SourceStream.open("huge", folder, ["0000"], "train")
    assert stream_of.read((1 << 31) - 2, (1 << 31) + 2).tolist() == [0, 2, 0, 0]
    data = DataOrder([stream_of], {}, 2048, 1, 1)
    windows = data.windows("huge")
    assert windows == ((3 << 30) - 1) // 2048
    step = int(Permutation(windows, 1, "windows", "huge", "0").backward(np.array([windows - 1]))[0])
    (sample,) = data.locate(step)
    assert sample.window == windows - 1
    assert sample.spans == [Span(0, 2, (windows - 1) * 2048 - (2 << 30), windows * 2048 + 1 - (2 << 30))]
    assert data.batch(step).tolist() == [[0] * 2048 + [7]]


def test_a_source_without_a_weight_counts_with_its_tokens(sources: list[SourceStream]) -> None:
    taken = order_of(sources).taken(500 * BATCH)
    share = sources[0].tokens / (sources[0].tokens + sources[1].tokens)
    assert abs(taken["books"].samples / (500 * BATCH) - share) < 0.005
    assert taken["books"].epochs == taken["books"].samples / order_of(sources).windows("books")


def test_a_temperature_raises_small_sources(sources: list[SourceStream]) -> None:
    tokens = np.array([stream.tokens for stream in sources], dtype=float)
    assert mixture_weights(sources, {}) == {s.name: s.tokens / tokens.sum() for s in sources}  # the same bits
    even = mixture_weights(sources, {}, 1e9)
    assert abs(even["books"] - even["web"]) < 1e-6
    half = mixture_weights(sources, {"web": 0.5}, 2.0)
    assert half == {"books": (sources[0].tokens / tokens.sum()) ** 0.5, "web": 0.5}
    taken = DataOrder(sources, {}, LENGTH, BATCH, 1, 2.0).taken(500 * BATCH)
    expected = np.sqrt(tokens)[0] / np.sqrt(tokens).sum()
    assert abs(taken["books"].samples / (500 * BATCH) - expected) < 0.005


def test_a_draw_names_the_source_of_each_row(sources: list[SourceStream]) -> None:
    order = order_of(sources)
    for step in range(10):
        tokens, names = order.draw(step)
        assert np.array_equal(tokens, order.batch(step))
        assert names == [sample.source for sample in order.locate(step)]


def test_the_record_of_what_was_seen_goes_on_where_it_was_saved(sources: list[SourceStream], tmp_path: Path) -> None:
    order, whole, again = order_of(sources), Seen(), Seen()
    for step in range(6):
        whole.add(step, *order.draw(step))
        if step < 3:
            again.add(step, *order.draw(step))
    again.save(tmp_path)
    again = Seen.load(tmp_path)
    with pytest.raises(AssertionError, match="step 4 follows 3"):
        again.add(4, *order.draw(4))
    for step in range(3, 6):
        again.add(step, *order.draw(step))
    assert again.record() == whole.record()
    assert whole.record()["sources"] == {
        name: {"samples": taken.samples, "tokens": taken.tokens}
        for name, taken in order.taken(6 * order.global_batch).items()
    }
    swapped = Seen()
    for step, other in enumerate([1, 0, 2, 3, 4, 5]):
        swapped.add(step, *order.draw(other))
    assert swapped.samples == whole.samples
    assert swapped.digest != whole.digest


def test_what_is_realised_is_what_is_drawn(sources: list[SourceStream]) -> None:
    order = order_of(sources, books=3.0)
    drawn = Counter(sample.source for step in range(30) for sample in order.locate(step))
    for source, taken in order.taken(30 * order.global_batch).items():
        assert taken.samples == drawn[source]
        assert taken.tokens == drawn[source] * LENGTH


def test_validation_reads_the_stream_from_its_start(sources: list[SourceStream]) -> None:
    windows = validation_windows(sources[0], LENGTH, 3)
    assert windows.shape == (3, LENGTH + 1)
    assert windows[:, :-1].ravel().tolist() == sources[0].read(0, 3 * LENGTH).tolist()
    assert validation_windows(sources[0], 10_000, 3).shape == (0, 10_001)


def test_shards_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "books"
    shard(folder, documents("books", 40), 1)
    order = np.load(folder / "order.train.npy")
    np.save(folder / "order.train.npy", order[:-1])
    with pytest.raises(UserError, match="does not belong to the shards"):
        SourceStream.open("books", folder, ["0000"], "train")
    (folder / "order.train.npy").write_bytes(b"nothing")
    with pytest.raises(UserError, match="no order index"):
        SourceStream.open("books", folder, ["0000"], "train")


def test_too_little_text_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"lower training\.sequence_length"):
        DataOrder([shard(tmp_path / "tiny", {"tiny:0": [1, 2]}, 1)], {}, LENGTH, BATCH, 1)
