"""Packed samples hold every token once, cut no document that fits, and are found from both sides."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.lib.errors import UserError
from scripts.lib.manifest import load_manifest
from scripts.lib.order import DataOrder, Sample, open_packings
from scripts.lib.packing import PIECE_DTYPE, Packing, best_fit, blocks, pack
from scripts.lib.seen import Seen
from scripts.lib.special_tokens import END, PAD, SPECIAL_COUNT
from scripts.lib.streams import SourceStream
from scripts.shards import pack as program
from tests.making import one_block
from tests.unit.lib.test_order import document_of, shard
from tests.unit.pretraining import tiny

LENGTH, BATCH = 8, 4
TEXTS = [0, 5, 3, 8, 21, 1, 7, 2, 16, 4, 4, 6, 9, 1]  # tokens of documents, their ends included


def packing_of(sizes: list[int], length: int = LENGTH) -> Packing:
    ends = np.cumsum(np.array(sizes, np.int64))
    return one_block(np.concatenate([np.zeros(0, PIECE_DTYPE), *pack(ends, length)]), length)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 30), max_size=60), st.integers(1, 12))
def test_every_token_stands_in_one_sample(sizes: list[int], length: int) -> None:
    packing = packing_of(sizes, length)
    which, pieces = packing.of_samples(np.arange(packing.samples))
    held: Counter[int] = Counter()
    for sample, piece in zip(which.tolist(), pieces, strict=True):
        assert piece["sample"] == sample
        held.update(range(int(piece["start"]), int(piece["start"] + piece["size"])))
    assert held == Counter(range(sum(sizes)))
    fills = np.bincount(which, pieces["size"], packing.samples)
    assert ((fills > 0) & (fills <= length)).all()
    ends = np.cumsum(sizes)
    for end, size in zip(ends.tolist(), sizes, strict=True):
        samples = packing.holding(end - size, end).tolist() if size else []
        assert samples == sorted({int(p["sample"]) for p in packing.pieces if end - size <= p["start"] < end})
        assert len(samples) == -(-size // length)  # what fits is not cut, and nothing is cut more often than it must


def test_the_least_room_that_is_enough_is_taken() -> None:
    bins, made = best_fit(np.array([6, 5, 4, 3, 2, 1, 3]), 8)
    # 6 opens 0 (2 left), 5 opens 1 (3 left), 4 opens 2 (4 left), 3 fills 1, 3 goes into 2 (1 left), 2 fills 0, 1 fills 2
    assert bins.tolist() == [0, 1, 2, 1, 0, 2, 2]
    assert made == 3


def test_blocks_are_packed_for_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scripts.lib.packing.BLOCK", 4)
    packing = packing_of(TEXTS)
    which, pieces = packing.of_samples(np.arange(packing.samples))
    assert int(pieces["size"].sum()) == sum(TEXTS)
    borders = np.cumsum([0, *TEXTS])[::4]
    blocks = np.searchsorted(borders, pieces["start"], side="right")
    assert all(len(set(blocks[which == sample].tolist())) == 1 for sample in range(packing.samples))


def test_blocks_of_long_documents_have_fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory grows with the pieces, so a block ends with them too; a document with more of them than that is a block."""
    monkeypatch.setattr("scripts.lib.packing.PIECES", 4)
    ends = np.cumsum(np.array(TEXTS, np.int64))
    cut = list(blocks(ends, LENGTH))
    assert np.array_equal(np.concatenate([stops for _, stops in cut]), ends)
    assert np.array_equal(np.concatenate([begins for begins, _ in cut]), ends - TEXTS)
    pieces = [int(sum(-(-(stops - begins) // LENGTH))) for begins, stops in cut]
    assert max(pieces) == 4
    assert all(count == 4 or some + more > 4 for count, some, more in zip(pieces, pieces, pieces[1:], strict=False))
    assert [len(stops) for _, stops in blocks(np.array([80, 90]), LENGTH)] == [1, 1]  # ten pieces, and two
    packing = packing_of(TEXTS)
    assert int(packing.of_samples(np.arange(packing.samples))[1]["size"].sum()) == sum(TEXTS)


def test_a_lost_or_doubled_token_is_noticed() -> None:
    pieces = packing_of(TEXTS).pieces
    for name, row, value in (("start", 2, 1), ("size", 1, 1), ("place", 0, 1), ("sample", 0, 99)):
        wrong = pieces.copy()
        wrong[name][row] += value
        with pytest.raises(AssertionError, match="every token once"):
            one_block(wrong, LENGTH)


def packed(folder: Path, texts: dict[str, list[int]]) -> SourceStream:
    """Write documents as shards of two parts, with their order and their packing, and open the stream."""
    opened = shard(folder, texts, 2)
    packing = one_block(np.concatenate(list(pack(np.load(folder / "order.train.npy")["end"], LENGTH))), LENGTH)
    for kind, values in (("pieces", packing.pieces), ("samples", packing.by_sample), ("offsets", packing.offsets)):
        np.save(folder / f"pack-{LENGTH}.{kind}.npy", values)
    return opened


@pytest.fixture
def stream(tmp_path: Path) -> SourceStream:
    """Documents of different tokens that end as real ones do, packed."""
    ids = iter(range(SPECIAL_COUNT, 10_000))
    texts = {f"d:{n}": [*(next(ids) for _ in range(size - 1)), END][:size] for n, size in enumerate(TEXTS)}
    return packed(tmp_path / "books", texts)


def order_of(stream: SourceStream, causal: bool) -> DataOrder:
    return DataOrder([stream], {}, LENGTH, BATCH, 1, 1.0, open_packings([stream], LENGTH), causal)


def test_an_epoch_of_packed_samples_asks_for_every_token_once(stream: SourceStream) -> None:
    order = order_of(stream, causal=False)
    samples = order.windows("books")
    steps, seen, spans, asked = -(-samples // BATCH), Seen(), [], Counter[int]()
    for step in range(steps):
        tokens, names = order.draw(step)
        seen.add(step, tokens, names)
        for row, sample in zip(tokens, order.locate(step), strict=True):
            text = row[1:][row[1:] != PAD].tolist()
            assert (row[1 + len(text) :] == PAD).all()
            told = [
                token
                for span in sample.spans
                for token in document_of(stream, span.part, span.document)[span.start : span.stop].tolist()
            ]
            assert told == text
            if sample.spans[0].start:  # the rest of a cut document: before it stands what is before it in the text
                (part, document, start) = (sample.spans[0].part, sample.spans[0].document, sample.spans[0].start)
                assert row[0] == document_of(stream, part, document)[start - 1]
            else:
                assert row[0] == END
            if sample.epoch == 0:
                asked.update(token for token in text if token != END)
                spans += sample.spans
    assert set(asked.values()) == {1}
    assert len(asked) == sum(max(size - 1, 0) for size in TEXTS)
    assert sum(span.stop - span.start for span in spans) == stream.tokens
    assert seen.record()["sources"] == {
        name: {"samples": taken.samples, "tokens": taken.tokens}
        for name, taken in order.taken(steps * order.global_batch).items()
    }
    for n in (1, 2):
        assert order.taken(n * order.global_batch)["books"].tokens == sum(
            int((order.batch(s)[:, 1:] != PAD).sum()) for s in range(n)
        )


@pytest.mark.parametrize("causal", [True, False])
def test_documents_of_packed_samples_are_found_by_step(stream: SourceStream, causal: bool) -> None:
    """A causal model is fed the token before a sample, too, unless the sample begins its stream: behind an END made up."""
    order, made_up = order_of(stream, causal), 0
    found: dict[tuple[int, int], set[int]] = {}
    for step in range(9):
        for number, (row, sample) in enumerate(zip(order.batch(step), order.locate(step), strict=True)):
            told = [
                token
                for span in sample.spans
                for token in document_of(stream, span.part, span.document)[span.start : span.stop].tolist()
            ]
            text = row[row != PAD].tolist()[not causal :]
            assert told in (text, text[causal:])
            made_up += told != text
            for span in sample.spans:
                found.setdefault((span.part, span.document), set()).add(step * BATCH + number)
    for part, document in ((p, d) for p in range(2) for d in range(7)):
        assert order.samples_of("books", part, document, 9 * BATCH) == sorted(found.get((part, document), ()))
    epochs = -(-9 * BATCH // order.windows("books"))
    assert made_up <= epochs * causal


def test_another_source_leaves_the_order_within_packed_ones(stream: SourceStream, tmp_path: Path) -> None:
    """Its documents, in the order of its samples, and the tokens that are drawn, as long as the tokenizer stays."""
    other = packed(tmp_path / "web", {f"w:{n}": [SPECIAL_COUNT] * size for n, size in enumerate(TEXTS[::-1])})

    def sequence(*streams: SourceStream) -> list[tuple[Sample, list[int]]]:
        order = DataOrder(streams, {}, LENGTH, BATCH, 1, 1.0, open_packings(streams, LENGTH))
        rows = [row for step in range(12) for row in zip(order.locate(step), order.batch(step).tolist(), strict=True)]
        return [row for row in rows if row[0].source == "books"]

    alone, grown = sequence(stream), sequence(stream, other)
    assert grown == alone[: len(grown)]
    assert 5 < len(grown) < len(alone)


def test_a_packing_of_other_shards_is_refused(stream: SourceStream) -> None:
    with pytest.raises(UserError, match=r"pack-9\.pieces\.npy cannot be read"):
        Packing.open(stream.folder, 9, stream.tokens)
    with pytest.raises(UserError, match="does not belong to the shards"):
        Packing.open(stream.folder, LENGTH, stream.tokens + 1)


def test_the_program_packs_an_order_and_accounts_for_it(tmp_path: Path) -> None:
    inputs = tiny.Inputs(tmp_path / "in")
    for length, samples in ((100, 80), (122, 40), (50, 100)):  # of 61 tokens: one, two; pieces of 50, and of 11 by four
        manifest = inputs.orders[0].with_name(f"pack-{length}.json")
        line = ["--order", str(inputs.orders[0]), "--settings", f'{{"sequence_length": {length}}}']
        assert program.main([*line, "--manifest", str(manifest)]) == 0
        opened, told = Packing.open(manifest.parent, length, 80 * 61), load_manifest(manifest)
        assert opened.samples == told["summary"]["samples"] == samples
        assert told["summary"]["padding"] == samples * length - 80 * 61
        assert told["summary"]["cut_documents"] == (80 if length < 61 else 0)
        assert told["accounting"]["kept"] == 80


def test_a_packing_is_written_block_by_block_as_it_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ends = np.cumsum(np.random.default_rng(1).integers(0, 30, 100), dtype=np.int64)
    monkeypatch.setattr("scripts.lib.packing.BLOCK", 7)
    whole = one_block(np.concatenate(list(pack(ends, LENGTH))), LENGTH)
    paths = [tmp_path / f"pack-{LENGTH}.{kind}.npy" for kind in ("pieces", "samples", "offsets")]
    assert program.write_packing(ends, LENGTH, *paths) == whole.samples > 100
    for path, values in zip(paths, (whole.pieces, whole.by_sample, whole.offsets), strict=True):
        np.save(tmp_path / "saved.npy", values)
        assert path.read_bytes() == (tmp_path / "saved.npy").read_bytes()
    assert program.write_packing(ends[:0], LENGTH, *paths) == 0
    assert Packing.open(tmp_path, LENGTH, 0).samples == 0
    monkeypatch.setattr("scripts.shards.pack.BLOCK", 7)
    sizes = np.diff(ends, prepend=0)
    assert np.array_equal(np.concatenate(list(program.document_sizes(ends))), sizes)
