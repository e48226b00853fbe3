"""Shards and batches beside litdata, mosaicml-streaming and Megatron-LM: CPU time, methods in turn, the same tokens.

    pip install --target PEERS --no-deps litdata==0.2.76 lightning-utilities==0.15.3 tifffile obstore \\
        mosaicml-streaming==0.13.0 boto3 botocore s3transfer jmespath azure-storage-blob python-snappy zstd Brotli xxhash \\
        cramjam catalogue megatron-core==0.16.1
    MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=100000000000 PYTHONPATH=.:PEERS python -m benchmarks.loader

Writing: documents of about 1,000 tokens, from arrays of the type that is stored, without digests, in what each is handed in
practice, made beforehand: ours the ids of 500 documents and their sizes, as the step that encodes them, MDS blocks of 2,048
tokens, as its users pack them, litdata and Megatron documents. Once more with the keys and the order of our documents. Reading:
one shuffled epoch in batches of 64 sequences of 2,048 tokens, in this process. Random access: batches at random places. Every
method ends in tensors of int64, which is what embeddings take. Resuming, ours alone: from nothing to the batch of step
1,000,000, also on a sparse source of 3.2 billion tokens in 3.1 million documents. Megatron's reader reads our shards and ours
reads those of its writer, compared token by token.
"""

from __future__ import annotations

import argparse
import filecmp
import random
import shutil
import statistics
import sys
import tempfile
import time
import types
import warnings
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from scripts.lib.arrays import ArrayWriter
from scripts.lib.indexed import HEADER, MAGIC, VERSION, IndexedReader, IndexedWriter
from scripts.lib.order import DataOrder
from scripts.lib.streams import ORDER_DTYPE, SourceStream, document_key
from scripts.shards.index import order_of

LENGTH, BATCH, SEED = 2048, 64, 1
PARTS = [f"{part:04d}" for part in range(8)]  # of ours
AT_ONCE = 500  # documents
FAR = 1_000_000  # the step that is resumed at
RANDOM_BATCHES = 16
Documents = Sequence[NDArray[np.uint16]]
Work = Callable[[], object]


def documents(tokens: int) -> list[NDArray[np.uint16]]:
    """Return documents of about 1,000 tokens, most of them shorter, as web pages are."""
    made = np.random.default_rng(SEED)
    sizes = np.maximum(made.lognormal(6.4, 1.0, tokens // 1000), 1).astype(np.int64)
    return [made.integers(0, 50_000, size).astype(np.uint16) for size in sizes]


def batches(texts: Documents) -> list[tuple[NDArray[np.uint16], NDArray[np.int64]]]:
    """Return documents as the step that encodes them has them: the ids of many in one array, and the size of each."""
    some = [texts[start : start + AT_ONCE] for start in range(0, len(texts), AT_ONCE)]
    return [(np.concatenate(one), np.array([len(ids) for ids in one], np.int64)) for one in some]


class Groundwork:
    """Ours: Megatron's format, an order index, and the data order over both."""

    def __init__(self, folder: Path, texts: Documents) -> None:
        self.folder = folder / "groundwork"
        parts = [texts[number :: len(PARTS)] for number in range(len(PARTS))]
        self.names = [
            [f"{part}:{number}" for number in range(len(some))] for part, some in zip(PARTS, parts, strict=True)
        ]
        self.parts = [batches(some) for some in parts]
        self.folder.mkdir()

    def write(self) -> None:
        """Write the shards, and the keys of documents and their order, which the workflow makes in a step of its own."""
        self.write_tokens()
        for part, names in zip(PARTS, self.names, strict=True):
            (self.folder / f"{part}.train.keys").write_bytes(b"".join(map(document_key, names)))
        shards: Any = [SimpleNamespace(path=self.folder.joinpath)] * len(PARTS)
        with ArrayWriter(self.folder / "order.train.npy", ORDER_DTYPE) as order:
            for block in order_of(shards, PARTS, "train"):
                order.add(block)

    def write_tokens(self) -> None:
        """Write the shards alone."""
        for part, texts in zip(PARTS, self.parts, strict=True):
            data, index = (self.folder / f"{part}.train.{suffix}" for suffix in ("bin", "idx"))
            with IndexedWriter(data, index, np.uint16) as writer:
                for ids, sizes in texts:
                    writer.add_many(ids, sizes)

    def open(self, name: str = "groundwork", parts: Sequence[str] = PARTS) -> DataOrder:
        """Open the data order."""
        stream = SourceStream.open(name, self.folder.with_name(name), parts, "train")
        return DataOrder([stream], {}, LENGTH, BATCH, SEED)

    def read(self) -> Work:
        """Return the reading of an epoch."""
        order = self.open()
        steps = order.windows("groundwork") // BATCH
        return lambda: [tensor(order.batch(step)).shape for step in range(steps)]

    def at_random(self) -> Work:
        """Return the reading of batches at random places."""
        order, steps = self.open(), random.Random(SEED).sample(range(FAR), RANDOM_BATCHES)
        return lambda: [tensor(order.batch(step)).shape for step in steps]

    def resume(self) -> Work:
        """Return the way from nothing to a batch far away."""
        return lambda: tensor(self.open().batch(FAR))


def tensor(ids: NDArray[Any] | torch.Tensor) -> torch.Tensor:
    """Return ids as a tensor of int64."""
    return torch.from_numpy(ids.astype(np.int64)) if isinstance(ids, np.ndarray) else ids.long()


class LitData:
    """litdata with its loader for tokens."""

    def __init__(self, folder: Path, texts: Documents) -> None:
        from litdata import StreamingDataLoader, StreamingDataset
        from litdata.streaming.item_loader import TokensLoader
        from litdata.streaming.writer import BinaryWriter

        self.folder, self.texts = folder / "litdata", texts
        self._writer, self._items, self._loader, self._dataset = (
            BinaryWriter,
            TokensLoader,
            StreamingDataLoader,
            StreamingDataset,
        )

    def write(self) -> None:
        """Write the chunks."""
        shutil.rmtree(self.folder, ignore_errors=True)
        writer = self._writer(str(self.folder), chunk_bytes="64MB", item_loader=self._items())
        for number, ids in enumerate(self.texts):
            writer.add_item(number, ids)
        writer.done()
        writer.merge()

    def _open(self) -> Any:
        return self._dataset(str(self.folder), item_loader=self._items(LENGTH), shuffle=True, seed=SEED)

    def read(self) -> Work:
        """Return the reading of an epoch."""
        loader = self._loader(self._open(), batch_size=BATCH, num_workers=0)
        return lambda: [tensor(batch).shape for batch in loader]

    def at_random(self) -> Work:
        """Return the reading of batches at random places."""
        data = self._open()
        return lambda: [
            tensor(data[place]).shape
            for place in random.Random(SEED).choices(range(len(data)), k=RANDOM_BATCHES * BATCH)
        ]


class Mosaic:
    """mosaicml-streaming with samples of one sequence."""

    def __init__(self, folder: Path, texts: Documents) -> None:
        from transformers.feature_extraction_utils import BatchFeature  # looks for a real torchvision, once

        assert BatchFeature
        for part in ("", ".datasets", ".transforms", ".transforms.functional"):  # its classes of images need them alone
            name = f"torchvision{part}"
            module: Any = sys.modules.setdefault(name, types.ModuleType(name))
            module.__spec__ = ModuleSpec(name, None)
            module.VisionDataset, module.CIFAR10, module.to_tensor = object, object, None
        from streaming import MDSWriter, StreamingDataLoader, StreamingDataset
        from streaming.base.util import clean_stale_shared_memory

        self.folder, joined = folder / "mosaic", np.concatenate(texts)
        self.blocks = [joined[start : start + LENGTH] for start in range(0, len(joined) - LENGTH + 1, LENGTH)]
        self._writer, self._loader, self._dataset = MDSWriter, StreamingDataLoader, StreamingDataset
        self._clean = clean_stale_shared_memory

    def write(self) -> None:
        """Write the shards."""
        shutil.rmtree(self.folder, ignore_errors=True)
        with self._writer(out=str(self.folder), columns={"tokens": f"ndarray:uint16:{LENGTH}"}) as writer:
            for block in self.blocks:
                writer.write({"tokens": block})

    def _open(self) -> Any:
        self._clean()
        return self._dataset(local=str(self.folder), shuffle=True, shuffle_seed=SEED, batch_size=BATCH)

    def read(self) -> Work:
        """Return the reading of an epoch."""
        loader = self._loader(self._open(), batch_size=BATCH, num_workers=0)
        return lambda: [tensor(batch["tokens"]).shape for batch in loader]

    def at_random(self) -> Work:
        """Return the reading of batches at random places."""
        data = self._open()
        return lambda: [
            tensor(data[place]["tokens"]).shape
            for place in random.Random(SEED).choices(range(len(data)), k=RANDOM_BATCHES * BATCH)
        ]


class Megatron:
    """Megatron-LM's own writer; its batches need CUDA extensions and a mixture of its own, so it is not read here."""

    def __init__(self, folder: Path, texts: Documents) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from megatron.core.datasets.indexed_dataset import IndexedDataset, IndexedDatasetBuilder

        self.folder, self._builder, self.reader = folder / "megatron", IndexedDatasetBuilder, IndexedDataset
        self.folder.mkdir()
        self.texts = texts
        self.tensors = [torch.from_numpy(ids.view(np.int16)) for ids in texts]

    def write(self) -> None:
        """Write `.bin` and `.idx`."""
        builder = self._builder(str(self.folder / "0000.bin"), dtype=np.uint16)
        for ids in self.tensors:
            builder.add_item(ids)
            builder.end_document()
        builder.finalize(str(self.folder / "0000.idx"))

    def check(self, folder: Path, kind: np.dtype[Any]) -> str:
        """Write the same documents with both writers, read both with both readers, and compare them token by token.

        Returns what was compared; raises AssertionError where anything differs. Megatron may cut documents into sequences, so a
        third of them are, in a file that only its writer makes.
        """
        texts = [ids.astype(kind) for ids in self.texts[:1000]]
        stems = [folder / f"{name}-{kind.name}" for name in ("ours", "theirs", "cut")]
        with IndexedWriter(*(stems[0].with_suffix(suffix) for suffix in (".bin", ".idx")), kind) as writer:
            for ids in texts:
                writer.add(ids)
        pieces = [np.array_split(ids, 1 + number % 3) for number, ids in enumerate(texts)]
        self._build(stems[1], kind, [[ids] for ids in texts])
        self._build(stems[2], kind, pieces)
        for stem, sequences in zip(stems, (texts, texts, [piece for some in pieces for piece in some]), strict=True):
            theirs = self.reader(str(stem))
            ours = IndexedReader(stem.with_suffix(".bin"), stem.with_suffix(".idx"))
            assert len(theirs) == len(ours) == len(sequences)
            assert np.array_equal(theirs.document_indices, ours.documents)
            for number, ids in enumerate(sequences):
                assert np.array_equal(theirs[number], ids)
                assert np.array_equal(ours[number], ids)
        for suffix in (".bin", ".idx"):
            assert filecmp.cmp(stems[0].with_suffix(suffix), stems[1].with_suffix(suffix), shallow=False)
        return f"{kind.name}: equal tokens and boundaries, files of the same bytes"

    def _build(self, stem: Path, kind: np.dtype[Any], documents: Sequence[Sequence[NDArray[Any]]]) -> None:
        builder = self._builder(str(stem.with_suffix(".bin")), dtype=kind.type)
        for sequences in documents:
            for ids in sequences:
                builder.add_item(torch.from_numpy(ids.view(f"i{kind.itemsize}")))
            builder.end_document()
        builder.finalize(str(stem.with_suffix(".idx")))


def sparse_source(folder: Path, count: int, size: int) -> None:
    """Write a source of many equal documents whose tokens are a hole in a file."""
    folder.mkdir()
    sizes, starts = np.full(count, size, "<i4"), np.arange(count, dtype="<i8") * size
    with (folder / "0000.train.bin").open("wb") as stream:
        stream.truncate(2 * count * size)
    with (folder / "0000.train.idx").open("wb") as stream:
        stream.write(HEADER.pack(MAGIC, VERSION, 8, count, count + 1))
        for section in (sizes, starts * 2, np.arange(count + 1, dtype="<i8")):
            section.tofile(stream)
    order = np.zeros(count, ORDER_DTYPE)
    order["document"], order["end"] = np.random.default_rng(SEED).permutation(count), starts + size
    order["begin"] = starts[order["document"]]
    np.save(folder / "order.train.npy", order)


def timed(work: dict[str, Callable[[], Work]], rounds: int) -> dict[str, list[float]]:
    """Return the CPU seconds of each method, ascending; what a call returns is timed, and the order changes by round."""
    seconds: dict[str, list[float]] = {name: [] for name in work}
    names = list(work)
    for number in range(rounds):
        random.Random(number).shuffle(names)
        for name in names:
            run = work[name]()
            began = time.process_time()
            run()
            seconds[name].append(time.process_time() - began)
    return {name: sorted(values) for name, values in seconds.items()}


def show(title: str, unit: str, amount: float, found: dict[str, list[float]]) -> None:
    """Print a table: median, least and most CPU seconds, amount per second and ratio to ours by the medians."""
    print(f"\n{title}\n| method | CPU seconds | least to most | {unit}/s | CPU time of ours |\n|---|--:|--:|--:|--:|")
    ours = statistics.median(found["groundwork"])
    for name, seconds in found.items():
        middle, spread = statistics.median(seconds), f"{seconds[0]:.4f} to {seconds[-1]:.4f}"
        print(f"| {name} | {middle:.4f} | {spread} | {amount / middle:,.0f} | {middle / ours:.1f} x |", flush=True)


def main() -> None:
    """Run all comparisons and print their tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, default=32_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    folder, texts = Path(tempfile.mkdtemp()), documents(args.tokens)
    size = sum(map(len, texts))
    print(f"{len(texts):,} documents, {size:,} tokens as uint16")
    try:
        ours, lit, mosaic, megatron = (make(folder, texts) for make in (Groundwork, LitData, Mosaic, Megatron))
        methods = {"groundwork": ours, "litdata": lit, "mosaicml-streaming": mosaic}
        writers = {**methods, "Megatron-LM": megatron}
        writing = {name: lambda one=one: one.write for name, one in writers.items()}
        found = timed({**writing, "groundwork, tokens alone": lambda: ours.write_tokens}, args.rounds)
        show("Writing", "MB", 2 * size / 1e6, found)
        print("\nMegatron's reader and ours, each on the shards of both writers:")
        for kind in (np.dtype(np.uint16), np.dtype(np.int32)):
            print(f"- {megatron.check(folder, kind)}")
        ours.open().batch(0)  # loads the compiled loops, which a process does once
        sequences = size // LENGTH
        show("An epoch", "sequences", sequences, timed({name: one.read for name, one in methods.items()}, args.rounds))
        show(
            "Batches at random places", "sequences", RANDOM_BATCHES * BATCH,
            timed({name: one.at_random for name, one in methods.items()}, args.rounds),
        )  # fmt: skip
        sparse_source(folder / "sparse", 3_125_000, 1024)
        far = {
            "groundwork": ours.resume,
            "the same, 3.2 billion tokens": lambda: lambda: tensor(ours.open("sparse", PARTS[:1]).batch(FAR)),
        }
        show(f"From nothing to step {FAR:,}", "resumes", 1, timed(far, args.rounds))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
